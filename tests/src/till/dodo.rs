//! How Dodo Payments answers, and what its events look like.

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::event::{Event, Period, Sale};
use super::{Asked, Books, Brand, Page, text};

pub(super) fn answer(books: &mut Books, asked: &Asked) -> (u16, Value) {
    let parts: Vec<_> = asked.path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["checkouts"]) => (200, checkout(books, &asked.body)),
        (method, ["subscriptions", id, rest @ ..]) => subscription(books, method, id, rest, asked),
        _ => (404, json!({ "code": "NOT_FOUND" })),
    }
}

fn checkout(books: &mut Books, body: &Value) -> Value {
    let id = format!("cks_{}", books.pages.len() + 1);
    let url = format!("https://test.checkout.dodopayments.com/session/{id}");
    books.pages.push(Page {
        id: id.clone(),
        url: url.clone(),
        product: text(&body["product_cart"][0], "product_id").to_owned(),
        metadata: body["metadata"].clone(),
        once: String::new(),
    });
    json!({ "session_id": id, "checkout_url": url })
}

fn subscription(
    books: &mut Books,
    method: &str,
    id: &str,
    rest: &[&str],
    asked: &Asked,
) -> (u16, Value) {
    let Some(it) = books.charged.get_mut(id) else {
        return (404, json!({ "code": "SUBSCRIPTION_NOT_FOUND" }));
    };
    match (method, rest) {
        ("GET", []) => {}
        ("PATCH", []) => {
            it.is_over |= text(&asked.body, "status") == "cancelled";
            if let Some(stops) = asked.body["cancel_at_next_billing_date"].as_bool() {
                it.stops = stops;
            }
        }
        ("POST", ["change-plan"])
            if text(&asked.body, "proration_billing_mode") != "full_immediately" =>
        {
            let code = "INVALID_PRORATION_MODE_WITH_NEXT_BILLING_DATE";
            return (422, json!({ "code": code }));
        }
        ("POST", ["change-plan"]) => it.next = Some(text(&asked.body, "product_id").to_owned()),
        ("DELETE", ["change-plan", "scheduled"]) => {
            if it.next.take().is_none() {
                return (404, json!({ "code": "SCHEDULED_PLAN_CHANGE_NOT_FOUND" }));
            }
        }
        _ => return (404, json!({ "code": "NOT_FOUND" })),
    }
    let status = if it.is_over { "cancelled" } else { "active" };
    let shown = json!({ "subscription_id": id, "status": status, "product_id": it.product });
    (200, shown)
}

fn event(sale: &Sale, name: &str, about: &str, data: &Value, at: OffsetDateTime) -> Event {
    let body = json!({
        "business_id": "bus_1", "type": name, "timestamp": moment(at), "data": data,
    });
    let id = format!("msg_{name}_{}_{about}", sale.agreement);
    Event::new(Brand::Dodo, id, body)
}

fn moment(at: OffsetDateTime) -> String {
    at.format(&Rfc3339).expect("every moment can be written")
}

fn customer(sale: &Sale) -> Value {
    json!({ "customer_id": sale.customer, "email": "ana@example.com", "name": "Ana" })
}

fn payment(sale: &Sale, id: &str, status: &str, at: OffsetDateTime) -> Value {
    json!({
        "payload_type": "Payment", "business_id": "bus_1", "created_at": moment(at),
        "currency": "EUR", "customer": customer(sale), "disputes": [],
        "metadata": sale.metadata, "payment_id": id, "payment_method": "card", "refunds": [],
        "status": status, "subscription_id": sale.agreement, "tax": 0,
        "total_amount": sale.amount, "updated_at": null,
    })
}

fn subscribed(sale: &Sale, status: &str, period: Period) -> Value {
    json!({
        "payload_type": "Subscription", "cancel_at_next_billing_date": false,
        "created_at": moment(period.start), "currency": "EUR", "customer": customer(sale),
        "metadata": sale.metadata, "previous_billing_date": moment(period.start),
        "next_billing_date": moment(period.end), "product_id": sale.product, "quantity": 1,
        "recurring_pre_tax_amount": sale.amount, "status": status,
        "subscription_id": sale.agreement,
    })
}

pub(super) fn paid(sale: &Sale, id: &str, period: Period, at: OffsetDateTime) -> Vec<Event> {
    let money = payment(sale, id, "succeeded", at);
    let covered = subscribed(sale, "active", period);
    vec![
        event(sale, "payment.succeeded", id, &money, at),
        event(sale, "subscription.renewed", id, &covered, at),
    ]
}

pub(super) fn failed(sale: &Sale, id: &str, period: Period, at: OffsetDateTime) -> Vec<Event> {
    let money = payment(sale, id, "failed", at);
    // It still names the period before, which is paid.
    let length = period.end - period.start;
    let before = Period {
        start: period.start - length,
        end: period.start,
    };
    let held = subscribed(sale, "on_hold", before);
    vec![
        event(sale, "payment.failed", id, &money, at),
        event(sale, "subscription.on_hold", id, &held, at),
    ]
}

pub(super) fn pending(sale: &Sale, id: &str, at: OffsetDateTime) -> Event {
    let money = payment(sale, id, "processing", at);
    event(sale, "payment.processing", id, &money, at)
}

pub(super) fn began(sale: &Sale, period: Period, at: OffsetDateTime) -> Event {
    let covered = subscribed(sale, "active", period);
    event(sale, "subscription.active", "", &covered, at)
}

/// `status` is one of those from which no subscription comes back.
pub(super) fn over(sale: &Sale, status: &str, at: OffsetDateTime) -> Event {
    let period = Period {
        start: at,
        end: at + time::Duration::DAY,
    };
    let over = subscribed(sale, status, period);
    event(sale, &format!("subscription.{status}"), "", &over, at)
}

pub(super) fn refunded(sale: &Sale, id: &str, at: OffsetDateTime) -> Event {
    let back = refund(sale, id, sale.amount, at);
    event(sale, "refund.succeeded", id, &back, at)
}

pub(super) fn partly_refunded(sale: &Sale, id: &str, at: OffsetDateTime) -> Event {
    let back = refund(sale, id, sale.amount / 2, at);
    event(sale, "refund.succeeded", &format!("{id}_part"), &back, at)
}

fn refund(sale: &Sale, id: &str, amount: i64, at: OffsetDateTime) -> Value {
    json!({
        "payload_type": "Refund", "amount": amount, "business_id": "bus_1",
        "created_at": moment(at), "currency": "EUR", "customer": customer(sale),
        "is_partial": amount < sale.amount, "metadata": {}, "payment_id": id, "reason": null,
        "refund_id": format!("ref_{id}"), "status": "succeeded",
    })
}
