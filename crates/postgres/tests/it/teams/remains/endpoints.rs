//! Webhooks.

use msgflash_teams::remains::Endings as _;
use msgflash_webhooks::EndpointId;
use msgflash_webhooks::delivery::Next;

use super::*;
use crate::webhooks::{attempt, claim, endpoint, fan_out, raise, settle};

const EVENT: &str = "message.sent";

async fn of(scene: &Scene, table: &str, endpoint: EndpointId) -> i64 {
    let rows = format!("{table} WHERE endpoint_id = '{endpoint}'");
    scene.count(&rows).await
}

/// Raises events in both workspaces, and hands them out.
async fn tell(scene: &Scene, count: usize) {
    for workspace in [scene.team, scene.personal] {
        raise(&scene.stage, workspace, EVENT, count).await;
    }
    let told = fan_out(scene.postgres()).tick().await;
    assert_eq!(told.expect("handed out"), Tick::Did(2 * count));
}

#[tokio::test]
async fn they_go_with_what_waits_and_the_history_stays() {
    let scene = Scene::new().await;
    let doomed = endpoint(&scene.stage, scene.team, &[EVENT]).await.id;
    let second = endpoint(&scene.stage, scene.team, &[EVENT]).await.id;
    let kept = endpoint(&scene.stage, scene.personal, &[EVENT]).await.id;
    tell(&scene, 3).await;
    let due = claim(scene.postgres(), NOW, 100, 8).await;
    assert_eq!(due.len(), 9);
    let of_doomed: Vec<_> = due.iter().filter(|it| it.endpoint == doomed).collect();
    settle(&scene.stage, &[attempt(of_doomed[0], Next::Delivered)], NOW).await;

    scene.delete().await;
    // Five deliveries waited, and then two endpoints had none.
    assert_eq!(scene.end().await, 5 + 2 + 1);
    assert_eq!(scene.count("webhook_endpoints").await, 1);
    for (endpoint, waiting, history) in [(doomed, 0, 1), (second, 0, 0), (kept, 3, 3)] {
        assert_eq!(of(&scene, "delivery_queue", endpoint).await, waiting);
        assert_eq!(of(&scene, "deliveries", endpoint).await, history);
    }
    assert_eq!(of(&scene, "webhook_health", doomed).await, 0);
    // An attempt that was under way has nothing to record any more.
    settle(
        &scene.stage,
        &[attempt(of_doomed[1], Next::Retry(NOW))],
        NOW,
    )
    .await;
    assert_eq!(of(&scene, "delivery_queue", doomed).await, 0);
}

#[tokio::test]
async fn what_has_piled_up_goes_first_and_little_by_little() {
    let scene = Scene::new().await;
    for _ in 0..2 {
        endpoint(&scene.stage, scene.team, &[EVENT]).await;
    }
    tell(&scene, 40).await;
    let remains = scene.delete().await;
    let end = async || scene.postgres().end_endpoints(&remains, 30).await;
    let left = async || {
        let (waiting, endpoints) = ("delivery_queue", "webhook_endpoints");
        (scene.count(waiting).await, scene.count(endpoints).await)
    };
    for (ended, expected) in [(30, (50, 2)), (30, (21, 1)), (22, (0, 0)), (0, (0, 0))] {
        assert_eq!(end().await.expect("ended"), ended);
        assert_eq!(left().await, expected);
    }
    assert_eq!(scene.count("deliveries").await, 0);
}

#[tokio::test]
async fn from_the_deletion_on_nothing_is_handed_out_or_posted() {
    let scene = Scene::new().await;
    let doomed = endpoint(&scene.stage, scene.team, &[EVENT]).await.id;
    let kept = endpoint(&scene.stage, scene.personal, &[EVENT]).await.id;
    tell(&scene, 2).await;
    scene.delete().await;
    // A receipt of what was sent before still makes its event.
    tell(&scene, 1).await;
    assert_eq!(of(&scene, "deliveries", doomed).await, 2);
    let due = claim(scene.postgres(), NOW, 100, 8).await;
    let posted: Vec<_> = due.iter().map(|it| it.endpoint).collect();
    assert_eq!(posted, [kept; 3]);
}

#[tokio::test]
async fn one_that_was_made_late_goes_with_the_next_look() {
    let scene = Scene::new().await;
    let remains = scene.delete().await;
    scene.end().await;
    endpoint(&scene.stage, scene.team, &[EVENT]).await;
    let ended = scene.postgres().end_endpoints(&remains, 500).await;
    assert_eq!(ended.expect("ended"), 1);
    assert_eq!(scene.count("webhook_endpoints").await, 0);
}
