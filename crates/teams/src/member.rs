//! Members of teams.

use msgflash_kernel::{TeamId, UserId};
use time::OffsetDateTime;

use crate::role::Role;

/// That somebody is in a team: what every request of theirs needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The team.
    pub team: TeamId,
    /// Who owns it and pays for it.
    pub owner: UserId,
    /// The member.
    pub user: UserId,
    /// What they are in it.
    pub role: Role,
}

/// A member as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The person.
    pub user: UserId,
    /// Their address.
    pub email: String,
    /// Their name.
    pub full_name: String,
    /// What they are in the team.
    pub role: Role,
    /// Since when they are in it.
    pub joined_at: OffsetDateTime,
}

/// How somebody's stay in a team ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StayEnd {
    /// They went.
    Left,
    /// They were sent away.
    Removed,
}

impl StayEnd {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Removed => "removed",
        }
    }
}
