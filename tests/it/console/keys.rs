//! API keys as people manage them.

use blackbox::{Crew, Stack};
use serde_json::json;

use super::stack;

const KEYS: &str = "/api/api-keys";

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_never_pass_the_cap_of_the_plan() {
    let stack = stack().await;
    // Five keys on this plan; the account came with one.
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let tries = (0..20).map(|n| {
        let client = client.clone();
        async move {
            client
                .post(KEYS, &json!({ "name": format!("Key {n}") }))
                .await
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let made = answers.iter().filter(|it| it.status == 201).count();
    let refused = answers
        .iter()
        .filter(|it| it.outcome() == (403, "MAX_API_KEYS_REACHED"))
        .count();
    assert_eq!((made, refused), (4, 16));
    assert_eq!(
        client.get(KEYS).await.data().as_array().map(Vec::len),
        Some(5)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_shown_once_counted_revoked_and_then_opens_nothing() {
    let stack = stack().await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let made = client.post(KEYS, &json!({ "name": " CRM " })).await;
    assert_eq!(made.status, 201, "{made:?}");
    let secret = made.data()["secret"].as_str().expect("shown").to_owned();
    let id = made.data()["id"].as_str().expect("an id").to_owned();
    assert_eq!(made.data()["name"], "CRM");
    assert_eq!(made.data()["kind"], "personal");
    assert!(secret.starts_with(made.data()["keyPrefix"].as_str().expect("a prefix")));
    let listed = client.get(KEYS).await;
    assert!(!listed.text.contains(&secret));
    let program = stack.client(&secret);
    for _ in 0..3 {
        assert_eq!(program.get("/api/v1/me").await.status, 200);
    }
    let revoked = client.delete(&format!("{KEYS}/{id}")).await;
    assert_eq!(*revoked.data(), json!({ "success": true }));
    assert_eq!(
        program.get("/api/v1/me").await.outcome(),
        (401, "UNAUTHORIZED")
    );
    let again = client.delete(&format!("{KEYS}/{id}")).await;
    assert_eq!(again.outcome(), (404, "NOT_FOUND"));
    assert!(!client.get(KEYS).await.text.contains(&id));
    let used = blackbox::eventually("the requests are counted", async || {
        let usage = client.get(&format!("{KEYS}/usage")).await;
        let keys = usage.data()["apiKeys"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        keys.into_iter()
            .find(|it| it["id"] == id.as_str() && it["requestCount"] == 3)
    })
    .await;
    assert!(used["revokedAt"].is_string() && used["lastRequestAt"].is_string());
    let before = client.get(&format!("{KEYS}/usage?periodKey=2020-01")).await;
    assert_eq!(before.data()["totalRequests"], 0);
    assert_eq!(before.data()["periodKey"], "2020-01");
    let bad = client.get(&format!("{KEYS}/usage?periodKey=may")).await;
    assert_eq!(
        (bad.outcome(), bad.fields()),
        ((400, "VALIDATION_ERROR"), vec!["periodKey"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_are_not_found_and_names_have_limits() {
    let stack = stack().await;
    let (one, other) = (stack.account("pro").await, stack.account("pro").await);
    let client = one.signed_in(&stack).await;
    let theirs = client.delete(&format!("{KEYS}/{}", other.key_id)).await;
    assert_eq!(theirs.outcome(), (404, "NOT_FOUND"));
    assert_eq!(other.client.get("/api/v1/me").await.status, 200);
    let nonsense = client.delete(&format!("{KEYS}/nonsense")).await;
    assert_eq!(nonsense.outcome(), (404, "NOT_FOUND"));
    for name in [json!(""), json!("x".repeat(101)), json!(null), json!(7)] {
        let refused = client.post(KEYS, &json!({ "name": name })).await;
        assert_eq!(refused.fields(), ["name"], "{name}");
    }
    let free = stack.account("free").await;
    let full = free
        .signed_in(&stack)
        .await
        .post(KEYS, &json!({ "name": "One more" }))
        .await;
    assert_eq!(full.outcome(), (403, "MAX_API_KEYS_REACHED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_keys_refuses_them_by_every_path() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let none = "UPDATE plans SET max_api_keys = 0 WHERE code = 'pro'";
    assert_eq!(stack.sql(none, &[]).await, 1);
    let name = json!({ "name": "CRM" });
    // The owner's plan decides in the team, whoever asks.
    let (owner, admin) = (&crew.owner.console, &crew.admin.console);
    let by_path = crew.path("/api-keys");
    for (client, path) in [
        (owner, KEYS),
        (&crew.owner.within(&crew.team), KEYS),
        (&crew.admin.within(&crew.team), KEYS),
        (owner, by_path.as_str()),
        (admin, by_path.as_str()),
    ] {
        let refused = client.post(path, &name).await;
        let expected = (403, "API_KEYS_NOT_AVAILABLE_ON_PLAN");
        assert_eq!(refused.outcome(), expected, "{path}: {refused:?}");
    }
    let made = "SELECT count(*) FROM api_keys WHERE name = 'CRM'";
    assert_eq!(stack.count(made, &[]).await, 0);
}
