//! Who owns a lane, what goes out next, and that it goes out once.

use msgflash_messaging::dispatch::ports::{LaneStore as _, QueueReader as _};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use time::Duration;
use tokio::task::JoinSet;

use super::sample::{SILENCE, Worker, entry, push, remove, stored};
use crate::stage::{NOW, Stage, fresh};

#[tokio::test]
async fn class_comes_before_time_and_time_before_id() {
    let stage = Stage::new().await;
    let lane = fresh();
    let due = |n, class, seconds: i64| QueueEntry {
        class,
        due_at: NOW - Duration::seconds(seconds),
        ..entry(lane, n)
    };
    // Ids grow in this order.
    let entries = [
        due(0, Class::Campaign, 90),
        due(1, Class::Scheduled, 50),
        due(2, Class::Scheduled, 60),
        due(3, Class::Single, 10),
        due(4, Class::Single, 20),
        due(5, Class::Single, 10),
    ];
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    let place = |next: &QueueEntry| entries.iter().position(|it| it.message == next.message);
    let order: Vec<_> = worker.ahead(lane, NOW).await.iter().map(place).collect();
    assert_eq!(order, [4, 3, 5, 2, 1, 0].map(Some));
}

#[tokio::test]
async fn a_recipient_with_an_open_call_is_passed_over_and_the_others_go() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries = [entry(lane, 1), entry(lane, 1), entry(lane, 2)];
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    let first = worker.take(lane, NOW).await.expect("one");
    assert_eq!(first.message, entries[0].message);
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    unit.queue()
        .mark_unknown(first.key(), 0, NOW)
        .await
        .expect("marked");
    unit.commit().await.expect("committed");
    let next = worker.take(lane, NOW).await.expect("one");
    assert_eq!(next.message, entries[2].message, "the other recipient's");
    remove(&stage.postgres, next.key()).await;
    assert_eq!(worker.take(lane, NOW).await, None);
    remove(&stage.postgres, first.key()).await;
    let last = worker.take(lane, NOW).await.expect("one");
    assert_eq!(last.message, entries[1].message);
}

#[tokio::test]
async fn a_call_is_not_begun_twice_nor_beside_one_to_the_same_recipient() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries = [entry(lane, 1), entry(lane, 1)];
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    let start = async |at: usize| {
        let keys = [entries[at].key()];
        worker.start(lane, &keys, NOW).await.expect("its lane")
    };
    assert_eq!(start(0).await, [(entries[0].key(), 1)]);
    assert!(start(0).await.is_empty(), "it is under way");
    assert!(start(1).await.is_empty(), "its recipient is");
}

#[tokio::test]
async fn the_oldest_living_worker_is_the_first() {
    let stage = Stage::new().await;
    let old = Worker::new(&stage.postgres).await;
    let young = Worker::new(&stage.postgres).await;
    let first = async || {
        let ask = |id| stage.postgres.is_first(id, SILENCE);
        let (old, young) = (ask(old.id).await, ask(young.id).await);
        (old.expect("read"), young.expect("read"))
    };
    assert_eq!(first().await, (true, false));
    let silent = "UPDATE workers SET beat_at = beat_at - interval '1 minute' WHERE id = $1";
    let session = stage.session().await;
    session.execute(silent, &[&old.id]).await.expect("silenced");
    // It does not know yet that it counts as gone; both may be wrong for a while.
    assert_eq!(first().await, (true, true));
    stage.postgres.beat(old.id).await.expect("alive");
    assert_eq!(first().await, (true, false));
    stage.postgres.retire(old.id).await.expect("retired");
    assert!(first().await.1);
}

#[tokio::test]
async fn nothing_goes_out_before_its_time() {
    let stage = Stage::new().await;
    let lane = fresh();
    let later = QueueEntry {
        not_before: NOW + Duration::SECOND,
        ..entry(lane, 1)
    };
    let waiting = QueueEntry {
        state: QueueState::Waiting,
        period: None,
        ready_since: None,
        ..entry(lane, 2)
    };
    push(&stage.postgres, &[later.clone(), waiting]).await;
    let worker = Worker::new(&stage.postgres).await;
    assert_eq!(worker.take(lane, NOW).await, None);
    let next = worker.take(lane, NOW + Duration::SECOND).await;
    assert_eq!(next.map(|it| it.message), Some(later.message));
}

