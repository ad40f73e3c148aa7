//! What Stripe tells, in the shapes of its API reference, before and since 2025-03-31.

use msgflash_billing::{
    Money, PaidPeriod, PaymentEvent, PaymentEventKind, PaymentProvider as _, ProviderError,
    WebhookError,
};
use msgflash_kernel::Id;
use serde_json::{Value, json};
use time::macros::datetime;
use uuid::Uuid;
use wiremock::matchers::{method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::stripe::{SECRET, client};
use crate::{NOW, call, metadata};

const START: i64 = datetime!(2026-05-03 9:00 UTC).unix_timestamp();
const END: i64 = datetime!(2026-06-03 9:00 UTC).unix_timestamp();

fn lines(of_line: &Value) -> Value {
    let mut whole = json!({
        "id": "il_2", "object": "line_item", "amount": 3900,
        "period": { "start": START, "end": END },
    });
    let credit = json!({
        "id": "il_1", "object": "line_item", "amount": -900,
        "period": { "start": START - 9000, "end": START },
    });
    for (name, value) in of_line.as_object().expect("an object") {
        whole[name] = value.clone();
    }
    json!({ "object": "list", "data": [credit, whole], "has_more": false })
}

/// An invoice as it is told since 2025-03-31.
fn invoice() -> Value {
    let price = json!({ "pricing": {
        "type": "price_details", "price_details": { "price": "price_pro", "product": "prod_1" },
    } });
    json!({
        "id": "in_1", "object": "invoice", "amount_due": 1900, "amount_paid": 1900,
        "billing_reason": "subscription_cycle", "currency": "eur", "customer": "cus_1",
        "lines": lines(&price), "metadata": {},
        "parent": {
            "type": "subscription_details", "quote_details": null,
            "subscription_details": { "metadata": metadata(), "subscription": "sub_1" },
        },
        "period_start": START, "period_end": START, "status": "paid",
    })
}

/// The same as it was told before.
fn old_invoice() -> Value {
    json!({
        "id": "in_1", "object": "invoice", "amount_due": 1900, "amount_paid": 1900,
        "charge": "ch_1", "currency": "eur", "customer": "cus_1",
        "lines": lines(&json!({ "price": { "id": "price_pro", "object": "price" } })),
        "metadata": {}, "payment_intent": "pi_1", "subscription": "sub_1",
        "subscription_details": { "metadata": metadata() },
    })
}

async fn read_at(base: &str, name: &str, object: Value) -> Result<PaymentEvent, WebhookError> {
    let body = json!({
        "id": "evt_1", "object": "event", "api_version": "2025-08-27.basil", "created": START + 7,
        "data": { "object": object }, "livemode": false, "pending_webhooks": 1, "type": name,
    });
    let body = body.to_string();
    let stripe = client(base);
    let call = call(&[("Stripe-Signature", signature(&body))], &body);
    assert!(stripe.recognises(&call));
    stripe.read(&call).await
}

async fn read(name: &str, object: Value) -> Result<PaymentEvent, WebhookError> {
    read_at("https://api.stripe.com", name, object).await
}

/// Signs as Stripe does.
fn signature(body: &str) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let stamp = NOW.unix_timestamp();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(format!("{stamp}.{body}").as_bytes());
    let proof = hex::encode(mac.finalize().into_bytes());
    format!("t={stamp},v1={proof}")
}

#[tokio::test]
async fn a_paid_invoice_tells_of_money_and_period_in_both_shapes() {
    for shape in [invoice(), old_invoice()] {
        let event = read("invoice.paid", shape).await.unwrap();
        assert_eq!(
            (event.id.as_str(), event.kind),
            ("evt_1", PaymentEventKind::Paid)
        );
        let period = PaidPeriod {
            start: datetime!(2026-05-03 9:00 UTC),
            end: datetime!(2026-06-03 9:00 UTC),
        };
        assert_eq!(
            event.covers(),
            Some(period),
            "credits of another period are left out"
        );
        assert_eq!(event.agreement.as_deref(), Some("sub_1"));
        assert_eq!(event.payment.as_deref(), Some("in_1"));
        assert_eq!(event.product.as_deref(), Some("price_pro"));
        assert_eq!(event.customer.as_deref(), Some("cus_1"));
        let currency = "EUR".to_owned();
        assert_eq!(
            event.money,
            Some(Money {
                amount: 1900,
                currency
            })
        );
        assert_eq!(event.origin.account, Some(Id::new(Uuid::from_u128(0xa))));
        assert_eq!(event.origin.plan.as_deref(), Some("pro"));
        assert_eq!(event.occurred_at.unix_timestamp(), START + 7);
    }
}

#[tokio::test]
async fn what_was_added_by_hand_does_not_hide_the_price() {
    let added = json!({
        "id": "il_3", "object": "line_item", "amount": 500, "price": null, "pricing": null,
        "period": { "start": START, "end": END },
    });
    for mut shape in [invoice(), old_invoice()] {
        let lines = shape["lines"]["data"].as_array_mut().expect("lines");
        lines.push(added.clone());
        let event = read("invoice.paid", shape).await.unwrap();
        assert_eq!(event.product.as_deref(), Some("price_pro"));
    }
}

