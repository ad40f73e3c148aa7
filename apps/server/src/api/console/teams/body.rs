//! What is asked about teams.

use msgflash_accounts::email_address;
use msgflash_kernel::{Problems, Secret, UserId};
use msgflash_teams::ports::InstanceRef;
use msgflash_teams::{Invite, Named, Role};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

const MAX_NAME: u64 = 80;
/// Longer than any address can be.
const MAX_EMAIL: u64 = 320;
/// As many mails as one account may have sent in a day.
const MAX_INVITES: usize = 100;
/// More than any link carries.
const MAX_TOKEN: u64 = 500;

/// Somebody to invite.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = TeamInvite)]
pub struct InviteBody {
    /// Their e-mail address.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = Email, max_length = 320, example = "lea@shop.test")]
    pub email: Field<String>,
    /// `admin` or `collaborator`.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "collaborator")]
    pub role: Field<String>,
}

impl InviteBody {
    /// The invitation, or what is wrong with it.
    pub(super) fn check(&self) -> Result<Invite, Problems> {
        let mut check = Check::default();
        let found = self.checked("", &mut check);
        check.finish()?;
        found.ok_or_else(Problems::default)
    }

    fn checked(&self, at: &str, check: &mut Check) -> Option<Invite> {
        let (email_at, role_at) = (format!("{at}email"), format!("{at}role"));
        let email = check.text(&email_at, &self.email, Need::Must, MAX_EMAIL);
        // Looked at here too, so that it is told together with what else is wrong.
        if email
            .as_deref()
            .is_some_and(|it| email_address(it).is_none())
        {
            check.refuse(&email_at, "invalid_email", "Not an e-mail address");
        }
        let role = role(check, &role_at, &self.role);
        Some(Invite {
            email: email?,
            role: role?,
        })
    }
}

/// A team to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewTeam)]
pub struct TeamBody {
    /// What to call it, 1 to 80 characters on one line.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 80, example = "Support desk")]
    pub name: Field<String>,
    /// Whom to invite: at least one, each address once, not the caller's own.
    #[serde(default)]
    #[schema(value_type = Vec<InviteBody>, required = true, min_items = 1, max_items = 100, example = json!([{ "email": "lea@shop.test", "role": "collaborator" }]))]
    pub invites: Field<Vec<Value>>,
}

impl TeamBody {
    /// Name and invitations, or everything that is wrong with their shape.
    pub(super) fn check(&self) -> Result<(String, Vec<Invite>), Problems> {
        let mut check = Check::default();
        let name = check.text("name", &trimmed(&self.name), Need::Must, MAX_NAME);
        let listed = check.given("invites", &self.invites, Need::Must, "an array");
        let invites = listed.map(|listed| list(listed, &mut check));
        check.finish()?;
        Ok((name.unwrap_or_default(), invites.unwrap_or_default()))
    }
}

fn list(listed: &[Value], check: &mut Check) -> Vec<Invite> {
    if listed.len() > MAX_INVITES {
        let message = format!("Give at most {MAX_INVITES} invitations");
        check.refuse("invites", "length", message);
        return Vec::new();
    }
    let mut invites = Vec::with_capacity(listed.len());
    for (at, item) in listed.iter().enumerate() {
        // A derived reader would take an array for an object's members in order.
        let read = || serde_json::from_value::<InviteBody>(item.clone()).ok();
        if let Some(body) = item.is_object().then(read).flatten() {
            invites.extend(body.checked(&format!("invites.{at}."), check));
        } else {
            check.refuse(format!("invites.{at}"), "invalid_type", "Must be an object");
        }
    }
    invites
}

/// Another name.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = TeamName)]
pub struct RenameBody {
    /// What to call it, 1 to 80 characters on one line.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 80, example = "Support desk")]
    pub name: Field<String>,
}

impl RenameBody {
    pub(super) fn check(&self) -> Result<String, Problems> {
        let mut check = Check::default();
        let name = check.text("name", &trimmed(&self.name), Need::Must, MAX_NAME);
        check.finish()?;
        Ok(name.unwrap_or_default())
    }
}

/// Another role.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = MemberRole)]
pub struct RoleBody {
    /// `admin` or `collaborator`.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "admin")]
    pub role: Field<String>,
}

impl RoleBody {
    pub(super) fn check(&self) -> Result<Role, Problems> {
        let mut check = Check::default();
        let role = role(&mut check, "role", &self.role);
        check.finish()?;
        role.ok_or_else(Problems::default)
    }
}

/// Which invitation is answered: exactly one of the two.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationAnswer)]
pub struct AnswerBody {
    /// Its id, from the inbox.
    #[serde(default)]
    #[schema(value_type = Option<uuid::Uuid>)]
    pub invitation_id: Field<String>,
    /// What the link of the mail carries.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500)]
    pub token: Field<String>,
}

impl AnswerBody {
    pub(super) fn check(&self) -> Result<Named, Problems> {
        let mut check = Check::default();
        let id = check.id("invitationId", &self.invitation_id, Need::May);
        let token = check.text("token", &self.token, Need::May, MAX_TOKEN);
        if self.invitation_id.is_empty() == self.token.is_empty() {
            check.refuse("", "exactly_one", "Give either invitationId or token");
        }
        check.finish()?;
        let by_id = id.map(Named::Id);
        by_id
            .or(token.map(Secret::new).map(Named::Token))
            .ok_or_else(Problems::default)
    }
}

/// Who may use what.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NewInstanceAssignment)]
pub struct AssignmentBody {
    /// An instance of the team's owner.
    #[serde(default)]
    #[schema(value_type = uuid::Uuid, required = true, example = "0197b3c0-1111-7000-8000-000000000001")]
    pub instance_id: Field<String>,
    /// A collaborator of the team.
    #[serde(default)]
    #[schema(value_type = uuid::Uuid, required = true, example = "0197b3c0-1111-7000-8000-000000000002")]
    pub member_user_id: Field<String>,
}

impl AssignmentBody {
    pub(super) fn check(&self) -> Result<(InstanceRef, UserId), Problems> {
        let mut check = Check::default();
        let instance = check.id("instanceId", &self.instance_id, Need::Must);
        let user = check.id("memberUserId", &self.member_user_id, Need::Must);
        check.finish()?;
        instance.zip(user).ok_or_else(Problems::default)
    }
}

/// A role that can be given.
fn role(check: &mut Check, at: &str, field: &Field<String>) -> Option<Role> {
    let words = Role::GIVEN.map(Role::as_str).join(", ");
    check.word(at, field, Need::Must, &words, Role::parse_given)
}

/// Blanks around a name do not count.
fn trimmed(name: &Field<String>) -> Field<String> {
    match name {
        Field::Valid(name) => Field::Valid(name.trim().to_owned()),
        other => other.clone(),
    }
}
