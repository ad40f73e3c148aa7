//! The number is away for a while, or for good, or looks as if it were there.

use blackbox::within;

use super::*;

/// The link is lost in the middle, as this call about the phone has it, and made again later.
async fn linked_again_after(call: &str, how: Value) -> Scene {
    const PEOPLE: usize = 60;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, 5).await;
    scene.stack.phone(&scene.instance, call, how).await;
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
    scene.let_turns_pass().await;
    let waiting = scene.campaign(&id).await;
    assert_eq!(waiting["status"], "running");
    assert_eq!(waiting["stats"]["failed"], 0, "nobody is lost over it");
    assert_eq!(waiting["stats"]["sent"], before["sent"]);
    let same = "33611112222";
    scene
        .account
        .link(&scene.stack, &scene.instance, same)
        .await;
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, PEOPLE);
    let stats = scene.require_exact(&id).await;
    assert_eq!(number(&stats, "sent"), PEOPLE as u64);
    scene
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_number_is_not_linked_it_waits_and_goes_on_by_itself() {
    // Somebody unlinks it on the phone.
    linked_again_after("drop", json!({ "code": 401 })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_its_number_is_banned_it_waits_and_goes_on_once_it_is_linked_again() {
    let scene = linked_again_after("ban", json!({})).await;
    let reasons = "SELECT payload->>'reason' FROM events WHERE name = 'instance.disconnected'";
    let told = scene.stack.rows(reasons, &[]).await;
    let told: Vec<Option<String>> = told.iter().map(|row| row.get(0)).collect();
    let reason = "WhatsApp banned or blocked the number".to_owned();
    assert_eq!(told, [Some(reason)]);
}

/// Everybody is written to although the gateway took nothing until it was restarted.
async fn require_revived(scene: &Scene, id: &str, people: usize) {
    // A link whose events came in the wrong order is looked at again after a minute.
    within(Duration::from_mins(2), "it completes", async || {
        (scene.campaign(id).await["status"] == "completed").then_some(())
    })
    .await;
    assert_eq!(scene.require_once().await, people);
    let stats = scene.require_exact(id).await;
    let ended = (number(&stats, "sent"), number(&stats, "failed"));
    assert_eq!(ended, (people as u64, 0));
    assert!(
        scene.stack.alarms("dead_link").await > 0,
        "the operator is told"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn when_its_socket_dies_in_the_middle_everybody_hears_once() {
    const PEOPLE: usize = 60;
    let scene = Scene::with(PEOPLE, &PACED).await;
    let id = scene.create(&scene.body()).await;
    scene.wait_sent(&id, 5).await;
    scene.stack.phone(&scene.instance, "dead", json!({})).await;
    require_revived(&scene, &id, PEOPLE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn when_many_calls_at_once_meet_a_dead_socket_everybody_hears_once() {
    const PEOPLE: usize = 300;
    let scene = Scene::new(PEOPLE).await;
    scene.stack.phone(&scene.instance, "dead", json!({})).await;
    let id = scene.create(&scene.body()).await;
    require_revived(&scene, &id, PEOPLE).await;
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
