//! No call begins to whoever is on the list.

use std::sync::Arc;

use msgflash_kernel::Workspace;
use msgflash_messaging::dispatch::QueueEntry;
use msgflash_messaging::dispatch::ports::{Lease, StartUnits};
use msgflash_messaging::dispatch::stop::{MarkReader as _, Stopped};
use msgflash_messaging::message::OPT_OUT_CONFIRMATION;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::{Instance, Message};
use serde_json::json;
use time::Duration;

use super::{add, unwilling};
use crate::messaging::sample::{self, Worker, entry, insert, number, phone, push, remove};
use crate::stage::{NOW, Stage, fresh};

struct Scene {
    stage: Stage,
    instance: Instance,
    ours: Workspace,
    worker: Worker,
    entries: Vec<QueueEntry>,
}

/// A lane with entries of one workspace, each to a number of its own.
async fn scene(count: u32) -> Scene {
    let stage = Stage::new().await;
    let (instance, ours) = number(&stage, "lea@shop.test").await;
    let entries: Vec<_> = (0..count)
        .map(|n| QueueEntry {
            workspace: ours.id,
            account: ours.account,
            ..entry(instance.id, n)
        })
        .collect();
    push(&stage.postgres, &entries).await;
    let worker = Worker::new(&stage.postgres).await;
    Scene {
        stage,
        instance,
        ours,
        worker,
        entries,
    }
}

#[tokio::test]
async fn whoever_is_on_the_list_is_left_out_and_named() {
    let it = scene(3).await;
    let lane = it.instance.id;
    let theirs = entry(lane, 0);
    let all_the_same = QueueEntry {
        ignores_suppression: true,
        message: fresh(),
        ..it.entries[1].clone()
    };
    push(&it.stage.postgres, &[theirs.clone(), all_the_same.clone()]).await;
    let listed = [unwilling(0), unwilling(1)];
    add(&it.stage.postgres, it.ours, &listed).await;
    let mut keys: Vec<_> = it.entries.iter().map(QueueEntry::key).collect();
    keys.extend([theirs.key(), all_the_same.key()]);
    let mut unit = SettleUnits::begin(&it.stage.postgres)
        .await
        .expect("a unit");
    let mut named = unit.queue().opted_out(&keys).await.expect("read");
    unit.commit().await.expect("committed");
    named.sort_unstable_by_key(|(_, message)| message.uuid());
    assert_eq!(named, [it.entries[0].key(), it.entries[1].key()]);
    let started = it.worker.start(lane, &keys, NOW).await.expect("its lane");
    let mut started: Vec<_> = started.into_iter().map(|(key, _)| key).collect();
    started.sort_unstable_by_key(|(_, message)| message.uuid());
    let expected = [it.entries[2].key(), theirs.key(), all_the_same.key()];
    assert_eq!(started, expected, "another workspace has a list of its own");
}

#[tokio::test]
async fn adding_waits_for_marks_that_are_being_made_and_none_follows_it() {
    let it = Arc::new(scene(2).await);
    let lane = it.instance.id;
    let mut unit = StartUnits::begin(&it.stage.postgres).await.expect("a unit");
    let asked = [(lane, it.worker.epoch(lane))];
    let held = unit.starts().hold_lanes(it.worker.id, &asked).await;
    assert_eq!(held.expect("read").lanes, [lane]);
    let adding = tokio::spawn({
        let it = Arc::clone(&it);
        async move { add(&it.stage.postgres, it.ours, &[unwilling(0), unwilling(1)]).await }
    });
    it.stage.until_somebody_waits().await;
    // For whoever looks now nobody is on the list.
    let first = [it.entries[0].key()];
    let lease = Lease {
        owner: it.worker.id,
        until: NOW + Duration::MINUTE,
    };
    let read = [(first[0], it.entries[0].due_at)];
    let started = unit.starts().start(&read, lease, NOW).await;
    assert_eq!(started.expect("marked"), [(first[0], 1)]);
    assert!(!adding.is_finished());
    unit.commit().await.expect("committed");
    assert_eq!(adding.await.expect("added").len(), 2);
    let second = [it.entries[1].key()];
    let none = it.worker.start(lane, &second, NOW).await.expect("its lane");
    assert_eq!(none, []);
    let stopped = Stopped::OptedOut(it.ours);
    let marked = it.stage.postgres.has_marks(&stopped).await;
    assert!(marked.expect("read"), "the first may be called yet");
}

#[tokio::test]
async fn marks_are_seen_until_they_are_settled_and_those_of_others_are_not() {
    let it = scene(3).await;
    let lane = it.instance.id;
    let all_the_same = QueueEntry {
        ignores_suppression: true,
        ..QueueEntry {
            workspace: it.ours.id,
            account: it.ours.account,
            ..entry(lane, 7)
        }
    };
    push(&it.stage.postgres, std::slice::from_ref(&all_the_same)).await;
    let keys = [it.entries[0].key(), it.entries[1].key(), all_the_same.key()];
    let started = it.worker.start(lane, &keys, NOW).await.expect("its lane");
    assert_eq!(started.len(), 3);
    let stopped = Stopped::OptedOut(it.ours);
    let marked = async || it.stage.postgres.has_marks(&stopped).await.expect("read");
    assert!(!marked().await, "nobody is on the list");
    add(&it.stage.postgres, it.ours, &[unwilling(7), unwilling(2)]).await;
    assert!(
        !marked().await,
        "neither a ready one nor one that goes anyway"
    );
    add(&it.stage.postgres, it.ours, &[unwilling(0)]).await;
    assert!(marked().await);
    let others = Stopped::OptedOut(sample::workspace());
    assert!(!it.stage.postgres.has_marks(&others).await.expect("read"));
    remove(&it.stage.postgres, keys[0]).await;
    assert!(!marked().await);
}

#[tokio::test]
async fn a_confirmation_is_found_for_as_long_as_it_counts() {
    let stage = Stage::new().await;
    let (instance, ours) = number(&stage, "lea@shop.test").await;
    let confirmed = async |workspace: Workspace, since| {
        let mut unit = SettleUnits::begin(&stage.postgres).await.expect("a unit");
        let messages = unit.messages();
        let found = messages
            .confirmed_since(workspace.id, phone(1), since)
            .await;
        unit.commit().await.expect("committed");
        found.expect("read")
    };
    let plain = sample::message(ours, instance.id, phone(1));
    insert(&stage.postgres, std::slice::from_ref(&plain)).await;
    // Their ids are of today, whatever the clock of these tests shows.
    #[expect(clippy::disallowed_methods, reason = "ids are made by the real time")]
    let now = time::OffsetDateTime::now_utc();
    assert!(!confirmed(ours, now - Duration::DAY).await);
    let mut answer = Message {
        id: fresh(),
        ..plain
    };
    answer.meta.insert(OPT_OUT_CONFIRMATION.into(), json!(true));
    insert(&stage.postgres, &[answer]).await;
    assert!(confirmed(ours, now - Duration::DAY).await);
    assert!(!confirmed(ours, now + Duration::HOUR).await);
    assert!(!confirmed(sample::workspace(), now - Duration::DAY).await);
}
