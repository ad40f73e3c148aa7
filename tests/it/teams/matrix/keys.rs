//! Programs with keys: what a team's key reaches, and where keys and header do not go together.

use blackbox::{Client, Crew, Stack};

use super::super::NOBODY;
use super::{call, filled, operations};

const PERSONAL: [&str; 5] = [
    "/api/v1/me",
    "/api/v1/usage",
    "/api/v1/billing/subscription",
    "/api/v1/billing/usage",
    "/api/v1/billing/payments",
];

async fn public(stack: &Stack) -> Vec<(String, String)> {
    let all = operations(stack, "apiKey").await.into_iter();
    let all: Vec<_> = all
        .filter(|(_, path)| path.starts_with("/api/v1/"))
        .collect();
    assert!(all.len() > 40, "{}", all.len());
    all
}

/// Every route lets the team in, or says that it is for persons.
async fn opens_the_team(stack: &Stack, program: &Client) {
    for (method, path) in public(stack).await {
        let target = filled(&path, NOBODY, NOBODY);
        let body = (method != "GET").then_some(&b"{}"[..]);
        let reply = call(program, &method, &target, body).await;
        let at = format!("{method} {path}: {reply:?}");
        if PERSONAL.contains(&path.as_str()) {
            assert_eq!(reply.outcome(), (403, "TEAM_KEY_NOT_ALLOWED"), "{at}");
        } else {
            let kept_out = reply.status == 401
                || reply.code().starts_with("TEAM_")
                || reply.code() == "INSTANCE_NOT_ASSIGNED";
            assert!(!kept_out && reply.status < 500, "{at}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_key_opens_every_workspace_route_whatever_became_of_who_made_it() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let instance = crew.owner.account.instance(&stack).await.id;
    let key = crew.admin.team_key(&crew.team).await;
    let secret = key["secret"].as_str().expect("shown once");
    let program = stack.client(secret).header("x-team-id", &crew.team);
    opens_the_team(&stack, &program).await;
    crew.remove(&crew.admin).await;
    opens_the_team(&stack, &program).await;
    // It reaches every instance of the owner.
    let path = format!("/api/v1/instances/{instance}");
    assert_eq!(program.get(&path).await.status, 200);
    let listed = crew.owner.within(&crew.team).get("/api/api-keys").await;
    assert_eq!(listed.data()[0]["id"], key["id"], "it stays with the team");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_key_with_a_header_opens_no_route_at_all() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    for person in [&crew.owner, &crew.admin] {
        let client = person.account.client.header("x-team-id", &crew.team);
        for (method, path) in public(&stack).await {
            let target = filled(&path, NOBODY, NOBODY);
            let reply = call(&client, &method, &target, None).await;
            assert_eq!(
                reply.outcome(),
                (403, "TEAM_KEY_REQUIRED"),
                "{method} {path}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_teams_key_without_its_own_team_is_a_bad_key_on_every_route() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let other = crew.owner.found("B", &[("a@b.test", "admin")]).await;
    let key = crew.owner.team_key(&crew.team).await;
    let alone = stack.client(key["secret"].as_str().expect("shown once"));
    let wrong = [
        alone.clone(),
        alone.header("x-team-id", &blackbox::id_of(&other)),
        alone.header("x-team-id", NOBODY),
        alone.header("x-team-id", "nonsense"),
    ];
    let bad = stack.client(&format!("msgf_team_{}", "0".repeat(64)));
    let bad = bad.header("x-team-id", &crew.team);
    for (method, path) in public(&stack).await {
        let target = filled(&path, NOBODY, NOBODY);
        let refused = call(&bad, &method, &target, None).await;
        assert_eq!(refused.outcome(), (401, "UNAUTHORIZED"), "{method} {path}");
        for client in &wrong {
            let reply = call(client, &method, &target, None).await;
            assert_eq!(reply.text, refused.text, "{method} {path}");
        }
    }
}
