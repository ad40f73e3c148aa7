//! The calls themselves: lanes side by side, each in its order and at its pace.
//!
//! A worker owns lanes. It reads ahead for them, marks what goes out next as started, many lanes
//! in one transaction, and makes the calls with no transaction open. Whoever is not the owner any
//! more finds that out before a call, not after.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use msgflash_kernel::{Clock, Random, StoreError, Tick};
use time::OffsetDateTime;
use tracing::warn;
use uuid::Uuid;

use super::entry::QueueEntry;
use super::gateway::Gateway;
use super::lane::{Lane, QueueKey};
use super::ports::{EntryKey, LaneStore, StartUnits};
use super::settle::{Failure, Patience};
use super::settler::{Outcome, Settler};
use crate::alarm::Alarms;
use crate::instance::recent::RecentInstances;
use crate::instance::{Instance, InstanceId};
use crate::media::send::SendFiles;
use crate::message::Message;
use crate::message::content::Content;
use crate::provider::{Outbound, WhatsAppProvider};

mod call;
mod gate;
mod keep;
mod own;
mod start;
mod uploads;

pub use call::Call;
pub(crate) use call::WIRE;

pub use super::lane::Pace;

/// The most calls begun in one transaction.
const MOST_STARTS: usize = 512;

/// The ports the dispatcher needs.
#[derive(Clone)]
pub struct DispatchPorts {
    /// Who owns which lane, and what waits there.
    pub lanes: Arc<dyn LaneStore>,
    /// Transactions that start calls.
    pub starts: Arc<dyn StartUnits>,
    /// Records what calls came to.
    pub settler: Settler,
    /// What numbers did lately.
    pub recent: Arc<RecentInstances>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Uploads to send; `None` when there are none here.
    pub files: Option<Arc<SendFiles>>,
    /// Who hears of dead links.
    pub alarms: Arc<dyn Alarms>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the gaps of campaigns.
    pub random: Arc<dyn Random>,
}

/// Sends what is ready.
pub struct Dispatcher {
    ports: DispatchPorts,
    pace: Pace,
    patience: Patience,
    worker: Uuid,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<InstanceId, Lane>,
    gateway: Gateway,
    beat_at: Option<OffsetDateTime>,
    claim_at: Option<OffsetDateTime>,
    poll_at: Option<OffsetDateTime>,
    /// What is known and could not be recorded while the database was away.
    kept: Vec<Kept>,
    /// Marks whose commit nobody confirmed, and whose calls nobody makes.
    doubtful: Vec<(EntryKey, u32)>,
}

/// An outcome that could not be recorded, and how often that was the outcome's own fault.
struct Kept {
    outcome: Outcome,
    refusals: u32,
}

/// What one step of dispatching came to.
pub struct Step {
    /// Calls to make, each with [`Dispatcher::call`], side by side.
    pub calls: Vec<Call>,
    /// When there is something to do next; `None` when only a nudge or time tells.
    pub next: Option<OffsetDateTime>,
}

impl Dispatcher {
    /// Wires it. `worker` names this process among the owners of lanes.
    pub fn new(ports: DispatchPorts, pace: Pace, patience: Patience, worker: Uuid) -> Self {
        Self {
            ports,
            pace,
            patience,
            worker,
            state: Mutex::default(),
        }
    }

    /// Something was put into these lanes; answers whether all of them are this worker's.
    pub fn wake(&self, lanes: &[InstanceId]) -> bool {
        let mut state = self.state();
        let mut all_ours = true;
        for lane in lanes {
            if let Some(lane) = state.lanes.get_mut(lane) {
                lane.wake();
            } else {
                // It may be new, and nobody's.
                all_ours = false;
                state.claim_at = None;
            }
        }
        all_ours
    }

    /// Something was put into some lanes, nobody said which.
    pub fn wake_all(&self) {
        self.state().poll_at = None;
    }

    /// Owns, reads ahead and starts up to `most` calls.
    pub async fn step(&self, most: usize) -> Result<Step, StoreError> {
        self.record_kept().await?;
        self.own().await?;
        let most = most.min(MOST_STARTS);
        // What is at hand is started while more is read.
        let (read, begun) = futures_util::future::join(self.read_ahead(), self.begin(most)).await;
        let mut calls = begun?;
        // Calls that were started are made, whatever became of reading.
        if calls.is_empty() && read? {
            calls = self.begin(most).await?;
        }
        Ok(Step {
            calls,
            next: self.next_at(),
        })
    }

    /// Starts what is at hand and may go out now.
    async fn begin(&self, most: usize) -> Result<Vec<Call>, StoreError> {
        let now = self.ports.clock.now();
        let (picked, overdue) = self.pick(most, now);
        let unavailable = overdue.into_iter().map(|it| (it, Failure::UNAVAILABLE));
        let failed = self.fail(unavailable.collect()).await;
        if picked.is_empty() {
            return failed.map(|()| Vec::new());
        }
        if let Err(cause) = failed {
            // They are looked at again. What was picked must not be forgotten over it.
            warn!(%cause, "what waited too long could not be ended");
        }
        self.start(picked, now).await
    }

    /// One step, with its calls made: for tests and for those who have no loop.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let Step { calls, .. } = self.step(MOST_STARTS).await?;
        let count = calls.len();
        let made = futures_util::future::join_all(calls.into_iter().map(|it| self.call(it))).await;
        made.into_iter().collect::<Result<(), _>>()?;
        Ok(Tick::of(count))
    }

    /// Gives the lanes back: others may have them at once.
    pub async fn retire(&self) -> Result<(), StoreError> {
        self.state().lanes.clear();
        self.ports.lanes.retire(self.worker).await
    }

    fn next_at(&self) -> Option<OffsetDateTime> {
        let state = self.state();
        let next = state.lanes.values().filter_map(Lane::next_at).min()?;
        match state.gateway.down_since() {
            None => Some(next),
            Some(_) => state.gateway.probe_at().map(|at| at.max(next)),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("the lock is never held across a panic")
    }
}

fn name(entry: &QueueEntry) -> QueueKey {
    (entry.message, entry.phone)
}

/// What is sent for a stored message; `None` when the row does not hold a sendable one.
pub(crate) fn outbound_of(message: &Message, instance: &Instance) -> Option<Outbound> {
    Some(Outbound {
        to: message.peer?,
        content: Content::of(message)?,
        native_buttons: instance.native_buttons,
        file: None,
    })
}

#[cfg(test)]
mod tests;
