//! What Stripe tells. A payment is an invoice here: it is what is paid, fails, and is tried again.

use msgflash_billing::{
    BillingProvider, Money, PaidPeriod, PaymentEvent, PaymentEventKind, WebhookError,
};
use serde_json::Value;
use time::OffsetDateTime;

use crate::origin::origin;
use crate::transport::text;

/// Reads an event. Where a refund does not name its invoice, the second is the payment by which it is
/// to be looked up.
pub(super) fn read(body: &[u8]) -> Result<(PaymentEvent, Option<String>), WebhookError> {
    let body: Value =
        serde_json::from_slice(body).map_err(|_| WebhookError::Malformed("it is not JSON"))?;
    let id = text(&body["id"]).ok_or(WebhookError::Malformed("it has no id"))?;
    let name = body["type"].as_str();
    let name = name.ok_or(WebhookError::Malformed("it has no type"))?;
    let occurred_at = moment(&body["created"]);
    let occurred_at = occurred_at.ok_or(WebhookError::Malformed("it has no time"))?;
    let object = &body["data"]["object"];
    let mut event = PaymentEvent {
        id,
        provider: BillingProvider::Stripe,
        kind: PaymentEventKind::Other,
        occurred_at,
        origin: origin(&object["metadata"]),
        customer: reference(&object["customer"]),
        agreement: None,
        payment: None,
        product: None,
        money: None,
        period: None,
    };
    let mut intent = None;
    match name {
        "invoice.paid" => read_invoice(&mut event, PaymentEventKind::Paid, object)?,
        "invoice.payment_failed" => read_invoice(&mut event, PaymentEventKind::Failed, object)?,
        "customer.subscription.deleted" => {
            event.kind = PaymentEventKind::Ended;
            event.agreement = text(&object["id"]);
        }
        "charge.refunded" => intent = read_refund(&mut event, object),
        _ => {}
    }
    Ok((event, intent))
}

/// Invoices of a subscription; others are none of ours.
fn read_invoice(
    event: &mut PaymentEvent,
    kind: PaymentEventKind,
    invoice: &Value,
) -> Result<(), WebhookError> {
    // Since 2025-03-31 the subscription is named below `parent`.
    let parent = &invoice["parent"]["subscription_details"];
    let agreement = reference(&parent["subscription"]).or(reference(&invoice["subscription"]));
    let Some(agreement) = agreement else {
        return Ok(());
    };
    let metadata = if parent.is_object() {
        &parent["metadata"]
    } else {
        &invoice["subscription_details"]["metadata"]
    };
    let line = longest_line(invoice);
    let line = line.ok_or(WebhookError::Malformed("its invoice has no period"))?;
    event.kind = kind;
    event.origin = origin(metadata);
    event.agreement = Some(agreement);
    event.payment = text(&invoice["id"]);
    event.period = period(line);
    event.product = price(line);
    let amount = match kind {
        PaymentEventKind::Failed => &invoice["amount_due"],
        _ => &invoice["amount_paid"],
    };
    event.money = money(amount, &invoice["currency"]);
    Ok(())
}

/// A refund of the whole charge; answers what its invoice is to be looked up by.
fn read_refund(event: &mut PaymentEvent, charge: &Value) -> Option<String> {
    if charge["refunded"].as_bool() != Some(true) {
        return None;
    }
    event.kind = PaymentEventKind::Refunded;
    event.money = money(&charge["amount_refunded"], &charge["currency"]);
    event.payment = reference(&charge["invoice"]);
    if event.payment.is_some() {
        return None;
    }
    reference(&charge["payment_intent"])
}

/// The line whose period ends last: others set off what was paid before. Of several the one that names a
/// price: what was added by hand names none.
fn longest_line(invoice: &Value) -> Option<&Value> {
    let lines = invoice["lines"]["data"].as_array()?.iter();
    let whole = lines.filter(|line| period(line).is_some());
    whole.max_by_key(|line| (line["period"]["end"].as_i64(), price(line).is_some()))
}

/// Since 2025-03-31 the price is named below `pricing`.
fn price(line: &Value) -> Option<String> {
    reference(&line["pricing"]["price_details"]["price"]).or_else(|| reference(&line["price"]))
}

fn period(line: &Value) -> Option<PaidPeriod> {
    let start = moment(&line["period"]["start"])?;
    let end = moment(&line["period"]["end"])?;
    (start < end).then_some(PaidPeriod { start, end })
}

fn money(amount: &Value, currency: &Value) -> Option<Money> {
    Some(Money {
        amount: amount.as_i64()?,
        currency: text(currency)?.to_ascii_uppercase(),
    })
}

/// The id of something that is named, or told in whole.
pub(super) fn reference(value: &Value) -> Option<String> {
    text(value).or_else(|| text(&value["id"]))
}

fn moment(value: &Value) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(value.as_i64()?).ok()
}
