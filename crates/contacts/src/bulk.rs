//! Changing many contacts: a few in the request, more of them as a job.

use std::collections::HashSet;
use std::sync::Arc;

use msgflash_kernel::{
    Actor, Clock, Id, Ids, Nudge, Once, Outcome, Problems, StoreError, WorkspaceId,
};
use time::OffsetDateTime;

use crate::contact::ContactId;
use crate::error::ContactError;
use crate::job::{Counters, Job, JobStatus, Operation};
use crate::once;
use crate::ports::{BulkUnit, BulkUnits};

/// How many ids one request may name, repetitions included.
pub const MOST_IDS: usize = 10_000;
/// From so many ids on, repetitions included, it is a job.
pub const JOB_FROM: usize = 100;

/// An order to change many contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkOrder {
    /// Who asks for it, and for which workspace.
    pub actor: Actor,
    /// What to do.
    pub operation: Operation,
    /// The contacts, as named.
    pub ids: Vec<ContactId>,
}

/// What came of such an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BulkOutcome {
    /// It is done.
    Done(BulkResult),
    /// It will be.
    Accepted(Job),
}

/// What was done in the request. Contacts that were named several times count once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BulkResult {
    /// What was done.
    pub operation: Operation,
    /// How many ids were named, repetitions included.
    pub requested: u32,
    /// What became of them.
    pub counters: Counters,
    /// Those the workspace does not have, each once, in the order they were named. Empty when
    /// members are removed: whoever is not there is not in the group.
    pub not_found: Vec<ContactId>,
}

/// Changes many contacts.
pub struct BulkContacts {
    units: Arc<dyn BulkUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    jobs: Arc<dyn Nudge>,
}

impl BulkContacts {
    /// Wires the use case. `jobs` wakes whoever works on jobs.
    pub fn new(
        units: Arc<dyn BulkUnits>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        jobs: Arc<dyn Nudge>,
    ) -> Self {
        Self {
            units,
            clock,
            ids,
            jobs,
        }
    }

    /// Does it, or accepts it as a job. Ids the workspace does not have never fail it.
    pub async fn start(
        &self,
        order: BulkOrder,
        once: Option<Once<'_, BulkOutcome>>,
    ) -> Result<Outcome<BulkOutcome>, ContactError> {
        if !(1..=MOST_IDS).contains(&order.ids.len()) {
            let message = format!("Give 1 to {MOST_IDS} ids");
            return Err(Problems::one("contactIds", "length", message).into());
        }
        let workspace = order.actor.workspace;
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        if let Some(answer) = once::claim(unit.replays(), once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        unit.books().lock(workspace.id).await?;
        if let Some(group) = order.operation.group()
            && unit.groups().find(workspace.id, group).await?.is_none()
        {
            return Err(ContactError::NoGroup(group));
        }
        let outcome = if order.ids.len() < JOB_FROM {
            BulkOutcome::Done(now_and_here(&mut *unit, &order, now).await?)
        } else {
            let job = self.job(&order, now);
            unit.jobs().insert(&job, &order.ids).await?;
            BulkOutcome::Accepted(job)
        };
        once::keep(unit.replays(), once, &outcome, now).await?;
        unit.commit().await?;
        if matches!(outcome, BulkOutcome::Accepted(_)) {
            self.jobs.nudge();
        }
        Ok(Outcome::Done(outcome))
    }

    fn job(&self, order: &BulkOrder, now: OffsetDateTime) -> Job {
        Job {
            id: Id::new(self.ids.next()),
            workspace: order.actor.workspace.id,
            account: order.actor.workspace.account,
            operation: order.operation,
            status: JobStatus::Pending,
            requested: number(order.ids.len()),
            counters: Counters::default(),
            tries: 0,
            error: None,
            created_at: now,
            updated_at: now,
            completed_at: None,
        }
    }
}

async fn now_and_here(
    unit: &mut dyn BulkUnit,
    order: &BulkOrder,
    now: OffsetDateTime,
) -> Result<BulkResult, StoreError> {
    let workspace = order.actor.workspace.id;
    let ids = distinct(&order.ids);
    let fates = apply(unit, workspace, order.operation, &ids, now).await?;
    let not_found = match order.operation {
        Operation::RemoveFrom(_) => Vec::new(),
        _ => fates.unknown(&ids),
    };
    Ok(BulkResult {
        operation: order.operation,
        requested: number(order.ids.len()),
        counters: fates.count(order.operation, &ids),
        not_found,
    })
}

/// What was done about some contacts.
pub(crate) struct Fates {
    /// Those the workspace had.
    known: HashSet<ContactId>,
    /// Those who were deleted, added or removed.
    changed: HashSet<ContactId>,
}

impl Fates {
    /// Counts as if the ids had been worked on one after the other: a repetition meets what the
    /// first one left.
    pub(crate) fn count(mut self, operation: Operation, ids: &[ContactId]) -> Counters {
        let mut counters = Counters::default();
        for id in ids {
            if self.changed.remove(id) {
                counters.changed += 1;
                continue;
            }
            match operation {
                Operation::AddTo(_) if self.known.contains(id) => counters.unchanged += 1,
                Operation::RemoveFrom(_) => counters.unchanged += 1,
                Operation::Delete | Operation::AddTo(_) => counters.not_found += 1,
            }
        }
        counters
    }

    fn unknown(&self, ids: &[ContactId]) -> Vec<ContactId> {
        let unknown = ids.iter().filter(|id| !self.known.contains(id));
        unknown.copied().collect()
    }
}

/// Does it to these contacts, in a unit that holds the book.
pub(crate) async fn apply(
    unit: &mut dyn BulkUnit,
    workspace: WorkspaceId,
    operation: Operation,
    ids: &[ContactId],
    now: OffsetDateTime,
) -> Result<Fates, StoreError> {
    let ids = distinct(ids);
    let (known, changed) = match operation {
        Operation::Delete => {
            let gone = unit.contacts().delete(workspace, &ids).await?;
            (gone.clone(), gone)
        }
        Operation::AddTo(group) => {
            let joined = unit.groups().add(workspace, group, &ids, now).await?;
            (joined.known, joined.added)
        }
        Operation::RemoveFrom(group) => {
            let gone = unit.groups().remove(workspace, group, &ids).await?;
            (Vec::new(), gone)
        }
    };
    Ok(Fates {
        known: known.into_iter().collect(),
        changed: changed.into_iter().collect(),
    })
}

/// The ids without repetitions, in the order they came.
fn distinct(ids: &[ContactId]) -> Vec<ContactId> {
    let mut seen = HashSet::with_capacity(ids.len());
    ids.iter().copied().filter(|id| seen.insert(*id)).collect()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
