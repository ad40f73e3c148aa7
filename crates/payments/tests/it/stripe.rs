//! Asking Stripe.

use msgflash_billing::{CheckoutOrder, Instruction, PaymentProvider as _, ProviderError};
use msgflash_kernel::Id;
use msgflash_payments::{StripeConfig, StripePayments};
use serde_json::json;
use url::form_urlencoded;
use uuid::Uuid;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use crate::{KEY, order, secret, tls};

pub(crate) const SECRET: &str = "whsec_of_stripe_is_text";

pub(crate) fn client(base: &str) -> StripePayments {
    tls();
    let config = StripeConfig {
        base: base.to_owned(),
        api_key: secret(KEY),
        webhook_secret: secret(SECRET),
    };
    StripePayments::new(&config).expect("valid")
}

/// The fields of a form, in their order.
fn fields(request: &Request) -> Vec<(String, String)> {
    let pairs = form_urlencoded::parse(&request.body);
    pairs
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// A stand-in with a subscription in this state, that takes every change.
async fn with_subscription(status: &str) -> MockServer {
    let server = MockServer::start().await;
    let body = json!({
        "id": "sub_1", "object": "subscription", "status": status,
        "items": { "object": "list", "data": [{ "id": "si_1", "object": "subscription_item" }] },
    });
    for verb in ["GET", "POST", "DELETE"] {
        Mock::given(method(verb))
            .and(path("/v1/subscriptions/sub_1"))
            .and(header("authorization", format!("Bearer {KEY}")))
            .respond_with(ResponseTemplate::new(200).set_body_json(body.clone()))
            .mount(&server)
            .await;
    }
    server
}

/// What changed anything: verb and form.
async fn changes(server: &MockServer) -> Vec<(String, Vec<(String, String)>)> {
    let asked = server.received_requests().await.expect("recorded");
    let changes = asked.iter().filter(|it| it.method.as_str() != "GET");
    changes
        .map(|it| (it.method.to_string(), fields(it)))
        .collect()
}

fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[tokio::test]
async fn a_checkout_says_where_it_began() {
    let server = MockServer::start().await;
    let page = json!({ "id": "cs_1", "object": "checkout.session", "url": "https://checkout.stripe.com/c/1" });
    Mock::given(method("POST"))
        .and(path("/v1/checkout/sessions"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(header("stripe-version", "2025-08-27.basil"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .expect(1)
        .mount(&server)
        .await;
    let page = client(&server.uri()).checkout(&order()).await.unwrap();
    assert_eq!(page.expect("a page").url, "https://checkout.stripe.com/c/1");
    let asked = server.received_requests().await.expect("recorded");
    let fields = fields(&asked[0]);
    let account = order().account.to_string();
    for (name, value) in [
        ("mode", "subscription"),
        ("line_items[0][price]", "product_pro"),
        ("line_items[0][quantity]", "1"),
        ("customer_email", "ana@example.com"),
        ("success_url", "https://portal.example/billing?success=true"),
        (
            "cancel_url",
            "https://portal.example/billing?cancelled=true",
        ),
        ("subscription_data[metadata][msgflash_account]", &account),
        ("subscription_data[metadata][msgflash_plan]", "pro"),
        ("metadata[msgflash_account]", &account),
    ] {
        let pair = (name.to_owned(), value.to_owned());
        assert!(fields.contains(&pair), "{pair:?} is not in {fields:?}");
    }
}

/// The keys of idempotency that pages were asked for with.
async fn keys(orders: &[CheckoutOrder]) -> Vec<String> {
    let server = MockServer::start().await;
    let page = json!({ "id": "cs_1", "url": "https://checkout.stripe.com/c/1" });
    Mock::given(method("POST"))
        .and(path("/v1/checkout/sessions"))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .mount(&server)
        .await;
    let stripe = client(&server.uri());
    for order in orders {
        stripe.checkout(order).await.expect("a page");
    }
    let asked = server.received_requests().await.expect("recorded");
    let keys = asked.iter().map(|it| it.headers.get("idempotency-key"));
    keys.map(|it| it.expect("a key").to_str().expect("text").to_owned())
        .collect()
}

#[tokio::test]
async fn whoever_asks_for_the_same_page_again_has_the_same_key() {
    let keys = keys(&[order(), order()]).await;
    assert_eq!(keys[0], keys[1]);
    let of_purchase = order().checkout.to_string();
    assert!(keys[0].starts_with(&of_purchase), "{}", keys[0]);
    assert!(keys[0].len() <= 255, "Stripe takes no longer one");
}

#[tokio::test]
async fn a_page_that_is_to_be_another_has_another_key() {
    let orders = [
        order(),
        CheckoutOrder {
            email: "ana@example.org".to_owned(),
            ..order()
        },
        CheckoutOrder {
            product: "product_pro_2".to_owned(),
            ..order()
        },
        CheckoutOrder {
            success_url: "https://console.example/billing?success=true".to_owned(),
            ..order()
        },
        CheckoutOrder {
            checkout: Id::new(Uuid::from_u128(0xd)),
            ..order()
        },
    ];
    let mut keys = keys(&orders).await;
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), orders.len());
}

#[tokio::test]
async fn a_lower_plan_is_charged_from_the_next_invoice_on() {
    let server = with_subscription("active").await;
    let product = "price_pro".to_owned();
    let lower = Instruction::Charge { product };
    client(&server.uri())
        .instruct("sub_1", &lower)
        .await
        .unwrap();
    let expected = form(&[
        ("cancel_at_period_end", "false"),
        ("items[0][id]", "si_1"),
        ("items[0][price]", "price_pro"),
        ("proration_behavior", "none"),
    ]);
    assert_eq!(changes(&server).await, [("POST".to_owned(), expected)]);
}

#[tokio::test]
async fn stopping_waits_for_the_end_of_the_period_and_ending_does_not() {
    let server = with_subscription("active").await;
    let stripe = client(&server.uri());
    stripe.instruct("sub_1", &Instruction::Stop).await.unwrap();
    stripe.instruct("sub_1", &Instruction::End).await.unwrap();
    let stop = form(&[("cancel_at_period_end", "true")]);
    let expected = [("POST".to_owned(), stop), ("DELETE".to_owned(), Vec::new())];
    assert_eq!(changes(&server).await, expected);
}

#[tokio::test]
async fn what_is_over_needs_no_word() {
    let server = with_subscription("canceled").await;
    let stripe = client(&server.uri());
    stripe.instruct("sub_1", &Instruction::Stop).await.unwrap();
    stripe.instruct("sub_2", &Instruction::End).await.unwrap();
    assert_eq!(changes(&server).await, []);
}

#[tokio::test]
async fn a_refusal_tells_its_code_and_no_names() {
    let server = MockServer::start().await;
    let body = json!({ "error": { "code": "resource_missing", "message": "No such price: ana" } });
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(400).set_body_json(body))
        .mount(&server)
        .await;
    let refused = client(&server.uri()).checkout(&order()).await;
    let expected = ProviderError::Refused("400: resource_missing".to_owned());
    assert_eq!(refused, Err(expected));
}
