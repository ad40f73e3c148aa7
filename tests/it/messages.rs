//! Sending and what becomes of it.

use blackbox::Stack;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_text_goes_all_the_way_to_read() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let body = json!({
        "instanceId": instance.id.to_string(), "to": "+33612345678", "type": "text", "text": "Hi",
    });
    let reply = account.client.post("/api/v1/messages/send", &body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    assert_eq!(reply.data()["status"], "queued");
    let id = reply.data()["id"].as_str().expect("an id").to_owned();
    let message = account.wait_message(&id, "read").await;
    assert!(message["providerMessageId"].is_string());
    let left = stack.received_by("+33612345678").await;
    assert_eq!(left.len(), 1, "{left:?}");
}
