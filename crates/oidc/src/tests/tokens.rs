//! Which ID tokens are believed.

use msgflash_accounts::IdentityProvider as _;
use openidconnect::PkceCodeChallenge;
use openidconnect::PkceCodeVerifier;
use serde_json::{Value, json};
use time::Duration;
use url::{Url, form_urlencoded};

use super::fake::{CODE, Fake, Key, SECRET, unsigned};
use super::refusal;

#[tokio::test]
async fn a_browser_goes_with_everything_that_binds_the_answer() {
    let fake = Fake::with(&Key::new("1")).await;
    let url = fake.provider.authorize(&fake.start).await.expect("a way");
    let url = Url::parse(&url).expect("an address");
    assert!(url.as_str().starts_with(&fake.server.uri()));
    let query = |wanted: &str| {
        let mut pairs = url.query_pairs().filter(|(name, _)| name == wanted);
        let value = pairs.next().map(|(_, value)| value.into_owned());
        assert!(pairs.next().is_none(), "{wanted} is there twice");
        value.unwrap_or_else(|| panic!("no {wanted}: {url}"))
    };
    let verifier = PkceCodeVerifier::new(fake.start.verifier());
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
    assert_eq!(query("code_challenge"), challenge.as_str());
    assert_eq!(query("code_challenge_method"), "S256");
    assert_eq!(query("state"), fake.start.state());
    assert_eq!(query("nonce"), fake.start.nonce());
    assert_eq!(query("response_type"), "code");
    assert_eq!(query("scope"), "openid email profile");
    assert_eq!(query("client_id"), "msgflash");
    let back = "https://api.shop.test/api/auth/google/callback";
    assert_eq!(query("redirect_uri"), back);
    assert!(!url.as_str().contains(&fake.start.verifier()));
    assert!(!url.as_str().contains(fake.start.kept()));
}

#[tokio::test]
async fn what_a_good_token_tells_is_who_it_is() {
    let key = Key::new("1");
    let fake = Fake::with(&key).await;
    fake.gives(&key.sign(&fake.claims())).await;
    let identity = fake.redeem().await.expect("believed");
    assert_eq!(identity.issuer, fake.server.uri());
    assert_eq!(identity.subject, "lea");
    assert_eq!(identity.email, "lea@shop.test");
    assert!(identity.email_verified);
    assert_eq!(identity.name.as_deref(), Some("Lea Roy"));
    let picture = "https://pictures.test/lea";
    assert_eq!(identity.picture.as_deref(), Some(picture));

    let all = fake.server.received_requests().await.expect("recorded");
    let exchange = all.iter().find(|it| it.url.path() == "/token");
    let exchange = exchange.expect("asked");
    let sent = form_urlencoded::parse(&exchange.body);
    let sent: Vec<_> = sent.into_owned().collect();
    for (name, value) in [
        ("code", CODE),
        ("grant_type", "authorization_code"),
        ("code_verifier", &fake.start.verifier()),
    ] {
        assert!(
            sent.contains(&(name.to_owned(), value.to_owned())),
            "{name}"
        );
    }
    assert!(exchange.headers.contains_key("authorization"));
    assert!(sent.iter().all(|(_, value)| value != SECRET));
    assert_eq!(fake.asked("/me").await, 0, "the token told enough");
}

