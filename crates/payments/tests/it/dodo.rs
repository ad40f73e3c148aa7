//! Asking Dodo Payments.

use msgflash_billing::{Instruction, PaymentProvider as _, ProviderError};
use msgflash_payments::{DodoConfig, DodoPayments, InvalidConfig};
use serde_json::json;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{KEY, metadata, order, secret, tls};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(crate) fn config(base: &str) -> DodoConfig {
    DodoConfig {
        base: base.to_owned(),
        api_key: secret(KEY),
        webhook_secret: secret(SECRET),
    }
}

pub(crate) fn client(base: &str) -> DodoPayments {
    tls();
    DodoPayments::new(&config(base)).expect("valid")
}

fn ok() -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({}))
}

/// A stand-in with a subscription in this state.
async fn with_subscription(status: &str) -> MockServer {
    let server = MockServer::start().await;
    let body = json!({ "subscription_id": "sub_1", "status": status, "product_id": "pdt_max" });
    Mock::given(method("GET"))
        .and(path("/subscriptions/sub_1"))
        .respond_with(ResponseTemplate::new(200).set_body_json(body))
        .mount(&server)
        .await;
    server
}

async fn expect_patch(server: &MockServer, body: serde_json::Value) {
    Mock::given(method("PATCH"))
        .and(path("/subscriptions/sub_1"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(body_json(body))
        .respond_with(ok())
        .expect(1)
        .mount(server)
        .await;
}

async fn expect_unschedule(server: &MockServer, status: u16) {
    expect_unschedule_with(server, ResponseTemplate::new(status)).await;
}

async fn expect_unschedule_with(server: &MockServer, answer: ResponseTemplate) {
    Mock::given(method("DELETE"))
        .and(path("/subscriptions/sub_1/change-plan/scheduled"))
        .respond_with(answer)
        .expect(1)
        .mount(server)
        .await;
}

#[tokio::test]
async fn a_checkout_says_where_it_began() {
    let server = MockServer::start().await;
    let expected = json!({
        "product_cart": [{ "product_id": "product_pro", "quantity": 1 }],
        "customer": { "email": "ana@example.com", "name": "Ana" },
        "return_url": "https://portal.example/billing?success=true",
        "metadata": metadata(),
    });
    let page = json!({
        "session_id": "cks_1",
        "checkout_url": "https://test.checkout.dodopayments.com/session/cks_1",
    });
    Mock::given(method("POST"))
        .and(path("/checkouts"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(body_json(expected))
        .respond_with(ResponseTemplate::new(200).set_body_json(page))
        .expect(1)
        .mount(&server)
        .await;
    let page = client(&server.uri()).checkout(&order()).await.unwrap();
    let page = page.expect("a page");
    assert_eq!(page.reference, "cks_1");
    assert!(page.url.ends_with("/session/cks_1"));
}

#[tokio::test]
async fn a_lower_plan_is_charged_from_the_next_period_on() {
    let server = with_subscription("active").await;
    expect_unschedule(&server, 404).await;
    expect_patch(&server, json!({ "cancel_at_next_billing_date": false })).await;
    let change = json!({
        "product_id": "pdt_pro", "quantity": 1, "effective_at": "next_billing_date",
        "proration_billing_mode": "full_immediately",
    });
    Mock::given(method("POST"))
        .and(path("/subscriptions/sub_1/change-plan"))
        .and(body_json(change))
        .respond_with(ok())
        .expect(1)
        .mount(&server)
        .await;
    let product = "pdt_pro".to_owned();
    let lower = Instruction::Charge { product };
    client(&server.uri())
        .instruct("sub_1", &lower)
        .await
        .unwrap();
}

#[tokio::test]
async fn keeping_what_was_bought_takes_back_what_was_to_come() {
    let server = with_subscription("active").await;
    expect_unschedule(&server, 200).await;
    expect_patch(&server, json!({ "cancel_at_next_billing_date": false })).await;
    let product = "pdt_max".to_owned();
    let keep = Instruction::Charge { product };
    client(&server.uri())
        .instruct("sub_1", &keep)
        .await
        .unwrap();
}

#[tokio::test]
async fn stopping_waits_for_the_next_bill_and_ending_does_not() {
    let server = with_subscription("active").await;
    expect_unschedule(&server, 404).await;
    expect_patch(&server, json!({ "cancel_at_next_billing_date": true })).await;
    expect_patch(&server, json!({ "status": "cancelled" })).await;
    let dodo = client(&server.uri());
    dodo.instruct("sub_1", &Instruction::Stop).await.unwrap();
    dodo.instruct("sub_1", &Instruction::End).await.unwrap();
}

#[tokio::test]
async fn that_nothing_was_scheduled_is_known_by_its_code_too() {
    for status in [400_u16, 409, 422] {
        let server = with_subscription("active").await;
        let body = json!({ "code": "SCHEDULED_PLAN_CHANGE_NOT_FOUND", "message": "None." });
        let answer = ResponseTemplate::new(status).set_body_json(body);
        expect_unschedule_with(&server, answer).await;
        expect_patch(&server, json!({ "cancel_at_next_billing_date": true })).await;
        let dodo = client(&server.uri());
        dodo.instruct("sub_1", &Instruction::Stop).await.unwrap();
    }
}

#[tokio::test]
async fn a_change_that_cannot_be_taken_back_is_no_success() {
    let refused = |words: &str| ProviderError::Refused(words.to_owned());
    let no_key = || ProviderError::NotSetUp("it refuses the key".to_owned());
    let cases: [(u16, ProviderError); 7] = [
        (400, refused("400: TROUBLE")),
        (401, no_key()),
        (403, no_key()),
        (409, refused("409: TROUBLE")),
        (422, refused("422: TROUBLE")),
        (429, ProviderError::Unavailable),
        (503, ProviderError::Unavailable),
    ];
    let product = "pdt_pro".to_owned();
    for instruction in [Instruction::Stop, Instruction::Charge { product }] {
        for (status, expected) in &cases {
            let server = with_subscription("active").await;
            let body = json!({ "code": "TROUBLE" });
            let answer = ResponseTemplate::new(*status).set_body_json(body);
            expect_unschedule_with(&server, answer).await;
            let told = client(&server.uri()).instruct("sub_1", &instruction).await;
            assert_eq!(told.as_ref(), Err(expected), "{status}");
            let asked = server.received_requests().await.unwrap();
            assert_eq!(asked.len(), 2, "nothing was asked after {status}");
        }
    }
}

#[tokio::test]
async fn what_is_over_needs_no_word() {
    let server = with_subscription("cancelled").await;
    let dodo = client(&server.uri());
    dodo.instruct("sub_1", &Instruction::End).await.unwrap();
    dodo.instruct("sub_2", &Instruction::Stop).await.unwrap();
    let asked = server.received_requests().await.unwrap();
    assert!(asked.iter().all(|it| it.method.as_str() == "GET"));
}

#[tokio::test]
async fn references_cannot_leave_their_place_in_the_path() {
    let server = MockServer::start().await;
    let dodo = client(&server.uri());
    dodo.instruct("../checkouts?x=", &Instruction::End)
        .await
        .unwrap();
    let asked = server.received_requests().await.unwrap();
    assert_eq!(asked[0].url.path(), "/subscriptions/..%2Fcheckouts%3Fx=");
}

#[tokio::test]
async fn trouble_has_its_kind_and_tells_no_names() {
    let cases = [
        (
            401,
            ProviderError::NotSetUp("it refuses the key".to_owned()),
        ),
        (
            422,
            ProviderError::Refused("422: INVALID_PRODUCT".to_owned()),
        ),
        (429, ProviderError::Unavailable),
        (503, ProviderError::Unavailable),
        (504, ProviderError::TimedOut),
    ];
    for (status, expected) in cases {
        let server = MockServer::start().await;
        let body = json!({ "code": "INVALID_PRODUCT", "message": "ana@example.com" });
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(status).set_body_json(body))
            .mount(&server)
            .await;
        let refused = client(&server.uri()).checkout(&order()).await;
        assert_eq!(refused, Err(expected));
    }
    let nobody = client("http://127.0.0.1:9").checkout(&order()).await;
    assert_eq!(nobody, Err(ProviderError::Unavailable));
}

#[test]
fn keys_go_to_safe_places_only() {
    tls();
    let refused = |config: &DodoConfig| DodoPayments::new(config).err();
    let unsafe_base = config("http://live.dodopayments.com");
    assert_eq!(refused(&unsafe_base), Some(InvalidConfig::Address));
    let mut keyless = config("https://live.dodopayments.com");
    keyless.api_key = secret("");
    assert_eq!(refused(&keyless), Some(InvalidConfig::Key));
    let mut open = config("https://live.dodopayments.com");
    open.webhook_secret = secret("whsec_");
    assert_eq!(refused(&open), Some(InvalidConfig::Secret));
}
