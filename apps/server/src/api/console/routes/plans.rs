//! Routes about plans and what they bring.

use actix_web::http::Method;
use actix_web::web;
use msgflash_teams::Action;

use super::{anyone, member, person};
use crate::api::console::{billing, notifications, payments};
use crate::api::errors::{
    ALREADY_ON_FREE_PLAN, DOWNGRADE_ALREADY_SCHEDULED, ErrorCode, INVALID_PLAN_CHANGE,
    NO_SCHEDULED_CHANGE, NOT_FOUND, PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS, PROVIDER_ERROR,
    PROVIDER_TIMEOUT, PROVIDER_UNAVAILABLE, SUBSCRIPTION_INACTIVE, UNAUTHORIZED, VALIDATION_ERROR,
};
use crate::api::policy::Policy;
use crate::api::routes::{Route, asks, changes, does, routes};

/// A route that takes a body byte for byte.
const fn raw(it: Policy) -> Policy {
    Policy { raw: true, ..it }
}

/// Beginning to buy a plan, where its money is taken.
const BUYING: &[ErrorCode] = &[
    NOT_FOUND,
    INVALID_PLAN_CHANGE,
    PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS,
    PROVIDER_TIMEOUT,
    PROVIDER_UNAVAILABLE,
    PROVIDER_ERROR,
];
/// Taking a lower one.
const LOWERING: &[ErrorCode] = &[
    NOT_FOUND,
    INVALID_PLAN_CHANGE,
    DOWNGRADE_ALREADY_SCHEDULED,
    PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS,
];
/// Taking none.
const CANCELLING: &[ErrorCode] = &[
    ALREADY_ON_FREE_PLAN,
    SUBSCRIPTION_INACTIVE,
    PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS,
];
/// Keeping it after all.
const KEEPING: &[ErrorCode] = &[NO_SCHEDULED_CHANGE, INVALID_PLAN_CHANGE];

/// Plans as people change them, what payment providers tell, and what account holders are told. Whoever's
/// subscription is over buys all the same: there is no other way back.
pub(super) fn table() -> Vec<Route> {
    routes! {
        "/api";
        POST "/billing/checkout" billing::checkout, member.does(Action::ChangeBilling).asks, BUYING;
        POST "/billing/downgrade" billing::downgrade, member.does(Action::ChangeBilling).changes, LOWERING;
        POST "/billing/cancel" billing::cancel, member.does(Action::ChangeBilling), CANCELLING;
        POST "/billing/cancel-scheduled-change" billing::keep, member.does(Action::ChangeBilling), KEEPING;
        POST "/payments/webhook" payments::receive, anyone.raw, &[UNAUTHORIZED, NOT_FOUND];
        GET "/notifications" notifications::list, person, &[VALIDATION_ERROR];
        POST "/notifications/read-all" notifications::read_all, person, &[];
        POST "/notifications/{id}/read" notifications::read, person, &[NOT_FOUND];
    }
}
