//! Refusals, after which nothing was published and nothing is counted.

use blackbox::{Crew, Stack};
use serde_json::{Value, json};

use super::{STATUSES, Scene, asked};

async fn assert_nothing(scene: &Scene) {
    assert!(scene.stored().await.is_empty());
    assert!(asked(&scene.stack).await.is_empty());
    scene.assert_ledger(0, 0, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused_by_their_fields() {
    let scene = Scene::with(&[("allow_private_targets", "false")]).await;
    let id = scene.instance.id.to_string();
    let with = |more: Value| {
        let mut body = json!({ "instanceId": id });
        for (name, value) in more.as_object().expect("an object") {
            body[name] = value.clone();
        }
        body
    };
    for (body, fields) in [
        (json!({}), vec!["instanceId", "type"]),
        (
            with(json!({ "type": "video", "content": "x" })),
            vec!["type"],
        ),
        (
            with(json!({ "type": "text", "content": "" })),
            vec!["content"],
        ),
        (
            with(json!({ "type": "text", "content": "a\u{0}" })),
            vec!["content"],
        ),
        (
            with(json!({ "type": "text", "backgroundColor": "red" })),
            vec!["content", "backgroundColor"],
        ),
        (
            with(json!({ "type": "image", "content": "http://127.0.0.1/a.png" })),
            vec!["content"],
        ),
        (
            with(json!({ "type": "image", "content": "x", "caption": 7 })),
            vec!["caption", "content"],
        ),
    ] {
        let refused = scene.publish(&body).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{body}");
        assert_eq!(refused.fields(), fields, "{body}");
    }
    let client = &scene.account.client;
    let broken = client.post_raw(STATUSES, "{", "application/json").await;
    assert_eq!(broken.outcome(), (400, "BAD_REQUEST"));
    let form = client.post_raw(STATUSES, "a=1", "text/plain").await;
    assert_eq!(form.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(
        client.get(STATUSES).await.outcome(),
        (405, "METHOD_NOT_ALLOWED")
    );
    assert_nothing(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_publish_is_refused() {
    let scene = Scene::new().await;
    let body = scene.text("Hi");
    let set = "UPDATE instances SET status = $1";
    for (status, outcome) in [
        ("suspended", (403, "FORBIDDEN")),
        ("disconnected", (400, "BAD_REQUEST")),
        ("connecting", (400, "BAD_REQUEST")),
    ] {
        scene.stack.sql(set, &[&status]).await;
        let refused = scene.publish(&body).await;
        assert_eq!(refused.outcome(), outcome, "{status}");
    }
    scene.stack.sql(set, &[&"connected"]).await;
    let mut nobodys = body.clone();
    nobodys["instanceId"] = json!("0197b3c0-1111-7000-8000-00000000dead");
    assert_eq!(scene.publish(&nobodys).await.outcome(), (404, "NOT_FOUND"));
    let other = scene.stack.account("pro").await;
    let refused = other.client.post(STATUSES, &body).await;
    assert_eq!(refused.outcome(), (404, "NOT_FOUND"), "somebody else's");
    assert_nothing(&scene).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_row_decides_whether_there_are_statuses() {
    let scene = Scene::new().await;
    let console = scene.account.signed_in(&scene.stack).await;
    let lack = "UPDATE plans SET feature_statuses = $1 WHERE code = 'pro'";
    scene.stack.sql(lack, &[&false]).await;
    // The gate comes before the body.
    for (client, path) in [
        (&scene.account.client, STATUSES),
        (&console, "/api/statuses"),
    ] {
        let refused = client.post(path, &json!({})).await;
        assert_eq!(refused.outcome(), (403, "STATUSES_NOT_AVAILABLE_ON_PLAN"));
    }
    let seen = console.get("/api/workspace/current").await;
    assert!(
        seen.text.contains("\"canPublishStatuses\":false"),
        "{seen:?}"
    );
    assert_eq!(console.get("/api/statuses").await.status, 200);
    let ended = "UPDATE subscriptions SET status = 'expired'";
    scene.stack.sql(ended, &[]).await;
    let refused = scene.publish(&scene.text("Hi")).await;
    assert_eq!(refused.outcome(), (403, "SUBSCRIPTION_INACTIVE"));
    assert_nothing(&scene).await;

    let free = scene.stack.account("free").await;
    let refused = free.client.post(STATUSES, &scene.text("Hi")).await;
    assert_eq!(refused.outcome(), (403, "STATUSES_NOT_AVAILABLE_ON_PLAN"));
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_and_messages_share_a_month_and_its_edge_is_exact() {
    let scene = Scene::new().await;
    let message = scene
        .account
        .client
        .text(&scene.instance, "+33612345678", "Hi")
        .await;
    scene.account.client.wait_message(&message, "read").await;
    let limit = "UPDATE plans SET monthly_outbound_quota = 4 WHERE code = 'pro'";
    scene.stack.sql(limit, &[]).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..20 {
        let (client, body) = (
            scene.account.client.clone(),
            scene.text(&format!("no. {n}")),
        );
        calls.spawn(async move { client.post(STATUSES, &body).await });
    }
    let replies = calls.join_all().await;
    let (taken, refused): (Vec<_>, Vec<_>) = replies.into_iter().partition(|it| it.status == 201);
    assert_eq!((taken.len(), refused.len()), (3, 17));
    for reply in refused {
        assert_eq!(reply.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
        assert!(!reply.header("retry-after").is_empty());
    }
    assert_eq!(scene.published().await.len(), 3);
    scene.assert_ledger(4, 0, 0).await;
    let to = json!({
        "instanceId": scene.instance.id.to_string(), "to": "+33612345678", "type": "text",
        "text": "Hi",
    });
    let full = scene
        .account
        .client
        .post("/api/v1/messages/send", &to)
        .await;
    assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_publish_by_the_instances_they_may_use() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let instance = crew.owner.account.connected(&stack).await.id.to_string();
    let body = json!({ "instanceId": instance, "type": "text", "content": "Hi" });
    let path = "/api/statuses";
    let collaborator = crew.collaborator.within(&crew.team);
    let refused = collaborator.post(path, &body).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    crew.assign(&instance).await;
    let program = crew.program(&stack).await;
    for (client, path) in [
        (&collaborator, path),
        (&crew.admin.within(&crew.team), path),
        (&crew.owner.within(&crew.team), path),
        (&program, STATUSES),
    ] {
        let reply = client.post(path, &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }
    // Everybody in the team sees them, and nobody elsewhere does.
    for client in [&collaborator, &crew.owner.within(&crew.team)] {
        assert_eq!(client.get(path).await.data()["total"], 4);
    }
    assert_eq!(crew.owner.console.get(path).await.data()["total"], 0);
    crew.unassign(&instance).await;
    let refused = collaborator.post(path, &body).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    crew.remove(&crew.collaborator).await;
    let refused = collaborator.post(path, &body).await;
    assert_eq!(refused.outcome(), (404, "TEAM_NOT_FOUND"));

    let deleted = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    for (client, path) in [(&program, STATUSES), (&crew.admin.within(&crew.team), path)] {
        assert!([401, 404].contains(&client.post(path, &body).await.status));
    }
    assert_eq!(super::published(&stack).await.len(), 4);
    let owner = &crew.owner.account;
    let usage =
        "SELECT coalesce(sum(statuses), 0)::bigint FROM usage_settled WHERE account_id = $1";
    assert_eq!(stack.count(usage, &[&owner.user.uuid()]).await, 4);
}
