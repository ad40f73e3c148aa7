//! What answers of the provider say about the provider and its sessions, whatever was asked.
//!
//! The adapter hears every answer, so nothing that calls needs to know. Hearing is cheap and in
//! memory: what is forgotten in a crash is heard again with the next call. Nothing here is
//! believed before it was looked at once more.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::connection::{Change, RecordConnection};
use super::ports::InstanceReader;
use super::{Instance, InstanceStatus};
use crate::alarm::{Alarm, Alarms};
use crate::provider::{ProviderError, WhatsAppProvider};

/// An alarm about the whole provider is raised again after this long, while its cause lasts.
const AGAIN_AFTER: Duration = Duration::MINUTE;
/// A session that nothing was heard of for this long begins a new story.
const EPISODE: Duration = Duration::minutes(5);
/// More sessions than this are not held under suspicion at once; later calls bring them back.
const MOST_SUSPECTS: usize = 10_000;

/// What an answer says besides what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// A message went through.
    Sent,
    /// The socket under the session is dead.
    DeadSocket,
    /// Our key is refused.
    KeyRefused,
    /// The licence must be activated first.
    LicenceRequired,
    /// There is no such session.
    UnknownSession,
}

/// Hears signs. Called with each answer, so it must be quick.
pub trait SignListener: Send + Sync {
    /// A sign, and the session it concerns if it concerns one.
    fn heard(&self, session: Option<&str>, sign: Sign);
}

/// Collects signs, and raises those alarms that need no second look.
pub struct Signs {
    alarms: Arc<dyn Alarms>,
    clock: Arc<dyn Clock>,
    held: Mutex<Held>,
    /// How many sessions are thought dead: the usual case, none, passes without a lock.
    dead: AtomicUsize,
}

#[derive(Default)]
struct Held {
    raised: HashMap<Alarm, OffsetDateTime>,
    suspects: BTreeSet<String>,
    dead: HashMap<String, Dead>,
}

struct Dead {
    since: OffsetDateTime,
    last: OffsetDateTime,
}

impl Signs {
    /// Wires the collection.
    pub fn new(alarms: Arc<dyn Alarms>, clock: Arc<dyn Clock>) -> Self {
        Self {
            alarms,
            clock,
            held: Mutex::default(),
            dead: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        self.held
            .lock()
            .expect("the lock is never held across a panic")
    }

    /// Raises an alarm about the whole provider, not with every call.
    fn raise(&self, held: &mut Held, alarm: Alarm, now: OffsetDateTime) {
        let due = held
            .raised
            .get(&alarm)
            .is_none_or(|last| now - *last >= AGAIN_AFTER);
        if due {
            held.raised.insert(alarm, now);
            self.alarms.raise(alarm, None);
        }
    }

    /// Takes the sessions to look at.
    fn suspects(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().suspects)
    }

    /// Takes the sessions that have been dead for so long.
    fn dead_for(&self, patience: Duration, now: OffsetDateTime) -> Vec<String> {
        if self.dead.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let mut held = self.lock();
        held.dead.retain(|_, dead| now - dead.last < EPISODE);
        let due = held
            .dead
            .extract_if(|_, dead| now - dead.since >= patience)
            .map(|(session, _)| session)
            .collect();
        self.dead.store(held.dead.len(), Ordering::Release);
        due
    }
}

impl SignListener for Signs {
    fn heard(&self, session: Option<&str>, sign: Sign) {
        if sign == Sign::Sent && self.dead.load(Ordering::Acquire) == 0 {
            return;
        }
        let now = self.clock.now();
        let mut held = self.lock();
        match (sign, session) {
            (Sign::Sent, Some(session)) => {
                held.dead.remove(session);
            }
            (Sign::DeadSocket, Some(session)) => {
                let dead = held.dead.entry(session.to_owned());
                let dead = dead.or_insert(Dead {
                    since: now,
                    last: now,
                });
                dead.last = now;
            }
            (Sign::LicenceRequired, _) => self.raise(&mut held, Alarm::LicenceRequired, now),
            (Sign::KeyRefused, _) => self.raise(&mut held, Alarm::KeyRefused, now),
            _ => {}
        }
        if let (Sign::KeyRefused | Sign::UnknownSession, Some(session)) = (sign, session)
            && held.suspects.len() < MOST_SUSPECTS
        {
            held.suspects.insert(session.to_owned());
        }
        self.dead.store(held.dead.len(), Ordering::Release);
    }
}

/// Looks at what signs point to, and records what is true.
pub struct FollowSigns {
    signs: Arc<Signs>,
    instances: Arc<dyn InstanceReader>,
    provider: Arc<dyn WhatsAppProvider>,
    record: Arc<RecordConnection>,
    alarms: Arc<dyn Alarms>,
    clock: Arc<dyn Clock>,
    /// How long a dead socket may take to heal before people hear of it.
    patience: Duration,
}

impl FollowSigns {
    /// Wires it.
    pub fn new(
        signs: Arc<Signs>,
        instances: Arc<dyn InstanceReader>,
        provider: Arc<dyn WhatsAppProvider>,
        record: Arc<RecordConnection>,
        alarms: Arc<dyn Alarms>,
        clock: Arc<dyn Clock>,
        patience: Duration,
    ) -> Self {
        Self {
            signs,
            instances,
            provider,
            record,
            alarms,
            clock,
            patience,
        }
    }

    /// Looks once at every session under suspicion.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let mut did = 0;
        for session in self.signs.suspects() {
            let Some(instance) = self.instances.find_by_session(&session).await? else {
                continue;
            };
            if let Some(change) = self.look(&instance).await {
                self.record.record_found(&instance, change).await?;
                if change == Change::Gone {
                    self.alarms.raise(Alarm::SessionLost, Some(instance.id));
                }
                did += 1;
            }
        }
        for session in self.signs.dead_for(self.patience, self.clock.now()) {
            let Some(instance) = self.instances.find_by_session(&session).await? else {
                continue;
            };
            // Also while it re-opens: restarting it is the cure that is tried.
            if instance.status == InstanceStatus::Connected {
                self.alarms.raise(Alarm::SocketDead, Some(instance.id));
            }
        }
        Ok(Tick::of(did))
    }

    /// Whether the provider says it again, and what that means.
    async fn look(&self, instance: &Instance) -> Option<Change> {
        if !is_in_use(instance) {
            return None; // Known already, or never linked.
        }
        match self.provider.state(&instance.session).await {
            Err(ProviderError::UnknownSession) => {
                warn!(instance.id = %instance.id, "the gateway does not know a linked session");
                Some(Change::Gone)
            }
            // A key can be mended: the link is waited for like one that broke.
            Err(ProviderError::Unauthorized) => Some(Change::Connecting),
            Ok(_) | Err(_) => None,
        }
    }
}

fn is_in_use(instance: &Instance) -> bool {
    instance.status == InstanceStatus::Connected && instance.reconnecting_since.is_none()
}

#[cfg(test)]
mod tests;
