//! What both surfaces offer is one thing with two doors.

use blackbox::id_of;
use reqwest::Method;
use serde_json::{Value, json};

use super::stack;

/// Every console route that needs a session, from the document the server shows.
async fn routes(stack: &blackbox::Stack) -> Vec<(Method, String)> {
    let document = stack.anonymous().get("/openapi.json").await.json;
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            let is_console = !path.starts_with("/api/v1/");
            if is_console && operation["security"].to_string().contains("session") {
                let method = method.to_uppercase().parse().expect("a method");
                routes.push((method, path.clone()));
            }
        }
    }
    assert!(routes.len() > 50, "{}", routes.len());
    routes
}

fn filled(path: &str, id: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_answers_without_a_session_or_in_a_team_of_others() {
    let stack = stack().await;
    let account = stack.account("max").await;
    let other = stack.account("max").await;
    let team = other.team(&stack).await;
    let client = account.signed_in(&stack).await;
    let id = "0197b3c0-1111-7000-8000-00000000dead";
    for (method, path) in routes(&stack).await {
        let target = filled(&path, id);
        let reply = stack
            .anonymous()
            .call(method.clone(), &target, None, "")
            .await;
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{method} {path}");
        // These are about the person, or name their team in the path.
        let elsewhere = ["/api/auth/", "/api/teams", "/api/notifications"];
        if elsewhere.iter().any(|it| path.starts_with(it)) {
            continue;
        }
        for named in [team.team.to_string(), "nonsense".to_owned()] {
            let there = client.header("x-team-id", &named);
            let reply = there.call(method.clone(), &target, None, "").await;
            assert_eq!(reply.outcome(), (404, "TEAM_NOT_FOUND"), "{method} {path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_of_others_are_not_found_on_any_route() {
    let stack = stack().await;
    let (account, other) = (stack.account("max").await, stack.account("max").await);
    let theirs = other.signed_in(&stack).await;
    let contact = json!({ "name": "Lina", "phone": "+33698765432" });
    let template = json!({ "name": "Hello", "type": "text", "body": "Hi" });
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let instance = other.instance(&stack).await.id.to_string();
    let mut ids = vec![instance.clone(), other.key_id.clone()];
    for (path, body) in [
        ("/api/contacts", contact),
        ("/api/contacts/groups", json!({ "name": "Shop" })),
        ("/api/templates", template),
        ("/api/webhooks", hook),
        (
            "/api/messages/send",
            json!({ "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi" }),
        ),
    ] {
        let made = theirs.post(path, &body).await;
        assert_eq!(made.status, 201, "{path}: {made:?}");
        ids.push(id_of(made.data()));
    }
    let client = account.signed_in(&stack).await;
    for (method, path) in routes(&stack).await {
        // An invitation is known to whom it was sent to, not by where it is.
        if !path.contains('{') || path.ends_with("/decline") {
            continue;
        }
        for id in &ids {
            let target = filled(&path, id);
            let reply = client
                .call(
                    method.clone(),
                    &target,
                    Some(b"{}".to_vec()),
                    "application/json",
                )
                .await;
            let missing = reply.status == 404 && reply.code().ends_with("NOT_FOUND");
            // A body is looked at before what a path names.
            let invalid = reply.outcome() == (400, "VALIDATION_ERROR");
            assert!(missing || invalid, "{method} {target}: {reply:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_at_one_door_is_there_at_the_other() {
    let stack = stack().await;
    let account = stack.account("max").await;
    let client = account.signed_in(&stack).await;
    let instance = account.connected(&stack).await;
    let contact = client
        .post(
            "/api/contacts",
            &json!({ "name": "Lina", "phone": "+33698765432" }),
        )
        .await;
    assert_eq!(contact.status, 201, "{contact:?}");
    let id = id_of(contact.data());
    let public = account.client.get(&format!("/api/v1/contacts/{id}")).await;
    assert_eq!(public.data(), contact.data());
    let send = json!({
        "instanceId": instance.id.to_string(), "to": "+33612345678", "type": "text", "text": "Hi",
    });
    let now = client.post("/api/messages/send", &send).await;
    assert_eq!(
        (now.status, &now.data()["scheduledAt"]),
        (201, &Value::Null),
        "{now:?}"
    );
    let mut later = send.clone();
    later["scheduledAt"] = json!("2099-01-01T00:00:00Z");
    let far = client.post("/api/messages/send", &later).await;
    assert_eq!(far.fields(), ["scheduledAt"], "more than a year ahead");
    let path = format!("/api/messages/{}", id_of(now.data()));
    blackbox::eventually("it is on its way", async || {
        let message = client.get(&path).await;
        (message.data()["status"] == "read").then_some(())
    })
    .await;
    let listed = client.get("/api/messages").await;
    let there = account.client.get("/api/v1/messages").await;
    assert_eq!(listed.data()["messages"], there.data()["messages"]);
    let gone = client
        .delete_with("/api/contacts/bulk", &json!({ "contactIds": [id] }))
        .await;
    assert_eq!(
        (&gone.data()["deleted"], &gone.data()["deletedCount"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(public_status(&account.client, &id).await, 404);
}

async fn public_status(client: &blackbox::Client, id: &str) -> u16 {
    client.get(&format!("/api/v1/contacts/{id}")).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_workspace_tells_what_its_plan_grants() {
    let stack = stack().await;
    let account = stack.account("pro").await;
    let client = account.signed_in(&stack).await;
    let here = client.get("/api/workspace/current").await;
    let data = here.data();
    assert_eq!(data["kind"], "personal");
    assert_eq!(data["team"], Value::Null);
    assert_eq!(data["viewer"], data["owner"]);
    assert_eq!(data["viewer"]["email"], account.email.as_str());
    assert_eq!(data["plan"]["code"], "pro");
    assert_eq!(data["limits"]["maxApiKeys"], 5);
    assert_eq!(data["usage"]["activeApiKeysCount"], 1);
    let may = &data["capabilities"];
    for able in [
        "canSendMessages",
        "canUseWebhooks",
        "canMutateBilling",
        "canManageApiKeys",
    ] {
        assert_eq!(may[able], true, "{able}");
    }
    assert_eq!(may["isRestrictedCollaborator"], false);
    let counters = client.get("/api/usage").await;
    assert_eq!(counters.data(), &data["usage"]);
    let open = stack.anonymous().get("/api/billing/plans").await;
    assert_eq!(open.status, 200, "{open:?}");
    let mine = client.get("/api/subscriptions/me").await;
    let same = client.get("/api/billing/subscription").await;
    assert_eq!(mine.data()["subscription"], same.data()["subscription"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_may_call_from_the_portal_and_from_nowhere_else() {
    let stack = stack().await;
    let preflight = |origin: &str| {
        stack
            .anonymous()
            .header("origin", origin)
            .header("access-control-request-method", "PATCH")
            .header(
                "access-control-request-headers",
                "authorization,content-type,x-team-id",
            )
    };
    let portal = preflight("https://app.shop.test");
    let allowed = portal.raw(Method::OPTIONS, "/api/auth/me").await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.shop.test"
    );
    let other = preflight("https://evil.test")
        .raw(Method::OPTIONS, "/api/auth/me")
        .await;
    assert_eq!(other.header("access-control-allow-origin"), "");
    let answer = stack.anonymous().get("/api/billing/plans").await;
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("cache-control"), "no-store");
}
