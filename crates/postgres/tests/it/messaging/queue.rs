//! Entries between their states.

use msgflash_kernel::AccountId;
use msgflash_messaging::dispatch::ports::{QueueReader, QueueShare};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_quotas::Period;
use time::Duration;

use super::sample::{Worker, entry, phone, push, stored};
use crate::stage::{NOW, Stage, fresh};

fn waiting(account: AccountId, n: u32, due: i64) -> QueueEntry {
    let due_at = NOW + Duration::seconds(due);
    QueueEntry {
        account,
        state: QueueState::Waiting,
        due_at,
        not_before: due_at,
        ready_since: None,
        period: None,
        ..entry(fresh(), n)
    }
}

#[tokio::test]
async fn a_lease_that_ends_makes_the_call_unknown_and_not_ready() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let taken = worker.take(lane, NOW).await.expect("one");
    let expire = async |at| {
        let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
        let count = unit.queue().expire_leases(at).await.expect("expired");
        unit.commit().await.expect("committed");
        count
    };
    assert_eq!(expire(NOW + Duration::seconds(59)).await, 0);
    let end = NOW + Duration::MINUTE;
    assert_eq!(expire(end).await, 1);
    assert_eq!(expire(end).await, 0);
    let unknown = stored(&stage.postgres, taken.key()).await.expect("there");
    assert_eq!(unknown.state, QueueState::Unknown);
    assert_eq!((unknown.attempt, unknown.started_at), (1, Some(NOW)));
    assert_eq!(worker.take(lane, end).await, None, "never again");
    let depth = stage.postgres.depth().await.expect("read");
    let states: Vec<_> = depth.iter().map(|it| (it.state, it.count)).collect();
    assert_eq!(states, [(QueueState::Unknown, 1)]);
}

#[tokio::test]
async fn only_entries_still_at_their_attempt_are_withdrawn_whatever_their_state() {
    let stage = Stage::new().await;
    let lane = fresh();
    let entries: Vec<_> = (1..=3).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    let begun = worker.take(lane, NOW).await.expect("one");
    let ready: Vec<_> = entries
        .iter()
        .filter(|it| it.message != begun.message)
        .collect();
    let attempts = [
        (begun.key(), 1),
        (ready[0].key(), 0),
        // Has not come so far.
        (ready[1].key(), 1),
    ];
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let mut gone = unit.queue().withdraw(&attempts).await.expect("withdrawn");
    unit.commit().await.expect("committed");
    gone.sort_by_key(|it| it.attempt);
    let told: Vec<_> = gone.iter().map(|it| (it.key(), it.state)).collect();
    assert_eq!(
        told,
        [
            (ready[0].key(), QueueState::Ready),
            (begun.key(), QueueState::Started)
        ]
    );
    assert_eq!(stored(&stage.postgres, begun.key()).await, None);
    assert!(stored(&stage.postgres, ready[1].key()).await.is_some());
}

#[tokio::test]
async fn depth_tells_states_and_classes_apart_and_who_waits_longest() {
    let stage = Stage::new().await;
    let ready = |n, class, seconds| QueueEntry {
        class,
        ready_since: Some(NOW - Duration::seconds(seconds)),
        ..entry(fresh(), n)
    };
    let entries = [
        ready(1, Class::Single, 5),
        ready(2, Class::Campaign, 30),
        ready(3, Class::Campaign, 90),
        waiting(fresh(), 4, 60),
    ];
    push(&stage.postgres, &entries).await;
    let mut depth = stage.postgres.depth().await.expect("read");
    depth.sort_by_key(|it| (it.state.to_i16(), it.class));
    let share = |state, class, count, oldest: Option<i64>| QueueShare {
        state,
        class,
        count,
        oldest: oldest.map(|seconds| NOW - Duration::seconds(seconds)),
    };
    assert_eq!(
        depth,
        [
            share(QueueState::Waiting, Class::Single, 1, None),
            share(QueueState::Ready, Class::Single, 1, Some(5)),
            share(QueueState::Ready, Class::Campaign, 2, Some(90)),
        ]
    );
}

