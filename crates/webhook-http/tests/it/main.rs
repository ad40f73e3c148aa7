//! The sender against receivers on the loopback.

mod proxy;
mod rebinding;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use msgflash_webhook_http::{HttpWebhookSender, Lookup, Resolve};
use msgflash_webhooks::delivery::{PostError, SignedRequest};
use msgflash_webhooks::ports::WebhookSender as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What a request may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// A resolver that answers what the test says.
struct Stub(Vec<IpAddr>);

#[async_trait]
impl Resolve for Stub {
    async fn resolve(&self, _: &str) -> Lookup {
        if self.0.is_empty() {
            Err(io::Error::other("no such name"))
        } else {
            Ok(self.0.clone())
        }
    }
}

fn sender(allow_private: bool, addresses: &[&str]) -> HttpWebhookSender {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let addresses = addresses
        .iter()
        .map(|it| it.parse().expect("an address"))
        .collect();
    HttpWebhookSender::with_resolver(TIMEOUT, allow_private, Arc::new(Stub(addresses)))
        .expect("a client")
}

fn request(url: &str) -> SignedRequest {
    let headers = vec![("X-MsgFlash-Event", "message.sent".to_owned())];
    SignedRequest {
        url: url.into(),
        headers,
        body: "{}".into(),
    }
}

/// A receiver that answers every connection with `answer` and counts them.
async fn receiver(answer: &'static str, close: bool) -> (u16, Arc<AtomicUsize>) {
    receiver_of(answer.as_bytes(), close).await
}

