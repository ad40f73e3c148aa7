//! What becomes of messages to somebody on the list.

use std::time::Duration;

use blackbox::{Stack, id_of, moment_in, text};
use serde_json::json;

use super::LIST;

const TO: &str = "+33612345678";
const SEND: &str = "/api/v1/messages/send";
const OPTED_OUT: (u16, &str) = (422, "RECIPIENT_OPTED_OUT");

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_but_what_ignores_the_list() {
    let stack = Stack::with(&[("console_rate_limit_per_second", "10000")]).await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let console = account.signed_in(&stack).await;
    account.client.suppress(TO).await;
    let body = text(&instance, "+33 6 12 34 56 78", "Hello");
    assert_eq!(account.client.post(SEND, &body).await.outcome(), OPTED_OUT);
    let mut later = body.clone();
    later["scheduledAt"] = json!(moment_in(Duration::from_hours(1)));
    let schedule = "/api/v1/messages/schedule";
    assert_eq!(
        account.client.post(schedule, &later).await.outcome(),
        OPTED_OUT
    );
    for body in [&body, &later] {
        let refused = console.post("/api/messages/send", body).await;
        assert_eq!(refused.outcome(), OPTED_OUT);
    }
    let mut wrong = body.clone();
    wrong["ignoreSuppression"] = json!("yes");
    let refused = account.client.post(SEND, &wrong).await;
    assert_eq!(refused.fields(), ["ignoreSuppression"]);
    let mut anyway = body.clone();
    anyway["ignoreSuppression"] = json!(true);
    let sent = id_of(&account.client.send(&anyway).await);
    account.client.wait_message(&sent, "read").await;
    let by_console = console.post("/api/messages/send", &anyway).await;
    assert_eq!(by_console.status, 201, "{by_console:?}");
    assert_eq!(stack.wait_received(TO, 2).await.len(), 2);
    let team = account.team(&stack).await.client;
    let theirs = team.text(&instance, TO, "Another list").await;
    team.wait_message(&theirs, "read").await;
    account.client.delete(&format!("{LIST}/{TO}")).await;
    let sent = account.client.text(&instance, TO, "Again").await;
    account.client.wait_message(&sent, "read").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_comes_after_the_number_and_before_template_and_quota() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    account.client.suppress(TO).await;
    let template = json!({ "name": "A", "type": "text", "body": "{{custom.code}}" });
    let template = account.client.post("/api/v1/templates", &template).await;
    let mut body = json!({
        "instanceId": instance.id.to_string(), "to": TO, "templateId": id_of(template.data()),
    });
    assert_eq!(account.client.post(SEND, &body).await.outcome(), OPTED_OUT);
    body["ignoreSuppression"] = json!(true);
    let unfilled = account.client.post(SEND, &body).await;
    assert_eq!(unfilled.outcome(), (400, "TEMPLATE_VARIABLES_MISSING"));
    let none_left = "UPDATE plans SET monthly_outbound_quota = 0";
    stack.sql(none_left, &[]).await;
    let refused = account.client.post(SEND, &text(&instance, TO, "A")).await;
    assert_eq!(refused.outcome(), OPTED_OUT);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_scheduled_before_fails_with_the_code_and_gives_back_what_it_held() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let at = moment_in(Duration::from_secs(2));
    let body = text(&instance, TO, "Later");
    let accepted = id_of(&account.client.schedule(&body, &at).await);
    let mut anyway = body.clone();
    anyway["ignoreSuppression"] = json!(true);
    let kept = id_of(&account.client.schedule(&anyway, &at).await);
    account.client.suppress(TO).await;
    let failed = account.client.wait_message(&accepted, "failed").await;
    assert_eq!(failed["meta"]["code"], "RECIPIENT_OPTED_OUT");
    assert!(failed["error"].is_string());
    account.client.wait_message(&kept, "read").await;
    assert_eq!(stack.received_by(TO).await.len(), 1);
    assert_eq!(stack.told("message.failed", &accepted).await, 1);
    let ledger = stack.ledger(&account).await;
    assert_eq!((ledger.used, ledger.reserved), (1, 0));
}
