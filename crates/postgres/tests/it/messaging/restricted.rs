//! Numbers whose new contacts wait, and sent messages nobody confirmed.

use std::sync::Arc;

use msgflash_kernel::{Id, RandomIds, Workspace};
use msgflash_messaging::dispatch::ports::StartUnits;
use msgflash_messaging::dispatch::{QueueEntry, QueueState};
use msgflash_messaging::instance::Standing;
use msgflash_messaging::instance::ports::InstanceReader as _;
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::provider::ReceiptRank;
use msgflash_messaging::receipt::batch::ApplyReceipts;
use msgflash_messaging::receipt::ports::{
    Inbox as _, InboxItem, StoredReceipt, Unconfirmed, UnconfirmedStore as _,
};
use msgflash_messaging::{Instance, InstanceId, Message, MessageStatus};
use msgflash_postgres::Postgres;
use time::{Duration, OffsetDateTime};

use super::sample::{Silent, Worker, entry, insert, message, number, phone, push};
use crate::stage::{NOW, Stage, clock, fresh};

/// Somebody wrote to the number.
async fn wrote(postgres: &Postgres, lane: InstanceId, n: u32) {
    let workspace = Workspace::personal(Id::new(fresh::<()>().uuid()));
    let inbound = Message {
        inbound: true,
        status: MessageStatus::Received,
        ..message(workspace, lane, phone(n))
    };
    insert(postgres, &[inbound]).await;
}

/// A sent message, known by `key_id` since `at`.
async fn sent(
    postgres: &Postgres,
    (instance, workspace): &(Instance, Workspace),
    key_id: &str,
    at: OffsetDateTime,
) -> Message {
    let sent = Message {
        status: MessageStatus::Sent,
        ..message(*workspace, instance.id, phone(1))
    };
    insert(postgres, std::slice::from_ref(&sent)).await;
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let bound = unit
        .queue()
        .bind_ref(instance.id, key_id, workspace.id, sent.id, at);
    assert!(bound.await.expect("bound"));
    unit.commit().await.expect("committed");
    sent
}

async fn arrives(postgres: &Postgres, instance: InstanceId, key_id: &str, rank: ReceiptRank) {
    let receipt = StoredReceipt {
        id: fresh(),
        instance,
        key_id: key_id.to_owned(),
        rank,
        received_at: NOW,
        tries: 0,
    };
    let stored = postgres.store(&[InboxItem::Receipt(receipt)]).await;
    stored.expect("stored");
}

#[tokio::test]
async fn strangers_are_those_who_never_wrote_to_this_number() {
    let stage = Stage::new().await;
    let (lane, other) = (fresh(), fresh());
    wrote(&stage.postgres, lane, 1).await;
    wrote(&stage.postgres, other, 2).await;
    let outbound = message(
        Workspace::personal(Id::new(fresh::<()>().uuid())),
        lane,
        phone(3),
    );
    insert(&stage.postgres, &[outbound]).await;
    let mut unit = StartUnits::begin(&stage.postgres).await.expect("a unit");
    let people = [1, 2, 3].map(|n| (lane, phone(n)));
    let mut strangers = unit.starts().strangers(&people).await.expect("read");
    strangers.sort_by_key(|(_, phone)| phone.to_i64());
    assert_eq!(strangers, [(lane, phone(2)), (lane, phone(3))]);
}

#[tokio::test]
async fn what_waits_for_strangers_is_put_off_and_nothing_else() {
    let stage = Stage::new().await;
    let (lane, other) = (fresh(), fresh());
    let until = NOW + Duration::HOUR;
    wrote(&stage.postgres, lane, 1).await;
    let answer = entry(lane, 1);
    let new = [entry(lane, 2), entry(lane, 3)];
    let probe = entry(lane, 4);
    let scheduled = QueueEntry {
        state: QueueState::Waiting,
        period: None,
        ready_since: None,
        ..entry(lane, 5)
    };
    let elsewhere = entry(other, 2);
    let all = [
        answer.clone(),
        new[0].clone(),
        new[1].clone(),
        probe.clone(),
        scheduled,
        elsewhere.clone(),
    ];
    push(&stage.postgres, &all).await;
    let mut unit = StartUnits::begin(&stage.postgres).await.expect("a unit");
    let starts = unit.starts();
    let (lanes, but) = ([(lane, until)], [probe.key()]);
    let held = starts.hold_strangers(&lanes, &but, 10);
    let mut held = held.await.expect("put off");
    held.sort_by_key(|(_, message)| message.uuid());
    assert_eq!(held, [new[0].key(), new[1].key()]);
    let again = starts.hold_strangers(&lanes, &but, 10);
    assert_eq!(again.await.expect("asked"), [], "they are put off already");
    unit.commit().await.expect("committed");

    let worker = Worker::new(&stage.postgres).await;
    let names = async |lane, now| -> Vec<_> {
        let ahead = worker.ahead(lane, now).await;
        ahead.into_iter().map(|it| it.message).collect()
    };
    assert_eq!(names(lane, NOW).await, [answer.message, probe.message]);
    assert_eq!(names(other, NOW).await, [elsewhere.message]);
    let all = [&answer, &new[0], &new[1], &probe].map(|it| it.message);
    assert_eq!(names(lane, until).await, all, "by itself, in its order");
}

