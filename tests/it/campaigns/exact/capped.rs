//! Where the operator wants that, a campaign keeps to the caps of the safety guidance.

use super::*;

/// What a number that warms up may send in an hour.
const CAP: usize = 25;
/// More than two hours of it.
const PEOPLE: usize = 60;

/// The numbers were linked so long ago.
async fn linked_for(scene: &Scene, span: &str) {
    let aged = format!("UPDATE instances SET first_connected_at = now() - interval '{span}'");
    scene.stack.sql(&aged, &[]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_stops_at_the_cap_of_a_warming_number_and_loses_nobody() {
    let mut scene = Scene::with(PEOPLE, &[("safety", "enforce")]).await;
    linked_for(&scene, "3 days").await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, CAP as u64).await;
    // Another number's line is not full: what is sent there now is sent after all that could go here.
    let other = scene.account.connected(&scene.stack).await;
    let client = &scene.account.client;
    let later = client.text(&other, "+33699999999", "Later").await;
    client.wait_message(&later, "read").await;
    assert_eq!(scene.require_once().await, CAP + 1);
    require_held(&scene, &id).await;
    // An older number may send more.
    scene.stack.stop_server().await;
    linked_for(&scene, "30 days").await;
    scene.stack.start_server().await;
    scene.account.client = scene.stack.client(&scene.account.key);
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, PEOPLE + 1);
    let stats = scene.require_exact(&id).await;
    assert_eq!(number(&stats, "sent"), PEOPLE as u64);
}

/// What passes the cap waits, and that is told.
async fn require_held(scene: &Scene, id: &str) {
    assert_eq!(scene.campaign(id).await["status"], "running");
    let stats = scene.require_exact(id).await;
    let count = |name| number(&stats, name);
    assert_eq!(
        (count("sent"), count("queued"), count("failed")),
        (CAP as u64, (PEOPLE - CAP) as u64, 0),
    );
    let waiting = scene.recipients(id, "queued").await;
    assert_eq!(waiting.len(), PEOPLE - CAP);
    assert!(waiting.values().all(Value::is_null), "{waiting:?}");
    let held = scene.stack.metric("msgflash_held_by_caps_total").await;
    assert!(held >= 1, "it is counted");
    let health = scene.health().await;
    assert_eq!(health["safetyState"], "warming", "{health}");
    assert_eq!(health["warmupPolicy"]["hourlyOutboundCap"], CAP);
    let path = format!("{CAMPAIGNS}/{id}/stats");
    let told = scene.account.client.page(&path).await;
    let end = told["estimatedCompletionAt"].as_str();
    let end = end.unwrap_or_else(|| panic!("no end: {told}"));
    let soon = moment_in(Duration::from_mins(30));
    assert!(
        end[..19] > soon[..19],
        "more than an hour's worth waits: {end}"
    );
}
