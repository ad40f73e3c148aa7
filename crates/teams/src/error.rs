//! Refusals about workspaces and teams.

use std::time::Duration;

use msgflash_accounts::AuthError;
use msgflash_kernel::{Fault, Kind, Problems, StoreError};

use crate::permission::Refusal;

/// Why a key, or a person, does not open the workspace that was asked for.
#[derive(Debug, thiserror::Error)]
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
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for AccessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthorized => AuthError::Unauthorized.kind(),
            Self::TeamKeyRequired | Self::TeamKeyNotAllowed => Kind::Forbidden,
            Self::NoTeam => Kind::Missing,
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorized => AuthError::Unauthorized.code(),
            Self::TeamKeyRequired => "TEAM_KEY_REQUIRED",
            Self::TeamKeyNotAllowed => "TEAM_KEY_NOT_ALLOWED",
            Self::NoTeam => "TEAM_NOT_FOUND",
            Self::Store(cause) => cause.code(),
        }
    }
}

/// Why a team, or who is in it, could not be changed.
#[derive(Debug, thiserror::Error)]
pub enum TeamError {
    /// The input is wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// The input makes no sense.
    #[error("{0}")]
    BadRequest(&'static str),
    /// No such team, or none of theirs.
    #[error("Team not found")]
    NoTeam,
    /// Their role does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody pays.
    #[error("The subscription is not active")]
    NoSubscription,
    /// The owner's plan has no teams.
    #[error("The plan does not include teams")]
    NoTeams,
    /// The plan allows no more teams.
    #[error("Team limit reached")]
    TeamLimit,
    /// The plan allows no more seats.
    #[error("No seat is left in this team")]
    SeatLimit,
    /// The team has no such member.
    #[error("Member not found")]
    NoMember,
    /// The team has no such invitation.
    #[error("Invitation not found")]
    NoInvitation,
    /// The account has no such instance.
    #[error("Instance not found")]
    NoInstance,
    /// The invitation is unknown, too old, or was answered.
    #[error("This invitation is not valid any more")]
    BadInvitation,
    /// It is somebody else's.
    #[error("This invitation is for another e-mail address")]
    OtherAddress,
    /// They are in the team.
    #[error("This person is a member of the team already")]
    IsMember,
    /// They were asked, and may still answer.
    #[error("This address has a pending invitation already")]
    IsInvited,
    /// Too many mails.
    #[error("Too many invitations, wait before the next one")]
    TooMany(Duration),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Fault for TeamError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(cause) => cause.kind(),
            Self::Refused(cause) => cause.kind(),
            Self::BadRequest(_) | Self::BadInvitation => Kind::Invalid,
            Self::NoTeam | Self::NoMember | Self::NoInvitation | Self::NoInstance => Kind::Missing,
            Self::NoSubscription
            | Self::NoTeams
            | Self::TeamLimit
            | Self::SeatLimit
            | Self::OtherAddress => Kind::Forbidden,
            Self::IsMember | Self::IsInvited => Kind::Conflict,
            Self::TooMany(wait) => Kind::Limited(*wait),
            Self::Store(cause) => cause.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(cause) => cause.code(),
            Self::Refused(cause) => cause.code(),
            Self::BadRequest(_) => "BAD_REQUEST",
            Self::NoTeam => "TEAM_NOT_FOUND",
            Self::NoMember | Self::NoInvitation | Self::NoInstance => "NOT_FOUND",
            Self::NoSubscription => "SUBSCRIPTION_INACTIVE",
            Self::NoTeams => "TEAM_FEATURE_UNAVAILABLE",
            Self::TeamLimit => "TEAM_LIMIT_REACHED",
            Self::SeatLimit => "TEAM_SEAT_LIMIT_REACHED",
            Self::BadInvitation => "INVITE_INVALID_OR_EXPIRED",
            Self::OtherAddress => "INVITE_EMAIL_MISMATCH",
            Self::IsMember => "INVITE_DUPLICATE_MEMBER",
            Self::IsInvited => "CONFLICT",
            Self::TooMany(_) => "RATE_LIMIT_EXCEEDED",
            Self::Store(cause) => cause.code(),
        }
    }

    fn details(&self) -> Option<serde_json::Value> {
        match self {
            Self::Invalid(cause) => cause.details(),
            _ => None,
        }
    }
}
