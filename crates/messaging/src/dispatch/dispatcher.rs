//! The calls themselves: one at a time per lane, lanes side by side.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use msgflash_kernel::{Clock, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{Instrument as _, info, info_span, warn};
use uuid::Uuid;

use super::entry::QueueEntry;
use super::ports::{EntryKey, Lease, QueueReader, StartUnits};
use super::settle::{Failure, Settle, Verdict};
use crate::instance::connection::RECONNECT_PATIENCE;
use crate::instance::ports::InstanceReader;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::message::Message;
use crate::message::content::Content;
use crate::provider::{LinkState, Outbound, SendFailure, WhatsAppProvider};
use crate::safety::{self, Safety};

/// How fast a lane calls, and how long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The least time between the starts of two calls of a lane.
    pub gap: Duration,
    /// Past this, a started call that nobody settled counts as unknown. Longer than the provider
    /// adapter's own limit on a send.
    pub lease: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap: Duration::SECOND,
            lease: Duration::seconds(120),
        }
    }
}

/// The ports the dispatcher needs.
#[derive(Clone)]
pub struct DispatchPorts {
    /// What is ready.
    pub queue: Arc<dyn QueueReader>,
    /// Transactions that start calls.
    pub starts: Arc<dyn StartUnits>,
    /// Records what calls came to.
    pub settle: Arc<Settle>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Sends what is ready.
pub struct Dispatcher {
    ports: DispatchPorts,
    pace: Pace,
    owner: Uuid,
    /// Lanes this process is working on, so that it does not take one twice.
    busy: Mutex<HashSet<InstanceId>>,
    /// What calls proved while the database was away.
    kept: Mutex<Vec<Kept>>,
}

impl Dispatcher {
    /// Wires it. `owner` names this process in the rows it starts.
    pub fn new(ports: DispatchPorts, pace: Pace, owner: Uuid) -> Self {
        Self {
            ports,
            pace,
            owner,
            busy: Mutex::default(),
            kept: Mutex::default(),
        }
    }

    /// Takes up to `limit` lanes that may call now. Each must be given to [`Self::work`].
    pub async fn claim(&self, limit: u32) -> Result<Vec<InstanceId>, StoreError> {
        self.record_kept().await?;
        if limit == 0 {
            return Ok(Vec::new());
        }
        // Busy lanes may fill the answer, so room is asked for them too.
        let taken = u32::try_from(self.lock().len()).unwrap_or(u32::MAX);
        let now = self.ports.clock.now();
        let lanes = self
            .ports
            .queue
            .ready_lanes(now, limit.saturating_add(taken))
            .await?;
        let mut busy = self.lock();
        Ok(lanes
            .into_iter()
            .filter(|lane| busy.insert(*lane))
            .take(limit as usize)
            .collect())
    }

    /// Makes one call of a claimed lane, if it still has one to make, and gives the lane back.
    pub async fn work(&self, lane: InstanceId) -> Result<Tick, StoreError> {
        let busy = Busy(self, lane);
        let begun = self.begin(lane).await;
        // From here on the mark in the queue keeps the lane, for every process alike, until the
        // call is settled: by its answer, or by an event when the answer does not come.
        drop(busy);
        match begun? {
            Begun::Nothing => Ok(Tick::Idle),
            Begun::Decided => Ok(Tick::Did(1)),
            Begun::Call(call) => {
                let span = info_span!(
                    "dispatch",
                    message.id = %call.entry.message,
                    instance.id = %lane,
                    request.id = call.request_id.as_deref().unwrap_or(""),
                );
                self.call(&call).instrument(span).await?;
                Ok(Tick::Did(1))
            }
        }
    }

    /// One call of every lane that may call now, side by side.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let lanes = self.claim(64).await?;
        let mut did = 0;
        let mut failed = None;
        for result in
            futures_util::future::join_all(lanes.iter().map(|lane| self.work(*lane))).await
        {
            match result {
                Ok(Tick::Did(count)) => did += count,
                Ok(Tick::Idle) => {}
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(Tick::of(did)), Err)
    }

    /// Records what could not be recorded before. Recording twice changes nothing.
    async fn record_kept(&self) -> Result<(), StoreError> {
        loop {
            let kept = self
                .kept
                .lock()
                .expect("the lock is never held across a panic")
                .pop();
            let Some(it) = kept else { return Ok(()) };
            let settle = &self.ports.settle;
            if let Err(error) = settle
                .record(it.key, it.attempt, &it.verdict, Some(&it.safety))
                .await
            {
                self.kept
                    .lock()
                    .expect("the lock is never held across a panic")
                    .push(it);
                return Err(error);
            }
        }
    }

