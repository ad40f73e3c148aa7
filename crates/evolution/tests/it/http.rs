//! A server that answers by hand, for what no well-behaved one does.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Serves every connection with `handle` until the test ends; answers address and the count of
/// connections.
pub(crate) async fn serve<F, Fut>(handle: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(handle(stream));
        }
    });
    (address.to_string(), count)
}

/// Reads one whole request; answers its body, or nothing when the other side left.
pub(crate) async fn body(stream: &mut TcpStream) -> Option<String> {
    let (head, bytes) = read(stream).await?;
    Some(String::from_utf8_lossy(&bytes[head..]).into_owned())
}

/// Reads one whole request; nothing when the other side left.
pub(crate) async fn request(stream: &mut TcpStream) -> Option<()> {
    read(stream).await.map(drop)
}

/// The bytes of one request, and where its body begins.
async fn read(stream: &mut TcpStream) -> Option<(usize, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("a number"));
    while bytes.len() < head + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, bytes))
}

/// Writes one whole answer.
pub(crate) async fn answer(stream: &mut TcpStream, status: u16, body: &str) {
    let _ = stream.write_all(whole(status, body).as_bytes()).await;
}

/// Writes one whole answer, and the same again right behind it.
pub(crate) async fn answer_twice(stream: &mut TcpStream, status: u16, body: &str) {
    let twice = whole(status, body).repeat(2);
    let _ = stream.write_all(twice.as_bytes()).await;
}

fn whole(status: u16, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}
