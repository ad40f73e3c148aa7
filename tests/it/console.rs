//! The console's API, as people use it.

mod files;
mod google;
mod instances;
mod keys;
mod links;
mod lookups;
mod media;
mod notifications;
mod overview;
mod people;
mod secrets;
mod sessions;
mod twins;

use blackbox::{Client, Reply, Stack, eventually};
use serde_json::{Value, json};

/// A server that keeps its mail to be read.
async fn stack() -> Stack {
    Stack::with(&[
        ("dev_mode", "true"),
        ("console_rate_limit_per_second", "10000"),
        ("portal_url", "https://app.shop.test"),
    ])
    .await
}

/// The same client with another token.
fn bearer(stack: &Stack, token: &str) -> Client {
    stack
        .anonymous()
        .header("authorization", &format!("Bearer {token}"))
}

fn token_of(reply: &Reply) -> String {
    let token = reply.data()["token"].as_str();
    token
        .unwrap_or_else(|| panic!("no token: {reply:?}"))
        .to_owned()
}

/// What the link of the newest mail of this kind to this address carries.
async fn link(stack: &Stack, to: &str, kind: &str) -> String {
    let mail = eventually("a mail", async || {
        let reply = stack.anonymous().get("/dev/mailbox").await;
        let mails = reply.json["data"].as_array().cloned().unwrap_or_default();
        mails
            .into_iter()
            .find(|it| it["to"] == to && it["kind"] == kind)
    })
    .await;
    let text = mail["text"].as_str().expect("text");
    let at = text.find("?token=").expect("a link") + "?token=".len();
    let token = text[at..].split_whitespace().next().expect("a token");
    assert!(mail["html"].as_str().expect("html").contains(token));
    token.to_owned()
}

fn sign_up(email: &str) -> Value {
    json!({
        "fullName": "Lea Roy", "email": email, "phone": "+33612345678", "password": "Corr3ct-horse",
    })
}

fn log_in(email: &str, password: &str) -> Value {
    json!({ "email": email, "password": password })
}
