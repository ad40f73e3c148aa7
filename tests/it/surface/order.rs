//! Which refusal wins. Every request here breaks a check and the next one, and is told the former.

use blackbox::{Account, Client, Reply, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use super::{NOBODY, text, with};

const SEND: &str = "/api/v1/messages/send";
const HOOKS: &str = "/api/v1/webhooks";

/// Changes the plan everybody in this test is on.
async fn plan(stack: &Stack, change: &str) {
    let changed = stack
        .sql(
            &format!("UPDATE plans SET {change} WHERE code = 'pro'"),
            &[],
        )
        .await;
    assert_eq!(changed, 1);
}

async fn expire(stack: &Stack, account: &Account) {
    let expire = "UPDATE subscriptions SET status = 'expired' WHERE account_id = $1";
    stack.sql(expire, &[&account.user.uuid()]).await;
}

fn told(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.outcome(), (status, code), "{reply:?}");
}

fn large() -> Vec<u8> {
    let mut body = b"{\"text\":\"".to_vec();
    body.resize(1_100_000, b'a');
    body
}

fn voice(instance: &str, to: &str) -> Value {
    let url = "https://files.example.com/a.ogg";
    json!({ "instanceId": instance, "to": to, "type": "voice_note", "mediaUrl": url })
}

#[tokio::test(flavor = "multi_thread")]
async fn routing_comes_before_the_key_and_the_key_before_its_header() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let nobody = stack.client("msgf_live_x");
    let wrong = nobody
        .call(Method::PUT, SEND, Some(large()), "text/plain")
        .await;
    told(&wrong, 405, "METHOD_NOT_ALLOWED");
    told(
        &nobody.post_raw("/api/v1/nothing", "{", "text/plain").await,
        404,
        "NOT_FOUND",
    );
    // A bad key with a header that a good one must not have.
    told(
        &nobody.header("X-Team-Id", NOBODY).get("/api/v1/me").await,
        401,
        "UNAUTHORIZED",
    );
    // A team's key without its team, where it would not be allowed either.
    told(
        &stack.client(&team.key).get("/api/v1/me").await,
        401,
        "UNAUTHORIZED",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_of_key_rate_and_quota_come_in_turn() {
    let stack = Stack::with(&[("rate_limit_per_second", "1")]).await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let exhaust = async |client: &Client, path: &str| {
        // Windows slide, so a slow machine may need more than two calls.
        blackbox::eventually("the window is full", async || {
            let reply = client.get(path).await;
            (reply.outcome() == (429, "API_RATE_LIMIT_EXCEEDED")).then_some(())
        })
        .await;
    };
    // Header before rate: the same key, in the same second.
    exhaust(&account.client, "/api/v1/instances").await;
    let reply = account
        .client
        .header("X-Team-Id", NOBODY)
        .get("/api/v1/instances")
        .await;
    told(&reply, 403, "TEAM_KEY_REQUIRED");
    // Rate before the route's kind of key.
    exhaust(&team.client, "/api/v1/me").await;
    // Rate before the monthly quota.
    plan(&stack, "monthly_api_request_quota = 0").await;
    exhaust(&account.client, "/api/v1/instances").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kind_of_key_comes_before_the_quota_and_the_quota_before_a_replay() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let instance = account.instance(&stack).await.id.to_string();
    let once = account.client.header("Idempotency-Key", "order 17");
    let body = text(&instance, "+33612345678");
    assert_eq!(once.post(SEND, &body).await.status, 201);
    plan(&stack, "monthly_api_request_quota = 0").await;
    told(
        &team.client.get("/api/v1/me").await,
        403,
        "TEAM_KEY_NOT_ALLOWED",
    );
    told(
        &once.post(SEND, &body).await,
        429,
        "MONTHLY_API_REQUEST_QUOTA_EXCEEDED",
    );
    expire(&stack, &account).await;
    told(
        &once.post(SEND, &body).await,
        429,
        "MONTHLY_API_REQUEST_QUOTA_EXCEEDED",
    );
    plan(&stack, "monthly_api_request_quota = 1000").await;
    let replayed = once.post(SEND, &body).await;
    assert_eq!(
        (replayed.status, replayed.header("idempotent-replayed")),
        (201, "true")
    );
    // A key used with another body is a matter of the replay too.
    let other = text(&instance, "+33612345679");
    told(&once.post(SEND, &other).await, 409, "CONFLICT");
    told(
        &account.client.post(SEND, &other).await,
        403,
        "SUBSCRIPTION_INACTIVE",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spent_quota_refuses_the_reads_that_tell_of_it_too() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    plan(&stack, "monthly_api_request_quota = 1").await;
    assert_eq!(account.client.get("/api/v1/usage").await.status, 200);
    for path in [
        "/api/v1/usage",
        "/api/v1/me",
        "/api/v1/billing/plans",
        "/api/v1/billing/subscription",
        "/api/v1/billing/usage",
        "/api/v1/billing/payments",
    ] {
        let refused = account.client.get(path).await;
        told(&refused, 429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn subscription_plan_and_shape_come_in_turn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    plan(&stack, "feature_webhooks = false").await;
    told(
        &client.post_raw(HOOKS, large(), "text/plain").await,
        403,
        "WEBHOOKS_NOT_AVAILABLE_ON_PLAN",
    );
    expire(&stack, &account).await;
    told(
        &client.post_raw(HOOKS, large(), "text/plain").await,
        403,
        "SUBSCRIPTION_INACTIVE",
    );
    for path in [SEND, "/api/v1/messages/schedule"] {
        told(
            &client.post_raw(path, "{", "application/json").await,
            403,
            "SUBSCRIPTION_INACTIVE",
        );
    }
    let back = "UPDATE subscriptions SET status = 'active'";
    stack.sql(back, &[]).await;
    plan(&stack, "feature_webhooks = true").await;
    for path in [SEND, "/api/v1/messages/schedule", HOOKS] {
        told(
            &client.post_raw(path, large(), "text/plain").await,
            413,
            "PAYLOAD_TOO_LARGE",
        );
        told(
            &client.post_raw(path, "{", "text/plain").await,
            415,
            "UNSUPPORTED_MEDIA_TYPE",
        );
        told(
            &client.post_raw(path, "{\"to\":", "application/json").await,
            400,
            "BAD_REQUEST",
        );
        told(
            &client.post(path, &json!({})).await,
            400,
            "VALIDATION_ERROR",
        );
    }
    // The shape comes before the cap.
    plan(&stack, "max_webhook_endpoints = 1").await;
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    assert_eq!(client.post(HOOKS, &hook).await.status, 201);
    told(
        &client
            .post(HOOKS, &with(hook.clone(), &json!({ "events": [] })))
            .await,
        400,
        "VALIDATION_ERROR",
    );
    told(
        &client.post(HOOKS, &hook).await,
        403,
        "MAX_WEBHOOK_ENDPOINTS_REACHED",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_needs_is_checked_in_turn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.instance(&stack).await.id;
    let known = instance.to_string();
    plan(
        &stack,
        "feature_voice_notes = false, monthly_outbound_quota = 0",
    )
    .await;
    let suspend = "UPDATE instances SET status = $1, is_business = $2 WHERE id = $3";
    stack
        .sql(suspend, &[&"suspended", &false, &instance.uuid()])
        .await;
    let buttons = json!({
        "instanceId": known, "to": "0612", "type": "buttons", "title": "A", "description": "B",
        "buttons": [{ "type": "reply", "displayText": "Yes", "id": "yes" }],
    });
    for path in [SEND, "/api/v1/messages/schedule"] {
        let ask = async |body: Value| {
            let at = json!({ "scheduledAt": "2099-01-01T00:00:00Z" });
            let soon = json!({ "scheduledAt": "2020-01-01T00:00:00Z" });
            let body = if path == SEND || body["scheduledAt"] == at["scheduledAt"] {
                body
            } else {
                with(body, &soon)
            };
            client.post(path, &body).await
        };
        told(&ask(voice(NOBODY, "")).await, 400, "VALIDATION_ERROR");
        told(
            &ask(voice(NOBODY, "0612")).await,
            403,
            "FEATURE_NOT_AVAILABLE_ON_PLAN",
        );
        let stranger = json!({ "contactId": NOBODY });
        told(
            &ask(with(text(&known, "0612"), &stranger)).await,
            404,
            "NOT_FOUND",
        );
        told(&ask(buttons.clone()).await, 403, "FORBIDDEN");
        told(&ask(text(&known, "0612")).await, 403, "FORBIDDEN");
    }
    stack
        .sql(suspend, &[&"disconnected", &false, &instance.uuid()])
        .await;
    told(
        &client.post(SEND, &buttons).await,
        403,
        "UNSUPPORTED_FEATURE",
    );
    told(
        &client.post(SEND, &text(&known, "0612")).await,
        422,
        "INVALID_DESTINATION",
    );
    told(
        &client.post(SEND, &text(&known, "+33612345678")).await,
        429,
        "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
    );
    let counted = stack.count("SELECT count(*) FROM messages", &[]).await;
    assert_eq!(counted, 0, "nothing is written by a refusal");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_passes_the_quota_counts_whatever_follows() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let client = &account.client;
    let used = async || {
        let reply = client.get("/api/v1/usage").await;
        reply.data()["usage"]["apiRequestsCount"]
            .as_i64()
            .expect("a number")
    };
    let mut before = used().await;
    assert_eq!(before, 1, "reading the usage counts itself");
    let mut claim = async |what: &str, cost: i64| {
        let after = used().await;
        assert_eq!(after - before, cost + 1, "{what}");
        before = after;
    };
    assert_eq!(client.get("/api/v1/messages/nonsense").await.status, 404);
    claim("not found", 1).await;
    assert_eq!(client.post(SEND, &json!({})).await.status, 400);
    claim("invalid", 1).await;
    assert_eq!(
        client.post_raw(SEND, large(), "text/plain").await.status,
        413
    );
    claim("too large", 1).await;
    assert_eq!(team.client.get("/api/v1/instances").await.status, 200);
    claim("by the team's key, charged to the owner", 1).await;
    assert_eq!(client.get("/api/v1/nothing").await.status, 404);
    assert_eq!(client.delete("/api/v1/me").await.status, 405);
    claim("routing", 0).await;
    assert_eq!(
        client
            .header("X-Team-Id", NOBODY)
            .get("/api/v1/me")
            .await
            .status,
        403
    );
    assert_eq!(team.client.get("/api/v1/me").await.status, 403);
    assert_eq!(
        stack.client("msgf_live_x").get("/api/v1/me").await.status,
        401
    );
    claim("refused before", 0).await;
    expire(&stack, &account).await;
    assert_eq!(client.post(SEND, &json!({})).await.status, 403);
    claim("no subscription", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_calls_do_not_count_and_the_quota_is_exact() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    plan(&stack, "monthly_api_request_quota = 5").await;
    let calls = (0..20).map(|_| {
        let client = account.client.clone();
        tokio::spawn(async move { client.get("/api/v1/instances").await })
    });
    let calls: Vec<_> = calls.collect();
    let mut passed = 0;
    for call in calls {
        let reply = call.await.expect("no panic");
        if reply.status == 200 {
            passed += 1;
            continue;
        }
        told(&reply, 429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED");
        let wait: u64 = reply.header("retry-after").parse().expect("seconds");
        assert!(wait <= 31 * 86_400, "until the next month: {wait}");
    }
    assert_eq!(passed, 5);
    plan(&stack, "monthly_api_request_quota = 100").await;
    let reply = account.client.get("/api/v1/usage").await;
    assert_eq!(reply.data()["usage"]["apiRequestsCount"], 6);
}