#[tokio::test]
async fn an_unknown_call_is_looked_up_by_one_process_at_a_time() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let taken = worker.take(lane, NOW).await.expect("one");
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let look_at = NOW + Duration::seconds(5);
    unit.queue()
        .mark_unknown(taken.key(), 0, look_at)
        .await
        .expect("marked");
    unit.commit().await.expect("committed");
    let later = look_at + Duration::MINUTE;
    let mut early = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    assert!(
        early
            .queue()
            .claim_unknown(NOW, later, 9)
            .await
            .expect("read")
            .is_empty()
    );
    let mut one = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    assert_eq!(
        one.queue()
            .claim_unknown(look_at, later, 9)
            .await
            .expect("read")
            .len(),
        1
    );
    let mut two = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    assert!(
        two.queue()
            .claim_unknown(look_at, later, 9)
            .await
            .expect("read")
            .is_empty()
    );
    one.commit().await.expect("committed");
    assert!(
        two.queue()
            .claim_unknown(look_at, later, 9)
            .await
            .expect("read")
            .is_empty()
    );
    assert_eq!(
        two.queue()
            .claim_unknown(later, later, 9)
            .await
            .expect("read")
            .len(),
        1
    );
}

#[tokio::test]
async fn an_open_call_is_found_by_its_recipient() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1), entry(lane, 2)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let taken = worker.take(lane, NOW).await.expect("one");
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let open = unit.queue().lock_open(lane, phone(1)).await.expect("read");
    assert_eq!(open.map(|it| it.message), Some(taken.message));
    assert_eq!(
        unit.queue().lock_open(lane, phone(2)).await.expect("read"),
        None
    );
    assert_eq!(
        unit.queue()
            .lock_open(fresh(), phone(1))
            .await
            .expect("read"),
        None
    );
}

#[tokio::test]
async fn what_is_put_back_waits_for_its_turn_and_remembers() {
    let stage = Stage::new().await;
    let lane = fresh();
    push(&stage.postgres, &[entry(lane, 1)]).await;
    let worker = Worker::new(&stage.postgres).await;
    let taken = worker.take(lane, NOW).await.expect("one");
    let at = NOW + Duration::seconds(5);
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    unit.queue()
        .put_back(taken.key(), 1, at)
        .await
        .expect("put back");
    unit.commit().await.expect("committed");
    assert_eq!(worker.take(lane, NOW).await, None);
    let again = worker.take(lane, at).await.expect("one");
    assert_eq!(
        (again.misses, again.attempt, again.ready_since),
        (1, 1, Some(NOW))
    );
}

#[tokio::test]
async fn due_entries_are_claimed_once_in_the_order_of_their_times() {
    let stage = Stage::new().await;
    let (mine, theirs) = (fresh(), fresh());
    let entries = [
        waiting(mine, 1, -1),
        waiting(mine, 2, -3),
        waiting(mine, 3, 1),
        waiting(theirs, 4, -2),
    ];
    push(&stage.postgres, &entries).await;
    let mut accounts = stage.postgres.due_accounts(NOW, 10).await.expect("read");
    accounts.sort_by_key(|id| id.uuid());
    let mut expected = vec![mine, theirs];
    expected.sort_by_key(|id: &AccountId| id.uuid());
    assert_eq!(accounts, expected);

    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let due = unit
        .queue()
        .claim_due(&[mine], NOW, 10)
        .await
        .expect("claimed");
    let order: Vec<_> = due.iter().map(|it| it.message).collect();
    assert_eq!(order, [entries[1].message, entries[0].message]);
    let mut other = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let rest = other
        .queue()
        .claim_due(&[mine, theirs], NOW, 10)
        .await
        .expect("claimed");
    assert_eq!(rest.len(), 1, "what somebody holds is skipped");

    let keys: Vec<_> = due.iter().map(QueueEntry::key).collect();
    let period = Period::of(NOW);
    unit.queue()
        .admit(&keys, period, NOW)
        .await
        .expect("admitted");
    unit.commit().await.expect("committed");
    let ready = stored(&stage.postgres, keys[0]).await.expect("there");
    assert_eq!(ready.state, QueueState::Ready);
    assert_eq!((ready.period, ready.ready_since), (Some(period), Some(NOW)));
}

#[tokio::test]
async fn a_provider_id_belongs_to_the_first_who_binds_it() {
    let stage = Stage::new().await;
    let (lane, workspace, one, two) = (fresh(), fresh(), fresh(), fresh());
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let queue = unit.queue();
    assert!(
        queue
            .bind_ref(lane, "3EB0", workspace, one, NOW)
            .await
            .expect("bound")
    );
    assert!(
        !queue
            .bind_ref(lane, "3EB0", workspace, two, NOW)
            .await
            .expect("read")
    );
    assert!(
        queue
            .bind_ref(fresh(), "3EB0", workspace, two, NOW)
            .await
            .expect("bound")
    );
    let found = queue.find_ref(lane, "3EB0").await.expect("read");
    assert_eq!(found, Some((workspace, one)));
    assert_eq!(queue.find_ref(lane, "3EB1").await.expect("read"), None);
}
