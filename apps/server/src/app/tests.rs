//! The application behind a real socket, where bodies arrive in pieces.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use actix_web::HttpServer;
use actix_web::dev::ServerHandle;
use flate2::Compression;
use flate2::write::GzEncoder;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::app;
use crate::testing::Fake;
use crate::testing::samples::key;

/// A server on a port of its own.
struct Listening {
    address: SocketAddr,
    server: ServerHandle,
}

impl Listening {
    fn over(fake: Fake) -> Self {
        let services = fake.services();
        let server = HttpServer::new(move || app(Arc::clone(&services)))
            .workers(1)
            .disable_signals()
            .bind(("127.0.0.1", 0))
            .unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Self {
            address,
            server: handle,
        }
    }

    /// Sends raw bytes and reads until the server closes.
    async fn say(&self, head: &str, body: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /api/v1/messages/send HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             Content-Type: application/json\r\nx-api-key: {}\r\n{head}\r\n",
            key(false)
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may answer and close before it has read everything.
        let _ = stream.write_all(body).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn stop(self) {
        self.server.stop(false).await;
    }
}

#[actix_web::test]
async fn a_chunked_body_is_bounded_although_it_declares_nothing() {
    let listening = Listening::over(Fake::new());
    let mut body = Vec::new();
    for _ in 0..17 {
        write!(body, "{:x}\r\n", 1 << 16).unwrap();
        body.extend(std::iter::repeat_n(b' ', 1 << 16));
        body.extend(b"\r\n");
    }
    body.extend(b"0\r\n\r\n");
    let answer = listening.say("Transfer-Encoding: chunked\r\n", &body).await;
    assert!(
        answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"),
        "{answer}"
    );
    listening.stop().await;
}

#[actix_web::test]
async fn a_packed_body_is_bounded_by_what_it_unpacks_to() {
    let listening = Listening::over(Fake::new());
    let packed = |text: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    };
    let bomb = packed(&vec![b' '; 64 << 20]);
    let head = |length| format!("Content-Encoding: gzip\r\nContent-Length: {length}\r\n");
    let answer = listening.say(&head(bomb.len()), &bomb).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    let small = packed(b"{\"type\": \"text\"}");
    let answer = listening.say(&head(small.len()), &small).await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("VALIDATION_ERROR"),
        "{answer}"
    );
    listening.stop().await;
}

#[actix_web::test]
async fn text_that_is_not_utf8_is_no_json() {
    let listening = Listening::over(Fake::new());
    let body = b"{\"text\": \"\xff\"}";
    let answer = listening
        .say(&format!("Content-Length: {}\r\n", body.len()), body)
        .await;
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("BAD_REQUEST"),
        "{answer}"
    );
    listening.stop().await;
}
