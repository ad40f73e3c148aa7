//! What a plan may lack. Gates read the plan's row, never its code.

use blackbox::Stack;
use serde_json::json;

use super::text;

const HOOKS: &str = "/api/v1/webhooks";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_webhooks_reads_and_deletes_but_makes_none() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let body = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let made = account.client.post(HOOKS, &body).await;
    assert_eq!(made.status, 201, "free has three");
    for lack in [
        "feature_webhooks = false",
        "feature_webhooks = true, max_webhook_endpoints = 0",
    ] {
        stack
            .sql(&format!("UPDATE plans SET {lack} WHERE code = 'free'"), &[])
            .await;
        let reply = account.client.post(HOOKS, &body).await;
        assert_eq!(
            reply.outcome(),
            (403, "WEBHOOKS_NOT_AVAILABLE_ON_PLAN"),
            "{lack}"
        );
        assert_eq!(
            account
                .client
                .get(HOOKS)
                .await
                .data()
                .as_array()
                .map(Vec::len),
            Some(1),
            "{lack}"
        );
    }
    let path = format!("{HOOKS}/{}", made.data()["id"].as_str().expect("an id"));
    assert_eq!(account.client.delete(&path).await.status, 200);
    stack
        .sql(
            "UPDATE plans SET max_webhook_endpoints = NULL WHERE code = 'free'",
            &[],
        )
        .await;
    for _ in 0..5 {
        assert_eq!(
            account.client.post(HOOKS, &body).await.status,
            201,
            "null is unlimited"
        );
    }
    let usage = account.client.get("/api/v1/usage").await;
    assert_eq!(usage.data()["limits"]["maxWebhookEndpoints"], json!(null));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_voice_notes_sends_everything_else() {
    let stack = Stack::start().await;
    stack
        .sql("UPDATE plans SET feature_voice_notes = false", &[])
        .await;
    let account = stack.account("max").await;
    let instance = account.instance(&stack).await.id.to_string();
    let media = |kind: &str| {
        json!({
            "instanceId": instance, "to": "+33612345678", "type": kind,
            "mediaUrl": "https://files.example.com/a.ogg", "scheduledAt": "2020-01-01T00:00:00Z",
        })
    };
    let path = "/api/v1/messages/schedule";
    let refused = account.client.post(path, &media("voice_note")).await;
    assert_eq!(refused.outcome(), (403, "FEATURE_NOT_AVAILABLE_ON_PLAN"));
    assert_eq!(account.client.post(path, &media("audio")).await.status, 201);
    let count = stack.count("SELECT count(*) FROM messages", &[]).await;
    assert_eq!(count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owners_plan_holds_in_teams_and_retired_plans_keep_their_rows() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let retire = "UPDATE subscriptions SET plan_id = (SELECT id FROM plans WHERE code = 'starter')";
    stack.sql(retire, &[]).await;
    let usage = account.client.get("/api/v1/usage").await;
    assert_eq!(
        usage.data()["plan"],
        json!({ "code": "starter", "name": "Starter" })
    );
    assert_eq!(usage.data()["limits"]["maxWebhookEndpoints"], 3);
    let offered = account.client.get("/api/v1/billing/plans").await;
    assert!(
        !offered.text.contains("starter"),
        "retired plans are not on offer"
    );
    let body = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    for _ in 0..3 {
        assert_eq!(team.client.post(HOOKS, &body).await.status, 201);
    }
    let reply = team.client.post(HOOKS, &body).await;
    assert_eq!(
        reply.outcome(),
        (403, "MAX_WEBHOOK_ENDPOINTS_REACHED"),
        "the owner's cap"
    );
    stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    assert_eq!(
        team.client.post(HOOKS, &body).await.outcome(),
        (403, "SUBSCRIPTION_INACTIVE")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unlimited_quota_is_null_and_never_ends() {
    let stack = Stack::start().await;
    let free = "UPDATE plans SET monthly_outbound_quota = NULL, monthly_api_request_quota = NULL";
    stack.sql(free, &[]).await;
    let account = stack.account("free").await;
    let instance = account.instance(&stack).await.id.to_string();
    let reply = account
        .client
        .post("/api/v1/messages/send", &text(&instance, "+33612345678"))
        .await;
    assert_eq!(reply.status, 201);
    let usage = account.client.get("/api/v1/usage").await;
    assert_eq!(usage.data()["limits"]["monthlyOutboundQuota"], json!(null));
    assert_eq!(
        usage.data()["limits"]["monthlyApiRequestQuota"],
        json!(null)
    );
}
