//! What several processes do to each other.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use msgflash_kernel::{Clock as _, FixedClock, RandomIds};
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::reconcile::{ReconcilePorts, Reconciler};
use msgflash_messaging::dispatch::settle::{Patience, Settle};
use time::Duration;

use super::gateway::Gateway;
use super::{numbers, process};
use crate::messaging::sample::{entry, push};
use crate::stage::{NOW, Stage};

async fn owned(stage: &Stage, by: Option<uuid::Uuid>) -> HashSet<uuid::Uuid> {
    let rows = stage
        .session()
        .await
        .query(
            "SELECT instance_id FROM lanes WHERE owner IS NOT DISTINCT FROM $1",
            &[&by],
        )
        .await
        .expect("read");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn after_an_outage_every_lane_has_an_owner_that_knows_it() {
    let stage = Stage::new().await;
    let lanes = numbers(&stage, 16).await;
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let (a, b) = (
        process(&stage, &gateway, &clock),
        process(&stage, &gateway, &clock),
    );
    let rounds = async |count: usize| {
        for _ in 0..count {
            a.dispatcher.tick().await.expect("a steps");
            b.dispatcher.tick().await.expect("b steps");
            clock.advance(Duration::SECOND);
        }
    };
    rounds(6).await;
    assert_eq!(
        (
            owned(&stage, Some(a.id)).await.len(),
            owned(&stage, Some(b.id)).await.len()
        ),
        (8, 8)
    );
    let of_a = owned(&stage, Some(a.id)).await;

    // The database was away for longer than worker_silence_seconds: nobody could beat.
    let silent = "UPDATE workers SET beat_at = now() - interval '31 seconds'";
    stage
        .session()
        .await
        .execute(silent, &[])
        .await
        .expect("silenced");
    clock.advance(Duration::seconds(31));
    // B is the first to be back.
    b.dispatcher.tick().await.expect("b steps");
    rounds(30).await;
    let free = owned(&stage, None).await;
    let stuck: Vec<_> = lanes
        .iter()
        .copied()
        .filter(|lane| free.contains(&lane.uuid()) && !of_a.contains(&lane.uuid()))
        .collect();
    let entries: Vec<_> = stuck.iter().map(|lane| entry(*lane, 1)).collect();
    push(&stage.postgres, &entries).await;
    rounds(600).await;
    assert_eq!(
        (gateway.sent(), owned(&stage, None).await.len()),
        (entries.len(), 0),
        "sent of {} messages to lanes without owner, and lanes without owner, ten minutes later",
        entries.len()
    );
}

#[tokio::test]
async fn what_one_process_did_not_call_is_not_taken_from_another_that_calls() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let (a, b) = (
        process(&stage, &gateway, &clock),
        process(&stage, &gateway, &clock),
    );
    a.dispatcher.tick().await.expect("A owns the lane");
    let first = entry(lane, 1);
    push(&stage.postgres, std::slice::from_ref(&first)).await;
    a.dispatcher.wake(&[lane]);
    // A's mark fails: its connection is lost. Then it is away for longer than the silence.
    a.starts_away.store(true, Ordering::SeqCst);
    assert!(a.dispatcher.tick().await.is_err());
    let silent = "UPDATE workers SET beat_at = now() - interval '31 seconds'";
    stage
        .session()
        .await
        .execute(silent, &[])
        .await
        .expect("silenced");
    // B takes the lane over and calls.
    let mut calls = vec![];
    for _ in 0..40 {
        clock.advance(Duration::SECOND);
        calls = b.dispatcher.step(10).await.expect("B steps").calls;
        if !calls.is_empty() {
            break;
        }
    }
    assert_eq!(calls.len(), 1);
    // A is back while that call is under way.
    a.starts_away.store(false, Ordering::SeqCst);
    a.dispatcher.tick().await.expect("A steps");
    for call in calls {
        b.dispatcher.call(call).await.expect("made");
    }
    assert_eq!(gateway.sent(), 1);
    for _ in 0..20 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
        b.dispatcher.tick().await.expect("steps");
    }
    assert_eq!(gateway.sent(), 1, "the recipient got it once");
}

#[tokio::test]
async fn a_clock_that_runs_ahead_sends_nothing_twice() {
    let stage = Stage::new().await;
    let lane = numbers(&stage, 1).await[0];
    let gateway = Gateway::new(|n| format!("K{n}"));
    let clock = Arc::new(FixedClock::at(NOW));
    let a = process(&stage, &gateway, &clock);
    // A message that left before: the witness.
    push(&stage.postgres, &[entry(lane, 1)]).await;
    for _ in 0..4 {
        a.dispatcher.tick().await.expect("steps");
        clock.advance(Duration::SECOND);
    }
    assert_eq!(gateway.sent(), 1);
    let slow = QueueEntry {
        due_at: NOW,
        ..entry(lane, 2)
    };
    push(&stage.postgres, std::slice::from_ref(&slow)).await;
    a.dispatcher.wake(&[lane]);
    let mut calls = vec![];
    for _ in 0..5 {
        calls = a.dispatcher.step(10).await.expect("starts").calls;
        if !calls.is_empty() {
            break;
        }
        clock.advance(Duration::SECOND);
    }
    assert_eq!(calls.len(), 1, "a call under way, such as an upload");
    // Another worker whose clock is six minutes ahead looks around, in the same second.
    let ahead = Arc::new(FixedClock::at(clock.now() + Duration::minutes(6)));
    let store = Arc::new(stage.pool(4));
    let settle = Arc::new(Settle::new(
        store.clone(),
        ahead.clone(),
        Arc::new(RandomIds),
        Patience::default(),
    ));
    let reconciler = Reconciler::new(ReconcilePorts {
        units: store.clone(),
        messages: store.clone(),
        instances: store.clone(),
        provider: gateway.provider(),
        settle,
        clock: ahead,
    });
    reconciler.expire().await.expect("looked");
    reconciler.tick().await.expect("looked");
    // The call ends well.
    for call in calls {
        a.dispatcher.call(call).await.expect("made");
    }
    for _ in 0..30 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    // not_before was written by the other clock.
    clock.advance(Duration::minutes(7));
    for _ in 0..10 {
        clock.advance(Duration::SECOND);
        a.dispatcher.tick().await.expect("steps");
    }
    assert_eq!(gateway.sent(), 2, "two messages, one call each");
}
