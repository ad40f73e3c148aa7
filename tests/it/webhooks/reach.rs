//! Who hears of what.

use blackbox::{EVENTS, Receiver, Stack};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_hears_only_what_it_asked_for() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let mut receivers = Vec::new();
    // Being restricted takes an hour; it has a test of its own.
    for event in EVENTS.into_iter().filter(|it| *it != "instance.restricted") {
        let receiver = Receiver::start().await;
        account.client.endpoint(&receiver.url, &[event]).await;
        receivers.push((event, receiver));
    }
    let instance = account.connected(&stack).await;
    let read = account.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&read, "read").await;
    let failed = account.client.text(&instance, "+15550100010", "Hi").await;
    account.client.wait_message(&failed, "failed").await;
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": "33612345678", "text": "In" }),
        )
        .await;
    account.client.wait_inbound("In").await;
    stack.phone(&instance, "drop", json!({ "code": 401 })).await;
    for (event, receiver) in &receivers {
        receiver.wait_for(event, 1).await;
    }
    for (event, receiver) in &receivers {
        let heard = receiver.heard();
        assert_eq!(heard.len(), 1, "{event}: {heard:?}");
        assert_eq!(heard[0].json["event"], *event);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_are_told_to_their_workspace_and_instances_to_all_of_them() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let stranger = stack.account("pro").await;
    let (mine, ours, theirs) = (
        Receiver::start().await,
        Receiver::start().await,
        Receiver::start().await,
    );
    account.client.endpoint(&mine.url, &EVENTS).await;
    team.client.endpoint(&ours.url, &EVENTS).await;
    stranger.client.endpoint(&theirs.url, &EVENTS).await;
    let instance = account.connected(&stack).await;
    mine.wait_for("instance.connected", 1).await;
    ours.wait_for("instance.connected", 1).await;

    let id = team
        .client
        .text(&instance, "+33612345678", "From the team")
        .await;
    team.client.wait_message(&id, "read").await;
    ours.wait_for("message.read", 1).await;
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": "33612345678", "text": "Back" }),
        )
        .await;
    ours.wait_for("message.received", 1).await;
    let id = account
        .client
        .text(&instance, "+33687654321", "From me")
        .await;
    account.client.wait_message(&id, "read").await;
    mine.wait_for("message.read", 1).await;
    stack
        .phone(
            &instance,
            "inbound",
            json!({ "from": "33600000001", "text": "New" }),
        )
        .await;
    mine.wait_for("message.received", 1).await;
    stack.phone(&instance, "drop", json!({ "code": 401 })).await;
    mine.wait_for("instance.disconnected", 1).await;
    ours.wait_for("instance.disconnected", 1).await;

    for (receiver, body) in [(&mine, "New"), (&ours, "Back")] {
        receiver.wait_for("message.sent", 1).await;
        for event in EVENTS
            .into_iter()
            .filter(|event| !["message.failed", "instance.restricted"].contains(event))
        {
            // A read receipt that overtakes the delivery's is told alone.
            let least = usize::from(event != "message.delivered");
            let heard = receiver.heard_of(event).len();
            assert!((least..=1).contains(&heard), "{event}: {heard}");
        }
        assert_eq!(receiver.heard_of("message.received")[0].json["body"], body);
    }
    assert!(theirs.heard().is_empty(), "{:?}", theirs.heard());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_webhooks_silences_them_and_another_plan_wakes_them() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let receiver = Receiver::start().await;
    account
        .client
        .endpoint(&receiver.url, &["message.sent"])
        .await;
    let instance = account.connected(&stack).await;
    let send = async || {
        let id = account.client.text(&instance, "+33612345678", "Hi").await;
        account.client.wait_message(&id, "read").await;
        id
    };
    stack
        .sql("UPDATE plans SET feature_webhooks = false", &[])
        .await;
    send().await;
    let untold = "SELECT count(*) FROM outbox";
    blackbox::eventually("every event is handled", async || {
        (stack.count(untold, &[]).await == 0).then_some(())
    })
    .await;
    stack
        .sql("UPDATE plans SET feature_webhooks = true", &[])
        .await;
    let told = send().await;
    let heard = receiver.wait_for("message.sent", 1).await;
    assert_eq!(
        (heard.len(), &heard[0].json["messageId"]),
        (1, &json!(told))
    );
}
