//! Tokens that somebody wrote who knows all that can be known of ours, at a running server.
//!
//! What a good signature does not save is tried beside the code that reads tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use blackbox::account::PASSWORD;
use blackbox::{Account, Client, Stack};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

const ME: &str = "/api/auth/me";

/// Somebody's token in its parts.
struct Scene {
    stack: Stack,
    token: String,
    header: Value,
    claims: Value,
    signature: String,
}

fn part(text: &str) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(text).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The same object with one member changed.
fn but(object: &Value, name: &str, value: Value) -> Value {
    let mut other = object.clone();
    other[name] = value;
    other
}

impl Scene {
    async fn of(stack: Stack, account: &Account) -> Self {
        let body = json!({ "email": account.email, "password": PASSWORD });
        let reply = stack.anonymous().post("/api/auth/login", &body).await;
        let token = reply.data()["token"].as_str().expect("a token").to_owned();
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("three parts: {token}")
        };
        Self {
            stack,
            header: part(header),
            claims: part(claims),
            signature: signature.to_owned(),
            token,
        }
    }

    fn bearer(&self, token: &str) -> Client {
        let value = format!("Bearer {token}");
        self.stack.anonymous().header("authorization", &value)
    }

    /// The token is good, and none of these is.
    async fn opens_for_none_of(&self, forged: &[String]) {
        let mine = self.bearer(&self.token).get(ME).await;
        assert_eq!(mine.status, 200, "{mine:?}");
        let mut said = None;
        for token in forged {
            let reply = self.bearer(token).get(ME).await;
            assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{token}");
            // Nobody learns what was wrong.
            let first = said.get_or_insert_with(|| reply.text.clone());
            assert_eq!(*first, reply.text, "{token}");
        }
        let mine = self.bearer(&self.token).get(ME).await;
        assert_eq!(mine.status, 200, "it still is: {mine:?}");
    }
}

async fn scene() -> (Scene, Account) {
    let stack = Stack::for_people(&[]).await;
    let account = stack.account("pro").await;
    let other = stack.account("pro").await;
    (Scene::of(stack, &account).await, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_names_no_algorithm_or_another_one_is_none() {
    let (scene, _) = scene().await;
    let claims = scene.token.split('.').nth(1).expect("three parts");
    let mut forged = Vec::new();
    for algorithm in [
        "none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512",
        "ES256", "ES384", "PS256",
    ] {
        let header = encoded(&but(&scene.header, "alg", json!(algorithm)));
        for signature in ["", &scene.signature] {
            forged.push(format!("{header}.{claims}.{signature}"));
        }
        forged.push(format!("{header}.{claims}"));
    }
    for odd in [json!(null), json!(0), json!(["EdDSA"])] {
        let header = encoded(&but(&scene.header, "alg", odd));
        forged.push(format!("{header}.{claims}.{}", scene.signature));
    }
    scene.opens_for_none_of(&forged).await;
}

/// The text with an HMAC of each length.
fn authenticated(header: &Value, claims: &Value, secret: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for name in ["HS256", "HS384", "HS512"] {
        let header = encoded(&but(header, "alg", json!(name)));
        let text = format!("{header}.{}", encoded(claims));
        let any = "a key of any length will do";
        let mac = match name {
            "HS256" => {
                let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect(any);
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            "HS384" => {
                let mut mac = Hmac::<Sha384>::new_from_slice(secret).expect(any);
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            _ => {
                let mut mac = Hmac::<Sha512>::new_from_slice(secret).expect(any);
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        all.push(format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac)));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn no_shared_secret_makes_a_token_not_even_the_stored_key() {
    let (scene, _) = scene().await;
    let stored = "SELECT private_key FROM signing_keys";
    let stored: Vec<u8> = scene.stack.rows(stored, &[]).await[0].get(0);
    let kid = scene.header["kid"].as_str().expect("a kid");
    let base = scene.stack.base.clone();
    // The seed is what follows sixteen bytes of wrapping.
    let secrets = [
        &b""[..],
        b"secret",
        kid.as_bytes(),
        base.as_bytes(),
        scene.signature.as_bytes(),
        stored.as_slice(),
        &stored[16..],
    ];
    let forged: Vec<_> = secrets
        .iter()
        .flat_map(|secret| authenticated(&scene.header, &scene.claims, secret))
        .collect();
    assert_eq!(forged.len(), 21);
    scene.opens_for_none_of(&forged).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_with_anything_changed_is_none() {
    let (scene, other) = scene().await;
    // As they were written: in another order of members they would be other texts.
    let parts: Vec<&str> = scene.token.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    let later = scene.claims["exp"].as_i64().expect("a time") + 1;
    let mut forged = Vec::new();
    for (name, value) in [
        ("sub", json!(other.user.to_string())),
        ("email", json!(other.email)),
        ("exp", json!(later)),
        ("exp", json!(null)),
        ("iss", json!("https://other.test")),
        ("aud", json!("https://other.test")),
        ("jti", json!(other.key_id)),
        ("nbf", json!(later)),
    ] {
        let claims = encoded(&but(&scene.claims, name, value));
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "A".repeat(43) });
    for (name, value) in [
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("/proc/self/environ")),
        ("kid", json!("' UNION SELECT ''::bytea --")),
        ("kid", json!(other.key_id)),
        ("kid", json!(null)),
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:9/keys.json")),
        ("x5u", json!("http://127.0.0.1:9/key.pem")),
        ("typ", json!("at+jwt")),
    ] {
        let header = encoded(&but(&scene.header, name, value));
        forged.push(format!("{header}.{claims}.{signature}"));
    }
    forged.push(format!("{claims}.{header}.{signature}"));
    forged.push(format!("{}.", scene.token));
    forged.push(format!("{}.{signature}", scene.token));
    forged.push(format!("{}{}", scene.token, "A".repeat(4_096)));
    forged.push(scene.token.replace('.', ".."));
    scene.opens_for_none_of(&forged).await;
}
