//! Entries and messages to fill the tables with.

use msgflash_kernel::{Id, Phone, Workspace};
use msgflash_messaging::dispatch::ports::{EntryKey, Lease, StartUnits};
use msgflash_messaging::dispatch::{Class, QueueEntry, QueueState};
use msgflash_messaging::message::ports::SettleUnits;
use msgflash_messaging::{InstanceId, Message, MessageKind, MessageStatus};
use msgflash_postgres::Postgres;
use msgflash_quotas::Period;
use serde_json::Map;
use time::{Duration, OffsetDateTime};

use crate::stage::{NOW, fresh};

pub(super) fn phone(n: u32) -> Phone {
    Phone::parse(&format!("+336123{n:05}")).expect("a number")
}

/// A ready entry of a lane to a number of its own.
pub(super) fn entry(lane: InstanceId, n: u32) -> QueueEntry {
    QueueEntry {
        instance: lane,
        message: fresh(),
        workspace: fresh(),
        account: fresh(),
        phone: phone(n),
        class: Class::Single,
        state: QueueState::Ready,
        due_at: NOW,
        not_before: NOW,
        ready_since: Some(NOW),
        period: Some(Period::of(NOW)),
        attempt: 0,
        misses: 0,
        started_at: None,
        looks: 0,
        has_left: false,
        resent: false,
    }
}

/// A queued text from a workspace through an instance.
pub(super) fn message(workspace: Workspace, instance: InstanceId, to: Phone) -> Message {
    Message {
        id: fresh(),
        workspace,
        acting_user: workspace.owner(),
        instance,
        contact: None,
        campaign: None,
        inbound: false,
        kind: MessageKind::Text,
        peer: Some(to),
        own_number: None,
        body: Some("Hello".to_owned()),
        media_url: None,
        status: MessageStatus::Queued,
        error: None,
        meta: Map::new(),
        provider_message_id: None,
        scheduled_at: None,
        request_id: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(super) fn workspace() -> Workspace {
    Workspace::personal(Id::new(fresh::<()>().uuid()))
}

pub(super) async fn push(postgres: &Postgres, entries: &[QueueEntry]) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.queue().push(entries).await.expect("pushed");
    unit.commit().await.expect("committed");
}

pub(super) async fn insert(postgres: &Postgres, messages: &[Message]) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    unit.messages().insert(messages).await.expect("inserted");
    unit.commit().await.expect("committed");
}

pub(super) fn lease(until: OffsetDateTime) -> Lease {
    Lease {
        owner: fresh::<()>().uuid(),
        until,
    }
}

/// Picks the lane's next entry and starts it, as a worker does.
pub(super) async fn take(
    postgres: &Postgres,
    lane: InstanceId,
    now: OffsetDateTime,
    gap: Duration,
) -> Option<QueueEntry> {
    let mut unit = StartUnits::begin(postgres).await.expect("a unit");
    let Some(entry) = unit.queue().pick(lane, now).await.expect("read") else {
        // A dropped unit rolls back in the background; the next one shall not find its locks.
        unit.commit().await.expect("committed");
        return None;
    };
    let lease = lease(now + Duration::MINUTE);
    unit.queue()
        .start(entry.key(), lease, now, now + gap)
        .await
        .expect("started");
    unit.commit().await.expect("committed");
    Some(entry)
}

/// Takes an entry off the queue, as a settled call does.
pub(super) async fn remove(postgres: &Postgres, key: EntryKey) {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    assert_eq!(unit.queue().remove(&[key]).await.expect("removed"), [key]);
    unit.commit().await.expect("committed");
}

/// An entry as it is stored.
pub(super) async fn stored(postgres: &Postgres, key: EntryKey) -> Option<QueueEntry> {
    let mut unit = SettleUnits::begin(postgres).await.expect("a unit");
    let entry = unit.queue().lock(key).await.expect("read");
    unit.commit().await.expect("committed");
    entry
}
