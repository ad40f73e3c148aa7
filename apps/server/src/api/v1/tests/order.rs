//! What every call passes: order, headers, envelopes.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use msgflash_billing::SubscriptionStatus;
use msgflash_kernel::StoreError;
use serde_json::json;

use crate::api::policy::Access;
use crate::api::routes::Route;
use crate::api::v1::routes;
use crate::testing::samples::{INSTANCE, MESSAGE, TEAM, entitlement, key, message};
use crate::testing::{Fake, Running, keyed};

fn text() -> serde_json::Value {
    json!({ "instanceId": INSTANCE, "to": "+33612345678", "type": "text", "text": "Hello" })
}

fn every_route() -> Vec<Route> {
    crate::api::routes::table()
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[actix_web::test]
async fn an_unknown_path_is_404_and_no_key_is_looked_at() {
    let running = Running::over(Fake::bare());
    for path in [
        "/",
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/messages/",
        "/api/v2/me",
    ] {
        let answer = running.call(TestRequest::get().uri(path)).await;
        assert_eq!(answer.refusal(), refused(404, "NOT_FOUND"), "{path}");
        assert!(answer.header("x-request-id").is_some(), "{path}");
    }
}

#[actix_web::test]
async fn a_known_path_with_another_method_is_405_and_names_its_methods() {
    let running = Running::over(Fake::bare());
    for route in every_route() {
        let path = route.path.replace("{id}", MESSAGE);
        let request = TestRequest::with_uri(&path).method(Method::TRACE);
        let answer = running.call(request).await;
        assert_eq!(
            answer.refusal(),
            refused(405, "METHOD_NOT_ALLOWED"),
            "{path}"
        );
        let allow = answer.header("allow").unwrap_or_default();
        assert!(allow.contains(route.method.as_str()), "{path}: {allow}");
    }
    let answer = running
        .call(TestRequest::get().uri("/api/v1/messages/send"))
        .await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[actix_web::test]
async fn every_route_that_is_not_open_needs_a_key_or_a_session() {
    let running = Running::over(Fake::bare());
    for route in every_route() {
        if route.policy.access == Access::Anyone {
            continue;
        }
        let path = route.path.replace("{id}", MESSAGE);
        let request = TestRequest::with_uri(&path).method(route.method.clone());
        let answer = running.call(request).await;
        assert_eq!(
            answer.refusal(),
            refused(401, "UNAUTHORIZED"),
            "{}",
            route.policy.route
        );
        assert_eq!(answer.header("ratelimit-limit"), None);
    }
}

/// Each step is broken together with every later one, so that only the order decides.
#[actix_web::test]
async fn checks_happen_in_the_published_order() {
    let broken = |from: usize| {
        let mut fake = Fake::new();
        let mut held = entitlement();
        if from <= 2 {
            fake.rate_per_second = 0;
        }
        if from <= 3 {
            held.plan.limits.monthly_api_request_quota = Some(0);
        }
        if from <= 4 {
            held.subscription.status = SubscriptionStatus::Expired;
        }
        held.plan.features.voice_notes = false;
        fake.holds(held);
        if from <= 9 {
            fake.instances.checkpoint();
            fake.instances.expect_find().returning(|_, _| Ok(None));
        }
        fake
    };
    let large = format!("\"{}\"", "a".repeat(1 << 20));
    let voice = |to: &str| {
        json!({ "instanceId": INSTANCE, "to": to, "type": "voice_note",
            "mediaUrl": "https://files.example.com/a.ogg" })
    };
    let send = || keyed(Method::POST, "/api/v1/messages/send");
    let steps: [(usize, TestRequest, u16, &str); 11] = [
        (
            0,
            TestRequest::post()
                .uri("/api/v1/messages/send")
                .insert_header(("x-team-id", TEAM)),
            401,
            "UNAUTHORIZED",
        ),
        (
            1,
            send().insert_header(("x-team-id", TEAM)),
            403,
            "TEAM_KEY_REQUIRED",
        ),
        (2, send(), 429, "API_RATE_LIMIT_EXCEEDED"),
        (3, send(), 429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"),
        (4, send(), 403, "SUBSCRIPTION_INACTIVE"),
        (5, send().set_payload(large), 413, "PAYLOAD_TOO_LARGE"),
        (6, send().set_payload("{"), 415, "UNSUPPORTED_MEDIA_TYPE"),
        (
            7,
            send()
                .insert_header(("content-type", "application/json"))
                .set_payload("{"),
            400,
            "BAD_REQUEST",
        ),
        (8, send().set_json(voice("")), 400, "VALIDATION_ERROR"),
        (
            9,
            send().set_json(voice("0612")),
            403,
            "FEATURE_NOT_AVAILABLE_ON_PLAN",
        ),
        (
            9,
            send().set_json(
                json!({ "instanceId": INSTANCE, "to": "0612", "type": "text", "text": "a" }),
            ),
            404,
            "NOT_FOUND",
        ),
    ];
    for (step, request, status, code) in steps {
        let answer = Running::over(broken(step)).call(request).await;
        assert_eq!(answer.refusal(), refused(status, code), "step {step}");
    }
    let last = json!({ "instanceId": INSTANCE, "to": "0612", "type": "text", "text": "a" });
    let answer = Running::over(broken(10))
        .post("/api/v1/messages/send", &last)
        .await;
    assert_eq!(answer.refusal(), refused(422, "INVALID_DESTINATION"));
}

#[actix_web::test]
async fn team_keys_need_their_team_and_stay_out_of_personal_routes() {
    let mut fake = Fake::new();
    fake.knows(true);
    let running = Running::over(fake);
    let request = |path: &str| {
        TestRequest::get()
            .uri(path)
            .insert_header(("x-api-key", key(true)))
    };
    let other = "00000000-0000-0000-0000-00000000000b";
    for answer in [
        running.call(request("/api/v1/me")).await,
        running
            .call(request("/api/v1/me").insert_header(("x-team-id", other)))
            .await,
    ] {
        assert_eq!(answer.refusal(), refused(401, "UNAUTHORIZED"));
        assert_eq!(
            answer.header("ratelimit-limit"),
            None,
            "it would tell that the key is good"
        );
    }
    for route in routes::table()
        .into_iter()
        .filter(|route| route.policy.personal)
    {
        let answer = running
            .call(request(route.path).insert_header(("x-team-id", TEAM)))
            .await;
        assert!(
            answer.status == 403 || answer.status == 429,
            "{}",
            route.path
        );
    }
    let personal = routes::table()
        .iter()
        .filter(|route| route.policy.personal)
        .count();
    assert_eq!(personal, 5);
}

#[actix_web::test]
async fn answers_show_the_window_and_refusals_the_waiting_time() {
    let mut fake = Fake::new();
    fake.rate_per_second = 1;
    fake.messages
        .expect_find()
        .returning(|_, _| Ok(Some(message())));
    let running = Running::over(fake);
    let path = format!("/api/v1/messages/{MESSAGE}");
    let first = running.get(&path).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("ratelimit-limit"), Some("1"));
    assert_eq!(first.header("ratelimit-remaining"), Some("0"));
    assert_eq!(first.header("ratelimit-reset"), Some("1"));
    let second = running.get(&path).await;
    assert_eq!(second.refusal(), refused(429, "API_RATE_LIMIT_EXCEEDED"));
    assert_eq!(second.header("retry-after"), Some("1"));
    assert_eq!(second.header("ratelimit-remaining"), Some("0"));
}

#[actix_web::test]
async fn a_monthly_refusal_waits_for_the_next_month_and_counts_nothing() {
    let mut fake = Fake::new();
    fake.used(150_000);
    let answer = Running::over(fake).get("/api/v1/billing/plans").await;
    assert_eq!(
        answer.refusal(),
        refused(429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED")
    );
    let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert_eq!(wait, 11 * 86_400 + 43_200);
}

#[actix_web::test]
async fn request_ids_are_echoed_when_harmless() {
    let running = Running::over(Fake::bare());
    let with = |id: &str| {
        TestRequest::get()
            .uri("/nothing")
            .insert_header(("x-request-id", id))
    };
    let echoed = running.call(with("order-17.a_B")).await;
    assert_eq!(echoed.header("x-request-id"), Some("order-17.a_B"));
    let fresh = running.call(with("a b")).await;
    assert_eq!(fresh.header("x-request-id").map(str::len), Some(36));
}

#[actix_web::test]
async fn a_panic_is_500_in_the_envelope_and_the_server_lives_on() {
    let mut fake = Fake::new();
    fake.messages
        .expect_find()
        .times(1)
        .returning(|_, _| panic!("a bug"));
    fake.messages
        .expect_find()
        .returning(|_, _| Ok(Some(message())));
    let running = Running::over(fake);
    let path = format!("/api/v1/messages/{MESSAGE}");
    let answer = running.get(&path).await;
    assert_eq!(answer.refusal(), refused(500, "INTERNAL_ERROR"));
    assert!(!answer.text.contains("bug"));
    assert!(answer.header("x-request-id").is_some() && answer.header("ratelimit-limit").is_some());
}

#[actix_web::test]
async fn a_store_that_is_away_is_503_with_a_waiting_time() {
    let mut fake = Fake::bare();
    fake.credentials
        .expect_find()
        .returning(|_| Err(StoreError::Unavailable("refused".into())));
    let answer = Running::over(fake).get("/api/v1/me").await;
    assert_eq!(answer.refusal(), refused(503, "SERVICE_UNAVAILABLE"));
    assert!(answer.header("retry-after").is_some());
    assert!(!answer.text.contains("refused"));
}

#[actix_web::test]
async fn an_equal_request_gets_the_same_bytes_again() {
    let running = Running::over(Fake::new());
    let request = |body: &serde_json::Value| {
        let request = keyed(Method::POST, "/api/v1/messages/send");
        running.call(
            request
                .insert_header(("idempotency-key", "order 17"))
                .set_json(body),
        )
    };
    let first = request(&text()).await;
    assert_eq!(
        (first.status, first.header("idempotent-replayed")),
        (201, None)
    );
    let again = request(&text()).await;
    assert_eq!(
        (again.status, again.header("idempotent-replayed")),
        (201, Some("true"))
    );
    assert_eq!(again.text, first.text);
    let mut other = text();
    other["text"] = json!("Bye");
    assert_eq!(request(&other).await.refusal(), refused(409, "CONFLICT"));
}

#[actix_web::test]
async fn a_replay_comes_before_the_subscription() {
    let fake = Fake::new();
    let replays = fake.replays.clone();
    let once = || {
        let request = keyed(Method::POST, "/api/v1/messages/send");
        request
            .insert_header(("idempotency-key", "k"))
            .set_json(text())
    };
    assert_eq!(Running::over(fake).call(once()).await.status, 201);
    let mut fake = Fake::new();
    fake.replays = replays;
    let mut held = entitlement();
    held.subscription.status = SubscriptionStatus::Expired;
    fake.holds(held);
    let running = Running::over(fake);
    assert_eq!(running.call(once()).await.status, 201);
    let fresh = running.post("/api/v1/messages/send", &text()).await;
    assert_eq!(fresh.refusal(), refused(403, "SUBSCRIPTION_INACTIVE"));
}

#[actix_web::test]
async fn a_malformed_idempotency_key_is_told_with_the_body() {
    let request = keyed(Method::POST, "/api/v1/messages/send");
    let request = request
        .insert_header(("idempotency-key", ""))
        .set_json(json!({ "type": "text" }));
    let answer = Running::over(Fake::new()).call(request).await;
    let fields: Vec<_> = answer
        .problems()
        .into_iter()
        .map(|(field, _)| field)
        .collect();
    assert_eq!(fields, ["Idempotency-Key", "instanceId", "to", "text"]);
}

#[actix_web::test]
async fn malformed_ids_in_paths_are_404() {
    let running = Running::over(Fake::new());
    for path in [
        "/api/v1/messages/msg-1",
        "/api/v1/instances/1",
        "/api/v1/instances/%ff/state",
    ] {
        assert_eq!(
            running.get(path).await.refusal(),
            refused(404, "NOT_FOUND"),
            "{path}"
        );
    }
}
