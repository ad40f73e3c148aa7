//! What an acknowledged pause and an acknowledged cancellation promise.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_pause_was_acknowledged_no_call_begins_until_it_is_resumed() {
    let scene = Scene::with(120, &PACED).await;
    let id = scene.create(&scene.body()).await;
    for _ in 0..2 {
        let sent = number(&scene.campaign(&id).await["stats"], "sent");
        scene.wait_sent(&id, sent + 5).await;
        let paused = scene.tell(&id, "pause").await;
        let calls = scene.calls().await;
        assert_eq!(
            (paused.status, &paused.data()["status"]),
            (200, &json!("paused"))
        );
        assert_eq!(
            scene.tell(&id, "pause").await.outcome(),
            (400, "BAD_REQUEST")
        );
        scene.let_time_pass().await;
        assert_eq!(scene.calls().await, calls + 1, "the other message alone");
        let stats = scene.require_exact(&id).await;
        assert!(number(&stats, "queued") > 0, "{stats}");
        let resumed = scene.tell(&id, "resume").await;
        assert_eq!(
            (resumed.status, &resumed.data()["status"]),
            (200, &json!("running"))
        );
        assert!(resumed.data()["safety"].is_object(), "{resumed:?}");
    }
    scene.wait(&id, "completed").await;
    let stats = scene.require_exact(&id).await;
    assert_eq!(
        (number(&stats, "planned"), number(&stats, "sent")),
        (120, 120)
    );
    let mut reached = scene.reached().await;
    assert_eq!(reached.remove("33699999999"), Some(2));
    assert_eq!(reached.len(), 120);
    assert!(reached.values().all(|times| *times == 1), "{reached:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_cancellation_was_acknowledged_no_call_begins_ever() {
    let scene = Scene::with(120, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, 5).await;
    let cancelled = scene.tell(&id, "cancel").await;
    let calls = scene.calls().await;
    assert_eq!(
        (cancelled.status, &cancelled.data()["status"]),
        (200, &json!("cancelled"))
    );
    adds_up(&cancelled.data()["stats"]);
    let settled = scene.wait_settled(&id).await;
    scene.let_time_pass().await;
    assert_eq!(scene.calls().await, calls + 1, "the other message alone");
    assert_eq!(scene.require_once().await, calls + 1);
    let stats = scene.require_exact(&id).await;
    assert_eq!(number(&stats, "sent"), calls as u64);
    assert_eq!(number(&stats, "cancelled"), 120 - calls as u64);
    assert_eq!(settled["cancelled"], stats["cancelled"]);
    for again in ["pause", "resume", "cancel"] {
        assert_eq!(
            scene.tell(&id, again).await.outcome(),
            (400, "BAD_REQUEST"),
            "{again}"
        );
    }
    let lines = scene.recipients(&id, "cancelled").await;
    assert_eq!(lines.len() as u64, number(&stats, "cancelled"));
    assert!(
        lines.values().all(|code| code == "CAMPAIGN_CANCELLED"),
        "{lines:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_has_not_started_can_be_paused_and_its_time_may_pass() {
    let scene = Scene::new(3).await;
    let soon = json!({ "schedule": moment_in(Duration::from_hours(1)) });
    let id = scene.create(&scene.body_with(&soon)).await;
    assert_eq!(scene.tell(&id, "pause").await.data()["status"], "paused");
    let waiting = scene.tell(&id, "resume").await;
    assert_eq!(waiting.data()["status"], "scheduled");
    assert_eq!(scene.tell(&id, "pause").await.status, 200);
    let key: Uuid = id.parse().expect("an id");
    let late = "UPDATE campaigns SET schedule = now() - interval '1 minute' WHERE id = $1";
    scene.stack.sql(late, &[&key]).await;
    scene.let_time_pass().await;
    assert_eq!(scene.campaign(&id).await["stats"]["planned"], 0);
    assert_eq!(scene.tell(&id, "resume").await.data()["status"], "running");
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, 4);
}
