//! The number is away for a while, or for good.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn while_its_number_is_not_linked_it_waits_and_goes_on_by_itself() {
    const PEOPLE: usize = 60;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, 5).await;
    // Somebody unlinks it on the phone.
    let reason = json!({ "code": 401 });
    scene.stack.phone(&scene.instance, "drop", reason).await;
    let (stack, instance) = (&scene.stack, scene.instance.id);
    scene
        .account
        .wait_status(stack, instance, "disconnected")
        .await;
    let before = eventually("calls under way have ended", async || {
        let open = "SELECT count(*) FROM queue WHERE state IN (2, 3)";
        let open = scene.stack.count(open, &[]).await;
        let stats = scene.campaign(&id).await["stats"].take();
        (open == 0).then_some(stats)
    })
    .await;
    // Several turns of the campaign and of its lane.
    for _ in 0..2 {
        let beat = "SELECT (extract(epoch FROM max(beat_at)) * 1000)::bigint FROM workers";
        let last = scene.stack.count(beat, &[]).await;
        eventually("its worker's heart beats", async || {
            (scene.stack.count(beat, &[]).await > last).then_some(())
        })
        .await;
    }
    let waiting = scene.campaign(&id).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["stats"]["failed"], 0, "nobody is lost over it");
    assert_eq!(waiting["stats"]["sent"], before["sent"]);
    let number = "33611112222";
    scene
        .account
        .link(&scene.stack, &scene.instance, number)
        .await;
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, PEOPLE);
    scene.require_exact(&id).await;
}

/// Deletes the number when so many of so many people are reached.
async fn deleted_in_the_middle(people: usize, sent: u64) {
    let scene = Scene::with(people, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, sent).await;
    let console = scene.account.signed_in(&scene.stack).await;
    let path = format!("/api/instances/{}", scene.instance.id);
    let gone = console.delete(&path).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    scene.wait(&id, "paused").await;
    let stats = eventually("calls under way have ended", async || {
        let stats = scene.campaign(&id).await["stats"].take();
        let reserved = scene.stack.ledger(&scene.account).await.reserved;
        (reserved == 0).then_some(stats)
    })
    .await;
    assert_eq!(number(&stats, "failed"), 0, "{stats}");
    assert!(number(&stats, "queued") > 0, "{stats}");
    let resumed = scene.tell(&id, "resume").await;
    assert_eq!(resumed.outcome(), (404, "NOT_FOUND"));
    assert_eq!(scene.tell(&id, "cancel").await.status, 200);
    let stats = scene.require_exact(&id).await;
    // The gateway forgot the session and what it sent, but not that it was asked to.
    let asked = scene.stack.asked("sendText").await;
    let taken = asked.iter().filter(|it| it["status"] == 201).count();
    assert_eq!(number(&stats, "sent"), taken as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_number_is_deleted_it_is_paused() {
    deleted_in_the_middle(80, 5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_number_is_deleted_it_is_paused_also_if_all_its_messages_are_made() {
    deleted_in_the_middle(20, 3).await;
}
