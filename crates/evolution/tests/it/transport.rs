//! Whether anything left before a call failed.

use std::sync::atomic::Ordering;

use msgflash_messaging::provider::{ProviderError, SendFailure, WhatsAppProvider};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{KEY, client, http, impatient, text};

const SENT: &str = r#"{"key":{"id":"3EB0","remoteJid":"5511987654321@s.whatsapp.net"}}"#;

fn message() -> msgflash_messaging::provider::Outbound {
    text("5511987654321", "Oi")
}

#[tokio::test]
async fn nothing_left_when_nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let client = client(&format!("http://{address}"));
    let failure = client.send("a", &message()).await;
    assert!(
        matches!(failure, Err(SendFailure::GatewayDown(_))),
        "{failure:?}"
    );
    assert_eq!(client.state("a").await, Err(ProviderError::Unavailable));
}

#[tokio::test]
async fn nothing_left_without_a_handshake_and_only_reads_are_repeated() {
    let (address, count) = http::serve(|stream: TcpStream| async move { drop(stream) }).await;
    let client = client(&format!("https://{address}"));
    let failure = client.send("a", &message()).await;
    assert!(
        matches!(failure, Err(SendFailure::GatewayDown(_))),
        "{failure:?}"
    );
    assert_eq!(count.swap(0, Ordering::SeqCst), 1);
    assert_eq!(client.state("a").await, Err(ProviderError::Unavailable));
    assert_eq!(count.swap(0, Ordering::SeqCst), 2);
    assert_eq!(client.restart("a").await, Err(ProviderError::Unavailable));
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let (address, count) = http::serve(|mut stream| async move {
        http::request(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let client = impatient(&format!("http://{address}"));
    let failure = client.send("a", &message()).await;
    assert_eq!(
        failure,
        Err(SendFailure::Unknown("no answer in time".into()))
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(client.state("a").await, Err(ProviderError::Timeout));
}

#[tokio::test]
async fn a_reset_after_the_request_is_unknown() {
    let (address, count) = http::serve(|mut stream| async move {
        http::request(&mut stream).await;
        let _ = stream.set_zero_linger();
    })
    .await;
    let client = client(&format!("http://{address}"));
    let failure = client.send("a", &message()).await;
    assert!(
        matches!(failure, Err(SendFailure::Unknown(_))),
        "{failure:?}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
    assert_eq!(client.state("a").await, Err(ProviderError::Unavailable));
}

#[tokio::test]
async fn an_end_without_an_answer_is_unknown() {
    let (address, count) = http::serve(|mut stream| async move {
        http::request(&mut stream).await;
        let _ = stream.shutdown().await;
    })
    .await;
    let failure = client(&format!("http://{address}"))
        .send("a", &message())
        .await;
    assert!(
        matches!(failure, Err(SendFailure::Unknown(_))),
        "{failure:?}"
    );
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn half_an_answer_is_unknown() {
    let (address, _) = http::serve(|mut stream| async move {
        http::request(&mut stream).await;
        let head = "HTTP/1.1 201 Created\r\ncontent-length: 500\r\n\r\n";
        let _ = stream.write_all(format!("{head}{SENT}").as_bytes()).await;
    })
    .await;
    let failure = client(&format!("http://{address}"))
        .send("a", &message())
        .await;
    assert!(
        matches!(failure, Err(SendFailure::Unknown(_))),
        "{failure:?}"
    );
}

#[tokio::test]
async fn connections_that_the_gateway_closes_lose_and_double_nothing() {
    let (address, count) = http::serve(|mut stream| async move {
        http::request(&mut stream).await;
        http::answer(&mut stream, 201, SENT).await;
    })
    .await;
    let client = client(&format!("http://{address}"));
    for _ in 0..20 {
        let accepted = client.send("a", &message()).await;
        // A connection seen closed is replaced; one that closes under the pen is unknown.
        assert!(
            matches!(accepted, Ok(_) | Err(SendFailure::Unknown(_))),
            "{accepted:?}"
        );
    }
    assert!(count.load(Ordering::SeqCst) <= 20);
}

/// What comes behind an answer answers nothing: the next message must not get the id of the one before.
#[tokio::test]
async fn an_answer_that_comes_twice_is_taken_once() {
    let (address, _) = http::serve(|mut stream| async move {
        while let Some(asked) = http::body(&mut stream).await {
            let asked: Value = serde_json::from_str(&asked).expect("JSON");
            let words = asked["text"].as_str().expect("a text");
            let key = json!({ "id": words, "remoteJid": "5511987654321@s.whatsapp.net" });
            let sent = json!({ "key": key }).to_string();
            http::answer_twice(&mut stream, 201, &sent).await;
        }
    })
    .await;
    let client = client(&format!("http://{address}"));
    let mut told = 0;
    for n in 0..20 {
        let words = format!("3EB0{n}");
        match client.send("a", &text("5511987654321", &words)).await {
            Ok(accepted) => {
                assert_eq!(accepted.key_id, Some(words));
                told += 1;
            }
            // A connection that ends under the pen tells nothing, which is no wrong answer.
            Err(failure) => assert!(matches!(failure, SendFailure::Unknown(_)), "{failure:?}"),
        }
    }
    assert!(told > 10, "only {told}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/elsewhere", server.uri());
    let redirect = ResponseTemplate::new(307).insert_header("location", elsewhere.as_str());
    Mock::given(path("/elsewhere"))
        .respond_with(ResponseTemplate::new(201))
        .expect(0)
        .mount(&server)
        .await;
    Mock::given(any())
        .respond_with(redirect)
        .expect(2)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let failure = client.send("a", &message()).await;
    assert!(
        matches!(failure, Err(SendFailure::GatewayDown(_))),
        "{failure:?}"
    );
    let failure = client.state("a").await;
    assert!(
        matches!(failure, Err(ProviderError::Failed(_))),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_failed_send_is_never_repeated() {
    for status in [400, 500, 502, 503] {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(status).insert_header("retry-after", "0");
        Mock::given(method("POST"))
            .respond_with(answer)
            .expect(1)
            .mount(&server)
            .await;
        assert!(client(&server.uri()).send("a", &message()).await.is_err());
    }
}

#[tokio::test]
async fn a_gateway_that_echoes_our_key_does_not_make_us_show_it() {
    let server = MockServer::start().await;
    let body = json!({ "response": { "message": [format!("Error: key {KEY} at 5511987654321")] } });
    let answer = ResponseTemplate::new(500).set_body_json(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let client = client(&server.uri());
    let send = format!("{:?}", client.send("a", &message()).await);
    let call = format!("{:?}", client.state("a").await);
    for shown in [send, call] {
        assert!(shown.contains("Error: key [key] at …"), "{shown}");
        assert!(
            !shown.contains(KEY) && !shown.contains(&server.address().to_string()),
            "{shown}"
        );
    }
}
