//! How people and their sessions look.

use msgflash_accounts::{User, VerificationState};
use msgflash_teams::{Role, TeamSummary};
use serde::Serialize;
use utoipa::ToSchema;

/// It is done.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = Success)]
pub struct SuccessView {
    /// Always `true`.
    pub success: bool,
}

/// An account that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SignedUp)]
pub struct SignedUpView {
    /// Always `true`.
    pub success: bool,
    /// Always `true`: the link in the mail comes first.
    pub verification_required: bool,
    /// Where the mail goes.
    #[schema(format = Email, example = "lea@shop.test")]
    pub email: String,
}

/// A person.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = User)]
pub struct UserView {
    /// Their id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Full name.
    #[schema(example = "Lea Roy")]
    pub full_name: String,
    /// E-mail address.
    #[schema(format = Email, example = "lea@shop.test")]
    pub email: String,
    /// Phone number in international form; empty when none was given.
    #[schema(example = "+33612345678")]
    pub phone: String,
    /// The code of their own plan.
    #[schema(example = "free")]
    pub plan: String,
    /// The name they want to be shown by.
    pub display_name: Option<String>,
    /// Their picture.
    pub avatar_url: Option<String>,
}

impl UserView {
    /// A person on a plan.
    pub(super) fn new(user: &User, plan: &str) -> Self {
        Self {
            id: user.id.to_string(),
            full_name: user.full_name.clone(),
            email: user.email.clone(),
            phone: user.phone.clone(),
            plan: plan.to_owned(),
            display_name: user.display_name.clone(),
            avatar_url: user.avatar_url.clone(),
        }
    }
}

/// A team somebody is in.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = UserTeam)]
pub struct TeamView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Support desk")]
    pub name: String,
    /// `owner`, `admin` or `collaborator`.
    #[schema(example = "collaborator")]
    pub role: &'static str,
    /// Whether they own it.
    pub is_owner: bool,
}

impl From<&TeamSummary> for TeamView {
    fn from(it: &TeamSummary) -> Self {
        Self {
            id: it.team.id.to_string(),
            name: it.team.name.clone(),
            role: it.role.as_str(),
            is_owner: it.role == Role::Owner,
        }
    }
}

/// The caller.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Me)]
pub struct MeView {
    /// Who they are.
    #[serde(flatten)]
    pub user: UserView,
    /// The teams they are in.
    pub teams: Vec<TeamView>,
}

/// Somebody who signed in.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = LoggedIn)]
pub struct LoggedInView {
    /// Who they are.
    pub user: UserView,
    /// What to send as `Authorization: Bearer …`, for seven days.
    #[schema(example = "eyJ…")]
    pub token: String,
}

/// A token.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SessionToken)]
pub struct TokenView {
    /// What to send as `Authorization: Bearer …`.
    #[schema(example = "eyJ…")]
    pub token: String,
    /// Until when it opens the console.
    #[schema(format = DateTime)]
    pub expires_at: String,
}

/// What a link to verify an address is good for.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VerificationLink)]
pub struct LinkView {
    /// Whether it verifies the address.
    pub valid: bool,
    /// `valid`, `expired`, `used`, `invalid` or `already_verified`.
    #[schema(example = "valid")]
    pub status: &'static str,
}

impl From<VerificationState> for LinkView {
    fn from(state: VerificationState) -> Self {
        Self {
            valid: state == VerificationState::Valid,
            status: state.as_str(),
        }
    }
}

/// An address that is verified.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = VerifiedEmail)]
pub struct VerifiedView {
    /// Always `true`.
    pub success: bool,
    /// Whether it was before.
    pub already_verified: bool,
}

/// Whether a link to reset a password can be used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ResetLink)]
pub struct ResetLinkView {
    /// Whether it can.
    pub valid: bool,
    /// Until when.
    #[schema(format = DateTime)]
    pub expires_at: Option<String>,
}
