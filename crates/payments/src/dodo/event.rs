//! What Dodo Payments tells.

use msgflash_billing::{
    BillingProvider, Money, PaidPeriod, PaymentEvent, PaymentEventKind, WebhookError,
};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::origin::origin;
use crate::transport::text;

pub(super) fn read(id: &str, body: &[u8]) -> Result<PaymentEvent, WebhookError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| WebhookError::Malformed("it is not JSON"))?;
    let name = body["type"].as_str();
    let name = name.ok_or(WebhookError::Malformed("it has no type"))?;
    let occurred_at = moment(&body["timestamp"]);
    let occurred_at = occurred_at.ok_or(WebhookError::Malformed("it has no time"))?;
    let data = &body["data"];
    let kind = kind(name, data);
    if kind == PaymentEventKind::Covered && period(data).is_none() {
        return Err(WebhookError::Malformed("it has no period"));
    }
    Ok(PaymentEvent {
        id: id.to_owned(),
        provider: BillingProvider::Dodo,
        kind,
        occurred_at,
        origin: origin(&data["metadata"]),
        customer: text(&data["customer"]["customer_id"]),
        agreement: text(&data["subscription_id"]),
        payment: text(&data["payment_id"]),
        // Of subscriptions alone: the cart of a payment has what is bought once.
        product: text(&data["product_id"]),
        money: money(name, data),
        period: period(data),
    })
}

fn kind(name: &str, data: &Value) -> PaymentEventKind {
    let is_active = data["status"].as_str() == Some("active");
    let is_whole = data["is_partial"].as_bool() == Some(false);
    match name {
        "payment.succeeded" => PaymentEventKind::Paid,
        "payment.processing" => PaymentEventKind::Pending,
        "payment.failed" | "subscription.on_hold" => PaymentEventKind::Failed,
        "subscription.active" | "subscription.renewed" if is_active => PaymentEventKind::Covered,
        "subscription.cancelled" | "subscription.expired" | "subscription.failed" => {
            PaymentEventKind::Ended
        }
        "refund.succeeded" if is_whole => PaymentEventKind::Refunded,
        _ => PaymentEventKind::Other,
    }
}

/// The period that was charged last. A subscription that is on hold still names the one before.
fn period(data: &Value) -> Option<PaidPeriod> {
    if data["status"].as_str() != Some("active") {
        return None;
    }
    let start = moment(&data["previous_billing_date"])?;
    let end = moment(&data["next_billing_date"])?;
    (start < end).then_some(PaidPeriod { start, end })
}

fn money(name: &str, data: &Value) -> Option<Money> {
    let amount = if name.starts_with("refund.") {
        &data["amount"]
    } else {
        &data["total_amount"]
    };
    Some(Money {
        amount: amount.as_i64()?,
        currency: text(&data["currency"])?.to_ascii_uppercase(),
    })
}

/// Whole microseconds: what the database keeps.
fn moment(value: &Value) -> Option<OffsetDateTime> {
    let at = OffsetDateTime::parse(value.as_str()?, &Rfc3339).ok()?;
    at.replace_nanosecond(at.nanosecond() / 1_000 * 1_000).ok()
}
