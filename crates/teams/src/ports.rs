//! What teams need from a store.

use async_trait::async_trait;
use msgflash_accounts::{AuditStore, MailStore, TryStore};
use msgflash_kernel::{Id, StoreError, TeamId, Unit, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::invitation::{Invitation, InvitationId};
use crate::member::{Member, Membership, StayEnd};
use crate::role::Role;
use crate::seats::Seats;
use crate::team::Team;

/// Marker of [`InstanceRef`].
pub enum InstanceMark {}
/// An instance that can be given to a collaborator. Teams know nothing else of instances.
pub type InstanceRef = Id<InstanceMark>;

/// Tells who is in a team: asked by every request of a member.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MembershipReader: Send + Sync {
    /// `None` when they are not in it, it is deleted, or its owner's account is shut.
    async fn find(&self, team: TeamId, user: UserId) -> Result<Option<Membership>, StoreError>;
}

/// A team as it is listed for one of its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamSummary {
    /// The team.
    pub team: Team,
    /// What they are in it.
    pub role: Role,
    /// Since when they are in it.
    pub joined_at: OffsetDateTime,
    /// How its places are taken.
    pub seats: Seats,
}

/// An invitation as the team sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The invitation.
    pub invitation: Invitation,
    /// The name of whoever asked.
    pub inviter_name: String,
    /// Their address.
    pub inviter_email: String,
}

/// That a collaborator may use an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The team.
    pub team: TeamId,
    /// The collaborator.
    pub user: UserId,
    /// The instance.
    pub instance: InstanceRef,
    /// Who gave it to them.
    pub assigned_by: UserId,
    /// When.
    pub created_at: OffsetDateTime,
    /// What the instance is called.
    pub instance_name: String,
    /// Its number, in E.164 form.
    pub wa_number: Option<String>,
    /// Its status, by its published name.
    pub instance_status: String,
}

/// Everything about a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamDetail {
    /// The team.
    pub team: Team,
    /// How its places are taken.
    pub seats: Seats,
    /// The owner first, then admins, then collaborators, each in the order in which they came.
    pub members: Vec<Member>,
    /// Who may still answer, the oldest first.
    pub pending: Vec<Asked>,
    /// Who may use what.
    pub assignments: Vec<Assignment>,
}

/// Reads teams.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TeamReader: Send + Sync {
    /// The teams somebody is in, the newest first.
    async fn teams_of(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<TeamSummary>, StoreError>;
    /// Everything about one.
    async fn detail(
        &self,
        team: TeamId,
        now: OffsetDateTime,
    ) -> Result<Option<TeamDetail>, StoreError>;
    /// Who may use what, in the order in which it was given.
    async fn assignments(&self, team: TeamId) -> Result<Vec<Assignment>, StoreError>;
}

/// An invitation as whoever was asked sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenInvitation {
    /// The invitation.
    pub asked: Asked,
    /// The team, which lives.
    pub team: Team,
    /// Whether somebody has an account with the address that was asked.
    pub has_account: bool,
}

/// Reads invitations for those who were asked. Teams that are deleted ask nobody.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait InvitationReader: Send + Sync {
    /// The one whose link carries this, however it ended.
    async fn by_hash(&self, hash: &[u8; 32]) -> Result<Option<OpenInvitation>, StoreError>;
    /// The one with this id, however it ended.
    async fn by_id(&self, id: InvitationId) -> Result<Option<OpenInvitation>, StoreError>;
    /// Those that an address may still answer, the newest first.
    async fn inbox(
        &self,
        email: &str,
        now: OffsetDateTime,
    ) -> Result<Vec<OpenInvitation>, StoreError>;
}

/// What the owner's plan grants at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hosting {
    /// Whether the subscription is usable.
    pub usable: bool,
    /// Teams; 0 is none at all, `None` is unlimited.
    pub max_teams: Option<u32>,
    /// Places per team, likewise.
    pub max_seats: Option<u32>,
}

/// Records teams. Reached through a unit of work only. Whoever changes anything of a team holds its row
/// until the change is kept, and the row of its owner before that where something is counted: that is
/// the lock of everything that is counted on an account.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TeamStore: Send {
    /// What the owner's plan grants, while others who count on the account wait.
    async fn hold_owner(
        &mut self,
        owner: UserId,
        now: OffsetDateTime,
    ) -> Result<Hosting, StoreError>;
    /// How many teams they own.
    async fn count_owned(&mut self, owner: UserId) -> Result<u32, StoreError>;
    /// A team that is not deleted, which nobody else can change until the unit ends.
    async fn lock(&mut self, id: TeamId) -> Result<Option<Team>, StoreError>;
    /// Records a team.
    async fn insert(&mut self, team: &Team) -> Result<(), StoreError>;
    /// Records what is different about a locked one.
    async fn update(&mut self, team: &Team) -> Result<(), StoreError>;
    /// Leaves word that something of a deleted team may still be under way. It waits for calls to the
    /// gateway that are being started at this moment: when the unit is kept, none of the team begins any
    /// more.
    async fn leave_remains(&mut self, team: &Team, at: OffsetDateTime) -> Result<(), StoreError>;
}

