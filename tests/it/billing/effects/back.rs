//! What comes back with a higher plan, or with a place that became free.

use blackbox::eventually;

use super::{CAMPAIGNS, Rich};

/// Somebody who fell, and bought a plan again.
async fn risen() -> Rich {
    let rich = Rich::fallen().await;
    rich.shop.sells(&rich.person, "pro").await;
    rich
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_come_back_disconnected_and_can_be_linked() {
    let rich = risen().await;
    let states = rich.states().await;
    assert_eq!(states, ["disconnected", "connected", "disconnected"]);
    let (account, newest) = (&rich.person.account, &rich.instances[2]);
    account.link(&rich.shop.stack, newest, "33611112222").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_are_used_again() {
    let rich = risen().await;
    assert_eq!(rich.active().await, [true, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_stay_revoked() {
    let rich = risen().await;
    for program in &rich.programs {
        let refused = program.get("/api/v1/me").await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn campaigns_wait_for_whoever_resumes_them() {
    let rich = risen().await;
    assert_eq!(rich.campaign().await, "paused_plan");
    let path = format!("{CAMPAIGNS}/{}/resume", rich.campaign);
    let resumed = rich.person.console.post_empty(&path).await;
    assert_eq!(resumed.status, 200, "{resumed:?}");
    assert_ne!(rich.campaign().await, "paused_plan");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_became_free_is_given_to_the_oldest_that_waits() {
    let rich = Rich::fallen().await;
    let kept = format!("/api/instances/{}", rich.instances[1].id);
    let deleted = rich.person.console.delete(&kept).await;
    assert_eq!(deleted.status, 200, "{deleted:?}");
    rich.shop.stack.ring().await;
    let state = async |n: usize| {
        let path = format!("/api/instances/{}", rich.instances[n].id);
        rich.person.console.get(&path).await.data()["status"].clone()
    };
    eventually("the oldest comes back", async || {
        (state(0).await == "disconnected").then_some(())
    })
    .await;
    assert_eq!(state(2).await, "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_suspended_no_plan_gives_back() {
    let rich = Rich::new().await;
    let suspend =
        "UPDATE instances SET status = 'suspended', suspended_for = 'operator' WHERE id = $1";
    let newest = rich.instances[2].id.uuid();
    assert_eq!(rich.shop.stack.sql(suspend, &[&newest]).await, 1);
    rich.falls().await;
    rich.shop.sells(&rich.person, "max").await;
    let states = rich.states().await;
    assert_eq!(states, ["disconnected", "connected", "suspended"]);
    let path = format!("/api/instances/{}/connect", rich.instances[2].id);
    let refused = rich
        .person
        .console
        .post(&path, &serde_json::json!({}))
        .await;
    assert_eq!(refused.outcome(), (403, "FORBIDDEN"));
}
