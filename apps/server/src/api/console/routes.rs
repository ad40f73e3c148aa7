//! Every route of the console, in one table.

use actix_web::http::Method;
use actix_web::web;

use super::auth::{self, google, profile};
use super::instances::{self as own_instances, linking};
use super::{files, keys, lookups, media, messages, overview, workspace};
use crate::api::errors::{
    BAD_REQUEST, CONFLICT, CONTACT_GROUP_NOT_FOUND, CSV_INVALID_FORMAT, CSV_TOO_LARGE,
    EMAIL_NOT_VERIFIED, ErrorCode, FORBIDDEN, IMPORT_NOT_FOUND, LOOKUP_NOT_FOUND, LOOKUP_NOT_READY,
    MAX_API_KEYS_REACHED, MAX_CONTACT_GROUPS_REACHED, MAX_INSTANCES_REACHED,
    MAX_WEBHOOK_ENDPOINTS_REACHED, MEDIA_FILE_MISSING, MEDIA_TOO_LARGE, MEDIA_TYPE_NOT_ALLOWED,
    MEDIA_UPLOAD_FAILED, MEDIA_UPLOAD_NOT_CONFIGURED, NOT_FOUND, PROVIDER_ERROR, PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE, RATE_LIMIT_EXCEEDED, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID,
    UNAUTHORIZED, VALIDATION_ERROR,
};
use crate::api::policy::{Access, Gate, Policy};
use crate::api::routes::{Route, asks, changes, deletes, gated, open, routes, spare};
use crate::api::v1::contacts::{bulk, groups, jobs, members};
use crate::api::v1::routes::{LIVE, PREFIX as PUBLIC, SENDING};
use crate::api::v1::webhooks::deliveries;
use crate::api::v1::{
    billing, contacts, instances, messages as public_messages, templates, webhooks,
};

/// Where this surface lives.
pub const PREFIX: &str = "/api";

