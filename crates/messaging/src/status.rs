//! WhatsApp statuses: stories that all contacts of a number see for a day.
//!
//! The provider is called while the client waits, so a status has no lane and no queue row: its own
//! row is the mark that is made before the call, and the reservation in the ledger. It is called for
//! once and never again. A call whose outcome nobody can tell leaves the row open, and
//! [`SettleStatuses`] finds out what the provider stored.
//!
//! ```text
//! start    one transaction: the usage row held, what is true now, the reservation, the row
//! call     with no transaction open
//! settle   one transaction: the row, the ledger, the answer for repeated requests
//! ```

use msgflash_kernel::{Id, ReplayKey, StoredAnswer, UserId, Workspace};
use msgflash_quotas::Period;
use time::{Duration, OffsetDateTime};

use crate::instance::InstanceId;
use crate::provider::{ProviderError, StatusContent};

pub mod ports;
mod publish;
mod read;
mod reconcile;
mod settle;
#[cfg(test)]
mod testing;

pub use publish::{PublishPorts, PublishStatus, StatusOrder};
pub use read::{ListedStatus, ReadStatuses, StatusPage};
pub use reconcile::{SettlePorts, SettleStatuses};
pub use settle::{Settled, Verdict};

/// Marker of [`StatusId`].
pub enum StatusMark {}
/// The id of a status.
pub type StatusId = Id<StatusMark>;

/// Where a status stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusState {
    /// The provider is being called, or nobody knows yet what came of it.
    Pending,
    /// The provider took it.
    Published,
    /// It did not, or nobody could find out.
    Failed,
}

impl StatusState {
    const ALL: [Self; 3] = [Self::Pending, Self::Published, Self::Failed];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Published => "published",
            Self::Failed => "failed",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// The client's key under which a status was asked for, and the hash of what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Hash of the key.
    pub key: [u8; 32],
    /// Hash of the request.
    pub request: [u8; 32],
}

impl From<&ReplayKey> for Repeat {
    fn from(it: &ReplayKey) -> Self {
        let ReplayKey { key, request, .. } = *it;
        Self { key, request }
    }
}

/// How answers of publishing look, so that one can be kept whoever finds out that a status is out.
#[derive(Clone, Copy, Debug)]
pub struct Answers {
    /// The route whose requests may be repeated.
    pub route: &'static str,
    /// The answer for a status that was published.
    pub render: fn(&Status) -> StoredAnswer,
}

impl Answers {
    /// Under what the answer for a status is kept; nothing when its client gave no key.
    pub(crate) fn key(&self, status: &Status) -> Option<ReplayKey> {
        let Repeat { key, request } = status.repeat?;
        Some(ReplayKey {
            workspace: status.workspace.id,
            route: self.route,
            key,
            request,
        })
    }
}

/// A status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its id.
    pub id: StatusId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who published it: the caller, or whoever made the key.
    pub acting_user: UserId,
    /// The number it is published by.
    pub instance: InstanceId,
    /// What it shows.
    pub content: StatusContent,
    /// Where it stands.
    pub state: StatusState,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Why it failed, for machines.
    pub code: Option<String>,
    /// WhatsApp's id.
    pub provider_message_id: Option<String>,
    /// The month it was reserved in, and is charged to.
    pub period: Period,
    /// The request that asks for it, where its client may repeat it.
    pub repeat: Option<Repeat>,
    /// The request that asks for it, for the log.
    pub request_id: Option<String>,
    /// Since when it is waited for: since the call was started, or since it came out of a backup.
    pub waited_since: OffsetDateTime,
    /// Until when its call may be under way.
    pub lease_until: Option<OffsetDateTime>,
    /// When to find out what became of it; nothing once that is known.
    pub look_at: Option<OffsetDateTime>,
    /// How often that was tried.
    pub looks: u32,
    /// When the call was started.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Status {
    /// Nothing more is to be found out.
    fn end(&mut self, state: StatusState, now: OffsetDateTime) {
        self.state = state;
        self.lease_until = None;
        self.look_at = None;
        self.updated_at = now;
    }

    /// The provider took it.
    fn publish(&mut self, key_id: Option<String>, now: OffsetDateTime) {
        self.provider_message_id = key_id;
        self.end(StatusState::Published, now);
    }

    /// It is not out, or nobody could find out in time.
    fn fail(&mut self, why: &ProviderError, now: OffsetDateTime) {
        use msgflash_kernel::Fault as _;
        self.error = Some(why.to_string());
        self.code = Some(why.code().to_owned());
        // Whoever repeats the request publishes anew.
        self.repeat = None;
        self.end(StatusState::Failed, now);
    }

    /// Nobody knows yet; the provider is asked after `wait`.
    fn look_after(&mut self, wait: Duration, now: OffsetDateTime) {
        self.lease_until = None;
        self.look_at = Some(now + wait);
        self.updated_at = now;
    }
}
