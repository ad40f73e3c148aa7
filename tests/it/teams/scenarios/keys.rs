//! Keys of teams, and keys of persons.

use blackbox::{Crew, Person, Stack, id_of};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn personal_keys_and_teams_do_not_mix_and_team_keys_open_their_team_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let other = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let key = crew.owner.team_key(&crew.team).await;
    assert_eq!(key["kind"], "team");
    let secret = key["secret"].as_str().expect("shown once");
    assert!(secret.starts_with("msgf_team_") && secret.len() == "msgf_team_".len() + 64);
    let route = "/api/v1/contacts";
    for named in [&crew.team, &other, "nonsense"] {
        let personal = crew.owner.account.client.header("x-team-id", named);
        let refused = personal.get(route).await;
        assert_eq!(refused.outcome(), (403, "TEAM_KEY_REQUIRED"), "{named}");
    }
    let bad = stack.client("msgf_team_0").get(route).await;
    assert_eq!(bad.outcome(), (401, "UNAUTHORIZED"));
    let alone = stack.client(secret);
    let there = alone.header("x-team-id", &crew.team);
    assert_eq!(there.get(route).await.status, 200);
    for client in [
        alone.clone(),
        alone.header("x-team-id", &other),
        alone.header("x-team-id", "nonsense"),
    ] {
        assert_eq!(client.get(route).await.text, bad.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_about_a_person_is_closed_to_a_teams_key() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let program = crew.program(&stack).await;
    let refused = program.get("/api/v1/usage").await;
    assert_eq!(refused.outcome(), (403, "TEAM_KEY_NOT_ALLOWED"));
    assert_eq!(program.get("/api/v1/billing/plans").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_of_keys_is_one_for_personal_ones_and_those_of_all_teams() {
    let stack = Stack::for_people(&[]).await;
    // One of the ten came with the account.
    let crew = Crew::gather(&stack, "max").await;
    let second = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let name = json!({ "name": "One more" });
    let personal = crew.owner.console.clone();
    let (here, there) = (crew.admin.within(&crew.team), crew.owner.within(&second));
    let direct = crew.path("/api-keys");
    for client in [&personal, &here, &there] {
        for _ in 0..3 {
            let made = client.post("/api/api-keys", &name).await;
            assert_eq!(made.status, 201, "{made:?}");
        }
    }
    for refused in [
        here.post("/api/api-keys", &name).await,
        there.post("/api/api-keys", &name).await,
        personal.post("/api/api-keys", &name).await,
        crew.admin.console.post(&direct, &name).await,
    ] {
        assert_eq!(refused.outcome(), (403, "MAX_API_KEYS_REACHED"));
    }
    let used = here.get("/api/workspace/current").await;
    assert_eq!(used.data()["usage"]["activeApiKeysCount"], 10);
    // The admin's own pool is another one: on Free there is one key, and it is taken.
    let own = crew.admin.console.get("/api/workspace/current").await;
    assert_eq!(own.data()["usage"]["activeApiKeysCount"], 1);
    // Whichever goes, there is room for any.
    let list = there.get("/api/api-keys").await;
    let gone = format!("/api/api-keys/{}", id_of(&list.data()[0]));
    assert_eq!(there.delete(&gone).await.status, 200);
    assert_eq!(personal.post("/api/api-keys", &name).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_a_team_are_the_same_through_both_doors() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let there = crew.admin.within(&crew.team);
    let made = blackbox::team::made(
        &crew
            .admin
            .console
            .post(&crew.path("/api-keys"), &json!({ "name": "CRM" }))
            .await,
        201,
    );
    let listed = there.get("/api/api-keys").await;
    let direct = crew.owner.console.get(&crew.path("/api-keys")).await;
    assert_eq!(listed.data(), direct.data());
    assert_eq!(listed.data()[0]["id"], made["id"]);
    assert_eq!(listed.data().as_array().map(Vec::len), Some(1));
    let personal = crew.owner.console.get("/api/api-keys").await;
    assert!(!personal.text.contains(&id_of(&made)), "it is the team's");
    let direct = crew.path("/api-keys/usage");
    let direct = crew.owner.console.get(&direct).await;
    let listed = there.get("/api/api-keys/usage").await;
    assert_eq!(listed.data(), direct.data());
    assert_eq!(listed.data()["apiKeys"][0]["kind"], "team");
    let gone = crew.path(&format!("/api-keys/{}", id_of(&made)));
    let personal = Person::on(&stack, "pro").await;
    let foreign = personal.console.delete(&gone).await;
    assert_eq!(foreign.outcome(), (404, "TEAM_NOT_FOUND"));
    let gone = crew.owner.console.delete(&gone).await;
    assert_eq!(*gone.data(), json!({ "success": true }));
    assert_eq!(*there.get("/api/api-keys").await.data(), json!([]));
}
