//! Every route of the console, in one table.

use actix_web::http::Method;
use actix_web::web;
use msgflash_teams::Action;

use super::auth::{self, google, profile};
use super::instances::{self as own_instances, linking};
use super::teams::{self, assignments, invitations, members as people};
use super::{
    campaigns, files, keys, lookups, media, messages, overview, statuses,
    suppressions as opt_out_files, workspace,
};
use crate::api::errors::{
    BAD_REQUEST, CONFLICT, CONTACT_GROUP_NOT_FOUND, CSV_INVALID_FORMAT, CSV_TOO_LARGE,
    EMAIL_NOT_VERIFIED, ErrorCode, FORBIDDEN, IMPORT_NOT_FOUND, INVITE_DUPLICATE_MEMBER,
    INVITE_EMAIL_MISMATCH, INVITE_INVALID_OR_EXPIRED, LOOKUP_NOT_FOUND, LOOKUP_NOT_READY,
    MAX_API_KEYS_REACHED, MAX_CONTACT_GROUPS_REACHED, MAX_INSTANCES_REACHED,
    MAX_WEBHOOK_ENDPOINTS_REACHED, MEDIA_FILE_MISSING, MEDIA_TOO_LARGE, MEDIA_TYPE_NOT_ALLOWED,
    MEDIA_UPLOAD_FAILED, MEDIA_UPLOAD_NOT_CONFIGURED, NOT_FOUND, PROVIDER_ERROR, PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE, RATE_LIMIT_EXCEEDED, SUBSCRIPTION_INACTIVE, TEAM_LIMIT_REACHED,
    TEAM_SEAT_LIMIT_REACHED, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID, UNAUTHORIZED,
    VALIDATION_ERROR,
};
use crate::api::policy::{Access, Gate, Policy};
use crate::api::routes::{
    Route, asks, changes, deletes, does, gated, open, rehearsed, routes, spare, usable,
};
use crate::api::v1::campaigns::{control as campaign_control, recipients};
use crate::api::v1::contacts::{bulk, groups, jobs, members};
use crate::api::v1::routes::{
    LIVE, PLANNING, PREFIX as PUBLIC, PUBLISHING, RESUMING, RETRYING, SENDING,
};
use crate::api::v1::webhooks::deliveries;
use crate::api::v1::{
    billing, campaigns as public_campaigns, contacts, instances, messages as public_messages,
    statuses as public_statuses, suppressions, templates, webhooks,
};

mod plans;

/// Where this surface lives.
pub const PREFIX: &str = "/api";

/// A route for people who are signed in, in a workspace.
const fn member(route: &'static str) -> Policy {
    Policy {
        access: Access::Session,
        ..open(route)
    }
}

/// A route for people who are signed in, about the team that the path names.
const fn in_team(route: &'static str) -> Policy {
    Policy {
        access: Access::Team,
        ..open(route)
    }
}

/// A route for people who are signed in, about themselves.
const fn person(route: &'static str) -> Policy {
    Policy {
        access: Access::Person,
        ..open(route)
    }
}

/// A route for everybody.
const fn anyone(route: &'static str) -> Policy {
    Policy {
        access: Access::Anyone,
        ..open(route)
    }
}

/// A route that starts something without a body.
const fn starts(it: Policy) -> Policy {
    usable(it)
}

/// A route whose body is small.
const fn small(it: Policy) -> Policy {
    Policy {
        small_body: true,
        ..it
    }
}

/// A route that takes a form with a file.
const fn sends_files(it: Policy) -> Policy {
    Policy {
        usable: true,
        form: true,
        ..it
    }
}

/// Every route.
pub fn table() -> Vec<Route> {
    let mut table = twins();
    table.extend(own());
    table.extend(plans::table());
    table.extend(of_teams());
    table.extend(sign_in());
    table
}

/// The public route that does the same: its path and its method.
pub fn twin(route: &Route) -> Option<(String, Method)> {
    let public = |path: &str| format!("{PUBLIC}{path}");
    Some(match route.path {
        "/api/contacts/bulk" => (public("/contacts/bulk-delete"), Method::POST),
        "/api/subscriptions/me" => (public("/billing/subscription"), Method::GET),
        path => (public(path.strip_prefix(PREFIX)?), route.method.clone()),
    })
}

/// What the operation of a route is called, given the name of its twin's.
pub fn name(twin: &str, path: &str) -> String {
    let mut letters = twin.chars();
    let first = letters.next().map(|it| it.to_ascii_uppercase());
    let name: String = first.into_iter().chain(letters).collect();
    // A second path to the same thing.
    let again = if path == "/api/subscriptions/me" {
        "Again"
    } else {
        ""
    };
    format!("console{name}{again}")
}

