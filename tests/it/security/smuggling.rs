//! A second request in what may be taken for the body of a first one, or for no body at all.
//!
//! A proxy in front may read where a body ends otherwise than we do. What it took for a body must
//! then never become a request here.

use blackbox::{Account, Stack};

use super::socket::{statuses, talk};

/// Somebody's contact, and a request that would delete it.
struct Scene {
    stack: Stack,
    account: Account,
    contact: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::start().await;
        let account = stack.account("pro").await;
        let contact = account.client.contact("Lina", 33_611_111_111).await;
        Self {
            stack,
            account,
            contact,
        }
    }

    /// The request that must not be carried out.
    fn hidden(&self) -> String {
        format!(
            "DELETE /api/v1/contacts/{} HTTP/1.1\r\nHost: x\r\nx-api-key: {}\r\n\r\n",
            self.contact, self.account.key
        )
    }

    /// A request with these lines in its head, and what follows it.
    fn request(&self, line: &str, head: &str, rest: &str) -> String {
        let key = &self.account.key;
        format!(
            "{line}\r\nHost: x\r\nx-api-key: {key}\r\nContent-Type: application/json\r\n{head}\r\n\r\n{rest}"
        )
    }

    async fn is_there(&self) -> bool {
        let path = format!("/api/v1/contacts/{}", self.contact);
        self.account.client.get(&path).await.status == 200
    }
}

const POST: &str = "POST /api/v1/contacts HTTP/1.1";
const GET: &str = "GET /api/v1/contacts HTTP/1.1";

/// Without this, no other claim here would mean anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_second_request_that_hides_in_nothing_is_carried_out() {
    let scene = Scene::new().await;
    let first = scene.request(POST, "Content-Length: 2", "{}");
    let both = format!("{first}{}", scene.hidden());
    let heard = talk(&scene.stack, both.as_bytes()).await;
    assert_eq!(statuses(&heard), ["400", "200"], "{heard}");
    assert!(!scene.is_there().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_whose_end_is_in_doubt_is_refused_with_all_that_follows() {
    let scene = Scene::new().await;
    let hidden = scene.hidden();
    let ended = format!("0\r\n\r\n{hidden}");
    let long = format!("Content-Length: {}", ended.len());
    let chunked = "Transfer-Encoding: chunked";
    let heads = [
        ("a length and chunks", format!("{long}\r\n{chunked}")),
        ("chunks and a length", format!("{chunked}\r\n{long}")),
        (
            "no length and chunks",
            format!("Content-Length: 0\r\n{chunked}"),
        ),
        ("two lengths", format!("Content-Length: 0\r\n{long}")),
        ("two equal lengths", format!("{long}\r\n{long}")),
        (
            "a list of lengths",
            format!("Content-Length: 5, {}", ended.len()),
        ),
        ("a length with a sign", "Content-Length: +5".to_owned()),
        ("a length below nothing", "Content-Length: -5".to_owned()),
        ("a length in hexadecimal", "Content-Length: 0x5".to_owned()),
        ("a length that is none", "Content-Length: five".to_owned()),
        (
            "a length beyond all numbers",
            format!("Content-Length: {}", "9".repeat(30)),
        ),
        ("chunks, and then as it is", format!("{chunked}, identity")),
        (
            "as it is, and then chunks",
            "Transfer-Encoding: identity, chunked".to_owned(),
        ),
        ("as it is", "Transfer-Encoding: identity".to_owned()),
        ("chunks twice", format!("{chunked}\r\n{chunked}")),
        ("chunks twice in a list", format!("{chunked}, chunked")),
        (
            "packed chunks",
            "Transfer-Encoding: gzip, chunked".to_owned(),
        ),
        (
            "an unknown encoding",
            "Transfer-Encoding: xchunked".to_owned(),
        ),
        ("quoted chunks", "Transfer-Encoding: \"chunked\"".to_owned()),
        (
            "chunks after a vertical tab",
            "Transfer-Encoding: \x0bchunked".to_owned(),
        ),
        (
            "chunks and a zero byte",
            "Transfer-Encoding: chunked\0".to_owned(),
        ),
        (
            "a blank before the colon",
            "Transfer-Encoding : chunked".to_owned(),
        ),
        ("a blank before the name", format!("X-One: 1\r\n {chunked}")),
        ("a folded line", "Transfer-Encoding:\r\n chunked".to_owned()),
        ("a lone carriage return", format!("X-One: 1\r{chunked}")),
        ("two hosts", format!("Host: y\r\n{chunked}")),
    ];
    for (what, head) in heads {
        let request = scene.request(POST, &head, &ended);
        let heard = talk(&scene.stack, request.as_bytes()).await;
        assert_eq!(statuses(&heard), ["400"], "{what}: {heard}");
        assert!(scene.is_there().await, "{what} hid a request");
    }
    let old = scene.request("POST /api/v1/contacts HTTP/1.0", chunked, &ended);
    let heard = talk(&scene.stack, old.as_bytes()).await;
    // Version 1.0 knows no chunks.
    assert!(!statuses(&heard).contains(&"200"), "{heard}");
    assert!(scene.is_there().await, "an old version hid a request");
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_none_end_the_connection_with_all_that_follows() {
    let scene = Scene::new().await;
    let hidden = scene.hidden();
    let bodies = [
        (
            "a size beyond all numbers",
            format!("fffffffffffffffff\r\n{hidden}"),
        ),
        (
            "a size that wraps to nothing",
            format!("10000000000000000\r\n\r\n{hidden}"),
        ),
        ("a size with a sign", format!("+0\r\n\r\n{hidden}")),
        ("a size below nothing", format!("-1\r\n\r\n{hidden}")),
        ("a size with its base", format!("0x0\r\n\r\n{hidden}")),
        ("a blank before the size", format!(" 0\r\n\r\n{hidden}")),
        ("no size", format!("\r\n\r\n{hidden}")),
        (
            "more than the size says",
            format!("1\r\n{{}}0\r\n\r\n{hidden}"),
        ),
        ("a size that ends in a line feed", format!("0\n\n{hidden}")),
        (
            "an extension with a line feed",
            format!("0;a\nb\r\n\r\n{hidden}"),
        ),
    ];
    for (what, body) in bodies {
        let request = scene.request(POST, "Transfer-Encoding: chunked", &body);
        let heard = talk(&scene.stack, request.as_bytes()).await;
        // Whether the first request is told that its body is broken depends on how far it came.
        let told = statuses(&heard);
        assert!(told.is_empty() || told == ["400"], "{what}: {heard}");
        assert!(scene.is_there().await, "{what} hid a request");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_length_says_is_a_body_is_never_a_request() {
    let scene = Scene::new().await;
    let hidden = scene.hidden();
    let length = format!("Content-Length: {}", hidden.len());
    let posted = scene.request(POST, &length, &hidden);
    // Lines may end in a line feed alone. What is said about the body counts all the same.
    let bare = scene.request(POST, &length, "").replace("\r\n", "\n");
    let cases = [
        ("a body", posted, "400"),
        (
            "a body of what has none",
            scene.request(GET, &length, &hidden),
            "200",
        ),
        ("line feeds alone", format!("{bare}{hidden}"), "400"),
    ];
    for (what, request, status) in cases {
        let heard = talk(&scene.stack, request.as_bytes()).await;
        assert_eq!(statuses(&heard), [status], "{what}: {heard}");
        assert!(scene.is_there().await, "{what} hid a request");
    }
}
