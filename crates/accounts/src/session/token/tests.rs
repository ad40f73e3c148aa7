//! What a token looks like, and which texts are none.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::session::fixture::{ISSUER, NOW, Signing};

mod forged;

fn session() -> Session {
    let (id, user) = (Uuid::from_u128(5), Uuid::from_u128(7));
    Session::begin(Id::new(id), Id::new(user), NOW)
}

async fn signed(tokens: &Signing) -> String {
    let token = tokens.tokens.sign(&session(), "lea@shop.test").await;
    token.expect("signed").reveal().clone()
}

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("three parts");
    let part = URL_SAFE_NO_PAD.decode(part).expect("base64");
    serde_json::from_slice(&part).expect("JSON")
}

fn encoded(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_token_has_the_published_claims_and_names_its_key() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let header = part(&token, 0);
    assert_eq!(
        (&header["alg"], &header["typ"]),
        (&json!("EdDSA"), &json!("JWT"))
    );
    let kid = tokens.ring.signer().await.expect("a key").key.id;
    assert_eq!(header["kid"], json!(kid.to_string()));
    let expected = json!({
        "iss": ISSUER, "sub": session().user.to_string(), "email": "lea@shop.test",
        "iat": NOW.unix_timestamp(), "exp": (NOW + Duration::days(7)).unix_timestamp(),
        "jti": session().id.to_string(),
    });
    assert_eq!(part(&token, 1), expected);
}

#[tokio::test]
async fn a_token_reads_back_until_it_expires() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let claims = Claims {
        session: session().id,
        user: session().user,
    };
    assert_eq!(
        tokens.tokens.read(&token).await.expect("read"),
        Some(claims)
    );
    tokens.clock.advance(Duration::days(7) - Duration::SECOND);
    assert_eq!(
        tokens.tokens.read(&token).await.expect("read"),
        Some(claims)
    );
    tokens.clock.advance(Duration::SECOND);
    assert_eq!(tokens.tokens.read(&token).await.expect("read"), None);
}

#[tokio::test]
async fn whatever_was_changed_is_no_token() {
    let tokens = Signing::new();
    let token = signed(&tokens).await;
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        panic!("three parts")
    };
    let mut other = part(&token, 1);
    other["sub"] = json!(Uuid::from_u128(8).to_string());
    let other = encoded(&other);
    let mut unsigned = part(&token, 0);
    unsigned["alg"] = json!("none");
    let unsigned = encoded(&unsigned);
    let mut shared = part(&token, 0);
    shared["alg"] = json!("HS256");
    let shared = encoded(&shared);
    let mut unknown = part(&token, 0);
    unknown["kid"] = json!(Uuid::from_u128(99).to_string());
    let unknown = encoded(&unknown);
    for bad in [
        format!("{header}.{other}.{signature}"),
        format!("{unsigned}.{claims}."),
        format!("{shared}.{claims}.{signature}"),
        format!("{unknown}.{claims}.{signature}"),
        format!("{header}.{claims}."),
        format!("{header}.{claims}"),
        format!("{token}."),
        format!("{token}{}", "A".repeat(LONGEST)),
        String::new(),
        "..".to_owned(),
    ] {
        assert_eq!(tokens.tokens.read(&bad).await.expect("read"), None, "{bad}");
    }
}

#[tokio::test]
async fn a_token_of_another_installation_is_none_of_ours() {
    let tokens = Signing::new();
    let other = SessionTokens::new(
        Arc::clone(&tokens.ring),
        Arc::clone(&tokens.clock) as _,
        "https://other.test",
    );
    let token = other
        .sign(&session(), "lea@shop.test")
        .await
        .expect("signed");
    assert_eq!(
        tokens.tokens.read(token.reveal()).await.expect("read"),
        None
    );
}
