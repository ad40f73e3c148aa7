//! `/api/payments/webhook`: where payment providers tell what happened: prove, handle, answer.
//!
//! Every answer but 200 makes a provider tell it again, for days. So whatever was understood is
//! answered with 200, also what is about nobody here.

use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use metrics::counter;
use msgflash_billing::{
    Outcome, PaymentEvent, PaymentProvider, ProviderError, WebhookCall, WebhookError,
};
use msgflash_kernel::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::body::{JSON_LIMIT, read};
use crate::http::{Problem, envelope};
use crate::services::Services;

/// Events that came, by what became of them.
const EVENTS: &str = "msgflash_payment_events_total";

/// An event that was taken.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = TakenPaymentEvent)]
pub struct TakenView {
    /// Always `true`.
    pub received: bool,
}

/// Takes an event of a payment provider: it proves itself by its signature, which is good for five
/// minutes, and is handled once, however often it comes.
#[utoipa::path(
    post, path = "/api/payments/webhook", tag = "Billing", operation_id = "consoleTakePaymentEvent",
    request_body(content = String, content_type = "*/*", description = "The event as the provider signed it, byte for byte"),
    responses((status = 200, description = "It is handled, or was before", body = inline(crate::openapi::Data<TakenView>)))
)]
pub(in crate::api) async fn receive(
    request: HttpRequest,
    services: web::Data<Services>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let mut call = WebhookCall {
        headers: texts(request.headers()),
        body: Vec::new(),
        at: services.clock.now(),
    };
    // Whose a call is stands in its headers: strangers make us read no body.
    let desk = &services.billing_desk;
    let mut providers = desk.providers.iter();
    let provider = providers.find(|it| it.recognises(&call));
    let provider = provider.ok_or(WebhookError::NotTaken)?;
    let body = read(request.headers(), payload.into_inner(), JSON_LIMIT).await?;
    call.body = body.to_vec();
    let name = provider.name().as_str();
    let event = provider
        .read(&call)
        .await
        .inspect_err(|_| count(name, "refused"))
        .map_err(|error| refused(&**provider, error))?;
    let handled = desk.handle.handle(&event).await;
    let outcome = handled
        .inspect_err(|_| count(name, "failed"))
        .map_err(later)?;
    count(name, outcome.as_str());
    note(&event, outcome);
    Ok(envelope::ok(&TakenView { received: true }))
}

fn count(provider: &'static str, outcome: &'static str) {
    counter!(EVENTS, "provider" => provider, "outcome" => outcome).increment(1);
}

/// The headers that are text.
fn texts(headers: &HeaderMap) -> Vec<(String, String)> {
    let texts = headers.iter().filter_map(|(name, value)| {
        let value = value.to_str().ok()?;
        Some((name.to_string(), value.to_owned()))
    });
    texts.collect()
}

/// Somebody should hear of it: a wrong secret looks like a forger.
fn refused(provider: &dyn PaymentProvider, error: WebhookError) -> Problem {
    let why = match &error {
        WebhookError::Provider(ProviderError::Refused(why) | ProviderError::NotSetUp(why)) => {
            why.clone()
        }
        other => other.to_string(),
    };
    tracing::warn!(
        payment.provider = provider.name().as_str(),
        reason = why,
        "an event of the payment provider was refused"
    );
    match error {
        // Its cause is logged by now.
        WebhookError::Provider(_) => Problem::unavailable(),
        other => other.into(),
    }
}

/// Whatever kept us from keeping it may be over when the provider tells it again.
fn later(error: StoreError) -> Problem {
    drop(Problem::from(error)); // Which logs the cause.
    Problem::unavailable()
}

fn note(event: &PaymentEvent, outcome: Outcome) {
    let (provider, id) = (event.provider.as_str(), event.id.as_str());
    match outcome {
        Outcome::Unneeded => tracing::error!(
            payment.provider = provider,
            payment.event = id,
            payment.agreement = event.agreement,
            payment.reference = event.payment,
            "money came for an agreement that nothing rests on"
        ),
        Outcome::Unexpected => tracing::warn!(
            payment.provider = provider,
            payment.event = id,
            payment.agreement = event.agreement,
            payment.product = event.product,
            "a payment prolonged a subscription, and was made for another product than its plan's"
        ),
        Outcome::Unknown => tracing::info!(
            payment.provider = provider,
            payment.event = id,
            "an event of the payment provider is about nobody here"
        ),
        Outcome::Applied | Outcome::Noted | Outcome::Seen => tracing::debug!(
            payment.provider = provider,
            payment.event = id,
            outcome = ?outcome,
            "an event of the payment provider was handled"
        ),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};
    use msgflash_payments::ManualPayments;

    use super::*;
    use crate::testing::lines::logged;

    #[test]
    fn headers_that_are_no_text_are_left_out() {
        let mut headers = HeaderMap::new();
        let name = HeaderName::from_static;
        headers.insert(name("webhook-id"), HeaderValue::from_static("evt_1"));
        let bytes = HeaderValue::from_bytes(b"\xff").expect("a value");
        headers.insert(name("webhook-signature"), bytes);
        let expected = [("webhook-id".to_owned(), "evt_1".to_owned())];
        assert_eq!(texts(&headers), expected);
    }

    #[test]
    fn an_event_that_is_refused_is_logged_once() {
        let refused_by_it = || ProviderError::Refused("404: resource_missing".to_owned());
        for (error, told) in [
            (WebhookError::Forged, (401, "UNAUTHORIZED")),
            (WebhookError::Stale, (401, "UNAUTHORIZED")),
            (WebhookError::Malformed("why"), (400, "BAD_REQUEST")),
            (refused_by_it().into(), (503, "SERVICE_UNAVAILABLE")),
            (
                ProviderError::Unavailable.into(),
                (503, "SERVICE_UNAVAILABLE"),
            ),
        ] {
            let shown = format!("{error:?}");
            let (problem, lines) = logged(|| refused(&ManualPayments, error));
            assert_eq!(lines, 1, "{shown}");
            let answered = (problem.status.as_u16(), problem.code);
            assert_eq!(answered, told, "{shown}");
            assert_eq!(problem.retry_after.is_some(), told.0 == 503, "{shown}");
        }
    }

    #[test]
    fn whatever_the_store_lacks_the_event_is_to_come_again() {
        for error in [
            StoreError::Unavailable("away".into()),
            StoreError::Failed("disk full".into()),
            StoreError::corrupt("subscriptions.status", "99"),
            StoreError::Stale("billing_agreements"),
        ] {
            let problem = later(error);
            let told = (problem.status.as_u16(), problem.code);
            assert_eq!(told, (503, "SERVICE_UNAVAILABLE"));
            assert!(problem.retry_after.is_some());
        }
    }
}