#[tokio::test]
async fn an_invoice_without_a_price_is_paid_and_names_no_product() {
    let mut priceless = invoice();
    priceless["lines"] = lines(&json!({ "price": null, "pricing": null }));
    let event = read("invoice.paid", priceless).await.unwrap();
    assert_eq!((event.kind, event.product), (PaymentEventKind::Paid, None));
}

#[tokio::test]
async fn a_failed_invoice_says_which_period_is_missing() {
    let event = read("invoice.payment_failed", invoice()).await.unwrap();
    assert_eq!(
        (event.kind, event.covers()),
        (PaymentEventKind::Failed, None)
    );
    assert_eq!(event.period.map(|it| it.end.unix_timestamp()), Some(END));
    assert_eq!(event.money.map(|it| it.amount), Some(1900));
}

#[tokio::test]
async fn a_deleted_subscription_has_ended() {
    let object = json!({ "id": "sub_1", "object": "subscription", "customer": "cus_1",
        "status": "canceled", "metadata": metadata() });
    let event = read("customer.subscription.deleted", object).await.unwrap();
    assert_eq!(
        (event.kind, event.agreement.as_deref()),
        (PaymentEventKind::Ended, Some("sub_1"))
    );
    assert_eq!(event.origin.checkout, Some(Id::new(Uuid::from_u128(0xc))));
}

fn charge(refunded: bool, invoice: &Value) -> Value {
    json!({
        "id": "ch_1", "object": "charge", "amount": 1900, "amount_refunded": 1900,
        "currency": "eur", "customer": "cus_1", "invoice": invoice, "metadata": {},
        "payment_intent": "pi_1", "refunded": refunded,
    })
}

#[tokio::test]
async fn a_whole_refund_is_of_an_invoice_that_is_named_or_looked_up() {
    let named = read("charge.refunded", charge(true, &json!("in_1")))
        .await
        .unwrap();
    assert_eq!(
        (named.kind, named.payment.as_deref()),
        (PaymentEventKind::Refunded, Some("in_1"))
    );
    let part = read("charge.refunded", charge(false, &json!("in_1")))
        .await
        .unwrap();
    assert_eq!(part.kind, PaymentEventKind::Other);
    let server = MockServer::start().await;
    let found = json!({ "object": "list", "data": [{ "id": "inpay_1", "invoice": "in_7" }] });
    Mock::given(method("GET"))
        .and(path("/v1/invoice_payments"))
        .and(query_param("payment[type]", "payment_intent"))
        .and(query_param("payment[payment_intent]", "pi_1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(found))
        .expect(1)
        .mount(&server)
        .await;
    let refund = charge(true, &Value::Null);
    let looked_up = read_at(&server.uri(), "charge.refunded", refund)
        .await
        .unwrap();
    assert_eq!(looked_up.payment.as_deref(), Some("in_7"));
}

#[tokio::test]
async fn a_refund_that_cannot_be_looked_up_is_to_come_again() {
    let refund = charge(true, &Value::Null);
    let failed = read_at("http://127.0.0.1:9", "charge.refunded", refund).await;
    assert_eq!(
        failed,
        Err(WebhookError::Provider(ProviderError::Unavailable))
    );
}

#[tokio::test]
async fn the_rest_is_none_of_ours() {
    let subscription = json!({
        "id": "sub_1", "object": "subscription", "status": "active", "metadata": metadata(),
        "items": { "object": "list", "data": [{ "id": "si_1", "price": { "id": "price_pro" } }] },
    });
    let session = json!({
        "id": "cs_1", "object": "checkout.session", "mode": "subscription", "status": "complete",
        "metadata": metadata(), "payment_status": "paid", "subscription": "sub_1",
    });
    for (name, object) in [
        ("customer.subscription.created", &subscription),
        ("customer.subscription.updated", &subscription),
        ("checkout.session.completed", &session),
        ("invoice.payment_succeeded", &invoice()),
    ] {
        let event = read(name, object.clone()).await.unwrap();
        assert_eq!(event.kind, PaymentEventKind::Other, "{name}");
        assert_eq!(event.covers(), None, "{name}");
    }
    let alone = json!({ "id": "in_9", "object": "invoice", "amount_paid": 100, "currency": "eur" });
    let event = read("invoice.paid", alone).await.unwrap();
    assert_eq!((event.kind, event.payment), (PaymentEventKind::Other, None));
}

#[tokio::test]
async fn forged_calls_tell_nothing() {
    let body = json!({ "id": "evt_1", "type": "invoice.paid" }).to_string();
    let stripe = client("https://api.stripe.com");
    let other = signature("{}");
    let forged = stripe
        .read(&call(&[("stripe-signature", other)], &body))
        .await;
    assert_eq!(forged, Err(WebhookError::Forged));
    let unreadable = stripe
        .read(&call(&[("stripe-signature", signature("no"))], "no"))
        .await;
    assert_eq!(unreadable, Err(WebhookError::Malformed("it is not JSON")));
}
