//! Every route of the public API, in one table.

use actix_web::http::Method;
use actix_web::web;
use msgflash_teams::Action;

use super::contacts::{bulk, groups, jobs, members};
use super::webhooks::deliveries;
use super::{account, billing, contacts, instances, messages, templates, webhooks};
use crate::api::errors::{
    BAD_REQUEST, CONFLICT, ErrorCode, FEATURE_NOT_AVAILABLE_ON_PLAN, FORBIDDEN,
    INVALID_DESTINATION, MAX_CONTACT_GROUPS_REACHED, MAX_WEBHOOK_ENDPOINTS_REACHED,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED, NOT_FOUND, PROVIDER_ERROR, PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID,
    TEMPLATE_VARIABLES_MISSING, UNSUPPORTED_FEATURE, VALIDATION_ERROR,
};
use crate::api::policy::Gate;
use crate::api::routes::{
    Route, asks, changes, creates, deletes, does, gated, once, open, personal, routes, spare,
    starts,
};

/// Where this surface lives.
pub const PREFIX: &str = "/api/v1";

pub(in crate::api) const SENDING: &[ErrorCode] = &[
    FEATURE_NOT_AVAILABLE_ON_PLAN,
    NOT_FOUND,
    FORBIDDEN,
    UNSUPPORTED_FEATURE,
    INVALID_DESTINATION,
    TEMPLATE_INVALID,
    TEMPLATE_CONTEXT_UNAVAILABLE,
    TEMPLATE_VARIABLES_MISSING,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
];
/// A malformed `Idempotency-Key` is a problem of a request without body, too.
pub(in crate::api) const ON_REQUEST: &[ErrorCode] = &[VALIDATION_ERROR, NOT_FOUND, CONFLICT];
pub(in crate::api) const LIVE: &[ErrorCode] = &[
    NOT_FOUND,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];

/// Every route.
pub fn table() -> Vec<Route> {
    routes! {
        "/api/v1";
        POST "/messages/send" messages::send, open.does(Action::Send).creates, SENDING;
        POST "/messages/schedule" messages::schedule, open.does(Action::Send).creates, SENDING;
        GET "/messages" messages::list, open.does(Action::ReadHistory), &[VALIDATION_ERROR];
        GET "/messages/{id}" messages::read, open.does(Action::ReadHistory), &[NOT_FOUND];
        POST "/messages/{id}/cancel" messages::cancel, open.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];

        GET "/instances" instances::list, open.does(Action::ListInstances), &[];
        GET "/instances/{id}" instances::read, open.does(Action::ReadInstance), &[NOT_FOUND];
        GET "/instances/{id}/state" instances::state, open.does(Action::ReadInstance), LIVE;
        GET "/instances/{id}/health" instances::health, open.does(Action::ReadInstance), &[NOT_FOUND];

        GET "/templates" templates::list, open.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/templates" templates::create, open.does(Action::KeepData).creates, &[TEMPLATE_INVALID];
        GET "/templates/{id}" templates::read, open.does(Action::KeepData), &[NOT_FOUND];
        PUT "/templates/{id}" templates::revise, open.does(Action::KeepData).changes.spare,
            &[NOT_FOUND, TEMPLATE_INVALID];
        DELETE "/templates/{id}" templates::delete, open.does(Action::KeepData), &[NOT_FOUND];
        POST "/templates/{id}/preview" templates::preview, open.does(Action::KeepData).asks.spare,
            &[NOT_FOUND, TEMPLATE_INVALID, TEMPLATE_CONTEXT_UNAVAILABLE];
        GET "/contacts" contacts::list, open.does(Action::KeepData), &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts" contacts::create, open.does(Action::KeepData).creates, &[];
        GET "/contacts/{id}" contacts::read, open.does(Action::KeepData), &[NOT_FOUND];
        PUT "/contacts/{id}" contacts::change, open.does(Action::KeepData).changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/{id}" contacts::delete, open.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/{id}/groups" groups::of_contact, open.does(Action::KeepData), &[NOT_FOUND];
        POST "/contacts/bulk-delete" bulk::delete, open.does(Action::KeepData).deletes.once, &[];
        GET "/contacts/bulk-jobs" jobs::list, open.does(Action::KeepData), &[VALIDATION_ERROR];
        GET "/contacts/bulk-jobs/{jobId}" jobs::read, open.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/bulk-jobs/{jobId}/progress" jobs::progress, open.does(Action::KeepData), &[NOT_FOUND];
        POST "/contacts/bulk-jobs/{jobId}/cancel" jobs::cancel, open.does(Action::KeepData), &[NOT_FOUND, CONFLICT];
        GET "/contacts/groups" groups::list, open.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/contacts/groups" groups::create, open.does(Action::KeepData).creates, &[MAX_CONTACT_GROUPS_REACHED];
        GET "/contacts/groups/{groupId}" groups::read, open.does(Action::KeepData), &[NOT_FOUND];
        PUT "/contacts/groups/{groupId}" groups::change, open.does(Action::KeepData).changes, &[NOT_FOUND, CONFLICT];
        DELETE "/contacts/groups/{groupId}" groups::delete, open.does(Action::KeepData), &[NOT_FOUND];
        GET "/contacts/groups/{groupId}/members" members::list, open.does(Action::KeepData),
            &[VALIDATION_ERROR, NOT_FOUND];
        POST "/contacts/groups/{groupId}/members" members::add, open.does(Action::KeepData).creates, &[NOT_FOUND];
        DELETE "/contacts/groups/{groupId}/members" members::remove, open.does(Action::KeepData).deletes, &[NOT_FOUND];

        GET "/webhooks" webhooks::list, open.does(Action::KeepData), &[];
        POST "/webhooks" webhooks::create, open.does(Action::KeepData).creates.gated(Gate::Webhooks),
            &[MAX_WEBHOOK_ENDPOINTS_REACHED];
        GET "/webhooks/{id}" webhooks::read, open.does(Action::KeepData), &[NOT_FOUND];
        PATCH "/webhooks/{id}" webhooks::change, open.does(Action::KeepData).changes, &[NOT_FOUND];
        DELETE "/webhooks/{id}" webhooks::delete, open.does(Action::KeepData), &[NOT_FOUND];
        POST "/webhooks/{id}/rotate-secret" webhooks::rotate, open.does(Action::KeepData).starts, ON_REQUEST;
        POST "/webhooks/{id}/test" deliveries::test,
            open.does(Action::KeepData).starts.gated(Gate::Webhooks), ON_REQUEST;
        POST "/webhooks/{id}/recover" deliveries::recover,
            open.does(Action::KeepData).creates.gated(Gate::Webhooks), ON_REQUEST;
        GET "/webhooks/{id}/deliveries" deliveries::list, open.does(Action::KeepData), &[NOT_FOUND, VALIDATION_ERROR];
        GET "/webhooks/{id}/deliveries/{deliveryId}" deliveries::read, open.does(Action::KeepData), &[NOT_FOUND];
        POST "/webhooks/{id}/deliveries/{deliveryId}/redeliver" deliveries::redeliver,
            open.does(Action::KeepData).starts.gated(Gate::Webhooks), ON_REQUEST;

        GET "/me" account::me, open.personal, &[];
        GET "/usage" account::usage, open.personal, &[];
        GET "/billing/plans" billing::plans, open, &[];
        GET "/billing/subscription" billing::subscription, open.personal, &[];
        GET "/billing/usage" billing::usage, open.personal, &[];
        GET "/billing/payments" billing::payments, open.personal, &[VALIDATION_ERROR];
    }
}
