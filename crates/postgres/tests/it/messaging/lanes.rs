//! What goes out next, and that it goes out once.

use msgflash_kernel::StoreError;
use msgflash_messaging::dispatch::ports::{QueueReader, StartUnits};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use time::Duration;
use tokio::task::JoinSet;

use super::sample::{entry, lease, push, remove, stored, take};
use crate::stage::{NOW, Stage, fresh};

const NO_GAP: Duration = Duration::ZERO;

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
    let mut order = Vec::new();
    while let Some(next) = take(&stage.postgres, lane, NOW, NO_GAP).await {
        order.push(entries.iter().position(|it| it.message == next.message));
        remove(&stage.postgres, next.key()).await;
    }
    assert_eq!(order, [4, 3, 5, 2, 1, 0].map(Some));
}

#[tokio::test]
async fn a_lane_has_one_call_under_way_and_others_do_not_mind() {
    let stage = Stage::new().await;
    let (lane, other) = (fresh(), fresh());
    push(
        &stage.postgres,
        &[entry(lane, 1), entry(lane, 2), entry(other, 1)],
    )
    .await;
    let first = take(&stage.postgres, lane, NOW, NO_GAP).await.expect("one");
    assert_eq!(take(&stage.postgres, lane, NOW, NO_GAP).await, None);
    assert!(take(&stage.postgres, other, NOW, NO_GAP).await.is_some());
    let lanes = stage.postgres.ready_lanes(NOW, 10).await.expect("read");
    assert!(lanes.is_empty(), "both are busy: {lanes:?}");
    remove(&stage.postgres, first.key()).await;
    assert_eq!(
        stage.postgres.ready_lanes(NOW, 10).await.expect("read"),
        [lane]
    );
    assert!(take(&stage.postgres, lane, NOW, NO_GAP).await.is_some());
}

#[tokio::test]
async fn a_recipient_with_an_unknown_call_is_passed_over_and_the_others_go() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries = [entry(lane, 1), entry(lane, 1), entry(lane, 2)];
    push(&stage.postgres, &entries).await;
    let first = take(&stage.postgres, lane, NOW, NO_GAP).await.expect("one");
    assert_eq!(first.message, entries[0].message);
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    unit.queue()
        .mark_unknown(first.key(), 0, NOW)
        .await
        .expect("marked");
    unit.commit().await.expect("committed");
    let next = take(&stage.postgres, lane, NOW, NO_GAP).await.expect("one");
    assert_eq!(next.message, entries[2].message, "the other recipient's");
    remove(&stage.postgres, next.key()).await;
    assert_eq!(take(&stage.postgres, lane, NOW, NO_GAP).await, None);
    remove(&stage.postgres, first.key()).await;
    let last = take(&stage.postgres, lane, NOW, NO_GAP).await.expect("one");
    assert_eq!(last.message, entries[1].message);
}

#[tokio::test]
async fn the_database_itself_refuses_a_second_open_call_to_a_recipient() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries = [entry(lane, 1), entry(lane, 1)];
    push(&stage.postgres, &entries).await;
    let start = async |at: usize| {
        let mut unit = StartUnits::begin(&stage.postgres).await.expect("a unit");
        let lease = lease(NOW + Duration::MINUTE);
        unit.queue()
            .start(entries[at].key(), lease, NOW, NOW)
            .await?;
        unit.commit().await
    };
    start(0).await.expect("the first is open");
    assert!(start(1).await.is_err(), "the second is not");
    // Nor is the same one started twice.
    assert!(matches!(start(0).await, Err(StoreError::Stale(_))));
}

#[tokio::test]
async fn a_held_lane_waits_and_is_never_held_for_less() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1), entry(lane, 2)]).await;
    let gap = Duration::seconds(2);
    let first = take(&stage.postgres, lane, NOW, gap).await.expect("one");
    remove(&stage.postgres, first.key()).await;
    let early = NOW + gap - Duration::MILLISECOND;
    assert!(
        stage
            .postgres
            .ready_lanes(early, 10)
            .await
            .expect("read")
            .is_empty()
    );
    assert_eq!(take(&stage.postgres, lane, early, gap).await, None);
    let mut unit = StartUnits::begin(&stage.postgres).await.expect("a unit");
    unit.queue().hold_lane(lane, NOW).await.expect("held");
    unit.commit().await.expect("committed");
    assert_eq!(take(&stage.postgres, lane, early, gap).await, None);
    assert!(take(&stage.postgres, lane, NOW + gap, gap).await.is_some());
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
    assert_eq!(take(&stage.postgres, lane, NOW, NO_GAP).await, None);
    let next = take(&stage.postgres, lane, NOW + Duration::SECOND, NO_GAP).await;
    assert_eq!(next.map(|it| it.message), Some(later.message));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_at_one_lane_never_both_get_an_entry() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries: Vec<_> = (0..20).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let pool = stage.pool(4);
        workers.spawn(async move {
            let mut taken = Vec::new();
            for _ in 0..200 {
                let Some(entry) = take(&pool, lane, NOW, NO_GAP).await else {
                    tokio::task::yield_now().await;
                    continue;
                };
                let others = pool.depth().await.expect("read").started;
                assert_eq!(others, 1, "one call of a lane at a time");
                remove(&pool, entry.key()).await;
                taken.push(entry.message);
            }
            taken
        });
    }
    let mut taken: Vec<_> = workers.join_all().await.concat();
    while let Some(entry) = take(&stage.postgres, lane, NOW, NO_GAP).await {
        remove(&stage.postgres, entry.key()).await;
        taken.push(entry.message);
    }
    let distinct: std::collections::BTreeSet<_> = taken.iter().map(ToString::to_string).collect();
    assert_eq!((taken.len(), distinct.len()), (20, 20));
}

#[tokio::test]
async fn a_lane_in_somebody_elses_hands_is_left_to_them() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let mut theirs = StartUnits::begin(&stage.postgres).await.expect("a unit");
    assert!(
        theirs
            .queue()
            .pick(lane, NOW)
            .await
            .expect("read")
            .is_some()
    );
    // A lane nobody called before has its row made by both; the second waits for the first.
    let other = stage.postgres.clone();
    let ours = tokio::spawn(async move { take(&other, lane, NOW, NO_GAP).await });
    drop(theirs);
    assert!(ours.await.expect("no panic").is_some());
    let mut theirs = StartUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(theirs.queue().pick(lane, NOW).await.expect("read"), None);
}

#[tokio::test]
async fn starting_counts_and_leaves_its_mark() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let taken = take(&stage.postgres, lane, NOW, NO_GAP).await.expect("one");
    let started = stored(&stage.postgres, taken.key()).await.expect("there");
    let expected = QueueEntry {
        state: QueueState::Started,
        attempt: 1,
        started_at: Some(NOW),
        ..taken
    };
    assert_eq!(started, expected);
}
