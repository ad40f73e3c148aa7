//! A database that fails between two steps, and a gateway that fails under a call.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use msgflash_kernel::{Clock as _, FixedClock};
use msgflash_messaging::dispatch::{QueueEntry, QueueState};
use time::Duration;

use super::gateway::Gateway;
use super::{numbers, process};
use crate::messaging::sample::{entry, push, stored};
use crate::stage::{NOW, Stage};

#[tokio::test]
async fn a_failure_that_cannot_be_recorded_loses_no_call_of_its_group() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let off = "UPDATE instances SET status = 'disconnected' WHERE id = $1";
    stage
        .session()
        .await
        .execute(off, &[&lanes[1].uuid()])
        .await
        .expect("off");
    let good = [entry(lanes[0], 1), entry(lanes[0], 2)];
    push(&stage.postgres, &good).await;
    push(&stage.postgres, &[entry(lanes[1], 3)]).await;
    let a = process(&stage, &gateway, &clock);
    // The database goes away between the marks and the record of the one that failed.
    a.away.store(true, Ordering::SeqCst);
    let done = a.dispatcher.tick().await;
    assert!(done.is_err(), "the failure was not recorded");
    a.away.store(false, Ordering::SeqCst);
    let marked = stored(&stage.postgres, good[0].key()).await.expect("there");
    assert_eq!(
        marked.state,
        QueueState::Started,
        "marked, and nobody calls it"
    );
    for _ in 0..600 {
        clock.advance(Duration::SECOND);
        let _ = a.dispatcher.tick().await;
    }
    assert_eq!(
        gateway.sent(),
        2,
        "ten minutes later: both messages of the connected lane were called"
    );
}

#[tokio::test]
async fn one_outcome_that_cannot_be_recorded_stops_nobody_else() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 2).await;
    // An odd gateway: the first id has a character that PostgreSQL's text cannot hold.
    let gateway = Gateway::new(|n| {
        if n == 0 {
            "3EB0\0".into()
        } else {
            format!("K{n}")
        }
    });
    let clock = Arc::new(FixedClock::at(NOW));
    push(&stage.postgres, &[entry(lanes[0], 1)]).await;
    let a = process(&stage, &gateway, &clock);
    let _ = a.dispatcher.tick().await;
    assert_eq!(gateway.sent(), 1);
    push(&stage.postgres, &[entry(lanes[1], 2)]).await;
    let mut last = Ok(());
    for _ in 0..60 {
        clock.advance(Duration::SECOND);
        last = a.dispatcher.tick().await.map(drop);
    }
    assert_eq!(
        gateway.sent(),
        2,
        "another lane's message a minute later; the last step: {last:?}"
    );
}

#[tokio::test]
async fn a_gateway_that_is_back_is_called_again_whatever_the_database_did_meanwhile() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 4).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    gateway.down.store(true, Ordering::SeqCst);
    let old: Vec<_> = lanes[..3].iter().map(|lane| entry(*lane, 1)).collect();
    push(&stage.postgres, &old).await;
    a.dispatcher
        .tick()
        .await
        .expect("finds out that the gateway is away");
    // Fifteen minutes later the old ones are overdue, and a new one of a fourth lane is the next probe.
    for _ in 0..840 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    let fourth = QueueEntry {
        ready_since: Some(clock.now()),
        due_at: clock.now(),
        not_before: clock.now(),
        ..entry(lanes[3], 1)
    };
    push(&stage.postgres, &[fourth]).await;
    for _ in 0..30 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    // One step of that meets a database that is away.
    clock.advance(Duration::minutes(2));
    a.away.store(true, Ordering::SeqCst);
    assert!(a.dispatcher.tick().await.is_err());
    a.away.store(false, Ordering::SeqCst);
    gateway.down.store(false, Ordering::SeqCst);
    let new: Vec<_> = lanes[..3]
        .iter()
        .map(|lane| QueueEntry {
            ready_since: Some(clock.now()),
            due_at: clock.now(),
            ..entry(*lane, 2)
        })
        .collect();
    push(&stage.postgres, &new).await;
    for _ in 0..1800 {
        clock.advance(Duration::SECOND);
        let _ = a.dispatcher.tick().await;
    }
    assert_eq!(gateway.sent(), 4, "half an hour later");
}

#[tokio::test]
async fn no_single_message_waits_longer_than_patience_for_a_dead_session() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    gateway.dead.store(true, Ordering::SeqCst);
    let entries: Vec<_> = (0..60).map(|n| entry(lane, n)).collect();
    push(&stage.postgres, &entries).await;
    for _ in 0..1800 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    let left = stage
        .session()
        .await
        .query_one("SELECT count(*) FROM queue", &[])
        .await
        .expect("read");
    assert_eq!(
        left.get::<_, i64>(0),
        0,
        "of 60 messages still wait after 30 minutes"
    );
}
