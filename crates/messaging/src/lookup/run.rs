//! Working on long lists, part by part.

use std::sync::Arc;

use futures_util::future::join_all;
use msgflash_kernel::{Clock, StoreError, Tick};
use time::Duration;
use tracing::warn;

use super::AskNumbers;
use super::ask::Answers;
use super::ports::{Claimed, LookupUnits, LookupWork, Turn};
use crate::instance::InstanceStatus;
use crate::instance::ports::InstanceReader;

/// The pause of an instance after each part: WhatsApp restricts numbers that ask about many others
/// in a row, and nobody waits for a long list.
const PAUSE: Duration = Duration::seconds(5);
/// How long a part may take before others take it up: more than a call and its repetition.
const LEASE: Duration = Duration::minutes(2);
/// The waits of an instance that cannot ask grow up to this.
const LONGEST_WAIT: Duration = Duration::minutes(5);
/// An instance that could not ask for so long is not waited for.
const GIVE_UP_AFTER: Duration = Duration::HOUR;
/// How many instances ask side by side.
const AT_ONCE: usize = 8;

/// The ports of the work.
pub struct RunPorts {
    /// Transactions.
    pub units: Arc<dyn LookupUnits>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// Asks about numbers.
    pub ask: Arc<AskNumbers>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Works on the look-ups of all workspaces: those of one instance one after the other, with a pause
/// after each part.
pub struct RunLookups {
    ports: RunPorts,
}

/// Why a part was put off.
enum Trouble {
    NotConnected,
    Provider,
}

impl Trouble {
    const fn reason(&self) -> &'static str {
        match self {
            Self::NotConnected => "The instance was not connected for an hour",
            Self::Provider => "The provider gave no answer for an hour",
        }
    }
}

impl RunLookups {
    /// Wires the use case.
    pub fn new(ports: RunPorts) -> Self {
        Self { ports }
    }

    /// Works on one part for each of some instances whose turn it is. Whoever is killed before the
    /// call or in it leaves a turn that runs out; what was recorded is not asked about again.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let (mut done, mut works) = (0, Vec::new());
        while works.len() < AT_ONCE {
            let now = self.ports.clock.now();
            let mut unit = self.ports.units.begin().await?;
            let claimed = unit.lookups().claim(now, now + LEASE).await?;
            let Some(claimed) = claimed else { break };
            unit.commit().await?;
            done += 1;
            if let Claimed::Work(work) = claimed {
                works.push(self.work(*work));
            }
        }
        for outcome in join_all(works).await {
            outcome?;
        }
        Ok(Tick::of(done))
    }

    async fn work(&self, work: LookupWork) -> Result<(), StoreError> {
        let account = work.lookup.workspace.account;
        let found = self
            .ports
            .instances
            .find(account, work.lookup.instance)
            .await?;
        let Some(instance) = found else {
            return self.end(work, "The instance was deleted").await;
        };
        if instance.status != InstanceStatus::Connected {
            return self.put_off(work, None, &Trouble::NotConnected).await;
        }
        let answers = self.ports.ask.ask(&instance, &work.phones).await?;
        if let Some(cause) = &answers.failure {
            warn!(lookup.id = %work.lookup.id, instance.id = %instance.id, %cause,
                "numbers could not be looked up; they are asked about again");
            return self.put_off(work, Some(answers), &Trouble::Provider).await;
        }
        self.record(work, &answers).await
    }

    /// Keeps the answers about a part, all of them.
    async fn record(&self, work: LookupWork, answers: &Answers) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let LookupWork {
            mut lookup,
            part,
            turn,
            ..
        } = work;
        let mut unit = self.ports.units.begin().await?;
        let lookups = unit.lookups();
        if !lookups.hold(&turn).await? {
            return Ok(());
        }
        lookup.advance(answers.verdicts.len(), now);
        lookups.finish(lookup.id, part, &answers.verdicts).await?;
        lookups.update(&lookup).await?;
        let mut next = now;
        if !answers.fresh.is_empty() {
            let account = lookup.workspace.account;
            lookups.remember(account, &answers.fresh, now).await?;
            next += PAUSE;
        }
        let turn = Turn {
            tries: 0,
            stalled_since: None,
            ..turn
        };
        lookups.pass(&turn, next).await?;
        unit.commit().await
    }

    /// Lets the instance wait, longer each time. What some numbers were answered is kept.
    async fn put_off(
        &self,
        work: LookupWork,
        answers: Option<Answers>,
        trouble: &Trouble,
    ) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let (lookup, turn) = (work.lookup, work.turn);
        let fresh = answers.map(|it| it.fresh).unwrap_or_default();
        let mut unit = self.ports.units.begin().await?;
        let lookups = unit.lookups();
        if !lookups.hold(&turn).await? {
            return Ok(());
        }
        let turn = if fresh.is_empty() {
            Turn {
                tries: turn.tries.saturating_add(1),
                stalled_since: turn.stalled_since.or(Some(now)),
                ..turn
            }
        } else {
            let account = lookup.workspace.account;
            lookups.remember(account, &fresh, now).await?;
            Turn {
                tries: 1,
                stalled_since: Some(now),
                ..turn
            }
        };
        let since = now - GIVE_UP_AFTER;
        if turn.stalled_since.is_some_and(|at| at <= since) {
            let (instance, reason) = (turn.instance, trouble.reason());
            let failed = lookups.fail_all(instance, since, reason, now).await?;
            warn!(instance.id = %instance, failed, reason, "look-ups were given up");
        }
        lookups.pass(&turn, now + wait(turn.tries)).await?;
        unit.commit().await
    }

    /// Ends a look-up that can never go on.
    async fn end(&self, work: LookupWork, reason: &str) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let (mut lookup, turn) = (work.lookup, work.turn);
        let mut unit = self.ports.units.begin().await?;
        let lookups = unit.lookups();
        if !lookups.hold(&turn).await? {
            return Ok(());
        }
        lookup.fail(reason, now);
        lookups.update(&lookup).await?;
        lookups.pass(&turn, now).await?;
        unit.commit().await
    }
}

/// How long an instance waits after so many turns in a row that brought nothing.
fn wait(tries: u32) -> Duration {
    PAUSE.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT)
}