/// A route for people who are signed in, in a workspace.
const fn member(route: &'static str) -> Policy {
    Policy {
        access: Access::Session,
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
    Policy { usable: true, ..it }
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
        GET "/messages" public_messages::list, member, &[VALIDATION_ERROR];
        GET "/messages/{id}" public_messages::read, member, &[NOT_FOUND];
        POST "/messages/{id}/cancel" public_messages::cancel, member, &[NOT_FOUND, BAD_REQUEST];

        GET "/instances/{id}/state" instances::state, member, LIVE;
        GET "/instances/{id}/health" instances::health, member, &[NOT_FOUND];

        GET "/templates" templates::list, member, &[VALIDATION_ERROR];
        POST "/templates" templates::create, member.changes, &[TEMPLATE_INVALID];
        GET "/templates/{id}" templates::read, member, &[NOT_FOUND];
        PUT "/templates/{id}" templates::revise, member.changes.spare,
            &[NOT_FOUND, TEMPLATE_INVALID];
        DELETE "/templates/{id}" templates::delete, member, &[NOT_FOUND];
        POST "/templates/{id}/preview" templates::preview, member.asks.spare,
            &[NOT_FOUND, TEMPLATE_INVALID, TEMPLATE_CONTEXT_UNAVAILABLE];

        GET "/contacts" contacts::list, member, &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts" contacts::create, member.changes, &[CONFLICT];
        GET "/contacts/{id}" contacts::read, member, &[NOT_FOUND];
        PUT "/contacts/{id}" contacts::change, member.changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/{id}" contacts::delete, member, &[NOT_FOUND];
        GET "/contacts/{id}/groups" groups::of_contact, member, &[NOT_FOUND];
        DELETE "/contacts/bulk" bulk::delete, member.deletes, &[];
        GET "/contacts/bulk-jobs" jobs::list, member, &[VALIDATION_ERROR];
        GET "/contacts/bulk-jobs/{jobId}" jobs::read, member, &[NOT_FOUND];
        GET "/contacts/bulk-jobs/{jobId}/progress" jobs::progress, member, &[NOT_FOUND];
        POST "/contacts/bulk-jobs/{jobId}/cancel" jobs::cancel, member, &[NOT_FOUND, CONFLICT];
        GET "/contacts/groups" groups::list, member, &[VALIDATION_ERROR];
        POST "/contacts/groups" groups::create, member.changes,
            &[MAX_CONTACT_GROUPS_REACHED, CONFLICT];
        GET "/contacts/groups/{groupId}" groups::read, member, &[NOT_FOUND];
        PUT "/contacts/groups/{groupId}" groups::change, member.changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/groups/{groupId}" groups::delete, member, &[NOT_FOUND];
        GET "/contacts/groups/{groupId}/members" members::list, member,
            &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts/groups/{groupId}/members" members::add, member.changes, &[NOT_FOUND];
        DELETE "/contacts/groups/{groupId}/members" members::remove, member.deletes, &[NOT_FOUND];

        GET "/webhooks" webhooks::list, member, &[];
        POST "/webhooks" webhooks::create, member.changes.gated(Gate::Webhooks),
            &[MAX_WEBHOOK_ENDPOINTS_REACHED];
        GET "/webhooks/{id}" webhooks::read, member, &[NOT_FOUND];
        PATCH "/webhooks/{id}" webhooks::change, member.changes, &[NOT_FOUND];
        DELETE "/webhooks/{id}" webhooks::delete, member, &[NOT_FOUND];
        POST "/webhooks/{id}/rotate-secret" webhooks::rotate, member.starts, &[NOT_FOUND];
        POST "/webhooks/{id}/test" deliveries::test, member.starts.gated(Gate::Webhooks),
            &[NOT_FOUND, CONFLICT];
        POST "/webhooks/{id}/recover" deliveries::recover,
            member.changes.gated(Gate::Webhooks), &[NOT_FOUND, CONFLICT];
        GET "/webhooks/{id}/deliveries" deliveries::list, member, &[NOT_FOUND, VALIDATION_ERROR];
        GET "/webhooks/{id}/deliveries/{deliveryId}" deliveries::read, member, &[NOT_FOUND];
        POST "/webhooks/{id}/deliveries/{deliveryId}/redeliver" deliveries::redeliver,
            member.starts.gated(Gate::Webhooks), &[NOT_FOUND, CONFLICT];

        GET "/billing/plans" billing::plans, anyone, &[];
        GET "/billing/subscription" billing::subscription, member, &[];
        GET "/billing/usage" billing::usage, member, &[];
        GET "/billing/payments" billing::payments, member, &[VALIDATION_ERROR];
        GET "/subscriptions/me" billing::subscription, member, &[];
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
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// Mending one.
const RESTARTING: &[ErrorCode] = &[
    NOT_FOUND,
    BAD_REQUEST,
    FORBIDDEN,
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
const ASKING: &[ErrorCode] = RESTARTING;

/// What only people have.
fn own() -> Vec<Route> {
    routes! {
        "/api";
        POST "/messages/send" messages::send, member.changes, SENDING;
        GET "/instances" own_instances::list, member, &[];
        POST "/instances" own_instances::create, member.changes, MAKING;
        GET "/instances/{id}" own_instances::read, member, &[NOT_FOUND];
        PATCH "/instances/{id}" own_instances::rename, member.changes, &[NOT_FOUND];
        DELETE "/instances/{id}" own_instances::delete, member, &[NOT_FOUND];
        POST "/instances/{id}/connect" linking::connect, member.changes.spare, CONNECTING;
        POST "/instances/{id}/logout" linking::log_out, member, LIVE;
        POST "/instances/{id}/restart" linking::restart, member.starts, RESTARTING;
        GET "/usage" workspace::counters, member, &[];
        GET "/search" overview::search, member, &[VALIDATION_ERROR];
        GET "/onboarding" overview::onboarding, member, &[];
        GET "/dashboard/stats" overview::stats, member, &[VALIDATION_ERROR];
        GET "/workspace/current" workspace::current, member, &[];
        POST "/contacts/import" files::import, member.sends_files,
            &[NOT_FOUND, CSV_INVALID_FORMAT, CSV_TOO_LARGE];
        GET "/contacts/imports" files::list, member, &[VALIDATION_ERROR];
        GET "/contacts/imports/{importId}" files::read, member, &[IMPORT_NOT_FOUND];
        GET "/contacts/export" files::export, member, &[VALIDATION_ERROR, NOT_FOUND];
        POST "/media/upload" media::upload, member.sends_files, UPLOADING;
        DELETE "/media/{mediaId}" media::delete, member, &[NOT_FOUND, MEDIA_UPLOAD_NOT_CONFIGURED];
        POST "/number-lookups" lookups::start, member.changes.gated(Gate::NumberLookups), ASKING;
        GET "/number-lookups" lookups::list, member, &[VALIDATION_ERROR];
        GET "/number-lookups/{id}" lookups::read, member, &[LOOKUP_NOT_FOUND];
        POST "/number-lookups/{id}/import-contacts" lookups::import, member.changes.spare,
            &[LOOKUP_NOT_FOUND, LOOKUP_NOT_READY, CONTACT_GROUP_NOT_FOUND];
        GET "/api-keys" keys::list, member, &[];
        POST "/api-keys" keys::create, member.changes.gated(Gate::ApiKeys),
            &[MAX_API_KEYS_REACHED];
        DELETE "/api-keys/{id}" keys::revoke, member, &[NOT_FOUND];
        GET "/api-keys/usage" keys::usage, member, &[VALIDATION_ERROR];
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
