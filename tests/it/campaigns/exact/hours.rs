//! Times: too late, outside the hours, and once more tomorrow.

use super::*;

/// An hour of the day in UTC, so many from now.
async fn hour(scene: &Scene, from_now: i64) -> String {
    let asked = "SELECT extract(hour FROM now() AT TIME ZONE 'UTC')::bigint";
    let now = scene.stack.count(asked, &[]).await;
    format!("{:02}:00", (now + from_now).rem_euclid(24))
}

async fn window(scene: &Scene, from: i64, to: i64) -> Value {
    let (start, end) = (hour(scene, from).await, hour(scene, to).await);
    json!({ "window": { "start": start, "end": end, "timezone": "UTC" } })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_sent_in_time_is_not_sent() {
    const PEOPLE: usize = 300;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let by = json!({ "sendBy": moment_in(Duration::from_secs(8)) });
    let id = scene.create(&scene.body_with(&by)).await;
    scene.wait(&id, "completed").await;
    let stats = scene.wait_settled(&id).await;
    let calls = scene.calls().await;
    scene.let_time_pass().await;
    assert_eq!(scene.calls().await, calls + 1, "the other message alone");
    let sent = number(&stats, "sent");
    assert!(sent > 0 && sent < PEOPLE as u64, "{stats}");
    assert_eq!(number(&stats, "cancelled"), PEOPLE as u64 - sent);
    assert_eq!(scene.require_once().await as u64, sent + 1);
    scene.require_exact(&id).await;
    let late = scene.recipients(&id, "cancelled").await;
    assert!(
        late.values().all(|code| code == "SEND_BY_PASSED"),
        "{late:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn outside_its_hours_nothing_is_made_and_inside_it_is_sent() {
    let scene = Scene::new(20).await;
    let closed = window(&scene, 3, 5).await;
    let open = window(&scene, -2, 3).await;
    let waits = scene.create(&scene.body_with(&closed)).await;
    let sends = scene.create(&scene.body_with(&open)).await;
    scene.wait(&sends, "completed").await;
    eventually("the audience is written down", async || {
        (scene.campaign(&waits).await["stats"]["planned"] == 20).then_some(())
    })
    .await;
    scene.let_time_pass().await;
    let waiting = scene.campaign(&waits).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["stats"]["queued"], 20);
    assert_eq!(scene.require_once().await, 21);
    let key: Uuid = waits.parse().expect("an id");
    let made = "SELECT count(*) FROM messages WHERE campaign_id = $1";
    assert_eq!(scene.stack.count(made, &[&key]).await, 0);
    scene.require_exact(&waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_repeats_writes_to_everybody_once_a_run_and_counts_on() {
    let scene = Scene::new(20).await;
    let daily = json!({ "repeat": "daily" });
    let id = scene.create(&scene.body_with(&daily)).await;
    let key: Uuid = id.parse().expect("an id");
    for run in 1..=3_u64 {
        let waiting = eventually("the run is over", async || {
            let campaign = scene.campaign(&id).await;
            let is_over = number(&campaign["stats"], "sent") == run * 20;
            (is_over && campaign["status"] == "scheduled").then_some(campaign)
        })
        .await;
        assert_eq!(waiting["stats"]["completedAt"], Value::Null);
        let reached = scene.reached().await;
        assert_eq!(reached.len(), 20);
        assert!(
            reached.values().all(|times| *times as u64 == run),
            "{reached:?}"
        );
        scene.require_exact(&id).await;
        // A day goes by.
        let tomorrow = "UPDATE campaigns SET schedule = schedule - interval '1 day', \
               run_started_at = run_started_at - interval '1 day', turn_at = now() WHERE id = $1";
        scene.stack.sql(tomorrow, &[&key]).await;
    }
    let cancelled = scene.tell(&id, "cancel").await;
    assert_eq!(cancelled.status, 200, "{cancelled:?}");
}
