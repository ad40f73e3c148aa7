//! What is read and how it is shown.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use msgflash_accounts::User;
use msgflash_billing::{Payment, PaymentPage, PaymentStatus};
use msgflash_kernel::{Fault as _, Id, Phone, ReplayStore as _, Secret, StoredAnswer, Workspace};
use msgflash_messaging::provider::{LinkState, ProviderError};
use msgflash_messaging::{MessageKind, MessageStatus};
use msgflash_webhooks::{Endpoint, EndpointId, EventName};
use serde_json::json;

use crate::testing::samples::{
    INSTANCE, MESSAGE, NOW, TEAM, entitlement, instance, key, message, uuid,
};
use crate::testing::{Fake, Running, keyed};

const HOOK: &str = "https://app.example.com/hooks";

fn endpoint() -> Endpoint {
    Endpoint {
        id: EndpointId::new(uuid(7)),
        workspace: Id::new(uuid(2)),
        account: Id::new(uuid(2)),
        created_by: Id::new(uuid(3)),
        url: HOOK.into(),
        secret: Secret::new("whsec_secret".into()),
        previous: None,
        events: vec![EventName::MessageSent],
        active: true,
        disabled_reason: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

#[actix_web::test]
async fn the_profile_never_shows_the_password() {
    let mut fake = Fake::new();
    fake.accounts.expect_find().returning(|id| {
        assert_eq!(id.uuid(), uuid(2));
        Ok(Some(User {
            id,
            email: "ada@example.com".into(),
            full_name: "Ada Lovelace".into(),
            display_name: None,
            phone: String::new(),
            avatar_url: None,
            password_hash: Some(Secret::new("$argon2id$".into())),
            email_verified_at: None,
            suspended_at: None,
            created_at: NOW,
            updated_at: NOW,
        }))
    });
    let answer = Running::over(fake).get("/api/v1/me").await;
    assert_eq!(
        answer.json(),
        json!({ "data": {
            "id": uuid(2), "fullName": "Ada Lovelace", "email": "ada@example.com", "phone": null,
            "displayName": null, "avatarUrl": null, "plan": "pro",
            "createdAt": "2026-05-20T12:00:00.000Z",
        } })
    );
}

#[actix_web::test]
async fn both_usage_routes_show_one_object() {
    let mut fake = Fake::new();
    fake.used(910);
    let running = Running::over(fake);
    let first = running.get("/api/v1/usage").await.json()["data"].clone();
    let mut second = running.get("/api/v1/billing/usage").await.json()["data"].clone();
    // Reading costs a request, too.
    assert_eq!(first["usage"]["apiRequestsCount"], 911);
    assert_eq!(second["usage"]["apiRequestsCount"], 912);
    second["usage"]["apiRequestsCount"] = json!(911);
    assert_eq!(first, second);
    assert_eq!(first["plan"], json!({ "code": "pro", "name": "Pro" }));
    assert_eq!(first["usage"]["effectiveOutboundUsage"], 4);
    assert_eq!(first["limits"]["maxContactGroups"], json!(null));
    assert_eq!(
        first["period"],
        json!({ "start": "2026-05-01T00:00:00.000Z", "end": "2026-05-31T23:59:59.999Z" })
    );
}

#[actix_web::test]
async fn the_subscription_comes_with_its_plan_and_use() {
    let data = Running::over(Fake::new())
        .get("/api/v1/billing/subscription")
        .await
        .json();
    let subscription = &data["data"]["subscription"];
    assert_eq!(subscription["status"], "active");
    assert_eq!(subscription["billingProvider"], "manual");
    assert_eq!(
        subscription["currentPeriodStart"],
        "2026-05-04T11:20:00.000Z"
    );
    assert_eq!(subscription["currentPeriodEnd"], json!(null));
    assert_eq!(subscription["plan"]["priceEur"], 19);
    assert_eq!(subscription["plan"]["limits"]["maxSeatsPerTeam"], 4);
    assert_eq!(data["data"]["usage"]["activeInstancesCount"], 2);
}

#[actix_web::test]
async fn plans_are_open_to_team_keys() {
    let mut fake = Fake::new();
    fake.knows(true);
    fake.billing
        .expect_active_plans()
        .returning(|| Ok(vec![entitlement().plan]));
    let request = TestRequest::get()
        .uri("/api/v1/billing/plans")
        .insert_header(("x-api-key", key(true)))
        .insert_header(("x-team-id", TEAM));
    let answer = Running::over(fake).call(request).await;
    assert_eq!(answer.json()["data"][0]["features"]["statuses"], true);
}

#[actix_web::test]
async fn payments_come_in_pages() {
    let mut fake = Fake::new();
    fake.billing.expect_payments().returning(|_, page, limit| {
        assert_eq!((page, limit), (2, 20));
        let payment = Payment {
            id: Id::new(uuid(8)),
            provider: "dodo".into(),
            plan_code: "starter".into(),
            plan_name: "Starter".into(),
            amount: 1900,
            currency: "EUR".into(),
            status: PaymentStatus::Refunded,
            period_start: None,
            period_end: None,
            created_at: NOW,
        };
        Ok(PaymentPage {
            payments: vec![payment],
            total: 21,
        })
    });
    let running = Running::over(fake);
    let data = running.get("/api/v1/billing/payments?page=2").await.json()["data"].clone();
    assert_eq!(
        (&data["total"], &data["page"], &data["totalPages"]),
        (&json!(21), &json!(2), &json!(2))
    );
    assert_eq!(data["payments"][0]["status"], "refunded");
    let answer = running
        .get("/api/v1/billing/payments?page=0&limit=101")
        .await;
    let fields: Vec<_> = answer
        .problems()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["page", "limit"]);
}

#[actix_web::test]
async fn an_instance_never_shows_its_session_or_secret() {
    let answer = Running::over(Fake::new())
        .get(&format!("/api/v1/instances/{INSTANCE}"))
        .await;
    assert_eq!(
        answer.json()["data"],
        json!({
            "id": INSTANCE, "name": "Main shop", "waNumber": "+33611112222", "status": "connected",
            "webhook": null, "meta": null, "deletedAt": null,
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-05-20T12:00:00.000Z",
        })
    );
}

#[actix_web::test]
async fn the_live_state_is_asked_for_and_its_failure_is_502() {
    let path = format!("/api/v1/instances/{INSTANCE}/state");
    let mut fake = Fake::new();
    fake.provider
        .expect_state()
        .returning(|_| Ok(LinkState::Open));
    let answer = Running::over(fake).get(&path).await;
    assert_eq!(
        answer.json()["data"],
        json!({ "instanceId": INSTANCE, "status": "connected", "providerState": "open" })
    );
    let failures = [
        ProviderError::Timeout,
        ProviderError::Unavailable,
        ProviderError::Unauthorized,
        ProviderError::Failed("secret text".into()),
    ];
    for failure in failures {
        let mut fake = Fake::new();
        let code = failure.code();
        fake.provider
            .expect_state()
            .return_once(move |_| Err(failure));
        let answer = Running::over(fake).get(&path).await;
        assert_eq!(answer.refusal(), (502, code.to_owned()));
        assert!(!answer.text.contains("secret") && !answer.text.contains("key"));
    }
}

#[actix_web::test]
async fn health_shows_the_caps_of_its_state() {
    let path = format!("/api/v1/instances/{INSTANCE}/health");
    let data = Running::over(Fake::new()).get(&path).await.json()["data"].clone();
    assert_eq!(data["safetyState"], "stable");
    assert_eq!(data["warmupPolicy"]["instanceAgeDays"], 139.5);
    assert_eq!(data["warmupPolicy"]["hourlyUniqueRecipientsCap"], 200);
    assert_eq!(data["usageWindowSummary"]["inboundReplies7d"], 0);
    assert_eq!(data["usageWindowSummary"].as_object().unwrap().len(), 6);
}

#[actix_web::test]
async fn instances_are_listed_without_paging() {
    let mut fake = Fake::new();
    fake.instances
        .expect_list()
        .returning(|_| Ok(vec![instance(), instance()]));
    let data = Running::over(fake).get("/api/v1/instances").await.json();
    assert_eq!(data["data"].as_array().unwrap().len(), 2);
}

#[actix_web::test]
async fn an_inbound_message_of_a_team_shows_both_sides() {
    let mut fake = Fake::new();
    fake.messages.expect_find().returning(|_, _| {
        let mut it = message();
        it.workspace = Workspace::team(Id::parse(TEAM).unwrap(), Id::new(uuid(2)));
        it.inbound = true;
        it.kind = MessageKind::Image;
        it.status = MessageStatus::Received;
        it.own_number = Phone::parse("+33611112222").ok();
        Ok(Some(it))
    });
    let path = format!("/api/v1/messages/{MESSAGE}");
    let data = Running::over(fake).get(&path).await.json()["data"].clone();
    assert_eq!(
        (&data["from"], &data["to"]),
        (&json!("+33612345678"), &json!("+33611112222"))
    );
    assert_eq!(
        (&data["teamId"], &data["actingUserId"]),
        (&json!(TEAM), &json!(uuid(3)))
    );
    assert_eq!(
        (&data["direction"], &data["userId"]),
        (&json!("inbound"), &json!(uuid(2)))
    );
    assert_eq!(data.get("safety"), None);
}

#[actix_web::test]
async fn the_secret_of_an_endpoint_is_shown_once() {
    let mut fake = Fake::new();
    fake.endpoints
        .expect_list()
        .returning(|_| Ok(vec![endpoint()]));
    let running = Running::over(fake);
    let body = json!({ "url": HOOK, "events": ["message.sent", "message.read", "message.sent"] });
    let created = running.post("/api/v1/webhooks", &body).await;
    assert_eq!(created.status, 201);
    let data = &created.json()["data"];
    assert!(data["secret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(data["events"], json!(["message.sent", "message.read"]));
    assert_eq!(data["active"], true);
    let listed = running.get("/api/v1/webhooks").await;
    assert_eq!(listed.json()["data"][0]["url"], HOOK);
    assert!(!listed.text.contains("secret"));
}

#[actix_web::test]
async fn all_problems_of_an_endpoint_are_told_at_once() {
    let mut fake = Fake::new();
    fake.rate_per_second = 100;
    let running = Running::over(fake);
    let table = [
        (json!({}), vec![("url", "required"), ("events", "required")]),
        (
            json!({ "url": "http://a.example", "events": ["message.sent", 1, "x"] }),
            vec![
                ("url", "https_required"),
                ("events.1", "invalid_type"),
                ("events.2", "unknown_event"),
            ],
        ),
        (
            json!({ "url": "https://10.0.0.1/", "events": [] }),
            vec![("url", "private_address"), ("events", "length")],
        ),
        (
            json!({ "url": "https://a.example/\u{0}", "events": "all" }),
            vec![("url", "invalid_characters"), ("events", "invalid_type")],
        ),
    ];
    for (body, expected) in table {
        let answer = running.post("/api/v1/webhooks", &body).await;
        let found = answer.problems();
        let found: Vec<_> = found
            .iter()
            .map(|(f, c)| (f.as_str(), c.as_str()))
            .collect();
        assert_eq!(found, expected, "{body}");
    }
}

#[actix_web::test]
async fn plans_bound_endpoints_and_deleting_is_always_allowed() {
    let body = json!({ "url": HOOK, "events": ["message.sent"] });
    let mut fake = Fake::new();
    fake.held_endpoints = 15;
    let answer = Running::over(fake).post("/api/v1/webhooks", &body).await;
    assert_eq!(
        answer.refusal(),
        (403, "MAX_WEBHOOK_ENDPOINTS_REACHED".to_owned())
    );
    let mut fake = Fake::new();
    let mut held = entitlement();
    held.plan.features.webhooks = false;
    fake.holds(held);
    let running = Running::over(fake);
    // The gate comes before the body.
    let answer = running.call(keyed(Method::POST, "/api/v1/webhooks")).await;
    assert_eq!(
        answer.refusal(),
        (403, "WEBHOOKS_NOT_AVAILABLE_ON_PLAN".to_owned())
    );
    let gone = format!("/api/v1/webhooks/{MESSAGE}");
    let answer = running.call(keyed(Method::DELETE, &gone)).await;
    assert_eq!(answer.refusal(), (404, "NOT_FOUND".to_owned()));
}

#[actix_web::test]
async fn all_problems_of_a_change_or_a_recovery_are_told_at_once() {
    let running = Running::over(Fake::new());
    let hook = format!("/api/v1/webhooks/{MESSAGE}");
    let change = json!({ "url": "https://10.0.0.1/", "events": ["x"], "active": "yes" });
    let change = keyed(Method::PATCH, &hook).set_json(&change);
    let problem = |field: &str, code: &str| (field.to_owned(), code.to_owned());
    assert_eq!(
        running.call(change).await.problems(),
        [
            problem("url", "private_address"),
            problem("events.0", "unknown_event"),
            problem("active", "invalid_type"),
        ]
    );
    let recover = format!("{hook}/recover");
    for (body, code) in [
        (json!({}), "required"),
        (json!({ "since": "yesterday" }), "invalid_date"),
        (json!({ "since": "2126-05-20T12:00:00Z" }), "out_of_range"),
    ] {
        let answer = running.post(&recover, &body).await;
        assert_eq!(answer.problems(), [problem("since", code)], "{body}");
    }
}

#[actix_web::test]
async fn one_key_names_one_path() {
    let fake = Fake::new();
    let replays = fake.replays.clone();
    let running = Running::over(fake);
    let test = |id: &str| {
        let path = format!("/api/v1/webhooks/{id}/test");
        keyed(Method::POST, &path).insert_header(("Idempotency-Key", "once"))
    };
    // Nothing is there, and a refusal is not kept.
    assert_eq!(running.call(test(MESSAGE)).await.status, 404);
    let kept = |path: &str| {
        let asked = format!("\0/api/v1/webhooks/{path}/test");
        crate::http::idempotency::replay_key(
            Id::new(uuid(2)),
            "POST /api/v1/webhooks/{id}/test",
            "once",
            asked.as_bytes(),
        )
    };
    let answer = StoredAnswer {
        status: 202,
        body: "{}".into(),
    };
    let mut store = replays;
    store
        .keep(&kept(MESSAGE), &answer, NOW)
        .await
        .expect("kept");
    let again = running.call(test(MESSAGE)).await;
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    let other = running.call(test(TEAM)).await;
    assert_eq!(other.refusal(), (409, "CONFLICT".to_owned()));
}
