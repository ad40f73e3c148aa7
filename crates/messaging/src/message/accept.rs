//! Accepting messages in groups: one transaction for whatever arrived while the last one committed.
//!
//! ```text
//! hold    the usage rows of the accounts, so that limits and repeated requests are decided once
//! look    what is true now that they are held: keys, plans, instances, answers given before
//! decide  in the order of arrival, purely
//! record  usage, messages, queue entries and answers, together
//! ```
//!
//! A request alone is a group of one and waits for nobody. All requests of an account go through
//! one worker of the process, so that equal requests meet in one group or in two that follow each
//! other; another process meets them at the usage row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use metrics::{counter, histogram};
use msgflash_kernel::groups;
use msgflash_kernel::{
    AccountId, Clock, GroupWorker, Groups, ReplayKey, StoreError, StoredAnswer, TeamId, UserId,
};
use msgflash_quotas::{KeyId, Period};
use tracing::warn;

use self::decide::{Decision, decide};
use super::Message;
use super::ports::{AcceptUnit, AcceptUnits, Admission, Held, Question, Wait, sender};
use crate::dispatch::QueueEntry;
use crate::dispatch::ports::Wake;
use crate::error::MessagingError;

pub mod decide;
#[cfg(test)]
mod tests;

/// The most requests of one transaction.
pub const MOST: usize = 256;
/// How often a group is tried whose commit nobody confirmed.
const REPEATS: u32 = 3;
/// How many usage rows are remembered to exist.
const REMEMBERED: usize = 100_000;

/// A message that passed every check that needs no lock.
#[derive(Clone, Debug)]
pub struct Application {
    /// The API key that asks; none for the console.
    pub key: Option<KeyId>,
    /// The message.
    pub message: Message,
    /// Its place in the queue; without a period it reserves nothing yet.
    pub entry: QueueEntry,
    /// The answer to keep for repeated requests, and under which key.
    pub once: Option<(ReplayKey, StoredAnswer)>,
}

impl Application {
    fn account(&self) -> AccountId {
        self.message.workspace.account
    }

    /// The usage row that decides about it: that of the month it was made in.
    fn row(&self) -> (AccountId, Period) {
        (self.account(), Period::of(self.message.created_at))
    }
}

/// What became of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// It is recorded.
    Now,
    /// The request had been answered before, like this.
    Before(StoredAnswer),
}

type Answer = Result<Accepted, MessagingError>;

/// What a worker says about an application.
enum Reply {
    /// It is decided.
    Decided(Answer),
    /// Another process holds its account's row.
    Busy(Box<Application>),
}

/// Hands applications to the workers. Cheap to clone.
#[derive(Clone)]
pub struct Acceptor {
    shards: Vec<Groups<Application, Reply>>,
    /// Where whoever met a held row waits for it.
    patient: Groups<Application, Reply>,
}

/// One worker of an [`Acceptor`]; somebody must run it.
pub struct AcceptWorker {
    groups: GroupWorker<Application, Reply>,
    wait: Wait,
}

/// An acceptor with `shards` workers that wait for no row, and one that does. Each holds one
/// connection while it works.
pub fn acceptor(shards: usize) -> (Acceptor, Vec<AcceptWorker>) {
    let worker = |wait| {
        let (front, groups) = groups(MOST);
        (front, AcceptWorker { groups, wait })
    };
    let (shards, mut workers): (_, Vec<_>) = (0..shards.max(1)).map(|_| worker(Wait::No)).unzip();
    let (patient, last) = worker(Wait::Yes);
    workers.push(last);
    (Acceptor { shards, patient }, workers)
}

impl Acceptor {
    /// Joins the next group of the account's worker; one whose account is held by another process
    /// waits for it where it holds up nobody else.
    pub async fn join(&self, application: Application) -> Answer {
        let account = application.account().uuid().as_u128();
        let shard = usize::try_from(account % self.shards.len() as u128).unwrap_or(0);
        match ask(&self.shards[shard], application).await {
            Reply::Decided(answer) => answer,
            Reply::Busy(application) => match ask(&self.patient, *application).await {
                Reply::Decided(answer) => answer,
                Reply::Busy(_) => {
                    let cause = "the account is busy in another process".into();
                    Err(StoreError::Unavailable(cause).into())
                }
            },
        }
    }
}

async fn ask(worker: &Groups<Application, Reply>, application: Application) -> Reply {
    worker.join(application).await.unwrap_or_else(|gone| {
        let cause = StoreError::Unavailable(gone.into());
        Reply::Decided(Err(cause.into()))
    })
}

/// The ports acceptance in groups needs.
#[derive(Clone)]
pub struct AcceptPorts {
    /// Transactions.
    pub units: Arc<dyn AcceptUnits>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Wakes the lanes.
    pub wake: Arc<dyn Wake>,
}

