//! Once a number is on the list, no call to it begins.

use std::time::Duration;

use blackbox::{Account, Stack, eventually, moment_in};
use msgflash_messaging::Instance;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::LIST;

const TO: &str = "+33612345678";

fn moment(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap_or_default(), &Rfc3339).expect("a moment")
}

/// Messages to the number that are queued in a lane, each call taking the gateway a moment.
async fn queued(stack: &Stack, account: &Account, instance: &Instance, count: u32) -> Vec<String> {
    let mut ids = Vec::new();
    for n in 0..count {
        ids.push(account.client.text(instance, TO, &format!("{n}")).await);
    }
    stack.wait_received(TO, 1).await;
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_begins_after_the_answer_however_many_are_queued() {
    let stack = Stack::with(&[("pace_ms", "30")]).await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    stack.switch(json!({ "timeScale": 0.1 })).await;
    let ids = queued(&stack, &account, &instance, 40).await;
    let other = account
        .client
        .text(&instance, "+33612345999", "Other")
        .await;
    let reply = account.client.post(LIST, &json!({ "phone": TO })).await;
    let answered = moment(&json!(moment_in(Duration::ZERO)));
    assert_eq!(reply.status, 201, "{reply:?}");
    account.client.wait_message(&other, "read").await;
    eventually("everything has ended", async || {
        let left = stack.count("SELECT count(*) FROM queue", &[]).await;
        (left == 0).then_some(())
    })
    .await;
    let to = TO.trim_start_matches('+');
    let mut calls = stack.asked("sendText").await;
    calls.retain(|it| it["body"].to_string().contains(to));
    assert!(!calls.is_empty());
    calls.retain(|it| moment(&it["at"]) > answered);
    assert!(calls.is_empty(), "calls began after the answer: {calls:?}");
    let received = stack.received_by(TO).await.len();
    let mut failed = 0;
    for id in &ids {
        let message = account.client.message(id).await;
        if message["status"] == "failed" {
            assert_eq!(message["meta"]["code"], "RECIPIENT_OPTED_OUT");
            failed += 1;
        }
    }
    assert!(failed > 5, "some were queued: {failed}");
    assert_eq!(received + failed, ids.len(), "each left or failed");
    let ledger = stack.ledger(&account).await;
    let used = i64::try_from(received + 1).expect("few");
    assert_eq!((ledger.used, ledger.reserved), (used, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_waits_for_a_call_under_way_for_a_second_and_no_longer() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    stack.switch(json!({ "timeScale": 5.0 })).await;
    let id = account.client.text(&instance, TO, "Slow").await;
    eventually("the call is under way", async || {
        let open = stack
            .count("SELECT count(*) FROM queue WHERE state = 2", &[])
            .await;
        (open == 1).then_some(())
    })
    .await;
    let began = std::time::Instant::now();
    let reply = account.client.post(LIST, &json!({ "phone": TO })).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let waited = began.elapsed();
    assert!(waited < Duration::from_secs(3), "{waited:?}");
    stack.switch(json!({ "timeScale": 0.0 })).await;
    // It had begun: it ends as any other.
    account.client.wait_message(&id, "read").await;
}