    /// Picks the lane's next message and marks it started.
    async fn begin(&self, lane: InstanceId) -> Result<Begun, StoreError> {
        let instance = self.ports.instances.get(lane).await?;
        let now = self.ports.clock.now();
        // Read before the call is marked: between the mark and the call nothing may take time.
        let window = self.ports.instances.window(lane, now).await?;
        let first_connected_at = instance.as_ref().and_then(|it| it.first_connected_at);
        let safety = safety::assess(first_connected_at, &window, now);
        let mut unit = self.ports.starts.begin().await?;
        let Some(entry) = unit.queue().pick(lane, now).await? else {
            return Ok(Begun::Nothing);
        };
        let key = entry.key();
        let usable = match gate(instance.as_ref(), &entry, now) {
            Gate::Call(instance) => instance,
            Gate::Wait(until) => {
                unit.queue().hold_lane(lane, until).await?;
                unit.commit().await?;
                return Ok(Begun::Decided);
            }
            Gate::Fail(failure) => {
                drop(unit);
                let verdict = Verdict::Failed(failure);
                self.ports
                    .settle
                    .record(key, entry.attempt, &verdict, None)
                    .await?;
                return Ok(Begun::Decided);
            }
        };
        let message = unit
            .messages()
            .lock(&[(entry.workspace, entry.message)])
            .await?
            .pop();
        let outbound = message
            .as_ref()
            .and_then(|message| outbound_of(message, usable));
        let Some((message, outbound)) = message.zip(outbound) else {
            drop(unit);
            let verdict = Verdict::Failed(Failure::BROKEN);
            self.ports
                .settle
                .record(key, entry.attempt, &verdict, None)
                .await?;
            return Ok(Begun::Decided);
        };
        let lease = Lease {
            owner: self.owner,
            until: now + self.pace.lease,
        };
        unit.queue()
            .start(key, lease, now, now + self.pace.gap)
            .await?;
        unit.commit().await?;
        Ok(Begun::Call(Box::new(Call {
            instance: usable.clone(),
            entry,
            outbound,
            safety,
            request_id: message.request_id,
        })))
    }

    /// The call, with no transaction open, and what it proved.
    async fn call(&self, call: &Call) -> Result<(), StoreError> {
        let Call {
            instance,
            entry,
            outbound,
            safety,
            ..
        } = call;
        let answer = self.ports.provider.send(&instance.session, outbound).await;
        let verdict = match &answer {
            Ok(accepted) if accepted.key_id.is_none() => Verdict::Left,
            Ok(accepted) => Verdict::Sent {
                key_id: accepted.key_id.clone(),
            },
            Err(failure) => {
                // The text is the provider's: it goes to the operator's log and nowhere else.
                warn!(failure = %failure, "the provider did not take the message");
                Verdict::from(failure)
            }
        };
        let attempt = entry.attempt + 1;
        let settle = &self.ports.settle;
        let settled = match settle
            .record(entry.key(), attempt, &verdict, Some(safety))
            .await
        {
            Ok(settled) => settled,
            Err(error) => {
                // What the call proved must not be forgotten because the database is away.
                let kept = Kept {
                    key: entry.key(),
                    attempt,
                    verdict,
                    safety: safety.clone(),
                };
                self.kept
                    .lock()
                    .expect("the lock is never held across a panic")
                    .push(kept);
                return Err(error);
            }
        };
        info!(?verdict, settled, "call settled");
        // Not while the lane makes its next call already.
        if let Err(SendFailure::NotConnected(_)) = answer
            && settled
            && self.lock().insert(instance.id)
        {
            self.revive(instance).await;
            self.lock().remove(&instance.id);
        }
        Ok(())
    }

    /// A socket can be dead under a link that looks open; a restart is the cure. Best effort.
    async fn revive(&self, instance: &Instance) {
        if self.ports.provider.state(&instance.session).await == Ok(LinkState::Open) {
            warn!(instance.id = %instance.id, "the link is open but dead: restarting it");
            if let Err(error) = self.ports.provider.restart(&instance.session).await {
                warn!(instance.id = %instance.id, %error, "the restart failed");
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<InstanceId>> {
        self.busy
            .lock()
            .expect("the lock is never held across a panic")
    }
}

/// What a lane has to do next.
enum Begun {
    /// Nothing.
    Nothing,
    /// Nothing more: what could be said without a call was said.
    Decided,
    /// This call, which is marked started.
    Call(Box<Call>),
}

/// One call to make.
struct Call {
    instance: Instance,
    entry: QueueEntry,
    outbound: Outbound,
    safety: Safety,
    request_id: Option<String>,
}

/// What a call proved and could not be recorded yet.
struct Kept {
    key: EntryKey,
    attempt: u32,
    verdict: Verdict,
    safety: Safety,
}

/// Gives a lane back, also when the work on it panics.
struct Busy<'a>(&'a Dispatcher, InstanceId);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.lock().remove(&self.1);
    }
}

/// Whether the instance may call for this entry.
#[derive(Debug)]
enum Gate<'a> {
    Call(&'a Instance),
    Wait(OffsetDateTime),
    Fail(Failure),
}

fn gate<'a>(instance: Option<&'a Instance>, entry: &QueueEntry, now: OffsetDateTime) -> Gate<'a> {
    let Some(instance) = instance else {
        return Gate::Fail(Failure::NOT_CONNECTED);
    };
    match (instance.status, instance.reconnecting_since) {
        (InstanceStatus::Connected, None) => Gate::Call(instance),
        (InstanceStatus::Connected, Some(broken)) => {
            // A message that waited for its turn before the link broke has not waited for the link.
            let since = entry.ready_since.unwrap_or(entry.due_at).max(broken);
            if now - since >= RECONNECT_PATIENCE {
                Gate::Fail(Failure::NOT_CONNECTED)
            } else {
                Gate::Wait(now + Duration::SECOND)
            }
        }
        _ => Gate::Fail(Failure::NOT_CONNECTED),
    }
}

/// What is sent for a stored message; `None` when the row does not hold a sendable one.
pub(crate) fn outbound_of(message: &Message, instance: &Instance) -> Option<Outbound> {
    Some(Outbound {
        to: message.peer?,
        content: Content::of(message)?,
        native_buttons: instance.native_buttons,
    })
}

#[cfg(test)]
mod tests;