async fn receiver_of(answer: &'static [u8], close: bool) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    let seen = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&seen);
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await;
            let _ = socket.write_all(answer).await;
            if !close {
                open.push(socket);
            }
        }
    });
    (port, seen)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_before_a_socket_opens() {
    let (port, seen) = receiver(OK, true).await;
    let leads = [
        &["127.0.0.1"][..],
        &["::1"],
        &["169.254.169.254"],
        &["10.0.0.1"],
        &["::ffff:127.0.0.1"],
        &["::ffff:169.254.169.254"],
        &["100.64.0.1"],
        &["100.127.255.254"],
        &["fd00:ec2::254"],
        &["fe80::1"],
        &["0.0.0.0"],
        &["0.1.2.3"],
        &["127.255.255.254"],
        &["172.16.0.1"],
        &["172.31.255.255"],
        &["192.168.0.1"],
        &["100.100.100.200"],
        &["192.0.0.192"],
        &["198.18.0.1"],
        &["224.0.0.1"],
        &["255.255.255.255"],
        &["::"],
        &["::127.0.0.1"],
        &["::ffff:0.0.0.0"],
        &["::ffff:10.0.0.1"],
        &["::ffff:100.64.0.1"],
        // Public behind it, and no address of the internet all the same.
        &["::ffff:1.1.1.1"],
        &["2002:7f00:1::"],
        &["fc00::1"],
        &["ff02::1"],
        &["64:ff9b::7f00:1"],
        &["64:ff9b::a9fe:a9fe"],
        // For translation within one network.
        &["64:ff9b:1::101:101"],
        // Teredo, 6to4 and a translator: each has an IPv4 address inside of it.
        &["2001:0:4136:e378:8000:63bf:3fff:fdd2"],
        &["2002:a9fe:a9fe::"],
        &["::ffff:0:127.0.0.1"],
        // Written about, tried out and thrown away.
        &["2001:db8::1"],
        &["2001:2::1"],
        &["3fff::1"],
        &["100::1"],
        &["fec0::1"],
        &["febf::1"],
        &["192.0.2.1"],
        &["192.88.99.1"],
        &["198.19.255.255"],
        &["198.51.100.1"],
        &["203.0.113.1"],
        &["239.255.255.255"],
        &["240.0.0.1"],
        // Mixed answers, whichever comes first.
        &["1.1.1.1", "127.0.0.1"],
        &["127.0.0.1", "1.1.1.1"],
        &["2606:4700::1111", "::1"],
    ];
    for addresses in leads {
        let url = format!("http://hooks.example.com:{port}/");
        let answer = sender(false, addresses).post(&request(&url)).await;
        assert_eq!(answer, Err(PostError::Forbidden), "{addresses:?}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_host_that_is_private_as_written_is_refused_without_a_look_up() {
    let (port, seen) = receiver(OK, true).await;
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f000001",
        "017700000001",
        "0.0.0.0",
        "0",
        "100.64.0.1",
        "169.254.169.254",
        "2852039166",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "a.localhost.",
        "metadata.google.internal",
        "metadata.google.internal.",
        "intranet",
        "127.0.0.1.",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "127%2e0%2e0%2e1",
        "%6c%6f%63alhost",
        "①②⑦.0.0.1",
        "hooks.example.com@127.0.0.1",
        "198.18.0.1",
        "192.0.0.192",
        "224.0.0.1",
        "255.255.255.255",
        "[::127.0.0.1]",
        "[2002:7f00:1::]",
        "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
        "[64:ff9b:1::101:101]",
        "[fe80::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "localhost.localdomain",
        "kubernetes.default.svc",
    ] {
        let url = format!("http://{host}:{port}/");
        // The resolver knows no name, so that it is not what refuses.
        let answer = sender(false, &[]).post(&request(&url)).await;
        assert_eq!(answer, Err(PostError::Forbidden), "{host}");
    }
    assert_eq!(seen.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_address_of_one_network_card_is_no_address() {
    for host in ["[fe80::1%25eth0]", "[fe80::1%eth0]", "[::1%25lo]"] {
        let url = format!("http://{host}/");
        let answer = sender(true, &[]).post(&request(&url)).await;
        let expected = PostError::Connection("the URL cannot be read".into());
        assert_eq!(answer, Err(expected), "{host}");
    }
}

#[tokio::test]
async fn the_switch_for_development_reaches_the_loopback() {
    let (port, seen) = receiver(OK, true).await;
    let url = format!("http://hooks.example.com:{port}/");
    let answer = sender(true, &["127.0.0.1"])
        .post(&request(&url))
        .await
        .unwrap();
    assert_eq!((answer.status, answer.excerpt.as_str()), (200, "ok"));
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_an_instruction() {
    let (other, reached) = receiver(OK, true).await;
    for status in [301, 302, 303, 307, 308] {
        let text = format!(
            "HTTP/1.1 {status} Elsewhere\r\nlocation: http://127.0.0.1:{other}/\r\ncontent-length: 0\r\n\r\n"
        );
        let (port, _) = receiver(text.leak(), true).await;
        let url = format!("http://127.0.0.1:{port}/");
        let answer = sender(true, &[]).post(&request(&url)).await;
        assert_eq!(answer.map(|it| it.status), Ok(status));
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn an_answer_that_never_ends_costs_the_time_limit_and_keeps_its_status() {
    let (port, _) = receiver(
        "HTTP/1.1 500 No\r\ncontent-length: 100000\r\n\r\nslow",
        false,
    )
    .await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = sender(true, &[]).post(&request(&url)).await.unwrap();
    assert_eq!((answer.status, answer.excerpt.as_str()), (500, "slow"));
}

#[tokio::test]
async fn silence_is_a_time_out_and_a_closed_port_a_refusal() {
    let (port, _) = receiver("", false).await;
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(
        sender(true, &[]).post(&request(&url)).await,
        Err(PostError::Timeout)
    );
    let free = TcpListener::bind("127.0.0.1:0")
        .await
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{free}/");
    let refused = sender(true, &[]).post(&request(&url)).await;
    assert_eq!(
        refused,
        Err(PostError::Connection("connection refused".into()))
    );
}

#[tokio::test]
async fn retry_after_is_read() {
    let (port, _) = receiver(
        "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
        true,
    )
    .await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = sender(true, &[]).post(&request(&url)).await.unwrap();
    assert_eq!(answer.retry_after.as_deref(), Some("7"));
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_told_in_words() {
    let refused = sender(false, &[])
        .post(&request("https://nowhere.example.com/"))
        .await;
    assert_eq!(
        refused,
        Err(PostError::Connection("the name was not found".into()))
    );
}

#[tokio::test]
async fn a_receiver_without_tls_is_told_in_words() {
    let (port, _) = receiver("nonsense, not TLS", true).await;
    let url = format!("https://hooks.example.com:{port}/");
    let refused = sender(true, &["127.0.0.1"]).post(&request(&url)).await;
    assert_eq!(
        refused,
        Err(PostError::Connection("the TLS handshake failed".into()))
    );
}

#[tokio::test]
async fn a_kilobyte_of_the_answer_is_kept_and_the_rest_never_read() {
    // Far more is announced than ever comes: reading on would end in the time limit.
    let text = format!(
        "HTTP/1.1 400 No\r\ncontent-length: 9000000\r\n\r\n{}",
        "é".repeat(2000)
    );
    let (port, _) = receiver(text.leak(), false).await;
    let url = format!("http://127.0.0.1:{port}/");
    let begun = std::time::Instant::now();
    let answer = sender(true, &[]).post(&request(&url)).await.unwrap();
    assert_eq!((answer.status, answer.excerpt.len()), (400, 1024));
    assert!(begun.elapsed() < TIMEOUT);
}

#[tokio::test]
async fn unreadable_bytes_do_not_make_the_excerpt_longer() {
    let mut text = b"HTTP/1.1 400 No\r\ncontent-length: 1024\r\n\r\n".to_vec();
    text.resize(text.len() + 1024, 0xff);
    let (port, _) = receiver_of(text.leak(), true).await;
    let url = format!("http://127.0.0.1:{port}/");
    let answer = sender(true, &[]).post(&request(&url)).await.unwrap();
    assert!(answer.excerpt.len() <= 1024, "{}", answer.excerpt.len());
}

#[tokio::test]
async fn a_slow_look_up_ends_at_the_time_limit() {
    struct Never;
    #[async_trait]
    impl Resolve for Never {
        async fn resolve(&self, _: &str) -> Lookup {
            std::future::pending().await
        }
    }
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limit = Duration::from_millis(200);
    let sender = HttpWebhookSender::with_resolver(limit, false, Arc::new(Never)).unwrap();
    let refused = sender.post(&request("https://hooks.example.com/")).await;
    assert_eq!(refused, Err(PostError::Timeout));
}

#[tokio::test]
async fn an_answer_that_trickles_is_cut_at_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("a call");
        let mut buffer = [0; 4096];
        let _ = socket.read(&mut buffer).await;
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n").await;
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        // Never silent, and never done.
        while socket.write_all(b"x-wait: 1\r\n").await.is_ok() {
            pace.tick().await;
        }
    });
    let _ = rustls::crypto::ring::default_provider().install_default();
    let limit = Duration::from_millis(300);
    let resolver = Arc::new(Stub(vec![]));
    let sender = HttpWebhookSender::with_resolver(limit, true, resolver).unwrap();
    let url = format!("http://127.0.0.1:{port}/");
    assert_eq!(sender.post(&request(&url)).await, Err(PostError::Timeout));
}
