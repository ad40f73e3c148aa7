//! How Stripe answers, and what its events look like.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::event::{Event, Period, Sale};
use super::{Asked, Books, Brand, Charged, Page, fields, text};

pub(super) fn answer(books: &mut Books, asked: &Asked) -> (u16, Value) {
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let parts: Vec<_> = path.trim_matches('/').split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["v1", "checkout", "sessions"]) => (200, checkout(books, asked)),
        ("GET", ["v1", "invoice_payments"]) => {
            let query = fields(query.as_bytes());
            let invoice = books
                .invoices
                .get(text(&query, "payment[payment_intent]"))
                .map(|it| json!({ "id": "inpay_1", "invoice": it }));
            let found: Vec<_> = invoice.into_iter().collect();
            (200, json!({ "object": "list", "data": found }))
        }
        (method, ["v1", "subscriptions", id]) => match books.charged.get_mut(*id) {
            Some(it) => subscription(it, method, id, &asked.body),
            None => missing(),
        },
        _ => missing(),
    }
}

fn missing() -> (u16, Value) {
    (404, json!({ "error": { "code": "resource_missing" } }))
}

/// The same key is the same page, however often it is asked for.
fn checkout(books: &mut Books, asked: &Asked) -> Value {
    let known = books.pages.iter().find(|it| it.once == asked.once);
    if let Some(page) = known {
        return json!({ "id": page.id, "object": "checkout.session", "url": page.url });
    }
    let id = format!("cs_test_{}", books.pages.len() + 1);
    let url = format!("https://checkout.stripe.com/c/pay/{id}");
    books.pages.push(Page {
        id: id.clone(),
        url: url.clone(),
        product: text(&asked.body, "line_items[0][price]").to_owned(),
        metadata: metadata(&asked.body, "subscription_data[metadata]["),
        once: asked.once.clone(),
    });
    json!({ "id": id, "object": "checkout.session", "url": url })
}

/// The fields of a form below a name.
fn metadata(form: &Value, below: &str) -> Value {
    let form = form.as_object().expect("a form").iter();
    let found = form.filter_map(|(name, value)| {
        let name = name.strip_prefix(below)?.strip_suffix(']')?;
        Some((name.to_owned(), value.clone()))
    });
    Value::Object(found.collect())
}

fn subscription(it: &mut Charged, method: &str, id: &str, form: &Value) -> (u16, Value) {
    match method {
        "DELETE" => it.is_over = true,
        "POST" => {
            if let Some(stops) = form["cancel_at_period_end"].as_str() {
                it.stops = stops == "true";
            }
            if let Some(price) = form["items[0][price]"].as_str() {
                it.next = (price != it.product).then(|| price.to_owned());
            }
        }
        _ => {}
    }
    let status = if it.is_over { "canceled" } else { "active" };
    let items = json!({ "object": "list", "data": [{ "id": "si_1" }] });
    let shown = json!({ "id": id, "object": "subscription", "status": status, "items": items });
    (200, shown)
}

fn event(sale: &Sale, name: &str, about: &str, object: &Value, at: OffsetDateTime) -> Event {
    let id = format!("evt_{name}_{}_{about}", sale.agreement);
    let body = json!({
        "id": id, "object": "event", "api_version": "2025-08-27.basil",
        "created": at.unix_timestamp(), "data": { "object": object }, "livemode": false,
        "pending_webhooks": 1, "type": name,
    });
    Event::new(Brand::Stripe, id, body)
}

fn invoice(sale: &Sale, id: &str, period: Period, paid: i64) -> Value {
    let price = json!({
        "type": "price_details", "price_details": { "price": sale.product, "product": "prod_1" },
    });
    let line = json!({
        "id": "il_1", "object": "line_item", "amount": sale.amount, "pricing": price,
        "period": {
            "start": period.start.unix_timestamp(), "end": period.end.unix_timestamp(),
        },
    });
    json!({
        "id": id, "object": "invoice", "amount_due": sale.amount, "amount_paid": paid,
        "billing_reason": "subscription_cycle", "currency": "eur", "customer": sale.customer,
        "lines": { "object": "list", "data": [line], "has_more": false }, "metadata": {},
        "parent": {
            "type": "subscription_details", "quote_details": null,
            "subscription_details": {
                "metadata": sale.metadata, "subscription": sale.agreement,
            },
        },
    })
}

pub(super) fn paid(sale: &Sale, id: &str, period: Period, at: OffsetDateTime) -> Vec<Event> {
    let it = invoice(sale, id, period, sale.amount);
    vec![event(sale, "invoice.paid", id, &it, at)]
}

pub(super) fn failed(sale: &Sale, id: &str, period: Period, at: OffsetDateTime) -> Vec<Event> {
    let it = invoice(sale, id, period, 0);
    vec![event(sale, "invoice.payment_failed", id, &it, at)]
}

pub(super) fn ended(sale: &Sale, at: OffsetDateTime) -> Event {
    let over = json!({
        "id": sale.agreement, "object": "subscription", "customer": sale.customer,
        "status": "canceled", "metadata": sale.metadata,
    });
    event(sale, "customer.subscription.deleted", "", &over, at)
}

pub(super) fn refunded(sale: &Sale, id: &str, at: OffsetDateTime) -> Event {
    let back = charge(sale, id, sale.amount);
    event(sale, "charge.refunded", id, &back, at)
}

pub(super) fn partly_refunded(sale: &Sale, id: &str, at: OffsetDateTime) -> Event {
    let back = charge(sale, id, sale.amount / 2);
    event(sale, "charge.refunded", &format!("{id}_part"), &back, at)
}

/// A charge of which so much went back. It does not name its invoice, as newer ones.
fn charge(sale: &Sale, id: &str, back: i64) -> Value {
    json!({
        "id": format!("ch_{id}"), "object": "charge", "amount": sale.amount,
        "amount_refunded": back, "currency": "eur", "customer": sale.customer,
        "invoice": null, "metadata": {}, "payment_intent": intent(id),
        "refunded": back == sale.amount,
    })
}

/// What an invoice was paid with.
pub(super) fn intent(id: &str) -> String {
    format!("pi_{id}")
}
