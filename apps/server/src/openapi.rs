//! The OpenAPI document: the handlers describe themselves, the route table adds what every call
//! has in common, so that the document cannot say less than the server does.

use serde::Serialize;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi as Document};
use utoipa::{OpenApi, ToSchema};

use crate::api::console::auth::{self, google, profile};
use crate::api::console::instances::{self as own_instances, linking};
use crate::api::console::{
    self, billing as plan_changes, files, keys, lookups, media, notifications, overview, payments,
    statuses as console_statuses, suppressions as opt_out_files, teams, workspace,
};
use crate::api::routes;
use crate::api::v1::contacts::{bulk, groups, jobs, members};
use crate::api::v1::{
    account, billing, campaigns, contacts, instances, messages, statuses, suppressions, templates,
    webhooks,
};

mod bounds;
mod console_twins;
mod events;
mod responses;
#[cfg(test)]
mod tests;
mod verbs;

/// Every successful answer.
#[derive(Serialize, ToSchema)]
pub struct Data<T> {
    /// What was asked for.
    pub data: T,
}

/// Every refusal.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorView {
    /// What is wrong.
    pub error: ErrorBody,
}

/// What is wrong.
#[derive(Serialize, ToSchema)]
pub struct ErrorBody {
    /// For machines: branch on this.
    #[schema(example = "VALIDATION_ERROR")]
    pub code: String,
    /// For people.
    #[schema(example = "Invalid request data")]
    pub message: String,
    /// With the codes that have some.
    #[schema(required = false, nullable = false)]
    pub details: Option<ErrorDetails>,
}

/// What is wrong, one by one.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ErrorDetails {
    /// Every problem of the request, or of the template.
    Problems(Vec<ErrorDetail>),
    /// What stands in the way of a lower plan.
    Teams(BlockingTeams),
}

/// With `PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS`: the teams that the other plan cannot host.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlockingTeams {
    /// Their ids.
    #[schema(example = json!(["0197b3c0-3333-7000-8000-000000000003"]))]
    pub team_ids: Vec<String>,
}

