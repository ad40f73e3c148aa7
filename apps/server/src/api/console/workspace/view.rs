//! How a workspace looks from inside.

use msgflash_accounts::User;
use msgflash_billing::{Entitlement, Plan};
use msgflash_kernel::Reach;
use msgflash_messaging::events::timestamp;
use msgflash_teams::permission::{self, Action};
use msgflash_teams::{Role, TeamDetail};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::console::teams::view::SeatsView;
use crate::api::v1::billing::view::{
    CountersView, FeaturesView, LimitsView, PeriodView, PlanNameView, SubscriptionView,
};

/// A person in the workspace.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkspacePerson)]
pub struct PersonView {
    /// Their id.
    #[schema(format = Uuid)]
    pub id: String,
    /// E-mail address.
    #[schema(format = Email, example = "lea@shop.test")]
    pub email: String,
    /// Full name.
    #[schema(example = "Lea Roy")]
    pub full_name: String,
    /// The name they want to be shown by.
    pub display_name: Option<String>,
    /// Their picture.
    pub avatar_url: Option<String>,
}

impl From<&User> for PersonView {
    fn from(it: &User) -> Self {
        Self {
            id: it.id.to_string(),
            email: it.email.clone(),
            full_name: it.full_name.clone(),
            display_name: it.display_name.clone(),
            avatar_url: it.avatar_url.clone(),
        }
    }
}

/// A team as its members see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkspaceTeam)]
pub struct TeamView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Its name.
    pub name: String,
    /// The caller's role.
    pub role: &'static str,
    /// Whether the caller owns it.
    pub is_owner: bool,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// How its seats are taken.
    pub seats: SeatsView,
}

impl TeamView {
    /// A team as somebody with this role sees it.
    pub(super) fn new(it: &TeamDetail, role: Role) -> Self {
        Self {
            id: it.team.id.to_string(),
            name: it.team.name.clone(),
            role: role.as_str(),
            is_owner: role == Role::Owner,
            created_at: timestamp(it.team.created_at),
            seats: it.seats.into(),
        }
    }
}

/// The plan held, and what will become of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WorkspaceSubscription)]
pub struct PlansView {
    /// The plan held.
    pub plan: PlanNameView,
    /// The plan that takes over.
    pub scheduled_plan: Option<String>,
    /// When it takes over.
    #[schema(format = DateTime)]
    pub scheduled_plan_at: Option<String>,
    /// `downgrade` or `cancel`.
    pub scheduled_action: Option<&'static str>,
}

impl From<&Entitlement> for PlansView {
    fn from(held: &Entitlement) -> Self {
        let shown = SubscriptionView::from(held);
        Self {
            plan: (&held.plan).into(),
            scheduled_plan: shown.scheduled_plan,
            scheduled_plan_at: shown.scheduled_plan_at,
            scheduled_action: shown.scheduled_action,
        }
    }
}

/// What the caller may do here: what screens show or hide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Capabilities)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a published set of independent switches"
)]
pub struct CapabilitiesView {
    /// The subscription is usable.
    pub can_send_messages: bool,
    /// The plan has campaigns.
    pub can_create_campaigns: bool,
    /// The plan has statuses.
    pub can_publish_statuses: bool,
    /// The plan has webhooks.
    pub can_use_webhooks: bool,
    /// The plan has number look-ups.
    pub can_use_number_lookups: bool,
    /// They may buy, change and cancel.
    pub can_mutate_billing: bool,
    /// They may see payments.
    pub can_view_payments: bool,
    /// They may invite and remove.
    pub can_manage_members: bool,
    /// They may make, log out and delete instances.
    pub can_manage_instances: bool,
    /// They may make and revoke keys.
    pub can_manage_api_keys: bool,
    /// They may make and change webhooks.
    pub can_manage_webhooks: bool,
    /// They may make and change templates.
    pub can_manage_templates: bool,
    /// They see only the instances they were given.
    pub is_restricted_collaborator: bool,
}

impl CapabilitiesView {
    /// What somebody may do, by the plan of whoever pays and by the table of who may do what.
    pub(super) fn new(plan: &Plan, usable: bool, role: Option<Role>) -> Self {
        let has = plan.features;
        let may = |action| permission::require(action, role).is_ok();
        Self {
            can_send_messages: usable,
            can_create_campaigns: has.campaigns,
            can_publish_statuses: has.statuses,
            can_use_webhooks: plan.allow_webhooks().is_ok(),
            can_use_number_lookups: has.number_lookups,
            can_mutate_billing: may(Action::ChangeBilling),
            can_view_payments: may(Action::ReadPayments),
            can_manage_members: may(Action::Invite),
            can_manage_instances: may(Action::CreateInstance),
            can_manage_api_keys: may(Action::ManageKeys),
            can_manage_webhooks: may(Action::KeepData),
            can_manage_templates: may(Action::KeepData),
            is_restricted_collaborator: permission::reach(role) == Reach::Assigned,
        }
    }
}

/// A workspace as the caller sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Workspace)]
pub struct WorkspaceView {
    /// `personal` or `team`.
    #[schema(example = "personal")]
    pub kind: &'static str,
    /// Who asks.
    pub viewer: PersonView,
    /// Who pays.
    pub owner: PersonView,
    /// The team, if it is one's.
    pub team: Option<TeamView>,
    /// The plan held.
    pub plan: PlanNameView,
    /// How much of everything.
    pub limits: LimitsView,
    /// What is possible at all.
    pub features: FeaturesView,
    /// The plan held, and what will become of it; `null` for those without access to billing.
    pub subscription: Option<PlansView>,
    /// What was used this month.
    pub usage: CountersView,
    /// The month.
    pub period: PeriodView,
    /// What the caller may do here.
    pub capabilities: CapabilitiesView,
}
