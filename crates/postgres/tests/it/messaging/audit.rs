//! The ledger against a recount of the queue.

use msgflash_kernel::AccountId;
use msgflash_messaging::dispatch::{QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_postgres::Postgres;
use msgflash_quotas::{Drift, LedgerAudit, Period, Recount, Settlement, Want};
use tokio::task::JoinSet;

use super::sample::{entry, never_drifts};
use crate::stage::{NOW, Stage, fresh};

/// Reserves for entries and queues them, in one transaction as acceptance does.
async fn accept(
    postgres: &Postgres,
    account: AccountId,
    numbers: std::ops::Range<u32>,
) -> Vec<QueueEntry> {
    let lane = fresh();
    let entries: Vec<QueueEntry> = numbers
        .map(|n| QueueEntry {
            account,
            ..entry(lane, n)
        })
        .collect();
    let want = Want {
        account,
        period: Period::of(NOW),
        limit: None,
        count: u32::try_from(entries.len()).expect("few"),
    };
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.ledger().reserve(&[want]).await.expect("granted");
    unit.queue().push(&entries).await.expect("pushed");
    unit.commit().await.expect("committed");
    entries
}

/// Takes entries off the queue and charges or releases them, as settling does.
async fn settle(postgres: &Postgres, entries: &[QueueEntry], accepted: bool) {
    let keys: Vec<_> = entries.iter().map(QueueEntry::key).collect();
    let settled: Vec<_> = entries
        .iter()
        .map(|it| charge(it.account, u32::from(accepted), u32::from(!accepted)))
        .collect();
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.queue().remove(&keys).await.expect("removed");
    unit.ledger().settle(&settled).await.expect("settled");
    unit.commit().await.expect("committed");
}

fn charge(account: AccountId, messages: u32, released: u32) -> Settlement {
    Settlement {
        account,
        period: Period::of(NOW),
        messages,
        statuses: 0,
        released,
    }
}

async fn recount(postgres: &Postgres) -> Recount {
    postgres.recount().await.expect("read").expect("its turn")
}

#[tokio::test]
async fn each_kind_of_drift_is_found_and_none_is_repaired() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let (clean, lost, forgotten, twice) = (fresh(), fresh(), fresh(), fresh());
    let sent = accept(postgres, clean, 0..6).await;
    settle(postgres, &sent[..2], true).await;
    settle(postgres, &sent[2..3], false).await;
    assert_eq!(recount(postgres).await, Recount::default());

    // Reserved, and the entries are gone without a settlement.
    let gone = accept(postgres, lost, 0..3).await;
    // Entries that nobody reserved for.
    let unpaid: Vec<_> = (0..2)
        .map(|n| QueueEntry {
            account: forgotten,
            ..entry(fresh(), n)
        })
        .collect();
    // One that waits for its time has no reservation yet, and is no drift.
    let waiting = QueueEntry {
        account: forgotten,
        state: QueueState::Waiting,
        ready_since: None,
        period: None,
        ..entry(fresh(), 9)
    };
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let keys: Vec<_> = gone.iter().map(QueueEntry::key).collect();
    unit.queue().remove(&keys).await.expect("removed");
    unit.queue().push(&unpaid).await.expect("pushed");
    unit.queue().push(&[waiting]).await.expect("pushed");
    // Charged without ever having been reserved.
    let charged = [charge(twice, 1, 0)];
    unit.ledger().settle(&charged).await.expect("settled");
    unit.commit().await.expect("committed");

    let drift = |account, ledger, found| Drift {
        account,
        period: Period::of(NOW),
        ledger,
        found,
    };
    let mut expected = vec![
        drift(lost, 3, 0),
        drift(forgotten, 0, 2),
        drift(twice, -1, 0),
    ];
    expected.sort_by_key(|it| it.account.uuid());
    let found = recount(postgres).await;
    assert_eq!((found.drift, &found.found), (6, &expected));
    assert_eq!(recount(postgres).await, found, "it was left as it is");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_ledger_has_no_drift_at_any_moment_of_concurrent_sends() {
    let stage = Stage::new().await;
    let mut senders = JoinSet::new();
    for n in 0..6_u32 {
        let (postgres, account) = (stage.postgres.clone(), fresh());
        senders.spawn(async move {
            for round in 0..12 {
                let entries = accept(&postgres, account, 0..5).await;
                settle(&postgres, &entries, (n + round) % 3 != 0).await;
            }
        });
    }
    never_drifts(senders, async || recount(&stage.postgres).await).await;
}

#[tokio::test]
async fn a_ledger_longer_than_a_slice_is_recounted_to_its_end() {
    let stage = Stage::new().await;
    stage
        .session()
        .await
        .batch_execute(
            "INSERT INTO usage_holds (account_id, period, reserved_total) \
             SELECT gen_random_uuid(), 202605, 1 FROM generate_series(1, 12001)",
        )
        .await
        .expect("filled");
    let found = recount(&stage.postgres).await;
    assert_eq!(found.drift, 12_001, "each account once");
    assert_eq!(found.found.len(), Recount::NAMED);
}

#[tokio::test]
async fn one_process_recounts_at_a_time() {
    let stage = Stage::new().await;
    let other = stage.session().await;
    other
        .batch_execute("SELECT pg_advisory_lock(5571002719)")
        .await
        .expect("held");
    assert_eq!(stage.postgres.recount().await.expect("read"), None);
    other
        .batch_execute("SELECT pg_advisory_unlock(5571002719)")
        .await
        .expect("free");
    assert_eq!(recount(&stage.postgres).await, Recount::default());
}