#[tokio::test]
async fn a_lane_has_one_owner_and_two_workers_share_them() {
    let stage = Stage::new().await;
    let entries: Vec<_> = (0..10).map(|n| entry(fresh(), n)).collect();
    push(&stage.postgres, &entries).await;
    let first = Worker::new(&stage.postgres).await;
    assert_eq!(first.lanes.len(), 10, "alone, it takes all");
    let second = Worker::new(&stage.postgres).await;
    assert!(second.lanes.is_empty(), "each has its owner");

    let held: Vec<_> = first.lanes.iter().map(|it| it.lane).collect();
    let look = stage
        .postgres
        .claim(first.id, SILENCE, &held, NOW)
        .await
        .expect("looked");
    assert_eq!((look.share, look.taken.len()), (5, 0));
    stage
        .postgres
        .release(first.id, &held[..5])
        .await
        .expect("released");
    let look = stage
        .postgres
        .claim(second.id, SILENCE, &[], NOW)
        .await
        .expect("looked");
    let mut taken: Vec<_> = look.taken.iter().map(|it| it.lane).collect();
    taken.sort_by_key(|lane| lane.uuid());
    let mut given = held[..5].to_vec();
    given.sort_by_key(|lane| lane.uuid());
    assert_eq!(taken, given);
    assert!(look.taken.iter().all(|it| it.epoch == 2));
}

#[tokio::test]
async fn whoever_lost_a_lane_starts_nothing_and_its_open_calls_are_looked_up() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1), entry(lane, 2)]).await;
    let lost = Worker::new(&stage.postgres).await;
    let open = lost.take(lane, NOW).await.expect("one");
    let silent = "UPDATE workers SET beat_at = now() - interval '31 seconds'";
    let session = stage.session().await;
    session.execute(silent, &[]).await.expect("silenced");

    let heir = Worker::new(&stage.postgres).await;
    assert_eq!(heir.epoch(lane), lost.epoch(lane) + 1);
    let unknown = stored(&stage.postgres, open.key()).await.expect("there");
    assert_eq!(unknown.state, QueueState::Unknown);
    let rest = heir.ahead(lane, NOW).await;
    assert_eq!(rest.len(), 1);
    let keys = [rest[0].key()];
    assert_eq!(lost.start(lane, &keys, NOW).await, None, "not its lane");
    assert!(heir.start(lane, &keys, NOW).await.is_some());
}

#[tokio::test]
async fn a_worker_that_says_goodbye_leaves_its_lanes_at_once() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let leaving = Worker::new(&stage.postgres).await;
    stage.postgres.retire(leaving.id).await.expect("retired");
    let heir = Worker::new(&stage.postgres).await;
    assert_eq!(heir.lanes.len(), 1);
}

#[tokio::test]
async fn a_lane_taken_by_a_commit_nobody_confirmed_is_given_back() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let worker = Worker::new(&stage.postgres).await;
    assert_eq!(worker.lanes.len(), 1);
    // It never heard of its lane.
    let look = stage.postgres.claim(worker.id, SILENCE, &[], NOW).await;
    let look = look.expect("looked");
    assert_eq!(look.taken.len(), 1);
    assert_eq!(look.taken[0].epoch, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn workers_side_by_side_never_start_the_same_entry() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries: Vec<_> = (0..40).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    let worker = std::sync::Arc::new(Worker::new(&stage.postgres).await);
    let keys: Vec<_> = entries.iter().map(QueueEntry::key).collect();
    let mut tasks = JoinSet::new();
    for _ in 0..4 {
        let (worker, keys) = (worker.clone(), keys.clone());
        tasks.spawn(async move { worker.start(lane, &keys, NOW).await.expect("its lane") });
    }
    let started = tasks.join_all().await.concat();
    let distinct: std::collections::HashSet<_> = started.iter().collect();
    assert_eq!((started.len(), distinct.len()), (40, 40));
    let depth = stage.postgres.depth().await.expect("read");
    let states: Vec<_> = depth.iter().map(|it| (it.state, it.count)).collect();
    assert_eq!(states, [(QueueState::Started, 40)]);
}

#[tokio::test]
async fn starting_counts_and_leaves_its_mark() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let taken = worker.take(lane, NOW).await.expect("one");
    let started = stored(&stage.postgres, taken.key()).await.expect("there");
    let expected = QueueEntry {
        state: QueueState::Started,
        attempt: 1,
        started_at: Some(NOW),
        ..taken
    };
    assert_eq!(started, expected);
}

#[tokio::test]
async fn whoever_takes_an_attempt_off_the_queue_takes_it_alone() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1), entry(lane, 2)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let entry = worker.take(lane, NOW).await.expect("one");
    let take = async |attempt: u32| {
        let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
        let taken = unit.queue().take(&[(entry.key(), attempt)]).await;
        unit.commit().await.expect("committed");
        taken.expect("taken").len()
    };
    assert_eq!(take(2).await, 0, "another attempt");
    assert_eq!(take(1).await, 1);
    assert_eq!(take(1).await, 0, "gone");
}
