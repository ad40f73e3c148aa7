//! A message that still has to be sent.

use msgflash_kernel::{AccountId, Phone, WorkspaceId};
use msgflash_quotas::Period;
use time::OffsetDateTime;

use crate::instance::InstanceId;
use crate::message::{CampaignId, MessageId};

/// Who goes first within a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Sent by a request of its own.
    Single,
    /// Sent at its time.
    Scheduled,
    /// Sent by a campaign.
    Campaign,
}

impl Class {
    /// Every one, in the order they are served.
    pub const ALL: [Self; 3] = [Self::Single, Self::Scheduled, Self::Campaign];

    /// The word that metrics carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Scheduled => "scheduled",
            Self::Campaign => "campaign",
        }
    }

    /// The stored number.
    pub const fn to_i16(self) -> i16 {
        self as i16
    }

    /// Reads the stored number.
    pub fn from_i16(stored: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.to_i16() == stored)
    }
}

/// How far a queued message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueState {
    /// Waits for its time; nothing is reserved yet.
    Waiting,
    /// May be sent; its reservation is made.
    Ready,
    /// The call may be under way.
    Started,
    /// The call was started and nobody knows how it ended.
    Unknown,
    /// It came out of a backup and may have been sent since that was made. It becomes unknown when
    /// its recipient has no open call.
    Doubtful,
}

impl QueueState {
    /// Every one.
    pub const ALL: [Self; 5] = [
        Self::Waiting,
        Self::Ready,
        Self::Started,
        Self::Unknown,
        Self::Doubtful,
    ];

    /// The word that metrics carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Started => "started",
            Self::Unknown => "unknown",
            Self::Doubtful => "doubtful",
        }
    }

    /// The stored number.
    pub const fn to_i16(self) -> i16 {
        self as i16
    }

    /// Reads the stored number.
    pub fn from_i16(stored: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.to_i16() == stored)
    }
}

/// A message that still has to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// The lane.
    pub instance: InstanceId,
    /// The message.
    pub message: MessageId,
    /// Whose it is.
    pub workspace: WorkspaceId,
    /// Who pays.
    pub account: AccountId,
    /// The recipient.
    pub phone: Phone,
    /// Who goes first.
    pub class: Class,
    /// How far it is.
    pub state: QueueState,
    /// When it is to be sent.
    pub due_at: OffsetDateTime,
    /// Not sent before; later than `due_at` after a miss.
    pub not_before: OffsetDateTime,
    /// When it first could have been sent; on one that came out of a backup, when it did.
    pub ready_since: Option<OffsetDateTime>,
    /// The month its reservation is charged to. A scheduled message that came out of a backup may
    /// have left without having been reserved here.
    pub period: Option<Period>,
    /// Calls begun.
    pub attempt: u32,
    /// Calls that proved to have had no effect.
    pub misses: u32,
    /// When the open call was started, by the database's clock; at the earliest, where nobody knows.
    pub started_at: Option<OffsetDateTime>,
    /// How often the outcome was looked up.
    pub looks: u32,
    /// Whether it is known to have left, only its id is missing.
    pub has_left: bool,
    /// Whether it was sent once more after an unknown outcome, or must not be; that happens once.
    pub resent: bool,
    /// The campaign that sends it.
    pub campaign: Option<CampaignId>,
    /// No call begins at or after this moment.
    pub until: Option<OffsetDateTime>,
    /// Whether it goes out although its recipient asked not to be written to.
    pub ignores_suppression: bool,
}

impl QueueEntry {
    /// The lane and the message: what names an entry.
    pub const fn key(&self) -> (InstanceId, MessageId) {
        (self.instance, self.message)
    }
}
