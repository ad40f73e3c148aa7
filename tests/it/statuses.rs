//! Statuses: published while the client waits, once, and counted once.

mod console;
mod crash;
mod once;
mod outcomes;
mod refused;

use blackbox::burst::left;
use blackbox::{Account, Reply, Stack};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

const STATUSES: &str = "/api/v1/statuses";

/// An account with a linked number.
struct Scene {
    stack: Stack,
    account: Account,
    instance: Instance,
}

impl Scene {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(settings: &[(&str, &str)]) -> Self {
        let stack = Stack::with(settings).await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await;
        Self {
            stack,
            account,
            instance,
        }
    }

    fn text(&self, words: &str) -> Value {
        let id = self.instance.id.to_string();
        json!({ "instanceId": id, "type": "text", "content": words })
    }

    async fn publish(&self, body: &Value) -> Reply {
        self.account.client.post(STATUSES, body).await
    }

    /// What really left the simulated phone as statuses.
    async fn published(&self) -> Vec<Value> {
        published(&self.stack).await
    }

    /// What is stored: state and code of each, in the order of creation.
    async fn stored(&self) -> Vec<(String, Option<String>)> {
        let text = "SELECT state, code FROM statuses ORDER BY id";
        let rows = self.stack.rows(text, &[]).await;
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }

    /// Lets the next look happen now.
    async fn hurry(&self) {
        let now = "UPDATE statuses SET look_at = now() WHERE state = 'pending'";
        self.stack
            .connection()
            .await
            .execute(now, &[])
            .await
            .expect("the statement runs");
    }

    async fn assert_ledger(&self, used: i64, reserved: i64, released: i64) {
        let ledger = self.stack.ledger(&self.account).await;
        assert_eq!(
            (ledger.used, ledger.reserved, ledger.released),
            (used, reserved, released)
        );
    }
}

/// What really left any simulated phone as statuses.
async fn published(stack: &Stack) -> Vec<Value> {
    let all = left(stack).await;
    let is_status = |it: &Value| it["jid"] == "status@broadcast";
    all.into_iter().filter(is_status).collect()
}

/// Everything the gateway was asked to publish.
async fn asked(stack: &Stack) -> Vec<Value> {
    let asked = stack.asked("sendStatus").await;
    asked.into_iter().map(|it| it["body"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_is_published_for_all_contacts() {
    let scene = Scene::new().await;
    let mut body = scene.text("Open until 8 p.m.");
    body["backgroundColor"] = json!("#1f6F54");
    body["caption"] = json!("of no use here");
    let reply = scene.publish(&body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let data = reply.data();
    let left = scene.published().await;
    assert_eq!(left.len(), 1);
    assert_eq!(
        data,
        &json!({
            "id": data["id"], "instanceId": scene.instance.id.to_string(),
            "providerMessageId": left[0]["keyId"],
        })
    );
    let sent = json!({
        "type": "text", "content": "Open until 8 p.m.", "backgroundColor": "#1f6F54", "font": 1,
        "allContacts": true,
    });
    assert_eq!(asked(&scene.stack).await, [sent]);
    let usage = scene.account.usage().await;
    assert_eq!(
        (&usage["messagesCount"], &usage["statusesCount"]),
        (&json!(0), &json!(1))
    );
    assert_eq!(usage["effectiveOutboundUsage"], 1);
    scene.assert_ledger(1, 0, 0).await;
    let events = "SELECT count(*) FROM events WHERE name LIKE 'message.%'";
    assert_eq!(scene.stack.count(events, &[]).await, 0, "no event is told");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_of_a_text_are_those_of_the_phone() {
    let scene = Scene::new().await;
    let longest = "é".repeat(700);
    assert_eq!(scene.publish(&scene.text(&longest)).await.status, 201);
    let sent = &asked(&scene.stack).await[0];
    assert_eq!(
        (&sent["content"], &sent["backgroundColor"]),
        (&json!(longest), &json!("#000000"))
    );
    let longer = scene.publish(&scene.text(&"é".repeat(701))).await;
    assert_eq!(longer.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(longer.fields(), ["content"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_published_by_its_address() {
    let scene = Scene::new().await;
    let url = "https://files.example.com/a%20b.png?x=1";
    let mut body = scene.text(url);
    body["type"] = json!("image");
    body["backgroundColor"] = json!("of no use here");
    assert_eq!(scene.publish(&body).await.status, 201);
    body["caption"] = json!("Spring");
    assert_eq!(scene.publish(&body).await.status, 201);
    let plain = json!({ "type": "image", "content": url, "allContacts": true });
    let mut named = plain.clone();
    named["caption"] = json!("Spring");
    assert_eq!(asked(&scene.stack).await, [plain, named]);
    scene.assert_ledger(2, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_published_as_bytes_while_it_is_there() {
    const PNG: &[u8] = include_bytes!("../../apps/server/src/demo/picture.png");
    // Where private addresses are refused, and this server is at one.
    let scene = Scene::with(&[
        ("allow_private_targets", "false"),
        ("public_url", "http://localhost:0"),
    ])
    .await;
    let console = scene.account.signed_in(&scene.stack).await;
    let upload = console
        .upload_as("/api/media/upload", PNG, "a.png", None)
        .await;
    assert_eq!(upload.status, 201, "{upload:?}");
    let mut body = scene.text(upload.data()["url"].as_str().expect("an address"));
    body["type"] = json!("image");
    assert_eq!(scene.publish(&body).await.status, 201);
    let sent = &asked(&scene.stack).await[0]["content"];
    let sent = sent.as_str().expect("text");
    assert!(
        !sent.starts_with("http") && sent.len() > PNG.len(),
        "{sent}"
    );

    let id = blackbox::id_of(upload.data());
    assert_eq!(
        console.delete(&format!("/api/media/{id}")).await.status,
        200
    );
    let gone = scene.publish(&body).await;
    assert_eq!(gone.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(gone.fields(), ["content"]);
    // Somebody else's upload is an address like any other, and this one is private.
    let other = scene.stack.account("pro").await;
    let theirs = other.connected(&scene.stack).await;
    body["instanceId"] = json!(theirs.id.to_string());
    let refused = other.client.post(STATUSES, &body).await;
    assert_eq!(refused.fields(), ["content"]);
    assert_eq!(asked(&scene.stack).await.len(), 1);
    scene.assert_ledger(1, 0, 0).await;
}
