//! What a plan grants is one pool for the owner's personal workspace and all their teams.

use blackbox::{Client, Crew, Stack, id_of};
use serde_json::{Value, json};

use super::super::each;

/// Makes some in both workspaces until the cap, and shows that neither takes one more.
async fn fill(clients: [&Client; 3], path: &str, body: impl Fn(usize) -> Value, code: &str) {
    for (n, client) in clients.iter().enumerate() {
        let made = client.post(path, &body(n)).await;
        assert_eq!(made.status, 201, "{path}: {made:?}");
    }
    for (n, client) in clients.iter().enumerate() {
        let refused = client.post(path, &body(n + 10)).await;
        assert_eq!(refused.outcome(), (403, code), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_webhooks_and_instances_are_counted_over_all_workspaces_of_the_owner() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let second = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let caps = "UPDATE plans SET max_contact_groups = 3, max_webhook_endpoints = 3, \
         max_instances = 3 WHERE code = 'max'";
    assert_eq!(stack.sql(caps, &[]).await, 1);
    let (own, here, there) = (
        &crew.owner.console,
        crew.admin.within(&crew.team),
        crew.owner.within(&second),
    );
    let clients = [own, &here, &there];
    let named = |n| json!({ "name": format!("Name {n}") });
    let hook =
        |n| json!({ "url": format!("https://a.example.com/{n}"), "events": ["message.sent"] });
    let groups = "/api/contacts/groups";
    fill(clients, groups, named, "MAX_CONTACT_GROUPS_REACHED").await;
    let code = "MAX_WEBHOOK_ENDPOINTS_REACHED";
    fill(clients, "/api/webhooks", hook, code).await;
    fill(clients, "/api/instances", named, "MAX_INSTANCES_REACHED").await;
    // The admin's own allowances are untouched.
    let own = &crew.admin.console;
    assert_eq!(own.post(groups, &named(0)).await.status, 201);
    assert_eq!(own.post("/api/webhooks", &hook(0)).await.status, 201);
    assert_eq!(own.post("/api/instances", &named(0)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_team_gives_back_what_it_held() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let caps = "UPDATE plans SET max_contact_groups = 1, max_webhook_endpoints = 1 \
         WHERE code = 'max'";
    assert_eq!(stack.sql(caps, &[]).await, 1);
    let here = crew.owner.within(&crew.team);
    let named = json!({ "name": "Shop" });
    let hook = json!({ "url": "https://a.example.com/", "events": ["message.sent"] });
    for client in [&here, &crew.owner.console] {
        for (path, body) in [("/api/contacts/groups", &named), ("/api/webhooks", &hook)] {
            blackbox::eventually("there is room", async || {
                let made = client.post(path, body).await;
                (made.status == 201).then_some(())
            })
            .await;
        }
        let gone = crew.owner.console.delete(&crew.path("")).await;
        assert!(matches!(gone.status, 204 | 404), "{gone:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_in_a_team_is_all_that_the_owner_used() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let program = crew.program(&stack).await;
    let mine = crew
        .owner
        .account
        .client
        .text(&instance, "+33612345678", "Hi");
    crew.owner
        .account
        .client
        .wait_message(&mine.await, "read")
        .await;
    let ours = program.text(&instance, "+33612345679", "Hi").await;
    program.wait_message(&ours, "read").await;
    let counters = async |client: &Client| {
        let here = client.get("/api/workspace/current").await;
        let usage = &here.data()["usage"];
        (
            usage["messagesCount"].as_u64(),
            usage["activeApiKeysCount"].as_u64(),
        )
    };
    for person in [&crew.owner, &crew.admin, &crew.collaborator] {
        let there = counters(&person.within(&crew.team)).await;
        assert_eq!(there, (Some(2), Some(2)));
    }
    assert_eq!(counters(&crew.owner.console).await, (Some(2), Some(2)));
    assert_eq!(counters(&crew.admin.console).await, (Some(0), Some(1)));
    // Requests with the team's key count on the owner too.
    let before = crew.owner.account.usage().await["apiRequestsCount"].as_u64();
    program.get("/api/v1/contacts").await;
    let after = crew.owner.account.usage().await["apiRequestsCount"].as_u64();
    assert_eq!(
        after,
        before.map(|it| it + 2),
        "that one, and asking itself"
    );
    let keys = crew.admin.within(&crew.team).get("/api/api-keys").await;
    assert_eq!(each(keys.data(), "kind"), ["team"]);
}
