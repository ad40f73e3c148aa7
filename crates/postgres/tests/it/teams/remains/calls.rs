//! Nothing of a deleted team begins any more.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use msgflash_messaging::dispatch::QueueState;
use msgflash_messaging::dispatch::ports::{Lease, QueueReader as _, StartUnits};
use msgflash_messaging::message::ports::SettleUnits;

use super::*;
use crate::messaging::sample::Worker;

const STARTED: &str = "queue WHERE state = 2";

#[tokio::test]
async fn what_was_read_ahead_is_not_started_and_not_read_again() {
    let scene = Scene::new().await;
    let (team, ours) = (
        scene.entries(scene.team, 0..3),
        scene.entries(scene.personal, 3..5),
    );
    scene.accept(&team).await;
    scene.accept(&ours).await;
    let worker = Worker::new(scene.postgres()).await;
    let lane = scene.instance.id;
    let ahead = worker.ahead(lane, NOW).await;
    assert_eq!(ahead.len(), 5);
    scene.delete().await;
    let keys: Vec<_> = ahead.iter().map(QueueEntry::key).collect();
    let mut started = worker.start(lane, &keys, NOW).await.expect("its lane");
    started.sort_unstable_by_key(|((_, message), _)| message.uuid());
    let expected: Vec<_> = ours.iter().map(|it| (it.key(), 1)).collect();
    assert_eq!(started, expected);
    assert_eq!(worker.ahead(lane, NOW).await, []);
}

#[tokio::test]
async fn a_deletion_waits_for_marks_that_are_being_made_and_none_follows_it() {
    let scene = Arc::new(Scene::new().await);
    let entries = scene.entries(scene.team, 0..2);
    scene.accept(&entries).await;
    let worker = Worker::new(scene.postgres()).await;
    let lane = scene.instance.id;
    let mut unit = StartUnits::begin(scene.postgres()).await.expect("a unit");
    let asked = [(lane, worker.epoch(lane))];
    let held = unit.starts().hold_lanes(worker.id, &asked).await;
    assert_eq!(held.expect("read").lanes, [lane]);
    let lease = Lease {
        owner: worker.id,
        until: NOW + Duration::MINUTE,
    };
    let deleting = tokio::spawn({
        let scene = Arc::clone(&scene);
        async move { scene.delete().await }
    });
    scene.until_somebody_waits().await;
    // The team is there for whoever looks now.
    let first = [entries[0].key()];
    let read = [(first[0], entries[0].due_at)];
    let started = unit.starts().start(&read, lease, NOW).await;
    assert_eq!(started.expect("marked"), [(first[0], 1)]);
    assert!(!deleting.is_finished());
    unit.commit().await.expect("committed");
    deleting.await.expect("deleted");
    let second = [entries[1].key()];
    let none = worker.start(lane, &second, NOW).await.expect("its lane");
    assert_eq!(none, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_is_busy_with_thousands_begins_none_after_the_deletion() {
    let scene = Arc::new(Scene::new().await);
    scene.accept(&scene.entries(scene.team, 0..2000)).await;
    scene
        .accept(&scene.entries(scene.personal, 2000..2050))
        .await;
    let worker = Worker::new(scene.postgres()).await;
    let (rounds, stop) = (
        Arc::new(AtomicUsize::new(0)),
        Arc::new(AtomicBool::new(false)),
    );
    let working = tokio::spawn({
        let (scene, rounds, stop) = (scene.clone(), rounds.clone(), stop.clone());
        async move {
            let lane = scene.instance.id;
            // What was read before the deletion is tried again and again.
            let mut known = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let ahead = worker.ahead(lane, NOW).await;
                known.extend(ahead.iter().map(QueueEntry::key));
                let keys = known.split_off(known.len().saturating_sub(120));
                known.extend(keys.iter().take(100));
                worker.start(lane, &keys[..keys.len().min(20)], NOW).await;
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let after = async |count| {
        let seen = rounds.load(Ordering::Relaxed);
        msgflash_testkit::eventually("it works on", async || {
            (rounds.load(Ordering::Relaxed) >= seen + count).then_some(())
        })
        .await;
    };
    after(5).await;
    scene.delete().await;
    let of_team = format!("{STARTED} AND workspace_id = '{}'", scene.team.id);
    let begun = scene.count(&of_team).await;
    assert!((1..2000).contains(&begun), "{begun}");
    after(20).await;
    scene.end().await;
    after(5).await;
    stop.store(true, Ordering::Relaxed);
    working.await.expect("no panic");
    assert_eq!(scene.count(&of_team).await, begun);
    let cancelled = format!("{} 5 Team deleted", 2000 - begun);
    let states = scene.states("messages", scene.team).await;
    assert_eq!(states, [format!("{begun} 0"), cancelled]);
    let usage = scene.usage().await;
    assert_eq!(i64::try_from(usage.reserved), Ok(begun + 50));
    scene.require_exact().await;
}

#[tokio::test]
async fn nothing_is_reserved_for_what_becomes_due() {
    let scene = Scene::new().await;
    let waiting = |it: QueueEntry| QueueEntry {
        state: QueueState::Waiting,
        period: None,
        ready_since: None,
        ..it
    };
    let team = scene.entries(scene.team, 0..3);
    let team: Vec<_> = team.into_iter().map(waiting).collect();
    scene.accept(&team).await;
    let account = scene.personal.account;
    let due = scene.postgres().due_accounts(NOW, 100).await;
    assert_eq!(due.expect("read"), [account]);
    scene.delete().await;
    let due = scene.postgres().due_accounts(NOW, 100).await;
    assert_eq!(due.expect("read"), []);
    let mut unit = SettleUnits::begin(scene.postgres()).await.expect("a unit");
    let claimed = unit.queue().claim_due(&[account], NOW, 100).await;
    assert_eq!(claimed.expect("claimed"), []);
}

#[tokio::test]
async fn what_was_not_started_does_not_fail_and_what_was_does() {
    let scene = Scene::new().await;
    let team = scene.entries(scene.team, 0..2);
    scene.accept(&team).await;
    let worker = Worker::new(scene.postgres()).await;
    let called = [team[0].key()];
    let started = worker.start(scene.instance.id, &called, NOW).await;
    assert_eq!(started.expect("its lane").len(), 1);
    scene.delete().await;
    // The number lost its link; both would fail.
    let mut unit = SettleUnits::begin(scene.postgres()).await.expect("a unit");
    let attempts = [(team[0].key(), 1), (team[1].key(), 0)];
    let gone = unit.queue().withdraw(&attempts).await.expect("withdrawn");
    unit.commit().await.expect("committed");
    let gone: Vec<_> = gone.iter().map(QueueEntry::key).collect();
    assert_eq!(gone, called);
}
