//! Tokens as an attacker writes them: with another algorithm, with another key, and with claims that say
//! too little or too much under a signature that is good.

use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};

use super::*;

/// The pair that signs.
async fn ours(tokens: &Signing) -> Ed25519KeyPair {
    let key = tokens.ring.signer().await.expect("a key");
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(key.key.private.reveal()).expect("a key")
}

/// What is signed, with a signature of whoever signs.
fn sealed(header: &Value, claims: &Value, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
    let signed = format!("{}.{}", encoded(header), encoded(claims));
    let signature = URL_SAFE_NO_PAD.encode(sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

fn by(pair: &Ed25519KeyPair) -> impl Fn(&[u8]) -> Vec<u8> + '_ {
    move |signed: &[u8]| pair.sign(signed).as_ref().to_vec()
}

async fn read(tokens: &Signing, token: &str) -> Option<Claims> {
    tokens.tokens.read(token).await.expect("read")
}

/// The same object with one member changed; null takes it away.
fn but(object: &Value, name: &str, value: Value) -> Value {
    let mut other = object.clone();
    let members = other.as_object_mut().expect("an object");
    if value.is_null() {
        members.remove(name);
    } else {
        members.insert(name.to_owned(), value);
    }
    other
}

#[tokio::test]
async fn a_good_signature_makes_no_token_of_claims_that_do_not_hold() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let pair = ours(&tokens).await;
    let good = sealed(&header, &claims, by(&pair));
    assert!(
        read(&tokens, &good).await.is_some(),
        "else nothing is shown"
    );
    let now = NOW.unix_timestamp();
    for (name, value) in [
        ("exp", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(0)),
        ("exp", json!(-1)),
        ("exp", json!("9999999999")),
        ("exp", json!([now + 60])),
        ("nbf", json!(now + 1)),
        ("nbf", json!(now + 1_000_000_000)),
        ("nbf", json!("soon")),
        ("iss", Value::Null),
        ("iss", json!("https://other.test")),
        ("iss", json!("")),
        ("iss", json!(7)),
        ("aud", json!("https://other.test")),
        ("sub", Value::Null),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("jti", Value::Null),
        ("jti", json!("../5")),
        ("jti", json!([5])),
    ] {
        let bad = but(&claims, name, value);
        let token = sealed(&header, &bad, by(&pair));
        assert_eq!(read(&tokens, &token).await, None, "{bad}");
    }
    let begun = but(&claims, "nbf", json!(now));
    let token = sealed(&header, &begun, by(&pair));
    assert!(
        read(&tokens, &token).await.is_some(),
        "it counts from now on"
    );
    for odd in [json!([claims]), json!("claims"), json!(null), json!({})] {
        let token = sealed(&header, &odd, by(&pair));
        assert_eq!(read(&tokens, &token).await, None, "{odd}");
    }
}

#[tokio::test]
async fn a_token_does_not_choose_how_it_is_verified() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let pair = ours(&tokens).await;
    for algorithm in [
        "none", "None", "NONE", "", "eddsa", "Ed25519", "HS256", "HS384", "HS512", "RS256",
        "RS512", "PS256", "ES256", "ES384",
    ] {
        let named = but(&header, "alg", json!(algorithm));
        for token in [
            sealed(&named, &claims, by(&pair)),
            sealed(&named, &claims, |_| Vec::new()),
        ] {
            assert_eq!(read(&tokens, &token).await, None, "{algorithm}: {token}");
        }
    }
    let unnamed = but(&header, "alg", Value::Null);
    let token = sealed(&unnamed, &claims, by(&pair));
    assert_eq!(read(&tokens, &token).await, None);
}

/// Whoever verifies by what the token names takes a public key for a shared secret.
#[tokio::test]
async fn nothing_that_is_known_of_a_key_serves_as_a_shared_secret() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let pair = ours(&tokens).await;
    let kid = header["kid"].as_str().expect("a kid").to_owned();
    let private = tokens.ring.signer().await.expect("a key");
    let private = private.key.private.reveal().clone();
    let public = pair.public_key().as_ref().to_vec();
    let spelt = URL_SAFE_NO_PAD.encode(&public);
    for (name, algorithm) in [
        ("HS256", hmac::HMAC_SHA256),
        ("HS384", hmac::HMAC_SHA384),
        ("HS512", hmac::HMAC_SHA512),
    ] {
        for secret in [
            &b""[..],
            kid.as_bytes(),
            ISSUER.as_bytes(),
            public.as_slice(),
            spelt.as_bytes(),
            private.as_slice(),
            &private[16..],
        ] {
            let key = hmac::Key::new(algorithm, secret);
            let sign = |signed: &[u8]| hmac::sign(&key, signed).as_ref().to_vec();
            for named in [name, "EdDSA"] {
                let named = but(&header, "alg", json!(named));
                let token = sealed(&named, &claims, sign);
                assert_eq!(read(&tokens, &token).await, None, "{named} by {secret:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_token_does_not_bring_its_key_along() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let (header, claims) = (part(&token, 0), part(&token, 1));
    let pair = ours(&tokens).await;
    let theirs = Ed25519KeyPair::from_seed_unchecked(&[9; 32]).expect("a key");
    let x = URL_SAFE_NO_PAD.encode(theirs.public_key().as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "x": x });
    for (name, value) in [
        ("typ", json!("JWT")),
        ("jwk", jwk),
        ("jku", json!("http://127.0.0.1:9/keys.json")),
        ("x5u", json!("http://127.0.0.1:9/key.pem")),
        ("x5c", json!([x])),
        ("kid", json!("../../../../dev/null")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!("")),
        ("kid", Value::Null),
    ] {
        let bad = but(&header, name, value);
        let token = sealed(&bad, &claims, by(&theirs));
        assert_eq!(read(&tokens, &token).await, None, "{bad}");
    }
    // A key that is named by what is no id of one is not looked for, whoever signed.
    for kid in [json!("../77"), json!("77"), json!(77), Value::Null] {
        let bad = but(&header, "kid", kid);
        let token = sealed(&bad, &claims, by(&pair));
        assert_eq!(read(&tokens, &token).await, None, "{bad}");
    }
}