/// Records members. Reached through a unit of work only, in which their team is locked.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MemberStore: Send {
    /// What somebody is in a team; `None` when they are not in it.
    async fn role(&mut self, team: TeamId, user: UserId) -> Result<Option<Role>, StoreError>;
    /// A member as others see them.
    async fn find(&mut self, team: TeamId, user: UserId) -> Result<Option<Member>, StoreError>;
    /// Whether somebody with this address is in a team.
    async fn has_address(&mut self, team: TeamId, email: &str) -> Result<bool, StoreError>;
    /// How many there are.
    async fn count(&mut self, team: TeamId) -> Result<u32, StoreError>;
    /// Records that somebody came.
    async fn insert(
        &mut self,
        stay: Uuid,
        member: &Membership,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Makes them something else.
    async fn set_role(&mut self, team: TeamId, user: UserId, role: Role) -> Result<(), StoreError>;
    /// Records that they went, and takes their instances back.
    async fn end(
        &mut self,
        team: TeamId,
        user: UserId,
        end: StayEnd,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
}

/// Records invitations. Reached through a unit of work only, in which their team is locked.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait InvitationStore: Send {
    /// `None` when this team has no such invitation.
    async fn find(&mut self, team: TeamId, id: InvitationId) -> Result<Option<Asked>, StoreError>;
    /// The one for an address that nobody has ended; it may have run out.
    async fn open_for(
        &mut self,
        team: TeamId,
        email: &str,
    ) -> Result<Option<Invitation>, StoreError>;
    /// How many may still be answered.
    async fn count_pending(&mut self, team: TeamId, now: OffsetDateTime)
    -> Result<u32, StoreError>;
    /// Records invitations.
    async fn insert(&mut self, new: &[Invitation]) -> Result<(), StoreError>;
    /// Records what is different about one.
    async fn update(
        &mut self,
        invitation: &Invitation,
        at: OffsetDateTime,
    ) -> Result<(), StoreError>;
    /// Ends those that somebody sent and that are open; answers which.
    async fn end_sent_by(
        &mut self,
        team: TeamId,
        inviter: UserId,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<Vec<(InvitationId, String)>, StoreError>;
    /// Ends those of a deleted team that are open.
    async fn end_all(&mut self, team: TeamId, at: OffsetDateTime) -> Result<(), StoreError>;
}

/// Records who may use what. Reached through a unit of work only, in which the team is locked.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AssignmentStore: Send {
    /// Whether an account has this instance, and it lives.
    async fn has_instance(
        &mut self,
        owner: UserId,
        instance: InstanceRef,
    ) -> Result<bool, StoreError>;
    /// Gives an instance; `false` when they had it.
    async fn assign(
        &mut self,
        team: TeamId,
        user: UserId,
        instance: InstanceRef,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// Takes one back; `false` when they did not have it.
    async fn unassign(
        &mut self,
        team: TeamId,
        user: UserId,
        instance: InstanceRef,
    ) -> Result<bool, StoreError>;
    /// Takes all of somebody's back.
    async fn unassign_all(&mut self, team: TeamId, user: UserId) -> Result<(), StoreError>;
}

/// Changes teams in one transaction.
pub trait TeamUnit: Unit {
    /// Teams.
    fn teams(&mut self) -> &mut dyn TeamStore;
    /// Their members.
    fn members(&mut self) -> &mut dyn MemberStore;
    /// Who is asked to come.
    fn invitations(&mut self) -> &mut dyn InvitationStore;
    /// Who may use what.
    fn assignments(&mut self) -> &mut dyn AssignmentStore;
    /// Mail.
    fn mails(&mut self) -> &mut dyn MailStore;
    /// What was done.
    fn audit(&mut self) -> &mut dyn AuditStore;
    /// How many mails were sent.
    fn tries(&mut self) -> &mut dyn TryStore;
}

/// Begins such transactions.
#[async_trait]
pub trait TeamUnits: Send + Sync {
    /// Begins one.
    async fn begin(&self) -> Result<Box<dyn TeamUnit>, StoreError>;
}
