//! `/api/billing`: buying a plan, lowering and cancelling it, and keeping it after all. What is read
//! about plans lives with the public API.

use actix_web::{HttpResponse, web};
use msgflash_billing::{PlanChangeError, ProviderError, PurchaseOrder};
use msgflash_kernel::{Fault as _, Kind};

pub mod body;
pub mod view;

use self::body::{CheckoutBody, DowngradeBody};
use self::view::{CancelledView, CheckoutView, DowngradeView, KeptView};
use crate::api::policy::Caller;
use crate::http::problem::status_of;
use crate::http::{Problem, RawJson, envelope};
use crate::services::Services;

/// Begins to buy a plan above the present one. It holds once it is paid, not before.
///
/// Send the browser to `checkoutUrl`. Without one the operator takes the money by hand. Whoever asks
/// again within half an hour gets the same page.
#[utoipa::path(
    post, path = "/api/billing/checkout", tag = "Billing", operation_id = "consoleBuyPlan",
    request_body = CheckoutBody,
    responses((status = 200, description = "Where it is paid", body = inline(crate::openapi::Data<CheckoutView>)))
)]
pub(in crate::api) async fn checkout(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: CheckoutBody = body.decode()?;
    let plan = body.check(caller.check())?;
    let workspace = caller.actor.workspace;
    let payer = services.accounts.find(workspace.owner()).await?;
    let payer = payer.ok_or_else(|| Problem::missing("Account not found"))?;
    let order = PurchaseOrder {
        account: workspace.account,
        plan,
        email: payer.email,
        name: payer.full_name,
    };
    let begun = services.billing_desk.buy.begin(order).await;
    Ok(envelope::ok(&CheckoutView::from(begun.map_err(refusal)?)))
}

/// Schedules a lower plan for the end of the paid period. Until then everything stays as it is.
#[utoipa::path(
    post, path = "/api/billing/downgrade", tag = "Billing", operation_id = "consoleLowerPlan",
    request_body = DowngradeBody,
    responses((status = 200, description = "What is to come", body = inline(crate::openapi::Data<DowngradeView>)))
)]
pub(in crate::api) async fn downgrade(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: DowngradeBody = body.decode()?;
    let plan = body.check(caller.check())?;
    let account = caller.actor.workspace.account;
    let change = services.billing_desk.change.lower(account, &plan).await;
    Ok(envelope::ok(&DowngradeView::from(change.map_err(refusal)?)))
}

/// Cancels the subscription: it runs to the end of the paid period, and then the free plan holds. Doing
/// so again answers the same.
#[utoipa::path(
    post, path = "/api/billing/cancel", tag = "Billing", operation_id = "consoleCancelPlan",
    responses((status = 200, description = "When it ends", body = inline(crate::openapi::Data<CancelledView>)))
)]
pub(in crate::api) async fn cancel(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let account = caller.actor.workspace.account;
    let change = services.billing_desk.change.cancel(account).await;
    Ok(envelope::ok(&CancelledView::from(change.map_err(refusal)?)))
}

/// Keeps the present plan: a scheduled downgrade or cancellation is dropped.
#[utoipa::path(
    post, path = "/api/billing/cancel-scheduled-change", tag = "Billing", operation_id = "consoleKeepPlan",
    responses((status = 200, description = "The plan that stays", body = inline(crate::openapi::Data<KeptView>)))
)]
pub(in crate::api) async fn keep(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let account = caller.actor.workspace.account;
    let kept = services.billing_desk.change.keep(account).await;
    Ok(envelope::ok(&KeptView::from(kept.map_err(refusal)?)))
}

/// A refusal as it is published. What a payment provider does is no doing of the WhatsApp provider,
/// which the same codes are told of elsewhere.
fn refusal(error: PlanChangeError) -> Problem {
    match error {
        PlanChangeError::Provider(error) => in_trouble(&error),
        other => other.into(),
    }
}

/// Logged here and not where other causes are: the provider's words are no part of the error's text, which
/// is published.
fn in_trouble(error: &ProviderError) -> Problem {
    let code = error.code();
    match error {
        ProviderError::Refused(why) | ProviderError::NotSetUp(why) => {
            tracing::error!(code, reason = %why, "a plan could not be changed");
        }
        ProviderError::TimedOut | ProviderError::Unavailable => {
            tracing::warn!(code, reason = %error, "a plan could not be changed");
        }
    }
    match error.kind() {
        Kind::Internal => Problem::internal(),
        kind => Problem::new(status_of(kind), code, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use msgflash_billing::BillingError;
    use msgflash_kernel::Id;
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::testing::lines::logged;

    #[test]
    fn trouble_at_the_provider_is_logged_once() {
        for error in [
            ProviderError::TimedOut,
            ProviderError::Unavailable,
            ProviderError::Refused("422: TROUBLE".to_owned()),
            ProviderError::NotSetUp("it refuses the key".to_owned()),
        ] {
            let shown = format!("{error:?}");
            let (_, lines) = logged(|| refusal(error.into()));
            assert_eq!(lines, 1, "{shown}");
        }
    }

    #[test]
    fn teams_in_the_way_are_named() {
        let team = Id::new(Uuid::from_u128(7));
        let problem = refusal(PlanChangeError::BlockedByTeams(vec![team]));
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (409, "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS")
        );
        let named = json!({ "teamIds": [team.to_string()] });
        assert_eq!(problem.details, Some(named));
    }

    #[test]
    fn a_payment_provider_in_trouble_is_called_one_and_its_words_stay_here() {
        let words = || "sk_live_1 is no key".to_owned();
        for (error, status, code) in [
            (ProviderError::TimedOut, 502, "PROVIDER_TIMEOUT"),
            (ProviderError::Unavailable, 502, "PROVIDER_UNAVAILABLE"),
            (ProviderError::Refused(words()), 502, "PROVIDER_ERROR"),
            (ProviderError::NotSetUp(words()), 500, "INTERNAL_ERROR"),
        ] {
            let problem = refusal(error.into());
            assert_eq!((problem.status.as_u16(), problem.code), (status, code));
            let told = problem.message.as_str();
            assert!(
                !told.contains("WhatsApp") && !told.contains("sk_live"),
                "{told}"
            );
            assert_eq!(told.contains("payment provider"), status == 502, "{told}");
        }
    }

    #[test]
    fn other_refusals_are_as_they_are() {
        let problem = refusal(BillingError::SubscriptionInactive.into());
        assert_eq!(
            (problem.status.as_u16(), problem.code),
            (403, "SUBSCRIPTION_INACTIVE")
        );
        assert_eq!(problem.details, None);
    }
}
