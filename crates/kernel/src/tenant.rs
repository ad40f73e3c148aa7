//! Whose data it is, and who pays for it.

use crate::id::Id;

/// Marker of [`UserId`].
pub enum User {}
/// A person with an account.
pub type UserId = Id<User>;

/// Marker of [`AccountId`].
pub enum Account {}
/// Who pays: the user whose subscription, plan and quotas apply.
pub type AccountId = Id<Account>;

/// Marker of [`TeamId`].
pub enum Team {}
/// A team.
pub type TeamId = Id<Team>;

/// Marker of [`WorkspaceId`].
pub enum Tenant {}
/// The tenant key of every row: a personal workspace has its owner's id, a team's has the team's.
pub type WorkspaceId = Id<Tenant>;

/// A space that owns data: one person's, or one team's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Workspace {
    /// The tenant key.
    pub id: WorkspaceId,
    /// Who pays.
    pub account: AccountId,
    /// The team; `None` in a personal workspace.
    pub team: Option<TeamId>,
}

impl Workspace {
    /// The personal workspace of `owner`.
    pub fn personal(owner: UserId) -> Self {
        Self {
            id: Id::new(owner.uuid()),
            account: Id::new(owner.uuid()),
            team: None,
        }
    }

    /// The workspace of a team that `owner` pays for.
    pub fn team(team: TeamId, owner: UserId) -> Self {
        Self {
            id: Id::new(team.uuid()),
            account: Id::new(owner.uuid()),
            team: Some(team),
        }
    }

    /// The user who owns the workspace and pays for it.
    pub fn owner(&self) -> UserId {
        Id::new(self.account.uuid())
    }
}

/// Which of the account's instances somebody may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// All of them.
    All,
    /// Those they were given in the team they act in.
    Assigned,
}

/// Who acts, and in which workspace. Every use case takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The space acted in.
    pub workspace: Workspace,
    /// The person who acts: the caller, or whoever made the key.
    pub user: UserId,
    /// Which instances they may use.
    pub reach: Reach,
}

impl Actor {
    /// Somebody who may use every instance of the account: its owner, a team's admin, a key.
    pub fn new(workspace: Workspace, user: UserId) -> Self {
        Self {
            workspace,
            user,
            reach: Reach::All,
        }
    }

    /// The owner of an account, in the workspace of their own.
    pub fn owner_of(account: AccountId) -> Self {
        let owner = Id::new(account.uuid());
        Self::new(Workspace::personal(owner), owner)
    }
}