impl AcceptWorker {
    /// Works until every [`Acceptor`] is dropped.
    pub async fn run(self, ports: AcceptPorts) {
        let desk = Desk::new(ports);
        self.groups
            .run(async |group| desk.work(group, self.wait).await)
            .await;
    }
}

/// Decides about groups.
struct Desk {
    ports: AcceptPorts,
    /// Usage rows known to exist, so that nobody asks for each message.
    known: std::sync::Mutex<HashSet<(AccountId, Period)>>,
}

/// People who stay in their teams until the unit ends.
#[derive(Default)]
struct Kept(HashSet<(TeamId, UserId)>);

impl Kept {
    /// Whether there is an answer to an application: whoever is not there, or is being changed, is
    /// waited for where that holds up nobody else.
    fn answers(&self, it: &Application, wait: Wait) -> bool {
        let is_kept = |(team, user, _)| self.0.contains(&(team, user));
        wait == Wait::Yes || sender(it).is_none_or(is_kept)
    }
}

/// Why a group came to nothing.
enum Undone {
    /// Nothing was written.
    No(StoreError),
    /// The connection was lost during the commit: it may have happened.
    Perhaps(StoreError),
}

impl Desk {
    fn new(ports: AcceptPorts) -> Self {
        Self {
            ports,
            known: std::sync::Mutex::default(),
        }
    }

