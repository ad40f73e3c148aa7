//! Who did what in a team: written where it is done, in the same transaction, and never changed.

use async_trait::async_trait;
use msgflash_kernel::{StoreError, TeamId, UserId, Workspace};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::key::ApiKeyId;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audited {
    /// A team was made.
    TeamCreated,
    /// It got another name.
    TeamRenamed,
    /// It was deleted.
    TeamDeleted,
    /// Somebody was asked into it.
    InvitationCreated,
    /// They were asked once more.
    InvitationResent,
    /// The question was taken back.
    InvitationRevoked,
    /// They came.
    InvitationAccepted,
    /// They will not.
    InvitationDeclined,
    /// A member may do more, or less.
    RoleChanged,
    /// A member was sent away.
    MemberRemoved,
    /// A member went.
    MemberLeft,
    /// A collaborator may use a number.
    InstanceAssigned,
    /// They may not any more.
    InstanceUnassigned,
    /// A key of the team was made.
    KeyCreated,
    /// It was ended.
    KeyRevoked,
}

impl Audited {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TeamCreated => "team.created",
            Self::TeamRenamed => "team.renamed",
            Self::TeamDeleted => "team.deleted",
            Self::InvitationCreated => "invitation.created",
            Self::InvitationResent => "invitation.resent",
            Self::InvitationRevoked => "invitation.revoked",
            Self::InvitationAccepted => "invitation.accepted",
            Self::InvitationDeclined => "invitation.declined",
            Self::RoleChanged => "member.role_changed",
            Self::MemberRemoved => "member.removed",
            Self::MemberLeft => "member.left",
            Self::InstanceAssigned => "instance.assigned",
            Self::InstanceUnassigned => "instance.unassigned",
            Self::KeyCreated => "api_key.created",
            Self::KeyRevoked => "api_key.revoked",
        }
    }
}

/// To whom or what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A team.
    Team(TeamId),
    /// A person.
    User(UserId),
    /// An invitation.
    Invitation(Uuid),
    /// A key.
    Key(ApiKeyId),
}

impl Target {
    /// The stored name of its kind.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Team(_) => "team",
            Self::User(_) => "user",
            Self::Invitation(_) => "invitation",
            Self::Key(_) => "api_key",
        }
    }

    /// Its id.
    pub fn id(self) -> Uuid {
        match self {
            Self::Team(id) => id.uuid(),
            Self::User(id) => id.uuid(),
            Self::Invitation(id) => id,
            Self::Key(id) => id.uuid(),
        }
    }
}

/// One thing that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditEntry {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// In which workspace.
    pub workspace: Workspace,
    /// By whom; `None` is the operator.
    pub by: Option<UserId>,
    /// What.
    pub done: Audited,
    /// To whom or what.
    pub target: Target,
    /// What else is worth knowing. No secret.
    pub data: Value,
}

/// Keeps entries in the transaction that did what they tell. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AuditStore: Send {
    /// Appends entries.
    async fn append(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError>;
}

/// An entry as it was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptEntry {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: OffsetDateTime,
    /// By whom; `None` is the operator.
    pub by: Option<UserId>,
    /// Their address.
    pub by_email: Option<String>,
    /// What.
    pub action: String,
    /// What sort of thing it was done to.
    pub target_kind: String,
    /// Which one.
    pub target_id: Uuid,
    /// What else is worth knowing.
    pub data: Value,
}

/// Reads what was done.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait AuditReader: Send + Sync {
    /// What was done in a team, the newest first: at most `limit`, older than `before`.
    async fn of_team(
        &self,
        team: TeamId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptEntry>, StoreError>;
}