/// What the public API offers too.
fn twins() -> Vec<Route> {
    routes! {
        "/api";
        GET "/messages" public_messages::list, member.does(Action::ReadHistory), &[VALIDATION_ERROR];
        GET "/messages/{id}" public_messages::read, member.does(Action::ReadHistory), &[NOT_FOUND];
        POST "/messages/{id}/cancel" public_messages::cancel, member.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];

        POST "/statuses" public_statuses::publish,
            member.does(Action::Send).changes.gated(Gate::Statuses), PUBLISHING;
        POST "/campaigns" public_campaigns::create,
            member.does(Action::Send).changes.rehearsed.gated(Gate::Campaigns), PLANNING;
        GET "/campaigns/{id}" public_campaigns::read, member.does(Action::ReadHistory), &[NOT_FOUND];
        DELETE "/campaigns/{id}" campaign_control::delete, member.does(Action::Send), &[NOT_FOUND];
        GET "/campaigns/{id}/stats" public_campaigns::stats, member.does(Action::ReadHistory), &[NOT_FOUND];
        GET "/campaigns/{id}/messages" recipients::messages, member.does(Action::ReadHistory),
            &[NOT_FOUND, VALIDATION_ERROR];
        GET "/campaigns/{id}/recipients" recipients::list, member.does(Action::ReadHistory),
            &[NOT_FOUND, VALIDATION_ERROR];
        POST "/campaigns/{id}/pause" campaign_control::pause, member.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        PATCH "/campaigns/{id}/pause" campaign_control::pause, member.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        POST "/campaigns/{id}/resume" campaign_control::resume,
            member.does(Action::Send).usable.gated(Gate::Campaigns), RESUMING;
        PATCH "/campaigns/{id}/resume" campaign_control::resume,
            member.does(Action::Send).usable.gated(Gate::Campaigns), RESUMING;
        POST "/campaigns/{id}/cancel" campaign_control::cancel, member.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        PATCH "/campaigns/{id}/cancel" campaign_control::cancel, member.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        POST "/campaigns/{id}/retry-failed" campaign_control::retry,
            member.does(Action::Send).starts.gated(Gate::Campaigns), RETRYING;

        GET "/instances/{id}/state" instances::state, member.does(Action::ReadInstance), LIVE;
        GET "/instances/{id}/health" instances::health, member.does(Action::ReadInstance), &[NOT_FOUND];

        GET "/templates" templates::list, member.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/templates" templates::create, member.does(Action::KeepData).changes, &[TEMPLATE_INVALID];
        GET "/templates/{id}" templates::read, member.does(Action::KeepData), &[NOT_FOUND];
        PUT "/templates/{id}" templates::revise, member.does(Action::KeepData).changes.spare,
            &[NOT_FOUND, TEMPLATE_INVALID];
        DELETE "/templates/{id}" templates::delete, member.does(Action::KeepData), &[NOT_FOUND];
        POST "/templates/{id}/preview" templates::preview, member.does(Action::KeepData).asks.spare,
            &[NOT_FOUND, TEMPLATE_INVALID, TEMPLATE_CONTEXT_UNAVAILABLE];

        GET "/contacts" contacts::list, member.does(Action::KeepData), &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts" contacts::create, member.does(Action::KeepData).changes, &[CONFLICT];
        GET "/contacts/{id}" contacts::read, member.does(Action::KeepData), &[NOT_FOUND];
        PUT "/contacts/{id}" contacts::change, member.does(Action::KeepData).changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/{id}" contacts::delete, member.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/{id}/groups" groups::of_contact, member.does(Action::KeepData), &[NOT_FOUND];
        DELETE "/contacts/bulk" bulk::delete, member.does(Action::KeepData).deletes, &[];
        GET "/contacts/bulk-jobs" jobs::list, member.does(Action::KeepData), &[VALIDATION_ERROR];
        GET "/contacts/bulk-jobs/{jobId}" jobs::read, member.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/bulk-jobs/{jobId}/progress" jobs::progress, member.does(Action::KeepData), &[NOT_FOUND];
        POST "/contacts/bulk-jobs/{jobId}/cancel" jobs::cancel, member.does(Action::KeepData), &[NOT_FOUND, CONFLICT];
        GET "/contacts/groups" groups::list, member.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/contacts/groups" groups::create, member.does(Action::KeepData).changes,
            &[MAX_CONTACT_GROUPS_REACHED, CONFLICT];
        GET "/contacts/groups/{groupId}" groups::read, member.does(Action::KeepData), &[NOT_FOUND];
        PUT "/contacts/groups/{groupId}" groups::change, member.does(Action::KeepData).changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/groups/{groupId}" groups::delete, member.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/groups/{groupId}/members" members::list, member.does(Action::KeepData),
            &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts/groups/{groupId}/members" members::add, member.does(Action::KeepData).changes, &[NOT_FOUND];
        DELETE "/contacts/groups/{groupId}/members" members::remove, member.does(Action::KeepData).deletes, &[NOT_FOUND];

        GET "/suppressions" suppressions::list, member.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/suppressions" suppressions::add, member.does(Action::KeepData).changes, &[];
        GET "/suppressions/settings" suppressions::settings, member.does(Action::KeepData), &[];
        PUT "/suppressions/settings" suppressions::change_settings, member.does(Action::KeepData).changes, &[];
        GET "/suppressions/{phone}" suppressions::read, member.does(Action::KeepData), &[NOT_FOUND];
        DELETE "/suppressions/{phone}" suppressions::remove, member.does(Action::KeepData), &[NOT_FOUND];

        GET "/webhooks" webhooks::list, member.does(Action::KeepData), &[];
        POST "/webhooks" webhooks::create, member.does(Action::KeepData).changes.gated(Gate::Webhooks),
            &[MAX_WEBHOOK_ENDPOINTS_REACHED];
        GET "/webhooks/{id}" webhooks::read, member.does(Action::KeepData), &[NOT_FOUND];
        PATCH "/webhooks/{id}" webhooks::change, member.does(Action::KeepData).changes,
            &[NOT_FOUND, MAX_WEBHOOK_ENDPOINTS_REACHED];
        DELETE "/webhooks/{id}" webhooks::delete, member.does(Action::KeepData), &[NOT_FOUND];
        POST "/webhooks/{id}/rotate-secret" webhooks::rotate, member.does(Action::KeepData).starts, &[NOT_FOUND];
        POST "/webhooks/{id}/test" deliveries::test, member.does(Action::KeepData).starts.gated(Gate::Webhooks),
            &[NOT_FOUND, CONFLICT];
        POST "/webhooks/{id}/recover" deliveries::recover,
            member.does(Action::KeepData).changes.gated(Gate::Webhooks), &[NOT_FOUND, CONFLICT];
        GET "/webhooks/{id}/deliveries" deliveries::list, member.does(Action::KeepData), &[NOT_FOUND, VALIDATION_ERROR];
        GET "/webhooks/{id}/deliveries/{deliveryId}" deliveries::read, member.does(Action::KeepData), &[NOT_FOUND];
        POST "/webhooks/{id}/deliveries/{deliveryId}/redeliver" deliveries::redeliver,
            member.does(Action::KeepData).starts.gated(Gate::Webhooks), &[NOT_FOUND, CONFLICT];

        GET "/billing/plans" billing::plans, anyone, &[];
        GET "/billing/subscription" billing::subscription, member.does(Action::ReadBilling), &[];
        GET "/billing/usage" billing::usage, member.does(Action::ReadBilling), &[];
        GET "/billing/payments" billing::payments, member.does(Action::ReadPayments), &[VALIDATION_ERROR];
        GET "/subscriptions/me" billing::subscription, member.does(Action::ReadBilling), &[];
    }
}

