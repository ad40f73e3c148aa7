//! Below HTTP clients: bytes on a socket that no decent client would send.

use std::time::Duration;

use blackbox::Stack;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Sends bytes and answers what comes back until the server closes or falls silent.
async fn talk(stack: &Stack, bytes: &[u8]) -> String {
    let address = stack.base.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address)
        .await
        .expect("the server listens");
    // It may close before it read everything, which is its right.
    let _ = socket.write_all(bytes).await;
    let mut heard = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(Ok(count)) =
        tokio::time::timeout(Duration::from_secs(3), socket.read(&mut chunk)).await
    {
        if count == 0 {
            break;
        }
        heard.extend_from_slice(&chunk[..count]);
        // One whole answer is enough: its body ends the JSON object.
        if heard.ends_with(b"}") {
            break;
        }
    }
    String::from_utf8_lossy(&heard).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_without_a_word_about_the_server() {
    let stack = Stack::start().await;
    let huge = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nX-Big: {}\r\n\r\n",
        "a".repeat(300_000)
    );
    let cases: [(&str, &[u8]); 6] = [
        (
            "noise",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        ),
        ("no version", b"GET /\r\n\r\n"),
        ("odd version", b"GET / HTTP/9.9\r\nHost: x\r\n\r\n"),
        (
            "a blank in a header name",
            b"GET / HTTP/1.1\r\nHo st: x\r\n\r\n",
        ),
        (
            "two lengths",
            b"POST /api/v1/messages/send HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\
              Content-Length: 6\r\n\r\nhello",
        ),
        ("a header too large", huge.as_bytes()),
    ];
    for (what, bytes) in cases {
        let heard = talk(&stack, bytes).await;
        let status = heard.split(' ').nth(1).unwrap_or_default();
        assert!(
            heard.is_empty() || status.starts_with('4'),
            "{what}: {heard:?}"
        );
        let lower = heard.to_lowercase();
        assert!(
            !lower.contains("actix") && !lower.contains("server:"),
            "{what}: {heard:?}"
        );
    }
    assert_eq!(
        stack.anonymous().get("/healthz").await.status,
        200,
        "and it lives on"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_without_a_length_is_bounded_too() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let mut request = format!(
        "POST /api/v1/messages/send HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        account.key
    )
    .into_bytes();
    let chunk = vec![b'a'; 64 << 10];
    for _ in 0..20 {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(&chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    let heard = talk(&stack, &request).await;
    assert!(heard.starts_with("HTTP/1.1 413"), "{heard:?}");
    assert!(heard.contains("\"PAYLOAD_TOO_LARGE\""), "{heard:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_length_is_refused_before_the_body_comes() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let request = format!(
        "POST /api/v1/messages/send HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\n\
         Content-Type: application/json\r\nContent-Length: 999999999999\r\n\r\n{{",
        account.key
    );
    let heard = talk(&stack, request.as_bytes()).await;
    assert!(heard.starts_with("HTTP/1.1 413"), "{heard:?}");
    let unknown = "POST /api/v1/messages/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: 999999999999\r\n\r\n{";
    let heard = talk(&stack, unknown.as_bytes()).await;
    assert!(
        heard.starts_with("HTTP/1.1 401"),
        "the key comes first: {heard:?}"
    );
}
