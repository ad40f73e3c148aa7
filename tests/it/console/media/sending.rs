//! Uploads on their way to phones.

use blackbox::{Account, Client, Stack, id_of};
use msgflash_messaging::Instance;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{OGG, PDF, PNG, uploaded};

const TO: &str = "+33612345678";

struct Scene {
    stack: Stack,
    account: Account,
    console: Client,
    instance: Instance,
}

impl Scene {
    /// Where private addresses are refused, and this server is at one.
    async fn new() -> Self {
        let stack = Stack::with(&[
            ("allow_private_targets", "false"),
            ("public_url", "http://localhost:0"),
        ])
        .await;
        let account = stack.account("max").await;
        let console = account.signed_in(&stack).await;
        let instance = account.connected(&stack).await;
        Self {
            stack,
            account,
            console,
            instance,
        }
    }

    async fn upload(&self, bytes: &[u8], name: &str) -> Value {
        uploaded(&self.console, bytes, name).await
    }

    fn message(&self, kind: &str, url: &Value) -> Value {
        json!({
            "instanceId": self.instance.id.to_string(), "to": TO,
            "type": kind, "mediaUrl": url,
        })
    }

    /// What the gateway was asked last on a route.
    async fn asked(&self, route: &str) -> Value {
        let asked = self.stack.asked(route).await;
        asked.last().cloned().unwrap_or_default()
    }
}

/// The digest a phone shows of a file.
fn digest(message: &Value) -> Vec<u8> {
    let bytes = message["fileSha256"].as_object().expect("a digest");
    let at = |at: usize| bytes[&at.to_string()].as_u64().expect("a byte");
    (0..32)
        .map(|n| u8::try_from(at(n)).expect("a byte"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn uploads_reach_the_phone_as_bytes_whatever_the_address() {
    let scene = Scene::new().await;
    let cases = [
        ("image", PNG, "Été.png", "imageMessage"),
        ("document", PDF, "Été 1.pdf", "documentMessage"),
        ("voice_note", OGG, "a.ogg", "audioMessage"),
    ];
    for (count, (kind, bytes, name, part)) in (1..).zip(cases) {
        let url = scene.upload(bytes, name).await["url"].clone();
        let body = scene.message(kind, &url);
        let sent = scene.account.client.send(&body).await;
        assert_eq!(sent["mediaUrl"], url);
        let received = scene.stack.wait_received(TO, count).await;
        let file = &received[count - 1]["message"][part];
        assert_eq!(digest(file), Sha256::digest(bytes).to_vec(), "{kind}");
        if kind == "document" {
            assert_eq!(file["fileName"], "Été 1.pdf");
            assert_eq!(file["mimetype"], "application/pdf");
        }
        scene
            .account
            .client
            .wait_message(&id_of(&sent), "read")
            .await;
    }
    let asked = scene.asked("sendMedia").await.to_string();
    assert!(!asked.contains("http"), "nobody is sent elsewhere: {asked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_may_carry_an_upload() {
    let scene = Scene::new().await;
    let url = scene.upload(PNG, "a.png").await["url"].clone();
    let template = json!({ "name": "A", "type": "image", "mediaUrl": url, "body": "Look" });
    let template = scene.console.post("/api/templates", &template).await;
    assert_eq!(template.status, 201, "{template:?}");
    let body = json!({
        "instanceId": scene.instance.id.to_string(), "to": TO,
        "templateId": template.data()["id"],
    });
    scene.account.client.send(&body).await;
    let received = scene.stack.wait_received(TO, 1).await;
    let image = &received[0]["message"]["imageMessage"];
    assert_eq!(digest(image), Sha256::digest(PNG).to_vec());
    assert_eq!(image["caption"], "Look");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_of_another_workspace_is_an_address_like_any_other() {
    let scene = Scene::new().await;
    let other = scene.stack.account("max").await;
    let theirs = other.signed_in(&scene.stack).await;
    let url = uploaded(&theirs, PNG, "a.png").await["url"].clone();
    let body = scene.message("image", &url);
    let refused = scene
        .account
        .client
        .post("/api/v1/messages/send", &body)
        .await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{refused:?}");
    assert_eq!(refused.fields(), ["mediaUrl"]);
    // And an own one is our own here alone.
    let own = scene.upload(PNG, "a.png").await["url"].clone();
    let own = own
        .as_str()
        .expect("a URL")
        .replace("localhost", "127.0.0.1");
    let body = scene.message("image", &json!(own));
    let refused = scene
        .account
        .client
        .post("/api/v1/messages/send", &body)
        .await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{refused:?}");
    let team = scene.account.team(&scene.stack).await;
    let refused = team.client.post("/api/v1/messages/send", &body).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_whose_answer_is_lost_is_found_again_and_not_sent_twice() {
    /// Messages to it leave, and the answer does not say so.
    const TIMES_OUT: &str = "+15550100051";
    let mut scene = Scene::new().await;
    // On another port nothing is heard of the gateway any more: the look-up must do.
    scene.stack.restart_with("send_timeout_seconds", "1").await;
    let console = scene.account.signed_in(&scene.stack).await;
    let client = scene.stack.client(&scene.account.key);
    let url = uploaded(&console, PNG, "a.png").await["url"].clone();
    let mut body = scene.message("image", &url);
    body["to"] = json!(TIMES_OUT);
    body["text"] = json!("Look");
    let sent = client.send(&body).await;
    let message = client.wait_message(&id_of(&sent), "sent").await;
    let received = scene.stack.received_by(TIMES_OUT).await;
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(message["providerMessageId"], received[0]["keyId"]);
    let image = &received[0]["message"]["imageMessage"];
    assert_eq!(digest(image), Sha256::digest(PNG).to_vec());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_expired_or_was_deleted_fails_without_a_call() {
    let scene = Scene::new().await;
    let client = &scene.account.client;
    let later = blackbox::moment_in(std::time::Duration::from_hours(1));
    let mut ids = Vec::new();
    for _ in 0..2 {
        let media = scene.upload(PNG, "a.png").await;
        let body = scene.message("image", &media["url"]);
        ids.push((id_of(&client.schedule(&body, &later).await), id_of(&media)));
    }
    let delete = format!("/api/media/{}", ids[0].1);
    assert_eq!(scene.console.delete(&delete).await.status, 200);
    let over = "UPDATE media SET expires_at = now()";
    assert_eq!(scene.stack.sql(over, &[]).await, 1);
    let due = "UPDATE queue SET due_at = now(), not_before = now()";
    assert_eq!(scene.stack.sql(due, &[]).await, 2);
    for (message, _) in &ids {
        let failed = client.wait_message(message, "failed").await;
        assert_eq!(
            failed["error"],
            "The uploaded file has expired or was deleted"
        );
        assert_eq!(failed["meta"]["code"], "NOT_FOUND");
    }
    assert_eq!(scene.asked("sendMedia").await, Value::Null);
    let ledger = scene.stack.ledger(&scene.account).await;
    assert_eq!((ledger.used, ledger.reserved), (0, 0), "nothing is charged");
}
