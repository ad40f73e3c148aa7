//! The ledger against a recount of the messages that were charged.

use msgflash_kernel::Workspace;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::{Instance, Message, MessageStatus};
use msgflash_postgres::Postgres;
use msgflash_quotas::{ChargedIn, Drift, LedgerAudit, Period, Recount, Settlement};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

use super::sample::{message, never_drifts, number, phone};
use crate::stage::{NOW, Stage, fresh};

const APRIL: OffsetDateTime = datetime!(2026-04-30 23:59 UTC);

/// A message that the provider took, charged to the month of `reserved`.
fn taken(instance: &Instance, workspace: Workspace, reserved: OffsetDateTime) -> Message {
    Message {
        status: MessageStatus::Sent,
        charged_to: Some(Period::of(reserved)),
        created_at: reserved,
        ..message(workspace, instance.id, phone(1))
    }
}

/// Stores and charges messages, in one transaction as settling does.
async fn charge(postgres: &Postgres, messages: &[Message]) {
    let settled: Vec<_> = messages
        .iter()
        .filter_map(|it| {
            Some(Settlement {
                account: it.workspace.account,
                period: it.charged_to?,
                messages: 1,
                statuses: 0,
                released: 0,
            })
        })
        .collect();
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.messages().insert(messages).await.expect("inserted");
    unit.messages().update(messages).await.expect("charged");
    unit.ledger().settle(&settled).await.expect("settled");
    unit.commit().await.expect("committed");
}

async fn recount(postgres: &Postgres) -> Recount {
    let months = ChargedIn::recounted(NOW);
    let recount = postgres.recount_accepted(&months).await;
    recount.expect("read").expect("its turn")
}

#[tokio::test]
async fn a_message_counts_in_the_month_of_its_reservation() {
    let stage = Stage::new().await;
    let (instance, workspace) = number(&stage, "lea@shop.test").await;
    let taken = |reserved| taken(&instance, workspace, reserved);
    let scheduled = |made, due| Message {
        created_at: made,
        scheduled_at: Some(due),
        ..taken(due)
    };
    let long_ago = NOW - Duration::days(300);
    let messages = [
        taken(APRIL),
        taken(NOW),
        // Still under way: nothing is charged.
        Message {
            status: MessageStatus::Queued,
            charged_to: None,
            ..taken(NOW)
        },
        // Made long before they were due, and in one month for the next.
        scheduled(long_ago, APRIL),
        scheduled(long_ago, NOW),
        scheduled(APRIL, NOW),
        // Due in April, when no worker ran.
        Message {
            charged_to: Some(Period::of(NOW)),
            ..scheduled(long_ago, APRIL)
        },
    ];
    charge(&stage.postgres, &messages).await;
    assert_eq!(recount(&stage.postgres).await, Recount::default());
    // Also when the number was removed meanwhile.
    let removed = "UPDATE instances SET deleted_at = now()";
    stage
        .session()
        .await
        .execute(removed, &[])
        .await
        .expect("removed");
    assert_eq!(recount(&stage.postgres).await, Recount::default());
}

#[tokio::test]
async fn each_side_may_be_wrong_and_neither_is_repaired() {
    let stage = Stage::new().await;
    let mut accounts = Vec::new();
    for name in ["clean", "dear", "cheap", "gone", "forgotten", "april"] {
        let (instance, workspace) = number(&stage, &format!("{name}@shop.test")).await;
        let mut messages = vec![taken(&instance, workspace, NOW); 3];
        for message in &mut messages {
            message.id = fresh();
        }
        messages.push(taken(&instance, workspace, APRIL));
        charge(&stage.postgres, &messages).await;
        accounts.push(workspace.account);
    }
    assert_eq!(recount(&stage.postgres).await, Recount::default());

    let session = stage.session().await;
    let breaks = [
        // The ledger: more, less, nothing at all.
        (
            1,
            "UPDATE usage_settled SET messages = 5 WHERE period = 202605 AND account_id",
        ),
        (
            2,
            "UPDATE usage_settled SET messages = 1 WHERE period = 202605 AND account_id",
        ),
        (
            4,
            "DELETE FROM usage_settled WHERE period = 202605 AND account_id",
        ),
        // The messages: gone, or charged to nothing.
        (
            3,
            "DELETE FROM messages WHERE charged_period = 202605 AND account_id",
        ),
        (
            5,
            "UPDATE messages SET charged_period = NULL WHERE charged_period = 202604 \
             AND account_id",
        ),
    ];
    for (account, broken) in breaks {
        let broken = format!("{broken} = $1::text::uuid");
        let account = accounts[account].to_string();
        session.execute(&broken, &[&account]).await.expect("broken");
    }
    let drift = |account: usize, at, ledger, found| Drift {
        account: accounts[account],
        period: Period::of(at),
        ledger,
        found,
    };
    // Months one after the other, accounts in the order of their ids.
    let expected = [
        drift(5, APRIL, 1, 0),
        drift(1, NOW, 5, 3),
        drift(2, NOW, 1, 3),
        drift(3, NOW, 3, 0),
        drift(4, NOW, 0, 3),
    ];
    let found = recount(&stage.postgres).await;
    assert_eq!((found.drift, found.found.as_slice()), (11, &expected[..]));
    assert_eq!(
        recount(&stage.postgres).await,
        found,
        "it was left as it is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_drifts_at_any_moment_of_concurrent_settling() {
    let stage = Stage::new().await;
    let mut senders = JoinSet::new();
    for n in 0..4 {
        let (instance, workspace) = number(&stage, &format!("{n}@shop.test")).await;
        let postgres = stage.postgres.clone();
        senders.spawn(async move {
            for _ in 0..15 {
                let messages = [(); 3].map(|()| taken(&instance, workspace, NOW));
                charge(&postgres, &messages).await;
            }
        });
    }
    never_drifts(senders, async || recount(&stage.postgres).await).await;
}

#[tokio::test]
async fn slices_end_by_messages_and_by_accounts_and_leave_nobody_out() {
    let stage = Stage::new().await;
    let session = stage.session().await;
    let fill = "INSERT INTO usage_settled (account_id, period, messages, statuses, released) \
                SELECT gen_random_uuid(), 202605, CASE WHEN n % 1000 = 0 THEN 100000 ELSE 1 END, 0, 0 \
                FROM generate_series(1, 12001) n";
    session.batch_execute(fill).await.expect("filled");
    let found = recount(&stage.postgres).await;
    assert_eq!(found.drift, 12 * 100_000 + 11_989, "each account once");
    assert_eq!(found.found.len(), Recount::NAMED);
}

#[tokio::test]
async fn the_two_halves_do_not_wait_for_each_other() {
    let stage = Stage::new().await;
    let other = stage.session().await;
    let hold = "SELECT pg_advisory_lock(5571002720)";
    other.batch_execute(hold).await.expect("held");
    let months = ChargedIn::recounted(NOW);
    let accepted = stage.postgres.recount_accepted(&months).await;
    assert_eq!(accepted.expect("read"), None);
    assert!(stage.postgres.recount().await.expect("read").is_some());
}
