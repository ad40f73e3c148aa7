//! Campaigns: one content for many contacts, sent by one number.
//!
//! A campaign is made and waits for its time. When a run starts, its audience is written down, one row
//! for each recipient, and from then on nobody joins it. Messages are made a little ahead of sending,
//! so that a change of a contact or a template counts for everybody who was not written to yet. The
//! row of a recipient has the id of the message it will become, and there is one row for each number:
//! a second copy cannot be made.

use msgflash_kernel::{Id, UserId, Workspace};
use msgflash_templates::TemplateId;
use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::instance::InstanceId;
use crate::message::content::Content;

pub use crate::message::{CampaignId, CampaignMark};

pub mod audience;
pub mod control;
pub mod create;
pub mod error;
pub mod estimate;
pub mod guidance;
pub mod make;
pub mod ports;
pub mod preview;
pub mod read;
pub mod recipient;
pub mod retry;
pub mod run;
pub mod status;
pub mod tally;
#[cfg(test)]
pub(crate) mod testing;
pub mod turn;
mod undo;
pub mod window;

pub use audience::Audience;
pub use status::{CampaignStatus, Repeat};
pub use tally::{Counters, Tally};
pub use window::SendWindow;

/// Marker of [`RunId`].
pub enum RunMark {}
/// The id of one run of a campaign.
pub type RunId = Id<RunMark>;

/// What a campaign sends.
#[derive(Clone, Debug, PartialEq)]
pub enum CampaignContent {
    /// The same to everybody. Placeholders in it are plain text.
    Direct(Content),
    /// What a template becomes for each recipient.
    Template {
        /// The template; `None` when it was deleted since.
        template: Option<TemplateId>,
        /// Values for its `custom.*` placeholders.
        variables: Map<String, Value>,
    },
}

/// How far the run at hand is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// When it started.
    pub started_at: OffsetDateTime,
    /// Where writing down its audience goes on; `None` when that is done.
    pub expansion: Option<audience::Place>,
    /// Messages were made up to this one, in the order of their ids.
    pub made_to: uuid::Uuid,
    /// And never beyond this one: what lies before it may have been made already.
    pub made_most: uuid::Uuid,
}

/// A campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// Its id.
    pub id: CampaignId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who made it.
    pub acting_user: UserId,
    /// The number it goes out from.
    pub instance: InstanceId,
    /// A label for people.
    pub name: String,
    /// What it sends.
    pub content: CampaignContent,
    /// To whom.
    pub audience: Audience,
    /// When it starts; of one that repeats, when its next run does.
    pub schedule: OffsetDateTime,
    /// How often.
    pub repeat: Repeat,
    /// What is not sent by then is not sent any more.
    pub send_by: Option<OffsetDateTime>,
    /// The hours in which it sends.
    pub window: Option<SendWindow>,
    /// The campaign whose failures it sends once more.
    pub retry_of: Option<CampaignId>,
    /// How far it is.
    pub status: CampaignStatus,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// The run at hand, or the last one.
    pub run: Option<Run>,
    /// What became of its recipients, of all runs.
    pub counters: Counters,
    /// When its first run started.
    pub processing_started_at: Option<OffsetDateTime>,
    /// When it last made messages.
    pub last_enqueued_at: Option<OffsetDateTime>,
    /// When everything was sent or had failed.
    pub completed_at: Option<OffsetDateTime>,
    /// When it was cancelled.
    pub cancelled_at: Option<OffsetDateTime>,
    /// When its messages last changed.
    pub last_activity_at: Option<OffsetDateTime>,
    /// When it is to be looked at next; `None` when there is nothing to do.
    pub turn_at: Option<OffsetDateTime>,
    /// When it was deleted: it may still have calls under way.
    pub deleted_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Campaign {
    /// Recipients whose message is not made yet.
    pub fn pending(&self) -> u64 {
        if self.status.is_final() {
            return 0;
        }
        self.counters.planned.saturating_sub(self.counters.made)
    }

    /// Messages that are made and not sent.
    pub fn in_flight(&self) -> u64 {
        self.counters.queued.saturating_sub(self.pending())
    }

    /// Whether the audience of the run at hand is written down.
    pub fn is_expanded(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.expansion.is_none())
    }
}
