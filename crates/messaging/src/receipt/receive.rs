//! Taking an event in: authenticate, store, answer. Understanding it comes later.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use msgflash_kernel::{Clock, GroupWorker, Groups, Id, Ids, Nudge, StoreError, groups};
use serde_json::Value;
use subtle::ConstantTimeEq as _;
use time::{Duration, OffsetDateTime};

use super::known::KnownSessions;
use super::ports::{Inbox, InboxItem, StoredEvent, StoredReceipt};
use crate::error::MessagingError;
use crate::instance::ports::InstanceReader;
use crate::instance::{Instance, InstanceStatus};
use crate::provider::{EventDecoder, ProviderEvent, ReceiptRank};

/// Events of one commit.
const GROUP: usize = 256;
/// The answer to the call that is announced is on its way: usually it makes the announcement
/// superfluous before anybody looks at it.
const ANSWER_WAIT: Duration = Duration::seconds(2);

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is stored and will be applied.
    Stored,
    /// It means nothing to us.
    Ignored,
    /// Nobody has this session.
    UnknownInstance,
    /// The secret is not the session's.
    WrongSecret,
}

/// The ports taking in needs.
#[derive(Clone)]
pub struct ReceivePorts {
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// Where events are stored.
    pub inbox: Arc<dyn Inbox>,
    /// Understands events as far as the door must.
    pub decoder: Arc<dyn EventDecoder>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Wakes whoever applies receipts.
    pub receipts: Arc<dyn Nudge>,
    /// Wakes whoever applies everything else.
    pub events: Arc<dyn Nudge>,
}

/// Takes events in.
pub struct ReceiveEvent {
    ports: ReceivePorts,
    known: KnownSessions,
    store: Groups<InboxItem, Result<(), StoreError>>,
}

/// Stores what was taken in, in groups; somebody must run it.
pub struct StoreGroups {
    inbox: Arc<dyn Inbox>,
    worker: GroupWorker<InboxItem, Result<(), StoreError>>,
}

impl ReceiveEvent {
    /// Wires the use case, and the worker behind it.
    pub fn new(ports: ReceivePorts) -> (Self, StoreGroups) {
        let (store, worker) = groups(GROUP);
        let inbox = Arc::clone(&ports.inbox);
        let known = KnownSessions::default();
        let receive = Self {
            ports,
            known,
            store,
        };
        (receive, StoreGroups { inbox, worker })
    }

    /// Whose session this is, if the secret is the session's. Asked before a body is read, so that
    /// nobody without the secret costs more than a look-up.
    pub async fn authenticate(
        &self,
        session: &str,
        secret: Option<&str>,
    ) -> Result<Result<Arc<Instance>, Received>, MessagingError> {
        let ours = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if session.len() > 100 || !session.bytes().all(ours) {
            return Ok(Err(Received::UnknownInstance));
        }
        let shown = secret.unwrap_or_default().as_bytes();
        let opens = |instance: &Arc<Instance>| {
            let expected = instance.webhook_secret.reveal().as_bytes();
            bool::from(expected.ct_eq(shown))
        };
        let now = self.ports.clock.now();
        if let Some(instance) = self.known.find(session, now).filter(opens) {
            return Ok(Ok(instance));
        }
        // A secret that does not fit what is remembered may fit what is stored by now, and the
        // gateway gives up what is refused.
        let Some(instance) = self.ports.instances.find_by_session(session).await? else {
            return Ok(Err(Received::UnknownInstance));
        };
        let instance = Arc::new(instance);
        if !opens(&instance) {
            return Ok(Err(Received::WrongSecret));
        }
        self.known.learn(&instance, now);
        Ok(Ok(instance))
    }

    /// Takes one event of an authenticated session in. Once this answered [`Received::Stored`], the
    /// event survives anything.
    pub async fn receive(
        &self,
        instance: &Instance,
        event: &str,
        data: Value,
    ) -> Result<Received, MessagingError> {
        let (id, now) = (Id::new(self.ports.ids.next()), self.ports.clock.now());
        let stored = |announces: Option<String>, due_at: OffsetDateTime| {
            InboxItem::Event(StoredEvent {
                id,
                instance: instance.id,
                event: event.to_owned(),
                announces,
                data: Value::Null,
                received_at: now,
                due_at,
                tries: 0,
            })
        };
        let mut item = match self.ports.decoder.decode(event, &data) {
            ProviderEvent::Ignored
            | ProviderEvent::Receipt {
                rank: ReceiptRank::Nothing,
                ..
            } => return Ok(Received::Ignored),
            // A gateway without a route posts hundreds of these; only the first says something.
            ProviderEvent::Connecting if !self.is_open(instance).await? => {
                return Ok(Received::Ignored);
            }
            ProviderEvent::Receipt { key_id, rank } => InboxItem::Receipt(StoredReceipt {
                id,
                instance: instance.id,
                key_id,
                rank,
                received_at: now,
                tries: 0,
            }),
            ProviderEvent::Sent(record) => stored(Some(record.key_id), now + ANSWER_WAIT),
            _ => stored(None, now),
        };
        let nudge = match &mut item {
            InboxItem::Receipt(_) => Some(&self.ports.receipts),
            InboxItem::Event(stored) => {
                stored.data = data;
                // A look would find nothing yet, and a campaign would cause one for each message.
                (stored.due_at <= now).then_some(&self.ports.events)
            }
        };
        let gone = |cause| StoreError::Unavailable(Box::new(cause));
        self.store.join(item).await.map_err(gone)??;
        if let Some(nudge) = nudge {
            nudge.nudge();
        }
        Ok(Received::Stored)
    }

    /// Whether the link is open and not re-opening, by what is stored now: what is remembered may
    /// be older than the link.
    async fn is_open(&self, instance: &Instance) -> Result<bool, StoreError> {
        let stored = self.ports.instances.get(instance.id).await?;
        Ok(stored.is_some_and(|it| {
            it.status == InstanceStatus::Connected && it.reconnecting_since.is_none()
        }))
    }
}

impl StoreGroups {
    /// Stores groups until nobody can take events in any more.
    pub async fn run(self) {
        let inbox = self.inbox;
        let store = |items| {
            let inbox = Arc::clone(&inbox);
            async move { store_group(&*inbox, items).await }
        };
        self.worker.run(store).await;
    }
}

/// Stores a group in one go. If that fails because of what is in it, halves it until the bad ones
/// stand alone.
async fn store_group(inbox: &dyn Inbox, items: Vec<InboxItem>) -> Vec<Result<(), StoreError>> {
    let mut results: Vec<_> = items.iter().map(|_| Ok(())).collect();
    let whole = 0..items.len();
    let mut parts: Vec<_> = std::iter::once(whole).collect();
    while let Some(part) = parts.pop() {
        let stored = AssertUnwindSafe(inbox.store(&items[part.clone()]))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(StoreError::Failed("storing events panicked".into())));
        match stored {
            Ok(()) => {}
            Err(StoreError::Unavailable(cause)) => {
                // It would be the same for the rest, and take as long again.
                let cause = cause.to_string();
                let waiting = parts.drain(..).chain([part]);
                for index in waiting.flatten() {
                    results[index] = Err(StoreError::Unavailable(cause.clone().into()));
                }
            }
            Err(cause) if part.len() == 1 => results[part.start] = Err(cause),
            Err(_) => {
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
        }
    }
    results
}

#[cfg(test)]
mod tests;
