//! One team.

use msgflash_kernel::{TeamId, UserId, Workspace};
use time::OffsetDateTime;

/// People who share a workspace that one of them pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Who owns it and pays for it.
    pub owner: UserId,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Since when it is gone.
    pub deleted_at: Option<OffsetDateTime>,
}

impl Team {
    /// The space its members share.
    pub fn workspace(&self) -> Workspace {
        Workspace::team(self.id, self.owner)
    }
}
