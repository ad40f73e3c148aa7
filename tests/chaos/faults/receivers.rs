//! Receivers of webhooks nobody would wish for, beside one that is well.

use std::time::Instant;

use blackbox::fleet::free_address;
use blackbox::{Client, id_of};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::stage::{OUTCOMES, World};

#[derive(Clone, Copy)]
enum Manner {
    /// Takes the request and says nothing for long.
    Slow,
    /// Sends somewhere else.
    Redirecting,
    /// Wants no more.
    Gone,
    /// Answers with more than anybody wants to read.
    Huge,
    /// Answers, and never ends its answer.
    NeverClosing,
}

const MANNERS: [Manner; 5] = [
    Manner::Slow,
    Manner::Redirecting,
    Manner::Gone,
    Manner::Huge,
    Manner::NeverClosing,
];

/// Makes an endpoint of each kind, and lets them be told of what happens until the end.
pub(super) async fn behave(world: &World, end: Instant) -> usize {
    let client = Client::new(world.base(), Some(&world.shop.key));
    let mut listening = JoinSet::new();
    let mut gone = String::new();
    for manner in MANNERS {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let endpoint = client
            .endpoint(&format!("http://{address}/hook"), &OUTCOMES)
            .await;
        if matches!(manner, Manner::Gone) {
            gone = id_of(&endpoint);
        }
        listening.spawn(async move {
            let mut answering = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                answering.spawn(answer(stream, manner));
            }
        });
    }
    let dead = free_address();
    client
        .endpoint(&format!("http://{dead}/hook"), &OUTCOMES)
        .await;
    tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
    // Who wants no more is told nothing more; all others may come to their senses.
    let listed = client.get("/api/v1/webhooks").await;
    for endpoint in listed.data().as_array().expect("a list") {
        let is_off = endpoint["active"] == false;
        assert_eq!(is_off, endpoint["id"] == gone.as_str(), "{endpoint}");
    }
    MANNERS.len() + 1
}

async fn answer(mut stream: TcpStream, manner: Manner) {
    let mut request = vec![0; 64 * 1024];
    if stream.read(&mut request).await.is_err() {
        return;
    }
    let head: &[u8] = match manner {
        Manner::Slow => std::future::pending().await,
        Manner::Redirecting => {
            b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n"
        }
        Manner::Gone => b"HTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
        Manner::Huge => b"HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n",
        Manner::NeverClosing => b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it",
    };
    if stream.write_all(head).await.is_err() {
        return;
    }
    match manner {
        Manner::Huge => {
            let part = vec![b'x'; 64 * 1024];
            while stream.write_all(&part).await.is_ok() {}
        }
        Manner::NeverClosing => std::future::pending().await,
        _ => {}
    }
}