    /// The answers of a group, in order.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a group has a few hundred members"
    )]
    async fn work(&self, group: Vec<Application>, wait: Wait) -> Vec<Reply> {
        let began = Instant::now();
        histogram!("msgflash_accept_group_size").record(group.len() as f64);
        let mut answers: Vec<Option<Answer>> = group.iter().map(|_| None).collect();
        self.attempt(&group, wait, &mut answers).await;
        histogram!("msgflash_accept_seconds").record(began.elapsed());
        let busy = answers.iter().filter(|answer| answer.is_none()).count();
        counter!("msgflash_accept_contended_total").increment(busy as u64);
        answers
            .into_iter()
            .zip(group)
            .map(|(answer, application)| match answer {
                Some(answer) => Reply::Decided(answer),
                None => Reply::Busy(Box::new(application)),
            })
            .collect()
    }

    /// Answers the members of a group; those whose accounts are held elsewhere are left without.
    async fn attempt(&self, group: &[Application], wait: Wait, answers: &mut [Option<Answer>]) {
        // Bad data spoils a whole statement, so a group that failed is halved until whatever is
        // bad stands alone.
        let mut open = match wait {
            Wait::No => vec![(0..group.len()).collect()],
            // One that is held for long must not fail the others that wait.
            Wait::Yes => by_row(group),
        };
        while let Some(some) = open.pop() {
            match self.settle(group, &some, wait).await {
                Ok(outcomes) => {
                    for (index, outcome) in some.into_iter().zip(outcomes) {
                        answers[index] = outcome;
                    }
                }
                Err(StoreError::Failed(cause)) if some.len() > 1 => {
                    warn!(%cause, members = some.len(), "a group failed and is halved");
                    let (first, second) = some.split_at(some.len() / 2);
                    open.push(second.to_vec());
                    open.push(first.to_vec());
                }
                Err(cause) => {
                    let text = cause.to_string();
                    let mut cause = Some(cause);
                    for index in some {
                        let again = || StoreError::Unavailable(text.clone().into());
                        let own = cause.take().unwrap_or_else(again);
                        answers[index] = Some(Err(own.into()));
                    }
                }
            }
        }
    }

    /// One transaction, repeated when nobody can tell whether it was committed.
    async fn settle(
        &self,
        group: &[Application],
        members: &[usize],
        wait: Wait,
    ) -> Result<Vec<Option<Answer>>, StoreError> {
        let some: Vec<&Application> = members.iter().map(|index| &group[*index]).collect();
        let mut repeats = 0;
        loop {
            // After a lost commit its locks are waited for: only then the rows tell the truth.
            let wait = if repeats > 0 { Wait::Yes } else { wait };
            match self.once(&some, wait, repeats > 0).await {
                Ok(outcomes) => return Ok(outcomes),
                // Somebody answered an equal request meanwhile: what it answered is seen now.
                Err(Undone::No(StoreError::Stale(_))) if repeats < REPEATS => repeats += 1,
                Err(Undone::No(cause)) if repeats == 0 => return Err(cause),
                Err(Undone::No(cause) | Undone::Perhaps(cause)) if repeats == REPEATS => {
                    return Err(cause);
                }
                Err(Undone::No(_) | Undone::Perhaps(_)) => repeats += 1,
            }
        }
    }

    async fn once(
        &self,
        group: &[&Application],
        wait: Wait,
        again: bool,
    ) -> Result<Vec<Option<Answer>>, Undone> {
        let rows = rows_of(group);
        self.ensure(&rows).await.map_err(Undone::No)?;
        let mut unit = self.ports.units.begin().await.map_err(Undone::No)?;
        let held: Vec<Held> = unit
            .acceptance()
            .hold(&rows, wait)
            .await
            .map_err(Undone::No)?;
        let is_held: HashSet<_> = held.iter().map(|it| (it.account, it.period)).collect();
        if is_held.len() < rows.len() {
            // Held elsewhere, or not there after all.
            let mut known = self.known();
            for row in rows.iter().filter(|row| !is_held.contains(row)) {
                known.remove(row);
            }
        }
        let kept = self.keep_members(&mut *unit, group, wait).await?;
        let is_here = |it: &Application| is_held.contains(&it.row()) && kept.answers(it, wait);
        let now = self.ports.clock.now();
        let present: Vec<&Application> = group.iter().copied().filter(|it| is_here(it)).collect();
        if present.is_empty() {
            return Ok(group.iter().map(|_| None).collect());
        }
        let question = Question {
            applications: &present,
            again,
        };
        let facts = unit
            .acceptance()
            .look(&question, now)
            .await
            .map_err(Undone::No)?;
        let decisions = decide(&present, &held, &facts, now);
        let admission = Admission::of(&present, &decisions);
        let wrote = !admission.is_empty();
        if wrote {
            unit.acceptance()
                .record(&admission, now)
                .await
                .map_err(Undone::No)?;
            unit.commit().await.map_err(Undone::Perhaps)?;
            self.ports.wake.wake(&admission.lanes());
        }
        let mut decided = present.iter().zip(decisions);
        Ok(group
            .iter()
            .map(|it| {
                let answered = is_here(it);
                let (_, decision) = answered.then(|| decided.next()).flatten()?;
                Some(answer_of(decision, &present))
            })
            .collect())
    }

    /// Keeps the people of a group in their teams.
    async fn keep_members(
        &self,
        unit: &mut dyn AcceptUnit,
        group: &[&Application],
        wait: Wait,
    ) -> Result<Kept, Undone> {
        let people = group.iter().filter_map(|it| sender(it));
        let people: HashSet<_> = people.map(|(team, user, _)| (team, user)).collect();
        if people.is_empty() {
            return Ok(Kept::default());
        }
        let mut people: Vec<_> = people.into_iter().collect();
        people.sort_unstable_by_key(|(team, user)| (team.uuid(), user.uuid()));
        let held = unit.acceptance().hold_members(&people, wait).await;
        Ok(Kept(held.map_err(Undone::No)?))
    }

    /// Makes the usage rows that are not known to exist. A statement of its own: making rows while
    /// holding others could wait in a circle.
    async fn ensure(&self, rows: &[(AccountId, Period)]) -> Result<(), StoreError> {
        let missing: Vec<_> = {
            let known = self.known();
            rows.iter()
                .filter(|row| !known.contains(row))
                .copied()
                .collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        self.ports.units.ensure(&missing).await?;
        let mut known = self.known();
        if known.len() > REMEMBERED {
            known.clear();
        }
        known.extend(missing);
        Ok(())
    }

    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<(AccountId, Period)>> {
        self.known
            .lock()
            .expect("the lock is never held across a panic")
    }
}

fn answer_of(decision: Decision, present: &[&Application]) -> Answer {
    match decision {
        Decision::Admit | Decision::Done => Ok(Accepted::Now),
        Decision::Replay(answer) => Ok(Accepted::Before(answer)),
        Decision::Join(first) => {
            let kept = present[first].once.as_ref();
            let (_, answer) = kept.expect("only a request with a key is joined");
            Ok(Accepted::Before(answer.clone()))
        }
        Decision::Refuse(refusal) => Err(refusal),
    }
}

/// The members of a group, account by account.
fn by_row(group: &[Application]) -> Vec<Vec<usize>> {
    let mut rows: HashMap<(AccountId, Period), Vec<usize>> = HashMap::new();
    for (place, it) in group.iter().enumerate() {
        rows.entry(it.row()).or_default().push(place);
    }
    rows.into_values().collect()
}

/// The usage rows of a group, each once, in the order of locking.
fn rows_of(group: &[&Application]) -> Vec<(AccountId, Period)> {
    let mut rows: Vec<_> = group.iter().map(|it| it.row()).collect();
    rows.sort_unstable_by_key(|(account, period)| (account.uuid(), period.to_i32()));
    rows.dedup();
    rows
}
