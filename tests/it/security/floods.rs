//! More than anybody needs, and slower than anybody is: heads, bodies, and connections.

use std::time::{Duration, Instant};

use blackbox::Stack;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::socket::{connect, statuses, talk};

const SEND: &str = "/api/v1/messages/send";
const LOG_IN: &str = "/api/auth/login";

async fn is_alive(stack: &Stack) -> bool {
    stack.anonymous().get("/healthz").await.status == 200
}

/// A head of this many lines, of which the first is `Host`.
fn head(lines: usize) -> String {
    let more = (1..lines).map(|at| format!("X-Line-{at}: 1\r\n"));
    let more = more.collect::<String>();
    format!("GET /healthz HTTP/1.1\r\nHost: x\r\n{more}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_has_ninety_six_lines_at_most() {
    let stack = Stack::start().await;
    let fits = talk(&stack, head(96).as_bytes()).await;
    assert_eq!(statuses(&fits), ["200"], "{fits}");
    for lines in [97, 300] {
        let refused = talk(&stack, head(lines).as_bytes()).await;
        assert_eq!(statuses(&refused), ["431"], "{lines}: {refused}");
    }
    assert!(is_alive(&stack).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_never_ends_is_cut_off() {
    let stack = Stack::start().await;
    for endless in ["a".repeat(1 << 20), "X: 1\r\n".repeat(100_000)] {
        let request = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Big: {endless}");
        let got = talk(&stack, request.as_bytes()).await;
        // What is still on its way when the server closes may take the answer with it.
        let told = statuses(&got);
        assert!(told.is_empty() || told == ["431"], "{got}");
    }
    assert!(is_alive(&stack).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_requests_keep_nobody_else_waiting() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let halves = [
        "GET /healthz HTTP/1.1\r\nHost".to_owned(),
        format!("POST {LOG_IN} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{{"),
        format!(
            "POST {SEND} HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\nContent-Length: 50\r\n\r\n{{",
            account.key
        ),
    ];
    let mut held = Vec::new();
    for half in halves.iter().cycle().take(90) {
        let mut socket = connect(&stack).await;
        socket.write_all(half.as_bytes()).await.expect("it is read");
        held.push(socket);
    }
    let me = account.client.get("/api/v1/me").await;
    assert_eq!(me.status, 200, "{me:?}");
    assert!(is_alive(&stack).await);
    assert_eq!(held.len(), 90, "they were there all the time");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_megabytes_are_refused_at_the_door() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let body = format!("{{\"text\":\"{}\"}}", "a".repeat(10 << 20));
    for path in [SEND, LOG_IN] {
        for framing in [format!("Content-Length: {}", body.len()), chunked()] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\n\
                 Content-Type: application/json\r\n{framing}\r\n\r\n",
                account.key
            );
            let size = format!("{:x}\r\n", body.len());
            let mark = if framing == chunked() {
                size.as_str()
            } else {
                ""
            };
            let request = format!("{head}{mark}{body}");
            let (mut reader, mut writer) = connect(&stack).await.into_split();
            // Ends with an error when the server closes, which it may once it has answered.
            let writing = tokio::spawn(async move {
                let _ = writer.write_all(request.as_bytes()).await;
                writer
            });
            let mut got: Vec<u8> = Vec::new();
            let answer = async {
                loop {
                    let count = reader.read_buf(&mut got).await.expect("an answer");
                    if count == 0 || got.ends_with(b"}}") {
                        break;
                    }
                }
            };
            let answered = tokio::time::timeout(Duration::from_secs(30), answer).await;
            assert!(answered.is_ok(), "{path} with {framing}: no answer");
            let got = String::from_utf8_lossy(&got);
            assert_eq!(statuses(&got), ["413"], "{path} with {framing}: {got}");
            assert!(got.contains("\"PAYLOAD_TOO_LARGE\""), "{got}");
            writing.abort();
        }
    }
    assert!(is_alive(&stack).await);
}

fn chunked() -> String {
    "Transfer-Encoding: chunked".to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_a_hundred_thousand_levels_is_no_json() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let levels = 100_000;
    let deep = [
        "[".repeat(levels),
        format!("{}{}", "[".repeat(levels), "]".repeat(levels)),
        "{\"a\":".repeat(levels),
        format!("{{\"text\":{}", "[".repeat(levels)),
    ];
    for body in deep {
        let begun = &body[..10];
        let sent = account
            .client
            .post_raw(SEND, body.as_str(), "application/json");
        let reply = sent.await;
        assert_eq!(reply.outcome(), (400, "BAD_REQUEST"), "{begun}");
    }
    // What strangers may send is shorter, and just as deep as it can be.
    let body = "[".repeat(16 << 10);
    let anonymous = stack.anonymous();
    let reply = anonymous
        .post_raw(LOG_IN, body.as_str(), "application/json")
        .await;
    assert_eq!(reply.outcome(), (400, "BAD_REQUEST"), "{reply:?}");
    assert!(is_alive(&stack).await);
}

/// Sends `first`, and then a byte twice a second until the server closes or has said `last`; answers what it
/// said and how long it took.
async fn trickle(stack: &Stack, first: &str, last: Option<&[u8]>) -> (String, Duration) {
    let begun = Instant::now();
    let (mut reader, mut writer) = connect(stack).await.into_split();
    writer
        .write_all(first.as_bytes())
        .await
        .expect("it is read");
    let mut pace = tokio::time::interval(Duration::from_millis(500));
    let mut got: Vec<u8> = Vec::new();
    loop {
        tokio::select! {
            read = reader.read_buf(&mut got) => {
                let is_closed = read.unwrap_or(0) == 0;
                if is_closed || last.is_some_and(|it| got.ends_with(it)) {
                    break;
                }
            }
            _ = pace.tick() => {
                let _ = writer.write_all(b" ").await;
            }
        }
        assert!(begun.elapsed() < Duration::from_mins(4), "nobody cuts it");
    }
    (String::from_utf8_lossy(&got).into_owned(), begun.elapsed())
}

/// This takes the time limits themselves, which nobody can set: 30 seconds for a body and 100 for a head.
#[tokio::test(flavor = "multi_thread")]
async fn who_sends_byte_by_byte_is_told_so_in_time() {
    let stack = Stack::start().await;
    let head = "GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ";
    let open = format!("POST {LOG_IN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n");
    let sized = format!("{open}Content-Length: 9000\r\n\r\n{{");
    let chunks = format!("{open}Transfer-Encoding: chunked\r\n\r\n2000\r\n{{");
    let (head, sized, chunks) = tokio::join!(
        trickle(&stack, head, None),
        trickle(&stack, &sized, None),
        // Chunks are drained to their end, however long that takes: the answer is what can be waited for.
        trickle(&stack, &chunks, Some(&b"}}"[..])),
    );
    assert_eq!(statuses(&head.0), ["408"], "{head:?}");
    for (said, took) in [sized, chunks] {
        assert_eq!(statuses(&said), ["400"], "{said}");
        assert!(said.contains("took too long to arrive"), "{said}");
        assert!(took < Duration::from_secs(90), "{took:?}");
    }
    let body = json!({ "email": "no@shop.test", "password": "Corr3ct-horse" });
    let next = stack.anonymous().post(LOG_IN, &body).await;
    assert_eq!(next.outcome(), (401, "UNAUTHORIZED"), "others are let in");
}
