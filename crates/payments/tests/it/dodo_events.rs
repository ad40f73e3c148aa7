//! What Dodo Payments tells, in the shapes of its webhook reference.

use msgflash_billing::{
    Money, PaidPeriod, PaymentEvent, PaymentEventKind, PaymentProvider as _, WebhookError,
};
use msgflash_kernel::Id;
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use time::Duration;
use time::macros::datetime;
use uuid::Uuid;

use crate::dodo::{SECRET, client};
use crate::{NOW, call, metadata};

fn subscription(status: &str) -> Value {
    json!({
        "payload_type": "Subscription", "addons": [],
        "billing": { "city": "Lyon", "country": "FR", "state": "", "street": "", "zipcode": "69001" },
        "cancel_at_next_billing_date": false, "cancelled_at": null,
        "created_at": "2026-05-03T08:59:40.118Z", "currency": "EUR",
        "customer": { "customer_id": "cus_1", "email": "ana@example.com", "name": "Ana" },
        "discount_id": null, "metadata": metadata(),
        "next_billing_date": "2026-06-03T09:00:00.873Z", "on_demand": false,
        "payment_frequency_count": 1, "payment_frequency_interval": "Month",
        "previous_billing_date": "2026-05-03T09:00:00.118Z", "product_id": "pdt_pro",
        "quantity": 1, "recurring_pre_tax_amount": 1900, "status": status,
        "subscription_id": "sub_1", "subscription_period_count": 10,
        "subscription_period_interval": "Year", "tax_inclusive": true, "trial_period_days": 0,
    })
}

fn payment(status: &str) -> Value {
    json!({
        "payload_type": "Payment", "business_id": "bus_1", "brand_id": "bus_1",
        "created_at": "2026-05-03T08:59:40.118Z", "currency": "EUR",
        "customer": { "customer_id": "cus_1", "email": "ana@example.com", "name": "Ana" },
        "disputes": [], "error_code": null, "error_message": null, "metadata": metadata(),
        "payment_id": "pay_1", "payment_method": "card", "product_cart": null, "refunds": [],
        "settlement_amount": 1900, "settlement_currency": "EUR", "settlement_tax": 317,
        "status": status, "subscription_id": "sub_1", "tax": 317, "total_amount": 1900,
        "updated_at": null,
    })
}

fn refund(is_partial: bool) -> Value {
    json!({
        "payload_type": "Refund", "amount": 1900, "business_id": "bus_1",
        "created_at": "2026-05-04T10:00:00Z", "currency": "EUR",
        "customer": { "customer_id": "cus_1", "email": "ana@example.com", "name": "Ana" },
        "is_partial": is_partial, "metadata": {}, "payment_id": "pay_1", "reason": null,
        "refund_id": "ref_1", "status": "succeeded",
    })
}

/// Signs with an independent implementation, as Dodo Payments does.
async fn read(name: &str, data: Value) -> Result<PaymentEvent, WebhookError> {
    let timestamp = "2026-05-03T09:00:02.854Z";
    let body =
        json!({ "business_id": "bus_1", "type": name, "timestamp": timestamp, "data": data });
    let body = body.to_string();
    let signer = Webhook::new(SECRET).expect("a secret");
    let stamp = NOW.unix_timestamp();
    let signature = signer
        .sign("msg_1", stamp, body.as_bytes())
        .expect("signed");
    let headers = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", stamp.to_string()),
        ("webhook-signature", signature),
    ];
    let dodo = client("https://test.dodopayments.com");
    let call = call(&headers, &body);
    assert!(dodo.recognises(&call));
    dodo.read(&call).await
}

#[tokio::test]
async fn a_subscription_that_was_paid_covers_its_period() {
    for name in ["subscription.active", "subscription.renewed"] {
        let event = read(name, subscription("active")).await.unwrap();
        assert_eq!(
            (event.id.as_str(), event.kind),
            ("msg_1", PaymentEventKind::Covered)
        );
        let period = PaidPeriod {
            start: datetime!(2026-05-03 9:00:00.118 UTC),
            end: datetime!(2026-06-03 9:00:00.873 UTC),
        };
        assert_eq!(event.covers(), Some(period));
        assert_eq!(event.agreement.as_deref(), Some("sub_1"));
        assert_eq!((event.payment, event.money), (None, None));
        assert_eq!(event.product.as_deref(), Some("pdt_pro"));
        assert_eq!(event.origin.account, Some(Id::new(Uuid::from_u128(0xa))));
        assert_eq!(event.origin.checkout, Some(Id::new(Uuid::from_u128(0xc))));
        assert_eq!(event.origin.plan.as_deref(), Some("pro"));
        assert_eq!(event.occurred_at, datetime!(2026-05-03 9:00:02.854 UTC));
    }
}

