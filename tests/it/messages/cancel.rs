//! Withdrawing a scheduled message.

use std::time::Duration;

use blackbox::{Stack, id_of, moment_in, text};
use serde_json::json;

const TO: &str = "+33612345678";

fn cancel(id: &str) -> String {
    format!("/api/v1/messages/{id}/cancel")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_message_is_never_sent() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let schedule = async |words: &str, seconds| {
        let at = moment_in(Duration::from_secs(seconds));
        id_of(
            &account
                .client
                .schedule(&text(&instance, TO, words), &at)
                .await,
        )
    };
    let withdrawn = schedule("No", 2).await;
    let kept = schedule("Yes", 3).await;
    let reply = account.client.post_empty(&cancel(&withdrawn)).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.data()["id"], json!(withdrawn));
    assert_eq!(reply.data()["status"], "cancelled");
    assert_eq!(reply.data()["error"], "Message cancelled");
    assert_eq!(account.client.message(&withdrawn).await, *reply.data());
    // The other one is due later through the same lane: when it is there, this one's time is over.
    account.client.wait_message(&kept, "read").await;
    let received = stack.received_by(TO).await;
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(received[0]["message"]["conversation"], "Yes");
    assert_eq!(
        account.client.message(&withdrawn).await["status"],
        "cancelled"
    );
    assert_eq!(account.usage().await["messagesCount"], 1);
    assert_eq!(stack.ledger(&account).await.reserved, 0);
    let events = "SELECT count(*) FROM events WHERE payload->>'messageId' = $1";
    assert_eq!(
        stack.count(events, &[&withdrawn]).await,
        0,
        "a withdrawal raises no event"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_still_waits_can_be_withdrawn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let read = account.client.text(&instance, TO, "Gone").await;
    account.client.wait_message(&read, "read").await;
    let at = moment_in(Duration::from_hours(1));
    let waiting = id_of(
        &account
            .client
            .schedule(&text(&instance, TO, "Later"), &at)
            .await,
    );
    assert_eq!(
        account.client.post_empty(&cancel(&waiting)).await.status,
        200
    );
    for wrong in [&read, &waiting] {
        let reply = account.client.post_empty(&cancel(wrong)).await;
        assert_eq!(reply.outcome(), (400, "BAD_REQUEST"), "{reply:?}");
    }
    for nobody in ["01900000-0000-7000-8000-000000000000", "nonsense"] {
        let reply = account.client.post_empty(&cancel(nobody)).await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{reply:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_workspace_finds_nothing_to_withdraw() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let stranger = stack.account("pro").await;
    let team = account.team(&stack).await;
    let at = moment_in(Duration::from_hours(1));
    let id = id_of(
        &account
            .client
            .schedule(&text(&instance, TO, "Mine"), &at)
            .await,
    );
    for client in [&stranger.client, &team.client] {
        let reply = client.post_empty(&cancel(&id)).await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{reply:?}");
        assert_eq!(
            client.get(&format!("/api/v1/messages/{id}")).await.status,
            404
        );
    }
    assert_eq!(account.client.message(&id).await["status"], "queued");
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawing_at_the_very_moment_either_sends_or_cancels() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let mut ids = Vec::new();
    for n in 0..8_u64 {
        let at = moment_in(Duration::from_millis(900 + 40 * n));
        let to = format!("+3361234560{n}");
        let accepted = account
            .client
            .schedule(&text(&instance, &to, "Race"), &at)
            .await;
        ids.push((id_of(&accepted), to));
    }
    // Tries again and again, so that some of the tries meet the scheduler at work.
    let mut cancelled = Vec::new();
    for (id, to) in ids {
        let mut won = false;
        if to.ends_with(['1', '3', '5', '7']) {
            loop {
                let before = account.client.message(&id).await["status"] != "queued";
                let reply = account.client.post_empty(&cancel(&id)).await;
                won = reply.status == 200;
                if won || before || reply.code() == "BAD_REQUEST" {
                    break;
                }
            }
        }
        cancelled.push((id, to, won));
    }
    for (id, to, won) in cancelled {
        let end = if won { "cancelled" } else { "read" };
        account.client.wait_message(&id, end).await;
        assert_eq!(stack.received_by(&to).await.len(), usize::from(!won));
    }
}
