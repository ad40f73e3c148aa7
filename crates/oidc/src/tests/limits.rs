//! How much of a provider in trouble is endured.

use std::net::TcpListener;
use std::time::Duration as Span;

use msgflash_accounts::{IdentityProvider as _, ProviderError};
use openidconnect::http;
use time::Duration;
use url::Url;
use wiremock::ResponseTemplate;

use super::fake::{Fake, Key};
use crate::OidcProvider;
use crate::transport::{Transport, TransportError, is_secure};

const DOCUMENT: &str = "/.well-known/openid-configuration";

async fn away(fake: &Fake) -> String {
    match fake.provider.authorize(&fake.start).await {
        Err(ProviderError::Unavailable(why)) => why,
        other => panic!("not away: {other:?}"),
    }
}

#[tokio::test]
async fn it_is_asked_once_an_hour_whoever_goes() {
    let fake = Fake::with(&Key::new("1")).await;
    let go = || fake.provider.authorize(&fake.start);
    let all = futures_util::future::join_all((0..8).map(|_| go())).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(fake.asked(DOCUMENT).await, 1);
    fake.clock.advance(Duration::HOUR);
    go().await.expect("a way");
    assert_eq!(fake.asked(DOCUMENT).await, 2);
}

#[tokio::test]
async fn a_provider_in_trouble_is_left_alone_and_what_it_said_counts_for_a_day() {
    let fake = Fake::with(&Key::new("1")).await;
    fake.provider.authorize(&fake.start).await.expect("a way");
    fake.server.reset().await;
    fake.clock.advance(Duration::hours(2));
    for _ in 0..3 {
        fake.provider.authorize(&fake.start).await.expect("a way");
    }
    assert_eq!(fake.asked(DOCUMENT).await, 1, "then it was left alone");
    fake.clock.advance(Duration::hours(22));
    assert!(away(&fake).await.contains("404"));
    assert!(away(&fake).await.contains("a moment ago"));
    assert_eq!(fake.asked(DOCUMENT).await, 2);
    fake.publishes(&Key::new("2")).await;
    fake.clock.advance(Duration::seconds(10));
    fake.provider.authorize(&fake.start).await.expect("back");
}

#[tokio::test]
async fn redirects_long_answers_and_other_issuers_are_not_followed_read_or_believed() {
    let elsewhere = ResponseTemplate::new(302).insert_header("location", "/elsewhere");
    let fake = Fake::new().await;
    fake.responds(DOCUMENT, elsewhere).await;
    assert!(away(&fake).await.contains("302"));
    assert_eq!(fake.asked("/elsewhere").await, 0);

    let fake = Fake::new().await;
    let long = ResponseTemplate::new(200).set_body_raw(vec![b' '; 300_000], "application/json");
    fake.responds(DOCUMENT, long).await;
    assert_eq!(away(&fake).await, "the answer is too long");

    for (member, value, why) in [
        ("issuer", "https://another.test", "another issuer"),
        ("jwks_uri", "http://keys.test/", "not https"),
        ("authorization_endpoint", "http://go.test/", "not https"),
    ] {
        let fake = Fake::with(&Key::new("1")).await;
        let mut document = fake.document();
        document[member] = value.into();
        fake.server.reset().await;
        fake.answers(DOCUMENT, document).await;
        fake.answers("/keys", serde_json::json!({ "keys": [] }))
            .await;
        let said = away(&fake).await;
        assert!(said.contains(why), "{member}: {said}");
    }
}

#[tokio::test]
async fn who_does_not_answer_is_not_waited_for() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    // It takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/", silent.local_addr().expect("an address"));
    let here = Url::parse("http://127.0.0.1").expect("a URL");
    let transport = Transport::new(Span::from_millis(100), &here).expect("a client");
    let request = http::Request::get(&url)
        .body(Vec::new())
        .expect("a request");
    let outcome = openidconnect::AsyncHttpClient::call(&transport, request).await;
    assert_eq!(outcome.err(), Some(TransportError::TimedOut));
    drop(silent);
    let request = http::Request::get(&url)
        .body(Vec::new())
        .expect("a request");
    let outcome = openidconnect::AsyncHttpClient::call(&transport, request).await;
    assert_eq!(outcome.err(), Some(TransportError::NotConnected));
}

#[test]
fn only_this_machine_is_asked_without_tls() {
    for (url, secure) in [
        ("https://accounts.google.com", true),
        ("http://127.0.0.1:9", true),
        ("http://[::1]:9", true),
        ("http://localhost:9", true),
        ("http://localhost.example.com", false),
        ("http://10.0.0.1", false),
        ("ftp://127.0.0.1", false),
        ("data:x", false),
    ] {
        assert_eq!(is_secure(&Url::parse(url).expect("a URL")), secure, "{url}");
        assert_eq!(OidcProvider::check(url).is_ok(), secure, "{url}");
    }
    assert!(OidcProvider::check("https://id.test/?a=b").is_err());
    assert!(OidcProvider::check("accounts.google.com").is_err());
}

#[test]
fn the_document_of_a_provider_elsewhere_leads_to_nothing_on_this_machine() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let asks = |issuer: &str, url: &str| {
        let issuer = Url::parse(issuer).expect("a URL");
        let transport = Transport::new(Span::from_millis(100), &issuer).expect("a client");
        transport.may_ask(&Url::parse(url).expect("a URL"))
    };
    assert!(asks("https://id.test", "https://keys.test/jwks"));
    assert!(!asks("https://id.test", "http://127.0.0.1:9200/token"));
    assert!(asks("http://127.0.0.1:9", "http://localhost:9/token"));
    assert!(!asks("http://127.0.0.1:9", "http://keys.test/jwks"));
}