#[tokio::test]
async fn two_refusals_restrict_the_number_and_tell_each_workspace_once() {
    let stage = Stage::new().await;
    let restricted = number(&stage, "a@example.com").await;
    let healthy = number(&stage, "b@example.com").await;
    let owner = stage.user("c@example.com").await;
    stage.team(&owner).await; // Somebody else's.
    let team = "INSERT INTO teams (id, owner_id, name, created_at, updated_at) \
                VALUES (gen_random_uuid(), $1::text::uuid, 'Desk', now(), now())";
    let session = stage.session().await;
    let account = restricted.0.account.to_string();
    session.execute(team, &[&account]).await.expect("a team");
    let apply = ApplyReceipts::new(
        Arc::new(stage.postgres.clone()),
        clock(),
        Arc::new(RandomIds),
        Arc::new(Silent),
        Duration::HOUR,
    );
    for key in ["1", "2", "3"] {
        sent(&stage.postgres, &restricted, key, NOW).await;
        sent(&stage.postgres, &healthy, key, NOW).await;
        arrives(&stage.postgres, restricted.0.id, key, ReceiptRank::Error).await;
        arrives(&stage.postgres, healthy.0.id, key, ReceiptRank::Read).await;
        apply.tick().await.expect("applied");
    }
    let standing = async |of: &Instance| {
        let found = stage.postgres.get(of.id).await.expect("read");
        found.expect("it is there").standing
    };
    let expected = Standing {
        restricted_until: Some(NOW + Duration::HOUR),
        restrictions: 1,
        errors_in_row: 0,
    };
    assert_eq!(standing(&restricted.0).await, expected);
    assert_eq!(standing(&healthy.0).await, Standing::default());
    let told = "SELECT count(*), count(DISTINCT workspace_id) FROM events \
                WHERE name = 'instance.restricted' AND payload->>'instanceId' = $1";
    let id = restricted.0.id.to_string();
    let row = session.query_one(told, &[&id]).await.expect("read");
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 2));
}

#[tokio::test]
async fn each_look_finds_every_unconfirmed_message_once_and_in_order() {
    let stage = Stage::new().await;
    let postgres = &stage.postgres;
    let numbers = [
        number(&stage, "a@example.com").await,
        number(&stage, "b@example.com").await,
    ];
    // Ids of one moment, on both numbers: a cut must not fall between them and lose one.
    for key in ["A", "B", "C"] {
        for number in &numbers {
            sent(postgres, number, key, NOW).await;
        }
    }
    let fresh = NOW + Duration::MINUTE;
    sent(postgres, &numbers[0], "FRESH", fresh).await;
    sent(postgres, &numbers[0], "READ", NOW).await;
    let done = "UPDATE messages SET status = 3 WHERE id = \
                (SELECT message_id FROM provider_refs WHERE key_id = 'READ')";
    stage.session().await.execute(done, &[]).await.expect("set");

    let lease = NOW + Duration::minutes(5);
    let claim = async |look, until| {
        postgres
            .claim(look, until, 4, NOW, lease)
            .await
            .expect("read")
    };
    let keys = |found: &[Unconfirmed]| -> Vec<_> {
        found
            .iter()
            .map(|it| (it.instance, it.key_id.clone()))
            .collect()
    };
    let first = claim(0, NOW).await.expect("ours");
    assert_eq!(first.len(), 4);
    assert_eq!(claim(0, NOW).await, None, "one at a time");
    postgres
        .resume(0, first.last().cloned(), NOW)
        .await
        .expect("given back");
    let second = claim(0, NOW).await.expect("ours");
    let mut seen = [keys(&first), keys(&second)].concat();
    seen.sort();
    let mut expected: Vec<_> = numbers
        .iter()
        .flat_map(|(it, _)| ["A", "B", "C"].map(|key| (it.id, key.to_owned())))
        .collect();
    expected.sort();
    assert_eq!(seen, expected);
    postgres.resume(0, None, NOW).await.expect("given back");
    assert_eq!(claim(0, NOW).await, Some(second), "it did not move");
    postgres.finish(0, NOW).await.expect("given back");
    let last = claim(0, fresh).await.expect("ours");
    assert_eq!(keys(&last), [(numbers[0].0.id, "FRESH".to_owned())]);
    assert_eq!(
        claim(1, NOW).await.map(|it| it.len()),
        Some(4),
        "a look of its own"
    );
}
