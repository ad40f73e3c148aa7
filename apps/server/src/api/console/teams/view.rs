//! How teams look.

use msgflash_messaging::events::timestamp;
use msgflash_teams::ports::Asked;
use msgflash_teams::{
    Accepted, Assignment, Member, OpenInvitation, Preview, Role, Seats, TeamDetail, TeamSummary,
};
use serde::Serialize;
use utoipa::ToSchema;

/// How the seats of a team are taken.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = TeamSeats)]
pub struct SeatsView {
    /// How many the owner's plan allows, the owner's own included; `null` is unlimited.
    #[schema(example = 4)]
    pub limit: Option<u32>,
    /// Members.
    #[schema(example = 2)]
    pub active: u32,
    /// Invitations that can still be answered.
    #[schema(example = 1)]
    pub pending: u32,
    /// Both together.
    #[schema(example = 3)]
    pub used: u32,
    /// How many are left; `null` is unlimited.
    #[schema(example = 1)]
    pub available: Option<u32>,
}

impl From<Seats> for SeatsView {
    fn from(it: Seats) -> Self {
        Self {
            limit: it.limit,
            active: it.active,
            pending: it.pending,
            used: it.used(),
            available: it.available(),
        }
    }
}

/// A team in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamSummary)]
pub struct SummaryView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Support desk")]
    pub name: String,
    /// The caller's role: `owner`, `admin` or `collaborator`.
    #[schema(example = "owner")]
    pub role: &'static str,
    /// Whether the caller owns it.
    pub is_owner: bool,
    /// Who owns it and pays for it.
    #[schema(format = Uuid)]
    pub owner_user_id: String,
    /// How its seats are taken.
    pub seats: SeatsView,
    /// Since when the caller is in it.
    #[schema(format = DateTime)]
    pub joined_at: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&TeamSummary> for SummaryView {
    fn from(it: &TeamSummary) -> Self {
        Self {
            id: it.team.id.to_string(),
            name: it.team.name.clone(),
            role: it.role.as_str(),
            is_owner: it.role == Role::Owner,
            owner_user_id: it.team.owner.to_string(),
            seats: it.seats.into(),
            joined_at: timestamp(it.joined_at),
            created_at: timestamp(it.team.created_at),
        }
    }
}

/// A member.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamMember)]
pub struct MemberView {
    /// The person's id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Their e-mail address.
    #[schema(format = Email, example = "lea@shop.test")]
    pub email: String,
    /// Their full name.
    #[schema(example = "Lea Roy")]
    pub full_name: String,
    /// `owner`, `admin` or `collaborator`.
    #[schema(example = "collaborator")]
    pub role: &'static str,
    /// Since when they are in the team.
    #[schema(format = DateTime)]
    pub joined_at: String,
}

impl From<&Member> for MemberView {
    fn from(it: &Member) -> Self {
        Self {
            id: it.user.to_string(),
            email: it.email.clone(),
            full_name: it.full_name.clone(),
            role: it.role.as_str(),
            joined_at: timestamp(it.joined_at),
        }
    }
}

/// Whoever sent an invitation.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Inviter)]
pub struct InviterView {
    /// Their id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Their full name.
    #[schema(example = "Max Roy")]
    pub full_name: String,
    /// Their e-mail address.
    #[schema(format = Email, example = "max@shop.test")]
    pub email: String,
}

/// An invitation that can still be answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamInvitation)]
pub struct InvitationView {
    /// Its id; it stays when the invitation is sent again.
    #[schema(format = Uuid)]
    pub id: String,
    /// Who is invited.
    #[schema(format = Email, example = "tom@shop.test")]
    pub email: String,
    /// `admin` or `collaborator`.
    #[schema(example = "admin")]
    pub role: &'static str,
    /// Always `pending`.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// Who invited them.
    pub invited_by: InviterView,
    /// Until when it can be answered: 24 hours after it was sent last.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was sent first.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&Asked> for InvitationView {
    fn from(asked: &Asked) -> Self {
        let it = &asked.invitation;
        Self {
            id: it.id.to_string(),
            email: it.email.clone(),
            role: it.role.as_str(),
            status: "pending",
            invited_by: InviterView {
                id: it.invited_by.to_string(),
                full_name: asked.inviter_name.clone(),
                email: asked.inviter_email.clone(),
            },
            expires_at: timestamp(it.expires_at),
            created_at: timestamp(it.created_at),
        }
    }
}

/// An instance in an assignment.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AssignedInstance)]
pub struct AssignedView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Main shop")]
    pub name: String,
    /// Its number; `null` before it was connected.
    #[schema(example = "+33611112222")]
    pub wa_number: Option<String>,
    /// Its status.
    #[schema(example = "connected")]
    pub status: String,
}

/// That a collaborator may use an instance.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InstanceAssignment)]
pub struct AssignmentView {
    /// The team.
    #[schema(format = Uuid)]
    pub team_id: String,
    /// The instance.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// The collaborator.
    #[schema(format = Uuid)]
    pub user_id: String,
    /// Who assigned it.
    #[schema(format = Uuid)]
    pub assigned_by_user_id: String,
    /// When.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The instance, as far as a list needs it.
    pub instance: AssignedView,
}

