//! What accepting in groups needs from a store: a few round trips whatever the size of the group.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, Phone, ReplayKey, StoreError, StoredAnswer, TeamId, Unit, UserId, WorkspaceId,
};
use msgflash_quotas::{KeyId, Period};
use time::OffsetDateTime;

use crate::error::MessagingError;
use crate::instance::InstanceId;
use crate::message::MessageId;
use crate::message::accept::Application;
use crate::message::accept::decide::Decision;

/// What to do about a row that somebody else holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Leave it out.
    No,
    /// Wait for it, some seconds at most.
    Yes,
}

/// A usage row that is held until the unit ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who pays.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// Everything ever reserved in it.
    pub reserved_total: u64,
    /// Of that, what was given back. It only grows, so a number from before the row was held errs on
    /// the safe side.
    pub released: u64,
}

/// What is asked about a group whose usage rows are held.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The group.
    pub applications: &'a [&'a Application],
    /// Whether an earlier try may have recorded it.
    pub again: bool,
}

/// What a key and its account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Whether the subscription is usable.
    pub usable: bool,
    /// Messages and statuses per month; `None` is unlimited.
    pub outbound_limit: Option<u32>,
}

/// What a client's key is found by: the tenant, the route and the hash of the key.
pub type Name<'a> = (WorkspaceId, &'static str, &'a [u8; 32]);

/// The name of a client's key.
pub fn name(key: &ReplayKey) -> Name<'_> {
    (key.workspace, key.route, &key.key)
}

/// Somebody in a team, and the instance they send by.
pub type Sender = (TeamId, UserId, InstanceId);

/// Who sends, where it is a person in a team.
pub fn sender(it: &Application) -> Option<Sender> {
    let team = it.message.workspace.team.filter(|_| it.key.is_none())?;
    Some((team, it.message.acting_user, it.message.instance))
}

/// What is true while the usage rows are held.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// Keys that open their account, with what it may do.
    pub keys: HashMap<KeyId, Standing>,
    /// What the accounts of applications without a key may do.
    pub accounts: HashMap<AccountId, Standing>,
    /// Of the people who act in a team without a key: those who are in it, and whether they may use
    /// the instance.
    pub members: HashMap<Sender, bool>,
    /// Instances that exist: whose they are, and whether they are suspended.
    pub instances: HashMap<InstanceId, (AccountId, bool)>,
    /// Answers given before, with the hash of the request they answered.
    pub answers: HashMap<Name<'a>, ([u8; 32], StoredAnswer)>,
    /// People on the opt-out lists of the workspaces that write to them; those of messages that ignore
    /// the lists are not looked up.
    pub suppressed: HashSet<(WorkspaceId, Phone)>,
    /// Messages of the group that are recorded already; looked up only when asked again.
    pub recorded: HashSet<MessageId>,
}

impl Facts<'_> {
    /// Whether whoever applies is still let in: their key opens something, or they are still in the
    /// team they act in.
    pub fn require_open(&self, it: &Application) -> Result<(), MessagingError> {
        if let Some(key) = it.key {
            let opens = self.keys.contains_key(&key);
            return opens.then_some(()).ok_or(MessagingError::KeyGone);
        }
        let Some(sender) = sender(it) else {
            return Ok(());
        };
        match self.members.get(&sender) {
            Some(true) => Ok(()),
            Some(false) => Err(MessagingError::NotAssigned),
            None => Err(MessagingError::NotMember),
        }
    }

    /// What its account may do; nothing when it is not known.
    pub fn standing_of(&self, it: &Application) -> Standing {
        let found = match it.key {
            Some(key) => self.keys.get(&key),
            None => self.accounts.get(&it.message.workspace.account),
        };
        found.copied().unwrap_or(Standing {
            usable: false,
            outbound_limit: Some(0),
        })
    }
}

/// What a group writes.
#[derive(Clone, Debug, Default)]
pub struct Admission<'a> {
    /// The applications admitted, in order.
    pub admitted: Vec<&'a Application>,
}

impl<'a> Admission<'a> {
    /// Those of a group that are admitted.
    pub fn of(group: &[&'a Application], decisions: &[Decision]) -> Self {
        let admitted = group
            .iter()
            .zip(decisions)
            .filter(|(_, decision)| matches!(decision, Decision::Admit))
            .map(|(it, _)| *it)
            .collect();
        Self { admitted }
    }

    /// The lanes that get something to send now, each once.
    pub fn lanes(&self) -> Vec<InstanceId> {
        let ready = self.admitted.iter().filter(|it| it.entry.period.is_some());
        let lanes: HashSet<_> = ready.map(|it| it.entry.instance).collect();
        lanes.into_iter().collect()
    }

    /// Whether there is nothing to write.
    pub fn is_empty(&self) -> bool {
        self.admitted.is_empty()
    }
}

/// Accepts groups. Reached through a unit of work only.
#[async_trait]
pub trait AcceptStore: Send {
    /// Holds the usage rows until the unit ends and answers those it got, read after they were
    /// held. Rows that do not exist are left out.
    async fn hold(
        &mut self,
        rows: &[(AccountId, Period)],
        wait: Wait,
    ) -> Result<Vec<Held>, StoreError>;
    /// Keeps people in their teams until the unit ends, and what they were given with them; answers
    /// whom it got. Who is not in the team is left out, and who somebody else is changing, unless they
    /// are waited for.
    async fn hold_members(
        &mut self,
        people: &[(TeamId, UserId)],
        wait: Wait,
    ) -> Result<HashSet<(TeamId, UserId)>, StoreError>;
    /// What is true now: reads begin after the rows are held, so they see what their last holder
    /// committed.
    async fn look<'a>(
        &mut self,
        question: &Question<'a>,
        now: OffsetDateTime,
    ) -> Result<Facts<'a>, StoreError>;
    /// Writes usage, messages, queue entries and answers.
    async fn record(
        &mut self,
        admission: &Admission<'_>,
        now: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Accepts a group of messages: usage, rows and stored answers, together or not at all.
pub trait AcceptUnit: Unit {
    /// Where groups are accepted.
    fn acceptance(&mut self) -> &mut dyn AcceptStore;
}

/// Begins such transactions.
#[async_trait]
pub trait AcceptUnits: Send + Sync {
    /// Makes the usage rows of accounts and months that are not there yet.
    async fn ensure(&self, rows: &[(AccountId, Period)]) -> Result<(), StoreError>;
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError>;
}
