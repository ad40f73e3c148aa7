//! The receiver of webhooks: answers `200` at once and remembers what came.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::http::find;

/// What every endpoint signs with.
pub(crate) const SECRET: &str = "whsec_bXNnZmxhc2gtYmVuY2gtc2VjcmV0LTI0";
/// One signature in this many is verified: verifying all of them would be measured too.
const SAMPLE: u64 = 64;

/// What came.
#[derive(Debug, Default)]
pub(crate) struct Received {
    /// Posts.
    pub(crate) posts: AtomicU64,
    /// Signatures that were verified.
    pub(crate) verified: AtomicU64,
    /// Signatures that were looked at and are wrong or missing.
    pub(crate) forged: AtomicU64,
    ids: Mutex<HashSet<String>>,
}

impl Received {
    /// Events that came, each counted once.
    pub(crate) fn events(&self) -> u64 {
        self.ids.lock().map_or(0, |ids| ids.len() as u64)
    }
}

/// Listens on several loopback addresses, one for each customer, until it is dropped.
pub(crate) struct Receiver {
    /// What came.
    pub(crate) received: Arc<Received>,
    /// Where the endpoints are.
    pub(crate) urls: Vec<String>,
    _stop: oneshot::Sender<()>,
}

impl Receiver {
    /// Starts it on a thread of its own, so that it takes no more than one core.
    pub(crate) async fn start(endpoints: u8) -> Result<Self> {
        let received = Arc::new(Received::default());
        let (stop, stopped) = oneshot::channel();
        let (report, bound) = oneshot::channel();
        let shared = Arc::clone(&received);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be made");
            runtime.block_on(async move {
                let listening = match bind(endpoints).await {
                    Ok(listening) => listening,
                    Err(error) => {
                        drop(report.send(Err(error)));
                        return;
                    }
                };
                let (listeners, urls): (Vec<TcpListener>, Vec<String>) =
                    listening.into_iter().unzip();
                drop(report.send(Ok(urls)));
                for listener in listeners {
                    let received = Arc::clone(&shared);
                    tokio::spawn(async move {
                        while let Ok((stream, _)) = listener.accept().await {
                            let received = Arc::clone(&received);
                            // A connection that breaks has nothing more to say.
                            tokio::spawn(async move { drop(serve(stream, &received).await) });
                        }
                    });
                }
                drop(stopped.await);
            });
        });
        Ok(Self {
            received,
            urls: bound.await.context("the receiver ended")??,
            _stop: stop,
        })
    }
}

async fn bind(endpoints: u8) -> Result<Vec<(TcpListener, String)>> {
    let mut bound = Vec::new();
    for host in 1..=endpoints {
        let address = SocketAddr::from(([127, 0, 0, host], 0));
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
        let url = format!("http://{}/hook", listener.local_addr()?);
        bound.push((listener, url));
    }
    Ok(bound)
}

async fn serve(mut stream: TcpStream, received: &Received) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(4096);
    loop {
        let head = loop {
            if let Some(end) = find(&buffer, b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        };
        let text = String::from_utf8_lossy(&buffer[..head]).into_owned();
        let length: usize = header(&text, "content-length")
            .context("a post without a length")?
            .parse()?;
        while buffer.len() < head + length {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        note(received, &text, &buffer[head..head + length]);
        buffer.drain(..head + length);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            .await?;
    }
}

fn note(received: &Received, head: &str, body: &[u8]) {
    let posts = received.posts.fetch_add(1, Ordering::Relaxed);
    if let Some(id) = header(head, "webhook-id")
        && let Ok(mut ids) = received.ids.lock()
    {
        ids.insert(id.to_owned());
    }
    if posts.is_multiple_of(SAMPLE) {
        let signature = header(head, "x-msgflash-signature");
        let is_good = signature.is_some_and(|it| it == signature_of(body));
        let counter = if is_good {
            &received.verified
        } else {
            &received.forged
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The documented signature.
fn signature_of(body: &[u8]) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn header<'a>(head: &'a str, wanted: &str) -> Option<&'a str> {
    head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case(wanted).then(|| value.trim())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_counts_once_and_a_wrong_signature_is_seen() {
        let received = Received::default();
        let good = format!(
            "POST / HTTP/1.1\r\nWebhook-Id: a\r\nX-MsgFlash-Signature: {}\r\n\r\n",
            signature_of(b"{}")
        );
        note(&received, &good, b"{}");
        assert_eq!(received.verified.load(Ordering::Relaxed), 1);
        let received = Received::default();
        note(&received, &good, b"{ }");
        note(&received, &good, b"{ }");
        assert_eq!(received.forged.load(Ordering::Relaxed), 1);
        assert_eq!(
            (received.posts.load(Ordering::Relaxed), received.events()),
            (2, 1)
        );
    }
}