impl From<&Assignment> for AssignmentView {
    fn from(it: &Assignment) -> Self {
        Self {
            team_id: it.team.to_string(),
            instance_id: it.instance.to_string(),
            user_id: it.user.to_string(),
            assigned_by_user_id: it.assigned_by.to_string(),
            created_at: timestamp(it.created_at),
            instance: AssignedView {
                id: it.instance.to_string(),
                name: it.instance_name.clone(),
                wa_number: it.wa_number.clone(),
                status: it.instance_status.clone(),
            },
        }
    }
}

/// Everything about a team.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = TeamDetail)]
pub struct DetailView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    #[schema(example = "Support desk")]
    pub name: String,
    /// Who owns it and pays for it.
    #[schema(format = Uuid)]
    pub owner_user_id: String,
    /// The caller's role: `owner`, `admin` or `collaborator`.
    #[schema(example = "owner")]
    pub role: &'static str,
    /// Whether the caller owns it.
    pub is_owner: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How its seats are taken.
    pub seats: SeatsView,
    /// The owner, then admins, then collaborators, each in the order in which they joined.
    pub members: Vec<MemberView>,
    /// Who may still answer, the oldest first.
    pub pending_invitations: Vec<InvitationView>,
    /// Which collaborator may use which instance.
    pub instance_assignments: Vec<AssignmentView>,
}

impl DetailView {
    /// A team as somebody with this role sees it.
    pub fn new(it: &TeamDetail, role: Role) -> Self {
        Self {
            id: it.team.id.to_string(),
            name: it.team.name.clone(),
            owner_user_id: it.team.owner.to_string(),
            role: role.as_str(),
            is_owner: role == Role::Owner,
            created_at: timestamp(it.team.created_at),
            seats: it.seats.into(),
            members: it.members.iter().map(MemberView::from).collect(),
            pending_invitations: it.pending.iter().map(InvitationView::from).collect(),
            instance_assignments: it.assignments.iter().map(AssignmentView::from).collect(),
        }
    }
}

/// An invitation as whoever is invited sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MyInvitation)]
pub struct MineView {
    /// Its id.
    #[schema(format = Uuid)]
    pub invitation_id: String,
    /// The team.
    #[schema(format = Uuid)]
    pub team_id: String,
    /// Its name.
    #[schema(example = "Support desk")]
    pub team_name: String,
    /// `admin` or `collaborator`.
    #[schema(example = "collaborator")]
    pub role: &'static str,
    /// The full name of whoever invited, else their e-mail address.
    #[schema(example = "Max Roy")]
    pub invited_by: String,
    /// Until when it can be answered.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// When it was sent first.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&OpenInvitation> for MineView {
    fn from(it: &OpenInvitation) -> Self {
        let invitation = &it.asked.invitation;
        Self {
            invitation_id: invitation.id.to_string(),
            team_id: it.team.id.to_string(),
            team_name: it.team.name.clone(),
            role: invitation.role.as_str(),
            invited_by: inviter(&it.asked),
            expires_at: timestamp(invitation.expires_at),
            created_at: timestamp(invitation.created_at),
        }
    }
}

/// What the link of an invitation shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = InvitationPreview)]
pub struct PreviewView {
    /// The name of the team.
    #[schema(example = "Support desk")]
    pub team_name: String,
    /// `admin` or `collaborator`.
    #[schema(example = "collaborator")]
    pub role: &'static str,
    /// The full name of whoever invited, else their e-mail address.
    #[schema(example = "Max Roy")]
    pub invited_by: String,
    /// Who is invited, so that they recognise themselves.
    #[schema(example = "l***@shop.test")]
    pub email: String,
    /// Until when it can be answered.
    #[schema(format = DateTime)]
    pub expires_at: String,
    /// Whether there is an account with that address: to sign in rather than up.
    pub has_account: bool,
}

impl From<&Preview> for PreviewView {
    fn from(it: &Preview) -> Self {
        let invitation = &it.open.asked.invitation;
        Self {
            team_name: it.open.team.name.clone(),
            role: invitation.role.as_str(),
            invited_by: inviter(&it.open.asked),
            email: it.masked_email.clone(),
            expires_at: timestamp(invitation.expires_at),
            has_account: it.open.has_account,
        }
    }
}

fn inviter(it: &Asked) -> String {
    let name = it.inviter_name.trim();
    if name.is_empty() {
        it.inviter_email.clone()
    } else {
        name.to_owned()
    }
}

/// What somebody got into.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AcceptedInvitation)]
pub struct AcceptedView {
    /// The team.
    #[schema(format = Uuid)]
    pub team_id: String,
    /// `admin` or `collaborator`.
    #[schema(example = "collaborator")]
    pub role: &'static str,
}

impl From<Accepted> for AcceptedView {
    fn from(it: Accepted) -> Self {
        Self {
            team_id: it.team.to_string(),
            role: it.role.as_str(),
        }
    }
}
