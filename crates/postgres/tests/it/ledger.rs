//! The outbound ledger, above all when many write at once.

use msgflash_kernel::AccountId;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_postgres::Postgres;
use msgflash_quotas::{Period, Settlement, Usage, UsageReader, Want};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{NOW, SOON, Stage, fresh};

fn want(account: AccountId, limit: Option<u32>, count: u32) -> Want {
    Want {
        account,
        period: Period::of(NOW),
        limit,
        count,
    }
}

fn settlement(account: AccountId, messages: u32, released: u32) -> Settlement {
    Settlement {
        account,
        period: Period::of(NOW),
        messages,
        statuses: 0,
        released,
    }
}

async fn reserve(postgres: &Postgres, wants: &[Want]) -> Vec<u32> {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let granted = unit.ledger().reserve(wants).await.expect("an answer");
    unit.commit().await.expect("committed");
    granted
}

async fn settle(postgres: &Postgres, settlements: &[Settlement]) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.ledger().settle(settlements).await.expect("settled");
    unit.commit().await.expect("committed");
}

async fn usage(postgres: &Postgres, account: AccountId) -> Usage {
    postgres
        .usage(account, Period::of(NOW))
        .await
        .expect("read")
}

#[tokio::test]
async fn grants_what_the_limit_leaves() {
    let stage = Stage::new().await;
    let (account, other) = (fresh(), fresh());
    assert_eq!(usage(&stage.postgres, account).await, Usage::default());
    assert!(reserve(&stage.postgres, &[]).await.is_empty());
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(10), 7)]).await,
        [7]
    );
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(10), 7)]).await,
        [3]
    );
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(10), 7)]).await,
        [0]
    );
    // A limit that was lowered takes nothing back and grants nothing more.
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(5), 1)]).await,
        [0]
    );
    assert_eq!(
        reserve(&stage.postgres, &[want(other, Some(10), 7)]).await,
        [7]
    );
    assert_eq!(
        reserve(&stage.postgres, &[want(account, None, 1_000)]).await,
        [1_000]
    );
    assert_eq!(usage(&stage.postgres, account).await.reserved, 1_010);
}

#[tokio::test]
async fn wants_of_one_account_are_served_in_order() {
    let stage = Stage::new().await;
    let (account, other) = (fresh(), fresh());
    let june = Want {
        period: Period::of(NOW).next(),
        ..want(account, Some(5), 4)
    };
    let wants = [
        want(account, Some(5), 3),
        want(other, Some(2), 9),
        want(account, Some(5), 3),
        june,
        want(account, Some(5), 3),
        want(account, Some(5), 0),
    ];
    assert_eq!(reserve(&stage.postgres, &wants).await, [3, 2, 2, 4, 0, 0]);
    assert_eq!(usage(&stage.postgres, account).await.reserved, 5);
    let june = stage
        .postgres
        .usage(account, june.period)
        .await
        .expect("read");
    assert_eq!(june.reserved, 4);
}

#[tokio::test]
async fn a_release_makes_room_and_use_does_not() {
    let stage = Stage::new().await;
    let account = fresh();
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(5), 5)]).await,
        [5]
    );
    let status = Settlement {
        messages: 0,
        statuses: 1,
        ..settlement(account, 0, 0)
    };
    settle(
        &stage.postgres,
        &[settlement(account, 1, 0), settlement(account, 0, 2), status],
    )
    .await;
    let expected = Usage {
        messages: 1,
        statuses: 1,
        reserved: 1,
    };
    assert_eq!(usage(&stage.postgres, account).await, expected);
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(5), 5)]).await,
        [2]
    );
    assert_eq!(usage(&stage.postgres, account).await.reserved, 3);
}

#[tokio::test]
async fn what_is_not_committed_was_not_reserved() {
    let stage = Stage::new().await;
    let account = fresh();
    let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
    let granted = unit
        .ledger()
        .reserve(&[want(account, Some(5), 5)])
        .await
        .expect("an answer");
    assert_eq!(granted, [5]);
    drop(unit);
    assert_eq!(
        reserve(&stage.postgres, &[want(account, Some(5), 5)]).await,
        [5]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_the_edge_of_ten_get_ten() {
    let stage = Stage::new().await;
    let account = fresh();
    let mut tries = JoinSet::new();
    for _ in 0..50 {
        let postgres = stage.postgres.clone();
        tries.spawn(async move { reserve(&postgres, &[want(account, Some(10), 1)]).await[0] });
    }
    assert_eq!(tries.join_all().await.iter().sum::<u32>(), 10);
    assert_eq!(usage(&stage.postgres, account).await.reserved, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_that_overlap_in_any_order_do_not_wait_in_a_circle() {
    let stage = Stage::new().await;
    let accounts: Vec<AccountId> = (0..8).map(|_| fresh()).collect();
    let mut tries = JoinSet::new();
    for n in 0..24 {
        let (postgres, mut accounts) = (stage.postgres.clone(), accounts.clone());
        accounts.rotate_left(n % 8);
        if n % 3 == 0 {
            accounts.reverse();
        }
        accounts.truncate(1 + n % 8);
        tries.spawn(async move {
            let wants: Vec<_> = accounts
                .iter()
                .map(|account| want(*account, Some(6), 1))
                .collect();
            let granted = reserve(&postgres, &wants).await;
            let results: Vec<_> = accounts
                .iter()
                .zip(&granted)
                .map(|(account, granted)| settlement(*account, *granted, 0))
                .collect();
            settle(&postgres, &results).await;
            granted.iter().sum::<u32>()
        });
    }
    let granted = timeout(SOON, tries.join_all())
        .await
        .expect("no circle")
        .iter()
        .sum::<u32>();
    let mut used = 0;
    for account in accounts {
        let usage = usage(&stage.postgres, account).await;
        assert_eq!(usage.reserved, 0);
        assert!(usage.messages <= 6, "{usage:?}");
        used += usage.messages;
    }
    assert_eq!(used, u64::from(granted));
}

#[tokio::test(flavor = "multi_thread")]
async fn use_and_reservations_never_pass_the_limit_together() {
    const LIMIT: u32 = 12;
    let stage = Stage::new().await;
    let account = fresh();
    let mut tries = JoinSet::new();
    for n in 0..16_u32 {
        let postgres = stage.postgres.clone();
        tries.spawn(async move {
            let mut accepted = 0;
            for round in 0..6 {
                let granted = reserve(&postgres, &[want(account, Some(LIMIT), 3)]).await[0];
                let seen = usage(&postgres, account).await;
                assert!(
                    seen.outbound() + seen.reserved <= u64::from(LIMIT),
                    "{seen:?}"
                );
                // Most attempts fail and give their place back.
                let sent = u32::from(granted > 0 && (n + round) % 7 == 0);
                settle(&postgres, &[settlement(account, sent, granted - sent)]).await;
                accepted += sent;
            }
            accepted
        });
    }
    let accepted = tries.join_all().await.iter().sum::<u32>();
    let end = usage(&stage.postgres, account).await;
    assert_eq!((end.messages, end.reserved), (u64::from(accepted), 0));
    // Whatever was given back can be had again, to the last place.
    let left = reserve(&stage.postgres, &[want(account, Some(LIMIT), LIMIT)]).await[0];
    assert_eq!(left, LIMIT - accepted);
}

mod sequences;
