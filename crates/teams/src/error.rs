//! Refusals about the workspace a request names.

use msgflash_accounts::AuthError;
use msgflash_kernel::{Fault, Kind};

/// Why a key, or a person, does not open the workspace that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// A team key without its own team's header. Answered as a bad key is, so that nobody learns
    /// from the answer which team a key belongs to.
    #[error("{}", AuthError::Unauthorized)]
    Unauthorized,
    /// A personal key that names a team.
    #[error("Use a team key (msgf_team_…) for X-Team-Id, or drop the header")]
    TeamKeyRequired,
    /// A team key where only the person themselves may look.
    #[error("Use a personal key (msgf_live_…) for this route")]
    TeamKeyNotAllowed,
    /// A person who named a team that is none of theirs. Whether it exists is not told.
    #[error("Team not found")]
    NoTeam,
}

impl Fault for AccessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized => AuthError::Unauthorized.kind(),
            Self::TeamKeyRequired | Self::TeamKeyNotAllowed => Kind::Forbidden,
            Self::NoTeam => Kind::Missing,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => AuthError::Unauthorized.code(),
            Self::TeamKeyRequired => "TEAM_KEY_REQUIRED",
            Self::TeamKeyNotAllowed => "TEAM_KEY_NOT_ALLOWED",
            Self::NoTeam => "TEAM_NOT_FOUND",
        }
    }
}
