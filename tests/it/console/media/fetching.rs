//! What whoever has an address gets.

use std::collections::BTreeMap;

use blackbox::Stack;
use reqwest::{Client, Method, redirect};

use super::super::stack;
use super::{MP4, PDF, PNG, UPLOAD, uploaded};

/// An answer with its bytes.
struct Fetched {
    status: u16,
    headers: BTreeMap<String, String>,
    bytes: Vec<u8>,
}

impl Fetched {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The code of a refusal in our envelope.
    fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.bytes).unwrap_or_default();
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

async fn fetch(method: Method, url: &str, headers: &[(&str, &str)]) -> Fetched {
    let client = Client::builder().redirect(redirect::Policy::none());
    let client = client.build().expect("a client");
    let mut request = client.request(method, url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.expect("an answer");
    let told = answer.headers().iter().map(|(name, value)| {
        let value = value.to_str().expect("ASCII").to_owned();
        (name.as_str().to_owned(), value)
    });
    Fetched {
        status: answer.status().as_u16(),
        headers: told.collect(),
        bytes: answer.bytes().await.expect("a whole body").to_vec(),
    }
}

async fn get(url: &str) -> Fetched {
    fetch(Method::GET, url, &[]).await
}

/// Uploads and answers the address and the id.
async fn upload(stack: &Stack, bytes: &[u8], name: &str) -> (String, String) {
    let client = stack.account("max").await.signed_in(stack).await;
    let data = uploaded(&client, bytes, name).await;
    let text = |name: &str| data[name].as_str().expect("text").to_owned();
    (text("url"), text("id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_comes_back_as_it_is_and_as_nothing_more() {
    let stack = stack().await;
    let (url, _) = upload(&stack, PNG, "Été.svg").await;
    let found = get(&url).await;
    assert_eq!((found.status, &found.bytes[..]), (200, PNG));
    let wanted = [
        ("content-type", "image/png"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("cache-control", "private, max-age=3600"),
        ("accept-ranges", "bytes"),
        (
            "content-disposition",
            "inline; filename=\"_t_.svg.png\"; filename*=UTF-8''%C3%89t%C3%A9.svg.png",
        ),
    ];
    for (name, value) in wanted {
        assert_eq!(found.header(name), value, "{name}");
    }
    let (url, _) = upload(&stack, PDF, "a.pdf").await;
    let disposition = get(&url).await.header("content-disposition").to_owned();
    assert!(disposition.starts_with("attachment; "), "{disposition}");
    // What goes soon is not kept for longer.
    let soon = "UPDATE media SET expires_at = now() + interval '100 s'";
    stack.sql(soon, &[]).await;
    let cache = get(&url).await.header("cache-control").to_owned();
    let seconds = cache.strip_prefix("private, max-age=").expect("an age");
    assert!(
        (90..=100).contains(&seconds.parse().expect("seconds")),
        "{cache}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn parts_and_heads_of_films_can_be_asked_for() {
    let stack = stack().await;
    let (url, id) = upload(&stack, MP4, "film.mp4").await;
    let head = fetch(Method::HEAD, &url, &[]).await;
    let length = MP4.len().to_string();
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, length.as_str())
    );
    assert!(head.bytes.is_empty());
    let part = async |range: &str| fetch(Method::GET, &url, &[("range", range)]).await;
    let some = part("bytes=4-11").await;
    assert_eq!((some.status, &some.bytes[..]), (206, &b"ftypisom"[..]));
    assert_eq!(some.header("content-range"), format!("bytes 4-11/{length}"));
    assert_eq!(some.header("content-length"), "8");
    let rest = part("bytes=-4").await;
    assert_eq!((rest.status, &rest.bytes[..]), (206, &b"free"[..]));
    let beyond = part("bytes=1000-").await;
    assert_eq!(
        (beyond.status, beyond.code().as_str()),
        (416, "RANGE_NOT_SATISFIABLE")
    );
    assert_eq!(beyond.header("content-range"), format!("bytes */{length}"));
    let tag = format!("\"{id}\"");
    let known = fetch(Method::GET, &url, &[("if-none-match", &tag)]).await;
    assert_eq!((known.status, known.bytes.len()), (304, 0));
    let other = [("range", "bytes=0-1"), ("if-range", "\"other\"")];
    assert_eq!(fetch(Method::GET, &url, &other).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_opens_what_is_deleted_expired_or_made_up() {
    let stack = stack().await;
    let account = stack.account("max").await;
    let client = account.signed_in(&stack).await;
    let data = uploaded(&client, PNG, "a.png").await;
    let url = data["url"].as_str().expect("a URL").to_owned();
    let nothing = async |url: &str| {
        let found = get(url).await;
        (found.status, found.code()) == (404, "NOT_FOUND".to_owned())
    };
    let token = url.rsplit('/').nth(1).expect("a token");
    assert!(token.len() >= 64);
    for at in [0, 20, 30, 45, 63] {
        let mut forged = token.to_owned();
        let other = if &token[at..=at] == "A" { "B" } else { "A" };
        forged.replace_range(at..=at, other);
        assert!(nothing(&url.replace(token, &forged)).await, "{at}");
    }
    for path in [
        "x/a.png",
        "..%2f..%2fetc/passwd",
        &format!("{token}A/a.png"),
    ] {
        assert!(
            nothing(&format!("{}/media/{path}", stack.base)).await,
            "{path}"
        );
    }
    assert_eq!(get(&url).await.status, 200);
    let post = fetch(Method::POST, &url, &[]).await;
    assert_eq!(
        (post.status, post.code().as_str()),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert_eq!(post.header("allow"), "GET, HEAD");

    let over = "UPDATE media SET expires_at = now()";
    stack.sql(over, &[]).await;
    assert!(nothing(&url).await, "its time is over");
    let back = "UPDATE media SET expires_at = now() + interval '1 h'";
    stack.sql(back, &[]).await;
    assert_eq!(get(&url).await.status, 200);
    let id = data["id"].as_str().expect("an id");
    client.delete(&format!("/api/media/{id}")).await;
    assert!(nothing(&url).await, "it is deleted");

    // A row whose file is gone, as after a restore.
    let lost = uploaded(&client, PNG, "b.png").await;
    std::fs::remove_dir_all(stack.uploads.path().join("media")).expect("removed");
    assert!(nothing(lost["url"].as_str().expect("a URL")).await);
    let again = client.upload_as(UPLOAD, PNG, "c.png", None).await;
    assert_eq!(again.status, 201, "the folder is made again: {again:?}");
}
