//! Keeping to the caps of the safety guidance instead of only telling of them.

use serde_json::json;

use crate::lifecycle::scene::Scene;

/// What a number that was linked today may send in an hour, and one more.
const CAP: usize = 10;

async fn enforcing() -> Scene {
    Scene::with(&[("safety", "enforce"), ("pace_ms", "0")]).await
}

/// How many messages arrived at numbers with these endings.
async fn arrived(scene: &Scene, numbers: &[String]) -> usize {
    let mut count = 0;
    for number in numbers {
        count += scene.stack.received_by(number).await.len();
    }
    count
}

fn numbers(count: usize) -> Vec<String> {
    (0..count).map(|it| format!("+336000001{it:02}")).collect()
}

/// Nothing is refused: what passes the cap is accepted, waits, and costs nothing until it goes out.
#[tokio::test(flavor = "multi_thread")]
async fn what_passes_the_hourly_cap_of_a_new_number_waits() {
    let scene = enforcing().await;
    let numbers = numbers(CAP + 2);
    let mut ids = Vec::new();
    for number in &numbers {
        ids.push(scene.text(number).await);
    }
    for id in &ids[..CAP] {
        scene.wait(id, "read").await;
    }
    // Another number's line is not full: what is sent there now is sent after all that could go here.
    let other = scene.account.connected(&scene.stack).await;
    let client = &scene.account.client;
    let later = client.text(&other, "+33600000999", "Later").await;
    scene.wait(&later, "read").await;
    assert_eq!(arrived(&scene, &numbers).await, CAP);
    let waiting = client.message(&ids[CAP]).await;
    assert_eq!(waiting["status"], "queued");
    assert_eq!(scene.stack.ledger(&scene.account).await.reserved, 2);
    let held = "msgflash_held_by_caps_total";
    assert!(scene.stack.metric(held).await >= 1, "it is counted");
}

/// A worker that takes a lane over knows what its last owner sent.
#[tokio::test(flavor = "multi_thread")]
async fn another_worker_keeps_to_what_the_last_one_sent() {
    let mut scene = enforcing().await;
    let numbers = numbers(CAP + 1);
    for number in &numbers[..CAP] {
        let id = scene.text(number).await;
        scene.wait(&id, "read").await;
    }
    scene.stack.stop_server().await;
    scene.stack.start_server().await;
    scene.account.client = scene.stack.client(&scene.account.key);
    let client = &scene.account.client;
    let over = client
        .text(&scene.instance, &numbers[CAP], "One too many")
        .await;
    let other = scene.account.connected(&scene.stack).await;
    let later = client.text(&other, "+33600000999", "Later").await;
    client.wait_message(&later, "read").await;
    assert_eq!(client.message(&over).await["status"], "queued");
    assert!(scene.stack.received_by(&numbers[CAP]).await.is_empty());
}

/// A number that is linked for long has higher caps; without `enforce` there are none.
#[tokio::test(flavor = "multi_thread")]
async fn an_older_number_may_send_more_and_nobody_waits_where_caps_are_advice() {
    let scene = enforcing().await;
    let aged = "UPDATE instances SET first_connected_at = now() - interval '30 days'";
    scene.stack.sql(aged, &[]).await;
    let advised = Scene::with(&[("pace_ms", "0")]).await;
    for scene in [&scene, &advised] {
        let mut last = String::new();
        for number in numbers(CAP + 2) {
            last = scene.text(&number).await;
        }
        scene.wait(&last, "read").await;
    }
    let body = json!({
        "instanceId": advised.instance.id.to_string(), "to": "+33600000777",
        "type": "text", "text": "Another one",
    });
    let told = advised.account.client.send(&body).await;
    assert_eq!(
        told["safety"]["decision"], "warn",
        "it is told all the same"
    );
}
