//! Every route of the public API, in one table.

use actix_web::http::Method;
use actix_web::web;
use msgflash_teams::Action;

use super::campaigns::{control, recipients};
use super::contacts::{bulk, groups, jobs, members};
use super::webhooks::deliveries;
use super::{
    account, billing, campaigns, contacts, instances, messages, statuses, suppressions, templates,
    webhooks,
};
use crate::api::errors::{
    BAD_REQUEST, CONFLICT, ErrorCode, FEATURE_NOT_AVAILABLE_ON_PLAN, FORBIDDEN,
    INVALID_DESTINATION, MAX_CONTACT_GROUPS_REACHED, MAX_WEBHOOK_ENDPOINTS_REACHED,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED, NOT_FOUND, PROVIDER_ERROR, PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE, RECIPIENT_OPTED_OUT, TEMPLATE_CONTEXT_UNAVAILABLE, TEMPLATE_INVALID,
    TEMPLATE_VARIABLES_MISSING, UNSUPPORTED_FEATURE, VALIDATION_ERROR,
};
use crate::api::policy::Gate;
use crate::api::routes::{
    Route, asks, changes, creates, deletes, does, gated, once, open, personal, rehearsed, routes,
    spare, starts, usable,
};

/// Where this surface lives.
pub const PREFIX: &str = "/api/v1";

pub(in crate::api) const SENDING: &[ErrorCode] = &[
    FEATURE_NOT_AVAILABLE_ON_PLAN,
    NOT_FOUND,
    FORBIDDEN,
    UNSUPPORTED_FEATURE,
    INVALID_DESTINATION,
    RECIPIENT_OPTED_OUT,
    TEMPLATE_INVALID,
    TEMPLATE_CONTEXT_UNAVAILABLE,
    TEMPLATE_VARIABLES_MISSING,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
];
/// Calling the provider for a status, while its client waits.
pub(in crate::api) const PUBLISHING: &[ErrorCode] = &[
    NOT_FOUND,
    FORBIDDEN,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// What making a campaign refuses beyond its policy.
pub(in crate::api) const PLANNING: &[ErrorCode] = &[
    FEATURE_NOT_AVAILABLE_ON_PLAN,
    NOT_FOUND,
    FORBIDDEN,
    UNSUPPORTED_FEATURE,
    TEMPLATE_INVALID,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
];
/// And letting one go on.
pub(in crate::api) const RESUMING: &[ErrorCode] = &[
    BAD_REQUEST,
    NOT_FOUND,
    FORBIDDEN,
    MONTHLY_OUTBOUND_QUOTA_EXCEEDED,
];
/// And sending its failures once more.
pub(in crate::api) const RETRYING: &[ErrorCode] = &[
    BAD_REQUEST,
    VALIDATION_ERROR,
    NOT_FOUND,
    FORBIDDEN,
    FEATURE_NOT_AVAILABLE_ON_PLAN,
    CONFLICT,
    UNSUPPORTED_FEATURE,
    TEMPLATE_INVALID,
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

        POST "/statuses" statuses::publish, open.does(Action::Send).creates.gated(Gate::Statuses), PUBLISHING;
        GET "/campaigns" campaigns::list, open.does(Action::ReadHistory), &[VALIDATION_ERROR];
        POST "/campaigns" campaigns::create,
            open.does(Action::Send).creates.rehearsed.gated(Gate::Campaigns), PLANNING;
        GET "/campaigns/{id}" campaigns::read, open.does(Action::ReadHistory), &[NOT_FOUND];
        DELETE "/campaigns/{id}" control::delete, open.does(Action::Send), &[NOT_FOUND];
        GET "/campaigns/{id}/stats" campaigns::stats, open.does(Action::ReadHistory), &[NOT_FOUND];
        GET "/campaigns/{id}/messages" recipients::messages, open.does(Action::ReadHistory),
            &[NOT_FOUND, VALIDATION_ERROR];
        GET "/campaigns/{id}/recipients" recipients::list, open.does(Action::ReadHistory),
            &[NOT_FOUND, VALIDATION_ERROR];
        POST "/campaigns/{id}/pause" control::pause, open.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        PATCH "/campaigns/{id}/pause" control::pause, open.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        POST "/campaigns/{id}/resume" control::resume,
            open.does(Action::Send).usable.gated(Gate::Campaigns), RESUMING;
        PATCH "/campaigns/{id}/resume" control::resume,
            open.does(Action::Send).usable.gated(Gate::Campaigns), RESUMING;
        POST "/campaigns/{id}/cancel" control::cancel, open.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        PATCH "/campaigns/{id}/cancel" control::cancel, open.does(Action::Send), &[NOT_FOUND, BAD_REQUEST];
        POST "/campaigns/{id}/retry-failed" control::retry,
            open.does(Action::Send).starts.gated(Gate::Campaigns), RETRYING;

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

        GET "/suppressions" suppressions::list, open.does(Action::KeepData), &[VALIDATION_ERROR];
        POST "/suppressions" suppressions::add, open.does(Action::KeepData).creates, &[];
        GET "/suppressions/settings" suppressions::settings, open.does(Action::KeepData), &[];
        PUT "/suppressions/settings" suppressions::change_settings, open.does(Action::KeepData).changes, &[];
        GET "/suppressions/{phone}" suppressions::read, open.does(Action::KeepData), &[NOT_FOUND];
        DELETE "/suppressions/{phone}" suppressions::remove, open.does(Action::KeepData), &[NOT_FOUND];

        GET "/webhooks" webhooks::list, open.does(Action::KeepData), &[];
        POST "/webhooks" webhooks::create, open.does(Action::KeepData).creates.gated(Gate::Webhooks),
            &[MAX_WEBHOOK_ENDPOINTS_REACHED];
        GET "/webhooks/{id}" webhooks::read, open.does(Action::KeepData), &[NOT_FOUND];
        PATCH "/webhooks/{id}" webhooks::change, open.does(Action::KeepData).changes,
            &[NOT_FOUND, MAX_WEBHOOK_ENDPOINTS_REACHED];
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
