//! What campaigns need from a store.
//!
//! Whoever changes a campaign holds its row, and whoever stops one holds the lane, too: the start of
//! calls looks at the campaign under that lock, so nothing is started after a stop was kept. Counters
//! have a row of their own that is locked last, whatever else is: settling calls and applying receipts
//! change it beside everything.

use async_trait::async_trait;
use msgflash_contacts::{ContactId, GroupId};
use msgflash_kernel::{
    Outbox, Page, PageRequest, ReplayStore, StoreError, Unit, UserId, WorkspaceId,
};
use msgflash_quotas::LedgerStore;
use time::OffsetDateTime;
use uuid::Uuid;

use super::audience::{Place, Source};
use super::recipient::{Line, Pending, RecipientStatus, Skip};
use super::tally::Tally;
use super::{Audience, Campaign, CampaignId, CampaignStatus, RunId};
use crate::dispatch::entry::QueueEntry;
use crate::dispatch::ports::QueueStore;
use crate::instance::{Instance, InstanceId};
use crate::message::MessageId;
use crate::message::ports::MessageStore;

/// Which recipients of a campaign are wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RecipientFilter {
    /// In this state.
    pub status: Option<RecipientStatus>,
    /// The last ones first.
    pub newest_first: bool,
    /// Without those who were left out.
    pub planned_only: bool,
}

/// What a cursor of the list of campaigns belongs to.
pub fn list_scope(status: Option<CampaignStatus>) -> String {
    format!("campaigns|{}", status.map_or("", CampaignStatus::as_str))
}

impl RecipientFilter {
    /// What a cursor of a campaign's recipients belongs to.
    pub fn scope(&self, campaign: CampaignId) -> String {
        let status = self.status.map_or("", RecipientStatus::as_str);
        format!(
            "recipients|{campaign}|{status}|{}|{}",
            self.newest_first, self.planned_only
        )
    }
}

/// Looks campaigns up. Each call sees its own snapshot. Deleted ones are never found.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait CampaignReader: Send + Sync {
    /// `None` when this workspace has no such campaign.
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Campaign>, StoreError>;
    /// Newest first. The cursor's key is the id of the last campaign. Of an explicit audience a page
    /// shows the first hundred.
    async fn page(
        &self,
        workspace: WorkspaceId,
        status: Option<CampaignStatus>,
        page: &PageRequest,
    ) -> Result<Page<Campaign>, StoreError>;
    /// The recipients of a campaign, in the order in which they are written to, or the other way round. A
    /// page ends where it is full, or where a bounded walk for a filter ended. The cursor's key is the
    /// id of the last message that was looked at.
    async fn recipients(
        &self,
        campaign: &Campaign,
        filter: &RecipientFilter,
        page: &PageRequest,
    ) -> Result<Page<Line>, StoreError>;
    /// The recipient that a message which is not made yet belongs to, and its campaign.
    async fn find_planned(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
    ) -> Result<Option<(Campaign, Line)>, StoreError>;
    /// How many of a campaign's recipients failed for a passing reason.
    async fn passing_failures(&self, campaign: &Campaign) -> Result<u64, StoreError>;
    /// The campaign that sends the failures of this one once more.
    async fn retry_of(&self, campaign: CampaignId) -> Result<Option<CampaignId>, StoreError>;
    /// How many of its made messages wait because WhatsApp refuses its number new contacts, counted up to
    /// `most`: the others go out before them.
    async fn held_back(
        &self,
        campaign: &Campaign,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError>;
    /// Campaigns whose turn has come, the longest due first, whoever they belong to; those of deleted
    /// teams are left out.
    async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Campaign>, StoreError>;
    /// Those with this in their names, whatever its letter case, the newest first.
    async fn named(
        &self,
        workspace: WorkspaceId,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Campaign>, StoreError>;
    /// How many campaigns of a workspace are in each state; what is empty is left out.
    async fn counts(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(CampaignStatus, u64)>, StoreError>;
}

/// What is known of an audience before anybody is written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AudienceShare {
    /// Whom it has.
    pub total: u64,
    /// Those who wrote to the number within thirty days.
    pub warm: u64,
    /// Those who were never written to.
    pub cold: u64,
    /// Those who were written to and did not answer.
    pub unknown: u64,
    /// Those the last two messages to whom failed for good.
    pub blocked: u64,
}

/// Walks through audiences.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AudienceReader: Send + Sync {
    /// Which of these contacts the workspace does not have.
    async fn missing(
        &self,
        workspace: WorkspaceId,
        ids: &[ContactId],
    ) -> Result<Vec<ContactId>, StoreError>;
    /// Whether the workspace has a group.
    async fn has_group(&self, workspace: WorkspaceId, group: GroupId) -> Result<bool, StoreError>;
    /// How large an audience is, and what its people did with a number. Beyond some thousands the shares
    /// are those of a sample, and add up to the total.
    async fn share(
        &self,
        workspace: WorkspaceId,
        instance: InstanceId,
        audience: &Audience,
        now: OffsetDateTime,
    ) -> Result<AudienceShare, StoreError>;
    /// The next contacts of an audience behind a place, and where to go on; somebody with two of its
    /// tags comes twice. Their ids as messages are empty.
    async fn walk(
        &self,
        workspace: WorkspaceId,
        audience: &Audience,
        from: Place,
        limit: u32,
    ) -> Result<(Vec<Pending>, Option<Place>), StoreError>;
}

