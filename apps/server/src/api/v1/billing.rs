//! `/api/v1/billing`: plans, subscription, use and payments.

use actix_web::{HttpResponse, web};
use msgflash_messaging::events::timestamp;
use msgflash_quotas::Period;

pub mod view;

use self::view::{
    CountersView, OverviewView, PaymentPageView, PaymentView, PeriodView, PlanView,
    SubscriptionView, UsageView,
};
use crate::api::policy::Caller;
use crate::http::{Check, Problem, Query, envelope};
use crate::services::Services;

/// Lists the plans on offer.
#[utoipa::path(
    get, path = "/api/v1/billing/plans", tag = "Billing", operation_id = "listPlans",
    responses((status = 200, description = "The plans, the smallest first", body = inline(crate::openapi::Data<Vec<PlanView>>)))
)]
pub(in crate::api) async fn plans(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    let plans = services.billing.active_plans().await?;
    Ok(envelope::ok(
        &plans.iter().map(PlanView::from).collect::<Vec<_>>(),
    ))
}

/// Reads the subscription and what was used this month.
#[utoipa::path(
    get, path = "/api/v1/billing/subscription", tag = "Billing", operation_id = "getSubscription",
    responses((status = 200, description = "The subscription", body = inline(crate::openapi::Data<OverviewView>)))
)]
pub(in crate::api) async fn subscription(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let (usage, period) = counters(&caller, &services).await?;
    let subscription = SubscriptionView::from(&caller.entitlement);
    Ok(envelope::ok(&OverviewView {
        subscription,
        usage,
        period,
    }))
}

/// Reads use, limits and features.
#[utoipa::path(
    get, path = "/api/v1/billing/usage", tag = "Billing", operation_id = "getBillingUsage",
    responses((status = 200, description = "Use this month", body = inline(crate::openapi::Data<UsageView>)))
)]
pub(in crate::api) async fn usage(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    Ok(envelope::ok(&usage_view(&caller, &services).await?))
}

/// Lists payments, newest first.
#[utoipa::path(
    get, path = "/api/v1/billing/payments", tag = "Billing", operation_id = "listPayments",
    params(
        ("page" = Option<u32>, Query, description = "The page, from 1", minimum = 1, example = 1),
        ("limit" = Option<u32>, Query, description = "Payments per page", minimum = 1, maximum = 100, example = 20),
    ),
    responses((status = 200, description = "A page; empty past the end", body = inline(crate::openapi::Data<PaymentPageView>)))
)]
pub(in crate::api) async fn payments(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let page = check.count("page", &query.field("page"), 1, u32::MAX);
    let limit = query.limit(&mut check);
    check.finish()?;
    let found = services
        .billing
        .payments(caller.actor.workspace.account, page, limit)
        .await?;
    Ok(envelope::ok(&PaymentPageView {
        payments: found.payments.iter().map(PaymentView::from).collect(),
        total: found.total,
        page,
        total_pages: found.total.div_ceil(u64::from(limit)),
    }))
}

/// The one usage object of both routes that show it.
pub(super) async fn usage_view(caller: &Caller, services: &Services) -> Result<UsageView, Problem> {
    let (usage, period) = counters(caller, services).await?;
    let plan = &caller.entitlement.plan;
    Ok(UsageView {
        plan: plan.into(),
        limits: plan.into(),
        features: plan.into(),
        usage,
        period,
    })
}

/// What an account used this month, and the month.
pub(in crate::api) async fn counters(
    caller: &Caller,
    services: &Services,
) -> Result<(CountersView, PeriodView), Problem> {
    let account = caller.actor.workspace.account;
    let period = Period::of(services.clock.now());
    let used = services.usage.usage(account, period).await?;
    let held = services.usage.capacity(account).await?;
    let counters = CountersView {
        messages_count: used.messages,
        statuses_count: used.statuses,
        effective_outbound_usage: used.outbound(),
        api_requests_count: services.meter.total(account, period).await?,
        active_instances_count: held.instances,
        active_api_keys_count: held.api_keys,
    };
    let period = PeriodView {
        start: timestamp(period.start()),
        end: timestamp(period.end()),
    };
    Ok((counters, period))
}
