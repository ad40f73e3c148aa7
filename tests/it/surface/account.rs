//! `/api/v1/me` and the usage reads.

use blackbox::{Stack, eventually};
use serde_json::{Value, json};

use super::text;

#[tokio::test(flavor = "multi_thread")]
async fn me_shows_the_person_and_nothing_secret() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let reply = account.client.get("/api/v1/me").await;
    let data = reply.data();
    let mut names: Vec<_> = data
        .as_object()
        .expect("members")
        .keys()
        .map(String::as_str)
        .collect();
    names.sort_unstable();
    let published = [
        "avatarUrl",
        "createdAt",
        "displayName",
        "email",
        "fullName",
        "id",
        "phone",
        "plan",
    ];
    assert_eq!(names, published);
    assert_eq!(data["id"], account.user.to_string());
    assert_eq!(data["fullName"], "Test User");
    assert_eq!(data["plan"], "pro");
    assert_eq!(
        (&data["phone"], &data["displayName"], &data["avatarUrl"]),
        (&Value::Null, &Value::Null, &Value::Null)
    );
    let change = "UPDATE users SET phone = '+33611112222', display_name = 'Ada', avatar_url = 'https://a.example/x'";
    stack.sql(change, &[]).await;
    let data = account.client.get("/api/v1/me").await.json["data"].clone();
    assert_eq!(
        (&data["phone"], &data["displayName"], &data["avatarUrl"]),
        (
            &json!("+33611112222"),
            &json!("Ada"),
            &json!("https://a.example/x")
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn both_usage_routes_answer_one_object() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let one = account.client.get("/api/v1/usage").await;
    let other = account.client.get("/api/v1/billing/usage").await;
    let mut expected = one.json.clone();
    expected["data"]["usage"]["apiRequestsCount"] = json!(2);
    assert_eq!(one.data()["usage"]["apiRequestsCount"], 1);
    assert_eq!(other.json, expected, "the same but for the call itself");
    let data = one.data();
    assert_eq!(data["plan"], json!({ "code": "pro", "name": "Pro" }));
    assert_eq!(
        data["limits"],
        json!({
            "maxInstances": 5, "maxApiKeys": 5, "maxWebhookEndpoints": 15, "maxContactGroups": 50,
            "monthlyOutboundQuota": 50_000, "monthlyApiRequestQuota": 150_000,
            "maxTeams": 2, "maxSeatsPerTeam": 4,
        })
    );
    assert_eq!(
        data["features"],
        json!({
            "campaigns": true, "statuses": true, "voiceNotes": true, "webhooks": true, "numberLookups": true,
        })
    );
    let start = data["period"]["start"].as_str().expect("a date");
    let end = data["period"]["end"].as_str().expect("a date");
    assert!(
        start.ends_with("-01T00:00:00.000Z") && end.ends_with("T23:59:59.999Z"),
        "{start} {end}"
    );
    assert_eq!(start[..7], end[..7], "one calendar month");
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_counts_what_happened_in_every_workspace_of_the_owner() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let instance = account.connected(&stack).await;
    account.instance(&stack).await;
    let body = text(&instance.id.to_string(), "+33612345678");
    let mine = account.client.post("/api/v1/messages/send", &body).await;
    let ours = team
        .client
        .post(
            "/api/v1/messages/send",
            &text(&instance.id.to_string(), "+33612345679"),
        )
        .await;
    assert_eq!((mine.status, ours.status), (201, 201), "{mine:?} {ours:?}");
    let usage = eventually("both messages count", async || {
        let usage = account.client.get("/api/v1/usage").await.json["data"]["usage"].clone();
        (usage["messagesCount"] == 2).then_some(usage)
    })
    .await;
    assert_eq!(usage["statusesCount"], 0);
    assert_eq!(usage["effectiveOutboundUsage"], 2);
    assert_eq!(usage["activeInstancesCount"], 2);
    assert_eq!(
        usage["activeApiKeysCount"], 2,
        "one pool for personal and team keys"
    );
    assert_eq!(usage.as_object().map(serde_json::Map::len), Some(6));
    assert_eq!(ours.data()["teamId"], team.team.to_string());
    assert_eq!(ours.data()["userId"], account.user.to_string());
    assert_eq!(ours.data()["actingUserId"], account.user.to_string());
}