/// A slice of an audience to write down.
#[derive(Clone, Copy, Debug)]
pub struct Slice<'a> {
    /// The campaign, as it is locked.
    pub campaign: &'a Campaign,
    /// The run.
    pub run: RunId,
    /// What it goes through.
    pub source: Source<'a>,
    /// From here.
    pub from: Place,
    /// Contacts made later do not belong to it.
    pub made_before: OffsetDateTime,
    /// How many entries are looked at.
    pub limit: u32,
    /// What the ids of its messages are counted up from.
    pub base: Uuid,
}

/// What writing down a slice came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expanded {
    /// Recipients to write to.
    pub planned: u64,
    /// Recipients that are left out.
    pub skipped: u64,
    /// Where to go on; `None` behind the last.
    pub next: Option<Place>,
}

/// Which entries of a campaign are taken off the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Those for which no call was ever begun: their messages are made again later.
    Unstarted,
    /// All that are not under way.
    NotUnderWay,
}

/// Changes campaigns. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait CampaignStore: Send {
    /// Stores a new one, with its counters.
    async fn insert(&mut self, campaign: &Campaign) -> Result<(), StoreError>;
    /// Holds one whose turn has come; `None` when somebody else holds it, or took its turn.
    async fn claim(
        &mut self,
        id: CampaignId,
        now: OffsetDateTime,
    ) -> Result<Option<Campaign>, StoreError>;
    /// Holds one.
    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Campaign>, StoreError>;
    /// Holds the lane of an instance, so that no call begins until the unit ends.
    async fn hold_lane(&mut self, lane: InstanceId) -> Result<(), StoreError>;
    /// The instance it goes out from, unless that was deleted.
    async fn instance(&mut self, campaign: &Campaign) -> Result<Option<Instance>, StoreError>;
    /// Holds the counters and answers them.
    async fn lock_counters(&mut self, id: CampaignId) -> Result<super::Counters, StoreError>;
    /// Writes back what may change: everything but the counters, what it was made of, and whose it is.
    async fn update(&mut self, campaign: &Campaign) -> Result<(), StoreError>;
    /// Writes down the next slice of an audience; who is there already is passed by.
    async fn expand<'a>(&mut self, slice: Slice<'a>) -> Result<Expanded, StoreError>;
    /// The next recipients without a message, in order.
    async fn pending(
        &mut self,
        campaign: &Campaign,
        limit: u32,
    ) -> Result<Vec<Pending>, StoreError>;
    /// Leaves recipients out, by the ids of their messages.
    async fn skip(
        &mut self,
        campaign: CampaignId,
        skipped: &[(MessageId, Skip)],
    ) -> Result<(), StoreError>;
    /// Gives recipients the numbers that their contacts have by now. Whoever has such a number in the run and
    /// was not written to gets the old one in exchange: their contact has it no more. Answers those whose
    /// new number was written to.
    async fn renumber(
        &mut self,
        campaign: &Campaign,
        run: RunId,
        changed: &[(MessageId, msgflash_kernel::Phone)],
    ) -> Result<Vec<MessageId>, StoreError>;
    /// Takes entries of a campaign off its lane, and answers them. Those that somebody is ending at this
    /// moment are passed by. The lane is held.
    async fn take_ready(
        &mut self,
        campaign: &Campaign,
        undo: Undo,
    ) -> Result<Vec<QueueEntry>, StoreError>;
    /// Removes the rows of messages that nobody was told about.
    async fn unmake(
        &mut self,
        workspace: WorkspaceId,
        messages: &[MessageId],
    ) -> Result<(), StoreError>;
    /// Gives entries of a campaign that are still in its lane another end of their time.
    async fn reopen(
        &mut self,
        campaign: &Campaign,
        until: Option<OffsetDateTime>,
    ) -> Result<(), StoreError>;
    /// Removes some recipients of a deleted campaign, unless another one that sends its failures once more
    /// has yet to read them; answers whether there may be more.
    async fn forget(&mut self, campaign: CampaignId, limit: u32) -> Result<bool, StoreError>;
    /// Whether the person who sends is still in the team, and has the instance; held until the unit ends.
    async fn hold_member(&mut self, campaign: &Campaign, user: UserId) -> Result<bool, StoreError>;
}

/// Changes campaigns in one transaction.
pub trait CampaignUnit: Unit {
    /// The stored answers.
    fn replays(&mut self) -> &mut dyn ReplayStore;
    /// The campaigns.
    fn campaigns(&mut self) -> &mut dyn CampaignStore;
    /// The outbound ledger.
    fn ledger(&mut self) -> &mut dyn LedgerStore;
    /// The queue.
    fn queue(&mut self) -> &mut dyn QueueStore;
    /// The messages.
    fn messages(&mut self) -> &mut dyn MessageStore;
    /// The counters.
    fn tallies(&mut self) -> &mut dyn TallyStore;
    /// The facts to tell.
    fn outbox(&mut self) -> &mut dyn Outbox;
}

/// Begins such transactions.
#[async_trait]
pub trait CampaignUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn CampaignUnit>, StoreError>;
}

/// Counts what became of messages of campaigns, in the transaction that made it so.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TallyStore: Send {
    /// Notes a change of a campaign's counters. It is written when the unit commits, last of all: its row is
    /// one that everybody waits for.
    fn tally(&mut self, campaign: CampaignId, change: Tally, now: OffsetDateTime);
    /// Leaves out recipients whose messages were made and must not be sent: the messages go, the
    /// recipients stay with the reason.
    async fn leave_out(
        &mut self,
        campaign: CampaignId,
        messages: &[MessageId],
        why: Skip,
    ) -> Result<(), StoreError>;
}