/// One thing wrong with one field.
#[derive(Serialize, ToSchema)]
pub struct ErrorDetail {
    /// Dotted path into the body or query; empty for the whole.
    #[schema(example = "buttons.1.url")]
    pub field: String,
    /// For machines.
    #[schema(example = "invalid_url")]
    pub code: String,
    /// For people.
    #[schema(example = "Must be an absolute http or https URL")]
    pub message: String,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "MsgFlash API",
        version = env!("CARGO_PKG_VERSION"),
        description = "Send and receive WhatsApp messages. Programs use `/api/v1` with an API key in \
            `x-api-key`; a team's key also needs the team's id in `X-Team-Id`. The console uses \
            `/api` with the token of whoever signed in. Routes and members marked as extensions may \
            still grow; the others stay as they are.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        messages::send, messages::schedule, messages::list, messages::read, messages::cancel,
        statuses::publish, console_statuses::list,
        campaigns::create, campaigns::list, campaigns::read, campaigns::stats,
        campaigns::control::pause, campaigns::control::resume, campaigns::control::cancel,
        campaigns::control::delete, campaigns::control::retry,
        campaigns::recipients::messages, campaigns::recipients::list,
        instances::list, instances::read, instances::state, instances::health,
        templates::list, templates::create, templates::read, templates::revise, templates::delete,
        templates::preview,
        contacts::list, contacts::create, contacts::read, contacts::change, contacts::delete,
        bulk::delete, jobs::list, jobs::read, jobs::progress, jobs::cancel,
        groups::list, groups::create, groups::read, groups::change, groups::delete,
        groups::of_contact, members::list, members::add, members::remove,
        suppressions::list, suppressions::add, suppressions::read, suppressions::remove,
        suppressions::settings, suppressions::change_settings,
        webhooks::list, webhooks::create, webhooks::read, webhooks::change, webhooks::delete,
        webhooks::rotate, webhooks::deliveries::test, webhooks::deliveries::recover,
        webhooks::deliveries::list, webhooks::deliveries::read, webhooks::deliveries::redeliver,
        account::me, account::usage,
        billing::plans, billing::subscription, billing::usage, billing::payments,
        plan_changes::checkout, plan_changes::downgrade, plan_changes::cancel, plan_changes::keep,
        payments::receive, notifications::list, notifications::read, notifications::read_all,
        console::messages::send, console::campaigns::list, own_instances::list, own_instances::create, own_instances::read,
        own_instances::rename, own_instances::delete, linking::connect, linking::log_out,
        linking::restart, overview::search, overview::onboarding, overview::stats, workspace::current, workspace::counters,
        files::import, files::list, files::read, files::export,
        opt_out_files::import, opt_out_files::export,
        media::upload, media::delete,
        lookups::start, lookups::list, lookups::read, lookups::import,
        keys::list, keys::create, keys::revoke, keys::usage,
        auth::sign_up, auth::log_in, auth::log_out, auth::refresh, auth::change_password,
        auth::resend_verification, auth::check_verification, auth::verify_email,
        auth::forgot_password, auth::check_reset, auth::reset_password,
        google::start, google::finish, profile::read, profile::change,
        teams::list, teams::create, teams::read, teams::rename, teams::delete,
        teams::invitations::invite, teams::invitations::resend, teams::invitations::revoke,
        teams::invitations::mine, teams::invitations::preview, teams::invitations::accept,
        teams::invitations::decline, teams::invitations::decline_one,
        teams::members::change_role, teams::members::remove, teams::members::leave,
        teams::assignments::list, teams::assignments::assign, teams::assignments::unassign,
        teams::keys::list, teams::keys::create, teams::keys::revoke, teams::keys::usage,
    ),
    components(schemas(ErrorView)),
    tags(
        (name = "Messages", description = "Send to one recipient, now or later, and follow it"),
        (name = "Statuses", description = "Stories that all contacts of a number see for a day"),
        (name = "Campaigns", description = "One content for many contacts, now, later or again and again"),
        (name = "Instances", description = "The WhatsApp numbers of the account"),
        (name = "Templates", description = "Messages with gaps that are filled in for each recipient"),
        (name = "Contacts", description = "The address book of the workspace"),
        (name = "Contact groups", description = "Groups of contacts; WhatsApp's own groups are another thing"),
        (name = "Bulk jobs", description = "Changes of many contacts, in the background"),
        (name = "Opt-out", description = "Who must not be written to, and how people say so"),
        (name = "Media", description = "Files to be sent within a day"),
        (name = "Number look-ups", description = "Which numbers have WhatsApp"),
        (name = "Webhooks", description = "Hear of events instead of asking for them"),
        (name = "Account", description = "Who the key belongs to, and what was used"),
        (name = "Billing", description = "Plans, subscription and payments"),
        (name = "Notifications", description = "What account holders are told"),
        (name = "Sign-in", description = "Accounts of people, and their sessions"),
        (name = "API keys", description = "Keys for programs"),
        (name = "Teams", description = "People who share a workspace that one of them pays for"),
        (name = "Workspace", description = "Where somebody is, and what they may do there"),
    ),
    security(("apiKey" = []), ("apiKey" = [], "teamId" = [])),
)]
struct Described;

/// The whole document.
pub fn document() -> Document {
    let mut document = Described::openapi();
    let components = document.components.get_or_insert_with(Components::new);
    let key = |name: &str, about: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(name, about)))
    };
    components.add_security_scheme(
        "apiKey",
        key(
            "x-api-key",
            "`msgf_live_…` (personal) or `msgf_team_…` (team)",
        ),
    );
    components.add_security_scheme(
        "teamId",
        key(
            "X-Team-Id",
            "The id of the key's team; only with a team's key, and then always. In the console: the team \
             to act in; left out, it is the personal workspace",
        ),
    );
    components.add_security_scheme(
        "session",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("JWT")
                .description(Some("The `token` of whoever signed in"))
                .build(),
        ),
    );
    bounds::describe(&mut document);
    verbs::describe(&mut document);
    console_twins::describe(&mut document);
    for route in routes::table() {
        responses::complete(&mut document, &route);
    }
    document.webhooks = Some(events::webhooks());
    document
}