#[tokio::test]
async fn a_payment_tells_of_money_and_of_no_period() {
    let event = read("payment.succeeded", payment("succeeded"))
        .await
        .unwrap();
    let money = Money {
        amount: 1900,
        currency: "EUR".to_owned(),
    };
    assert_eq!(
        (event.kind, event.money.as_ref()),
        (PaymentEventKind::Paid, Some(&money))
    );
    assert_eq!(
        (event.payment.as_deref(), event.covers()),
        (Some("pay_1"), None)
    );
    assert_eq!(event.agreement.as_deref(), Some("sub_1"));
    assert_eq!(event.product, None, "of what, the subscription says");
    let pending = read("payment.processing", payment("processing"))
        .await
        .unwrap();
    assert_eq!(pending.kind, PaymentEventKind::Pending);
    let failed = read("payment.failed", payment("failed")).await.unwrap();
    assert_eq!(failed.kind, PaymentEventKind::Failed);
}

#[tokio::test]
async fn what_is_bought_once_beside_a_subscription_is_not_its_product() {
    let mut mixed = payment("succeeded");
    mixed["product_cart"] = json!([{ "product_id": "pdt_setup", "quantity": 1 }]);
    let event = read("payment.succeeded", mixed).await.unwrap();
    assert_eq!(
        (event.kind, event.product, event.period),
        (PaymentEventKind::Paid, None, None)
    );
}

#[tokio::test]
async fn a_subscription_without_a_product_covers_and_names_none() {
    let mut nameless = subscription("active");
    nameless["product_id"] = Value::Null;
    let event = read("subscription.active", nameless).await.unwrap();
    assert_eq!(
        (event.kind, event.product),
        (PaymentEventKind::Covered, None)
    );
}

#[tokio::test]
async fn a_subscription_on_hold_misses_a_payment_of_no_known_period() {
    let event = read("subscription.on_hold", subscription("on_hold"))
        .await
        .unwrap();
    assert_eq!((event.kind, event.period), (PaymentEventKind::Failed, None));
}

#[tokio::test]
async fn subscriptions_end_and_whole_refunds_count() {
    for (name, status) in [
        ("cancelled", "cancelled"),
        ("expired", "expired"),
        ("failed", "failed"),
    ] {
        let event = read(&format!("subscription.{name}"), subscription(status))
            .await
            .unwrap();
        assert_eq!(
            (event.kind, event.covers()),
            (PaymentEventKind::Ended, None)
        );
    }
    let whole = read("refund.succeeded", refund(false)).await.unwrap();
    assert_eq!(
        (whole.kind, whole.payment.as_deref()),
        (PaymentEventKind::Refunded, Some("pay_1"))
    );
    let part = read("refund.succeeded", refund(true)).await.unwrap();
    assert_eq!(part.kind, PaymentEventKind::Other);
}

#[tokio::test]
async fn the_rest_is_none_of_ours() {
    for name in [
        "subscription.updated",
        "subscription.plan_changed",
        "dispute.opened",
        "new.thing",
    ] {
        let event = read(name, subscription("active")).await.unwrap();
        assert_eq!(event.kind, PaymentEventKind::Other, "{name}");
        assert_eq!(event.covers(), None, "{name}");
    }
    // A renewal that names another state than active proves nothing.
    let odd = read("subscription.renewed", subscription("on_hold"))
        .await
        .unwrap();
    assert_eq!(odd.kind, PaymentEventKind::Other);
}

#[tokio::test]
async fn what_cannot_be_read_is_said_so() {
    let mut timeless = subscription("active");
    timeless["next_billing_date"] = json!("soon");
    let refused = read("subscription.renewed", timeless).await;
    assert_eq!(refused, Err(WebhookError::Malformed("it has no period")));
}

#[tokio::test]
async fn forged_and_stale_calls_tell_nothing() {
    let dodo = client("https://test.dodopayments.com");
    let body = json!({ "type": "payment.succeeded", "data": payment("succeeded") }).to_string();
    let headers = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", NOW.unix_timestamp().to_string()),
        ("webhook-signature", "v1,AAAA".to_owned()),
    ];
    let forged = dodo.read(&call(&headers, &body)).await;
    assert_eq!(forged, Err(WebhookError::Forged));
    let stamp = (NOW - Duration::minutes(6)).unix_timestamp();
    let signer = Webhook::new(SECRET).expect("a secret");
    let signature = signer
        .sign("msg_1", stamp, body.as_bytes())
        .expect("signed");
    let headers = [
        ("webhook-id", "msg_1".to_owned()),
        ("webhook-timestamp", stamp.to_string()),
        ("webhook-signature", signature),
    ];
    let stale = dodo.read(&call(&headers, &body)).await;
    assert_eq!(stale, Err(WebhookError::Stale));
}
