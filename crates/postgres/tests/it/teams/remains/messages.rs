//! Messages that wait.

use msgflash_messaging::dispatch::ports::EntryKey;
use msgflash_messaging::dispatch::{Class, QueueState};
use msgflash_teams::remains::Endings as _;
use tokio::task::JoinSet;

use super::*;

/// What waits for its time.
fn scheduled(entries: Vec<QueueEntry>) -> Vec<QueueEntry> {
    let later = |it: QueueEntry| QueueEntry {
        class: Class::Scheduled,
        state: QueueState::Waiting,
        due_at: NOW + Duration::HOUR,
        not_before: NOW + Duration::HOUR,
        ready_since: None,
        period: None,
        ..it
    };
    entries.into_iter().map(later).collect()
}

async fn set_state(scene: &Scene, key: EntryKey, state: QueueState) {
    let session = scene.stage.session().await;
    let text = "UPDATE queue SET state = $2, attempt = 1, started_at = now(), look_at = now() \
         WHERE message_id = $1::text::uuid";
    let values: [&(dyn ToSql + Sync); 2] = [&key.1.to_string(), &state.to_i16()];
    assert_eq!(session.execute(text, &values).await.expect("set"), 1);
}

#[tokio::test]
async fn what_waits_is_cancelled_and_exactly_its_reservation_given_back() {
    let scene = Scene::new().await;
    let ready = scene.entries(scene.team, 0..1203);
    let ours = scene.entries(scene.personal, 2000..2005);
    let later = scheduled(scene.entries(scene.team, 3000..3300));
    let ours_later = scheduled(scene.entries(scene.personal, 4000..4003));
    let [open, unknown, doubtful, ..] = &*ready else {
        panic!("there are more")
    };
    scene.accept(&ready).await;
    for more in [&ours, &later, &ours_later] {
        scene.accept(more).await;
    }
    set_state(&scene, open.key(), QueueState::Started).await;
    set_state(&scene, unknown.key(), QueueState::Unknown).await;
    set_state(&scene, doubtful.key(), QueueState::Doubtful).await;
    assert_eq!(scene.usage().await.reserved, 1208);

    let remains = scene.delete().await;
    let first = scene.postgres().end_messages(&remains, 500, NOW).await;
    assert_eq!(first.expect("ended"), 500, "one batch");
    assert_eq!(scene.end().await, 1000 + 1);

    // What was called, or may have been, runs to its own end.
    let cancelled = "1500 5 Team deleted";
    assert_eq!(
        scene.states("messages", scene.team).await,
        ["3 0", cancelled]
    );
    assert_eq!(scene.states("messages", scene.personal).await, ["8 0"]);
    assert_eq!(scene.usage().await.reserved, 5 + 3);
    assert_eq!(scene.usage().await.messages, 0);
    scene.require_exact().await;
    assert_eq!(scene.count("queue").await, 8 + 3);
    assert_eq!(scene.count("outbox").await, 0);
    assert_eq!(scene.count("events").await, 0);
}

#[tokio::test]
async fn they_are_found_on_every_number_of_the_owner_also_on_deleted_ones() {
    let mut scene = Scene::new().await;
    let first = scene.entries(scene.team, 0..3);
    scene.accept(&first).await;
    scene.instance = instance_of(&scene.stage, scene.personal).await;
    let second = scene.entries(scene.team, 0..3);
    scene.accept(&second).await;
    let session = scene.stage.session().await;
    let gone = "UPDATE instances SET deleted_at = now() WHERE id = $1::text::uuid";
    let deleted = session
        .execute(gone, &[&scene.instance.id.to_string()])
        .await;
    assert_eq!(deleted.expect("deleted"), 1);
    scene.delete().await;
    scene.end().await;
    let states = scene.states("messages", scene.team).await;
    assert_eq!(states, ["6 5 Team deleted"]);
}

#[tokio::test]
async fn what_a_late_request_brings_is_ended_by_the_next_look() {
    let scene = Scene::new().await;
    scene.accept(&scene.entries(scene.team, 0..2)).await;
    scene.delete().await;
    scene.end().await;
    scene.accept(&scene.entries(scene.team, 2..5)).await;
    assert_eq!(scene.end().await, 0, "nothing is due yet");
    scene.clock.advance(Duration::seconds(5));
    assert_eq!(scene.end().await, 3 + 1);
    let states = scene.states("messages", scene.team).await;
    assert_eq!(states, ["5 5 Team deleted"]);
    assert_eq!(scene.usage().await.reserved, 0);
    scene.require_exact().await;
}

#[tokio::test]
async fn a_message_that_nobody_knows_about_is_waited_for_and_never_goes_out_again() {
    let scene = Scene::new().await;
    let entries = scene.entries(scene.team, 0..1);
    scene.accept(&entries).await;
    let key = entries[0].key();
    set_state(&scene, key, QueueState::Unknown).await;
    scene.delete().await;
    scene.clock.advance(Duration::minutes(11));
    assert_eq!(scene.end().await, 1);
    assert_eq!(scene.count("team_remains").await, 1);
    // It proved not to have left.
    let mut unit = SettleUnits::begin(scene.postgres()).await.expect("a unit");
    unit.queue().resend(key, NOW).await.expect("ready");
    unit.commit().await.expect("committed");
    scene.clock.advance(Duration::seconds(30));
    assert_eq!(scene.end().await, 1 + 1);
    let states = scene.states("messages", scene.team).await;
    assert_eq!(states, ["1 5 Team deleted"]);
    assert_eq!(scene.usage().await.reserved, 0);
    assert_eq!(scene.count("team_remains").await, 0);
}

#[tokio::test]
async fn what_somebody_is_changing_is_left_for_the_next_look() {
    let scene = Scene::new().await;
    let entries = scene.entries(scene.team, 0..3);
    scene.accept(&entries).await;
    let remains = scene.delete().await;
    let mut unit = SettleUnits::begin(scene.postgres()).await.expect("a unit");
    let held = unit.queue().lock(entries[1].key()).await.expect("held");
    assert!(held.is_some());
    let ended = scene.postgres().end_messages(&remains, 500, NOW).await;
    assert_eq!(ended.expect("ended"), 2);
    let left = scene.postgres().has_messages(&remains).await;
    assert!(left.expect("read"));
    drop(unit);
    msgflash_testkit::eventually("it is free", async || {
        let ended = scene.postgres().end_messages(&remains, 500, NOW).await;
        (ended.expect("ended") == 1).then_some(())
    })
    .await;
    let left = scene.postgres().has_messages(&remains).await;
    assert!(!left.expect("read"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn processes_side_by_side_give_back_each_reservation_once() {
    let scene = Scene::new().await;
    scene.accept(&scene.entries(scene.team, 0..700)).await;
    scene.accept(&scene.entries(scene.personal, 700..705)).await;
    let remains = scene.delete().await;
    let mut processes = JoinSet::new();
    for _ in 0..4 {
        // Without a lease between them: each takes what the others do not hold.
        let (postgres, end) = (scene.stage.pool(2), scene.end_through(scene.postgres()));
        processes.spawn(async move {
            let mut ended = 0;
            loop {
                let some = postgres
                    .end_messages(&remains, 40, NOW)
                    .await
                    .expect("ended");
                ended += some;
                let did = end.tick().await.expect("work");
                if some == 0 && did == Tick::Idle {
                    return ended;
                }
            }
        });
    }
    processes.join_all().await;
    let states = scene.states("messages", scene.team).await;
    assert_eq!(states, ["700 5 Team deleted"]);
    assert_eq!(scene.usage().await.reserved, 5);
    scene.require_exact().await;
}