#[tokio::test]
async fn a_token_that_is_not_for_us_here_and_now_is_not_believed() {
    let key = Key::new("1");
    let now = super::fake::NOW.unix_timestamp();
    let odd: [(&str, Value, &str); 9] = [
        ("nonce", json!("another"), "another sign-in"),
        ("nonce", Value::Null, "another sign-in"),
        ("aud", json!("another"), "another client"),
        ("aud", json!(["msgflash", "another"]), "another client"),
        ("azp", json!("another"), "another party"),
        ("iss", json!("https://another.test"), "another issuer"),
        ("exp", json!(now - 61), "too old"),
        ("iat", json!(now + 61), "of the future"),
        ("sub", Value::Null, "cannot be read"),
    ];
    for (claim, value, why) in odd {
        let fake = Fake::with(&key).await;
        let mut claims = fake.claims();
        claims[claim] = value.clone();
        fake.gives(&key.sign(&claims)).await;
        let said = refusal(fake.redeem().await);
        assert!(said.contains(why), "{claim} {value}: {said}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_minute() {
    let key = Key::new("1");
    for (claim, at) in [("exp", -59), ("iat", 59)] {
        let fake = Fake::with(&key).await;
        let mut claims = fake.claims();
        claims[claim] = json!(super::fake::NOW.unix_timestamp() + at);
        fake.gives(&key.sign(&claims)).await;
        assert!(fake.redeem().await.is_ok(), "{claim}");
    }
}

/// Makes a token of a provider.
type Bend = fn(&Key, &Fake) -> String;

#[tokio::test]
async fn a_token_that_nobody_signed_or_somebody_else_is_not_believed() {
    const WRONG: &str = "signature of its token is wrong";
    const ODD: &str = "not accepted";
    let key = Key::new("1");
    // Each of them is the token of this provider, for us, here and now, but for one thing.
    let bent: [(Bend, Option<&str>); 5] = [
        (|key, fake| key.sign(&fake.claims()), None),
        (
            |key, fake| {
                let good = key.sign(&fake.claims());
                let (_, signature) = good.rsplit_once('.').expect("three parts");
                let mut other = fake.claims();
                other["sub"] = json!("somebody");
                let other = key.sign(&other);
                let (other, _) = other.rsplit_once('.').expect("three parts");
                format!("{other}.{signature}")
            },
            Some(WRONG),
        ),
        (|_, fake| Key::new("1").sign(&fake.claims()), Some(WRONG)),
        (
            |_, fake| format!("{}.", unsigned(&json!({ "alg": "none" }), &fake.claims())),
            Some(WRONG),
        ),
        (
            |key, fake| {
                let good = key.sign(&fake.claims());
                let (_, signature) = good.rsplit_once('.').expect("three parts");
                let shared = json!({ "alg": "HS256" });
                format!("{}.{signature}", unsigned(&shared, &fake.claims()))
            },
            Some(ODD),
        ),
    ];
    for (n, (bend, why)) in bent.into_iter().enumerate() {
        let fake = Fake::with(&key).await;
        fake.gives(&bend(&key, &fake)).await;
        match (fake.redeem().await, why) {
            (Ok(identity), None) => assert_eq!(identity.subject, "lea"),
            (outcome, Some(why)) => {
                let said = refusal(outcome);
                assert!(said.contains(why), "{n}: {said}");
            }
            (refused, None) => panic!("{n}: {refused:?}"),
        }
    }
    let fake = Fake::with(&key).await;
    fake.gives("nonsense").await;
    refusal(fake.redeem().await);
}

#[tokio::test]
async fn who_the_token_does_not_tell_about_is_asked_for_and_must_be_the_same() {
    let key = Key::new("1");
    let bare = |fake: &Fake| {
        let mut claims = fake.claims();
        let members = claims.as_object_mut().expect("claims");
        for told in ["email", "email_verified", "picture"] {
            members.remove(told);
        }
        key.sign(&claims)
    };
    let fake = Fake::with(&key).await;
    fake.gives(&bare(&fake)).await;
    let told =
        json!({ "sub": "lea", "email": "lea@shop.test", "email_verified": "true", "name": "L" });
    fake.answers("/me", told).await;
    let identity = fake.redeem().await.expect("believed");
    assert!(identity.email_verified, "some write it as text");
    assert_eq!(identity.email, "lea@shop.test");
    assert_eq!(identity.name.as_deref(), Some("Lea Roy"), "the token first");

    let fake = Fake::with(&key).await;
    fake.gives(&bare(&fake)).await;
    fake.answers("/me", json!({ "sub": "eve", "email": "lea@shop.test" }))
        .await;
    assert!(refusal(fake.redeem().await).contains("somebody else"));
}

#[tokio::test]
async fn an_unknown_key_is_looked_for_once_in_a_while_and_no_more() {
    let (old, new) = (Key::new("old"), Key::new("new"));
    let fake = Fake::with(&old).await;
    fake.provider.authorize(&fake.start).await.expect("read");
    fake.publishes(&new).await;
    fake.gives(&new.sign(&fake.claims())).await;
    assert!(fake.redeem().await.is_ok(), "followed at once");
    assert_eq!(fake.asked("/keys").await, 1);

    let strange = Key::new("strange");
    fake.publishes(&new).await;
    fake.gives(&strange.sign(&fake.claims())).await;
    for _ in 0..3 {
        assert!(refusal(fake.redeem().await).contains("unknown key"));
    }
    assert_eq!(fake.asked("/keys").await, 0, "asked for a moment ago");
    fake.clock.advance(Duration::MINUTE);
    for _ in 0..3 {
        assert!(refusal(fake.redeem().await).contains("unknown key"));
    }
    assert_eq!(fake.asked("/keys").await, 1);
}

#[tokio::test]
async fn a_refused_code_is_told_by_the_name_of_the_error_alone() {
    let fake = Fake::with(&Key::new("1")).await;
    let body = json!({ "error": "invalid_grant", "error_description": format!("not {CODE}") });
    let answer = wiremock::ResponseTemplate::new(400).set_body_json(body);
    fake.responds("/token", answer).await;
    let said = refusal(fake.redeem().await);
    assert!(
        said.contains("invalid_grant") && !said.contains(CODE),
        "{said}"
    );
}