/// Making something at the provider.
const MAKING: &[ErrorCode] = &[
    MAX_INSTANCES_REACHED,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// Starting a link there.
const CONNECTING: &[ErrorCode] = &[
    NOT_FOUND,
    FORBIDDEN,
    MAX_INSTANCES_REACHED,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// Mending one.
const RESTARTING: &[ErrorCode] = &[
    NOT_FOUND,
    BAD_REQUEST,
    FORBIDDEN,
    MAX_INSTANCES_REACHED,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// What becomes of files.
const UPLOADING: &[ErrorCode] = &[
    MEDIA_FILE_MISSING,
    MEDIA_TYPE_NOT_ALLOWED,
    MEDIA_TOO_LARGE,
    MEDIA_UPLOAD_FAILED,
    MEDIA_UPLOAD_NOT_CONFIGURED,
];

/// Asking it about numbers, by a number that can.
const ASKING: &[ErrorCode] = &[
    NOT_FOUND,
    BAD_REQUEST,
    FORBIDDEN,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];

/// What only people have.
fn own() -> Vec<Route> {
    routes! {
        "/api";
        POST "/messages/send" messages::send, member.does(Action::Send).changes, SENDING;
        GET "/campaigns" campaigns::list, member.does(Action::ReadHistory), &[];
        GET "/instances" own_instances::list, member.does(Action::ListInstances), &[];
        POST "/instances" own_instances::create, member.does(Action::CreateInstance).changes, MAKING;
        GET "/instances/{id}" own_instances::read, member.does(Action::ReadInstance), &[NOT_FOUND];
        PATCH "/instances/{id}" own_instances::rename, member.does(Action::CreateInstance).changes, &[NOT_FOUND];
        DELETE "/instances/{id}" own_instances::delete, member.does(Action::DeleteInstance), &[NOT_FOUND];
        POST "/instances/{id}/connect" linking::connect, member.does(Action::ConnectInstance).changes.spare, CONNECTING;
        POST "/instances/{id}/logout" linking::log_out, member.does(Action::LogOutInstance), LIVE;
        POST "/instances/{id}/restart" linking::restart, member.does(Action::ConnectInstance).starts, RESTARTING;
        GET "/usage" workspace::counters, member.does(Action::ReadBilling), &[];
        GET "/search" overview::search, member.does(Action::KeepData), &[VALIDATION_ERROR];
        GET "/onboarding" overview::onboarding, member.does(Action::ReadWorkspace), &[];
        GET "/dashboard/stats" overview::stats, member.does(Action::ReadWorkspace), &[VALIDATION_ERROR];
        GET "/workspace/current" workspace::current, member.does(Action::ReadWorkspace), &[];
        POST "/contacts/import" files::import, member.does(Action::KeepData).sends_files,
            &[NOT_FOUND, CSV_INVALID_FORMAT, CSV_TOO_LARGE];
        GET "/contacts/imports" files::list, member.does(Action::KeepData), &[VALIDATION_ERROR];
        GET "/contacts/imports/{importId}" files::read, member.does(Action::KeepData), &[IMPORT_NOT_FOUND];
        GET "/contacts/export" files::export, member.does(Action::KeepData), &[VALIDATION_ERROR, NOT_FOUND];
        POST "/suppressions/import" opt_out_files::import, member.does(Action::KeepData).sends_files,
            &[CSV_INVALID_FORMAT, CSV_TOO_LARGE];
        GET "/suppressions/export" opt_out_files::export, member.does(Action::KeepData), &[];
        POST "/media/upload" media::upload, member.does(Action::KeepData).sends_files, UPLOADING;
        DELETE "/media/{mediaId}" media::delete, member.does(Action::KeepData), &[NOT_FOUND, MEDIA_UPLOAD_NOT_CONFIGURED];
        POST "/number-lookups" lookups::start, member.does(Action::Send).changes.gated(Gate::NumberLookups), ASKING;
        GET "/number-lookups" lookups::list, member.does(Action::ReadHistory), &[VALIDATION_ERROR];
        GET "/number-lookups/{id}" lookups::read, member.does(Action::ReadHistory), &[LOOKUP_NOT_FOUND];
        POST "/number-lookups/{id}/import-contacts" lookups::import, member.does(Action::KeepData).changes.spare,
            &[LOOKUP_NOT_FOUND, LOOKUP_NOT_READY, CONTACT_GROUP_NOT_FOUND];
        GET "/statuses" statuses::list, member.does(Action::ReadHistory), &[VALIDATION_ERROR];
        GET "/api-keys" keys::list, member.does(Action::ManageKeys), &[];
        POST "/api-keys" keys::create, member.does(Action::ManageKeys).changes.gated(Gate::ApiKeys),
            &[MAX_API_KEYS_REACHED];
        DELETE "/api-keys/{id}" keys::revoke, member.does(Action::ManageKeys), &[NOT_FOUND];
        GET "/api-keys/usage" keys::usage, member.does(Action::ManageKeys), &[VALIDATION_ERROR];
    }
}

/// Asking people into a team.
const INVITING: &[ErrorCode] = &[
    TEAM_SEAT_LIMIT_REACHED,
    INVITE_DUPLICATE_MEMBER,
    CONFLICT,
    RATE_LIMIT_EXCEEDED,
];
/// Asking them once more.
const RESENDING: &[ErrorCode] = &[
    NOT_FOUND,
    INVITE_INVALID_OR_EXPIRED,
    TEAM_SEAT_LIMIT_REACHED,
    RATE_LIMIT_EXCEEDED,
];
/// Answering.
const ACCEPTING: &[ErrorCode] = &[
    INVITE_INVALID_OR_EXPIRED,
    INVITE_EMAIL_MISMATCH,
    INVITE_DUPLICATE_MEMBER,
    TEAM_SEAT_LIMIT_REACHED,
    SUBSCRIPTION_INACTIVE,
];
const DECLINING: &[ErrorCode] = &[INVITE_INVALID_OR_EXPIRED, INVITE_EMAIL_MISMATCH];

/// Teams: the path names them, and no header matters.
fn of_teams() -> Vec<Route> {
    routes! {
        "/api/teams";
        GET "" teams::list, person, &[];
        POST "" teams::create, person.asks.usable.gated(Gate::Teams),
            &[TEAM_LIMIT_REACHED, TEAM_SEAT_LIMIT_REACHED];
        GET "/invitations/mine" invitations::mine, person, &[];
        GET "/invitations/preview" invitations::preview, anyone, &[INVITE_INVALID_OR_EXPIRED];
        POST "/invitations/accept" invitations::accept, person.asks.small, ACCEPTING;
        POST "/invitations/decline" invitations::decline, person.asks.small, DECLINING;
        DELETE "/invitations/{invitationId}/decline" invitations::decline_one, person,
            &[NOT_FOUND, INVITE_INVALID_OR_EXPIRED, INVITE_EMAIL_MISMATCH];
        GET "/{teamId}" teams::read, in_team.does(Action::SeeTeam), &[];
        PATCH "/{teamId}" teams::rename, in_team.does(Action::RenameTeam).changes, &[];
        DELETE "/{teamId}" teams::delete, in_team.does(Action::DeleteTeam), &[];
        POST "/{teamId}/invitations" invitations::invite,
            in_team.does(Action::Invite).changes.gated(Gate::Teams), INVITING;
        POST "/{teamId}/invitations/{invitationId}/resend" invitations::resend,
            in_team.does(Action::Invite).starts.gated(Gate::Teams), RESENDING;
        DELETE "/{teamId}/invitations/{invitationId}" invitations::revoke,
            in_team.does(Action::Invite), &[NOT_FOUND];
        PATCH "/{teamId}/members/{userId}" people::change_role,
            in_team.does(Action::ChangeRole).changes, &[NOT_FOUND];
        DELETE "/{teamId}/members/{userId}" people::remove,
            in_team.does(Action::RemoveMember), &[NOT_FOUND, BAD_REQUEST];
        POST "/{teamId}/members/leave" people::leave, in_team.does(Action::Leave), &[];
        GET "/{teamId}/instance-assignments" assignments::list, in_team.does(Action::SeeTeam), &[];
        POST "/{teamId}/instance-assignments" assignments::assign,
            in_team.does(Action::AssignInstances).changes, &[NOT_FOUND];
        DELETE "/{teamId}/instance-assignments" assignments::unassign,
            in_team.does(Action::AssignInstances), &[VALIDATION_ERROR];
        GET "/{teamId}/api-keys" teams::keys::list, in_team.does(Action::ManageKeys), &[];
        POST "/{teamId}/api-keys" teams::keys::create,
            in_team.does(Action::ManageKeys).changes.gated(Gate::ApiKeys), &[MAX_API_KEYS_REACHED];
        GET "/{teamId}/api-keys/usage" teams::keys::usage,
            in_team.does(Action::ManageKeys), &[VALIDATION_ERROR];
        DELETE "/{teamId}/api-keys/{keyId}" teams::keys::revoke,
            in_team.does(Action::ManageKeys), &[NOT_FOUND];
    }
}

/// Tries are counted.
const GUARDED: &[ErrorCode] = &[RATE_LIMIT_EXCEEDED];

/// How people come and go.
fn sign_in() -> Vec<Route> {
    routes! {
        "/api/auth";
        POST "/signup" auth::sign_up, anyone.asks.small, &[CONFLICT, RATE_LIMIT_EXCEEDED];
        POST "/login" auth::log_in, anyone.asks.small,
            &[UNAUTHORIZED, EMAIL_NOT_VERIFIED, RATE_LIMIT_EXCEEDED];
        POST "/resend-verification" auth::resend_verification, anyone.asks.small, GUARDED;
        GET "/verify-email/validate" auth::check_verification, anyone, &[];
        POST "/verify-email" auth::verify_email, anyone.asks.small, &[];
        POST "/forgot-password" auth::forgot_password, anyone.asks.small, GUARDED;
        GET "/reset-password/validate" auth::check_reset, anyone, &[];
        POST "/reset-password" auth::reset_password, anyone.asks.small,
            &[UNAUTHORIZED, RATE_LIMIT_EXCEEDED];
        GET "/google" google::start, anyone, &[];
        GET "/google/callback" google::finish, anyone, &[];
        GET "/me" profile::read, person, &[];
        PATCH "/me" profile::change, person.asks.small, &[];
        POST "/logout" auth::log_out, person, &[];
        POST "/refresh" auth::refresh, person, &[];
        POST "/change-password" auth::change_password, person.asks.small, &[];
    }
}
