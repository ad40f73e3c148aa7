//! Which key reaches what.

use blackbox::{Client, Stack};
use reqwest::Method;
use serde_json::json;

use super::{NOBODY, PERSONAL};

const INSTANCES: &str = "/api/v1/instances";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_good_key_is_401_with_one_answer() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let good = account.key.as_str();
    let turned = format!(
        "{}{}",
        &good[..good.len() - 1],
        if good.ends_with('0') { '1' } else { '0' }
    );
    let upper = good.to_uppercase();
    let swapped = good.replace("msgf_live_", "msgf_team_");
    let bare = &good["msgf_live_".len()..];
    let long = format!("{good}0");
    let nulls = "0".repeat(10_000);
    let bad = [
        "",
        " ",
        "x",
        "msgf_live_",
        &turned,
        &upper,
        &swapped,
        bare,
        &long,
        &nulls,
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2ln",
        "Bearer abc",
        "' OR 1=1 --",
    ];
    let mut said = Vec::new();
    for key in bad {
        said.push((key.to_owned(), stack.client(key).get(INSTANCES).await));
    }
    let anonymous = stack.anonymous();
    said.push(("no key".to_owned(), anonymous.get(INSTANCES).await));
    let bearer = anonymous.header("Authorization", &format!("Bearer {good}"));
    said.push(("key as bearer".to_owned(), bearer.get(INSTANCES).await));
    let plain = anonymous.header("Authorization", good);
    said.push((
        "key as authorization".to_owned(),
        plain.get(INSTANCES).await,
    ));
    let query = anonymous
        .get(&format!("{INSTANCES}?x-api-key={good}&apiKey={good}"))
        .await;
    said.push(("key in the query".to_owned(), query));
    let team_key = stack.client(&team.key);
    said.push((
        "team key without its header".to_owned(),
        team_key.get(INSTANCES).await,
    ));
    for id in [
        "",
        NOBODY,
        "team",
        &team.team.to_string().to_uppercase().replace('-', ""),
    ] {
        let reply = team_key.header("X-Team-Id", id).get(INSTANCES).await;
        said.push((format!("team key with X-Team-Id {id:?}"), reply));
    }
    for (what, reply) in said {
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{what}: {reply:?}");
        assert_eq!(
            reply.json["error"]["message"], "API key missing, invalid, or revoked",
            "{what}"
        );
        assert_eq!(
            reply.header("ratelimit-limit"),
            "",
            "{what}: tells that the key exists"
        );
    }
    assert_eq!(account.client.get(INSTANCES).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_key_never_goes_with_a_team_header() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let own = team.team.to_string();
    for path in PERSONAL
        .into_iter()
        .chain([INSTANCES, "/api/v1/billing/plans"])
    {
        for id in [own.as_str(), NOBODY, "nonsense", ""] {
            let reply = account.client.header("X-Team-Id", id).get(path).await;
            assert_eq!(reply.outcome(), (403, "TEAM_KEY_REQUIRED"), "{path} {id:?}");
        }
        assert_eq!(account.client.get(path).await.status, 200, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_key_reaches_the_workspace_and_the_catalogue_alone() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    for path in PERSONAL {
        let reply = team.client.get(path).await;
        assert_eq!(reply.outcome(), (403, "TEAM_KEY_NOT_ALLOWED"), "{path}");
        let other = stack
            .client(&team.key)
            .header("X-Team-Id", NOBODY)
            .get(path)
            .await;
        assert_eq!(
            other.outcome(),
            (401, "UNAUTHORIZED"),
            "{path} with another team"
        );
    }
    for path in [
        INSTANCES,
        "/api/v1/messages",
        "/api/v1/templates",
        "/api/v1/webhooks",
        "/api/v1/billing/plans",
    ] {
        assert_eq!(team.client.get(path).await.status, 200, "{path}");
    }
    let upper = team.team.to_string().to_uppercase();
    let reply = stack
        .client(&team.key)
        .header("x-team-id", &upper)
        .get(INSTANCES)
        .await;
    assert_eq!(reply.status, 200, "ids are equal whatever their case");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_end_at_once_with_what_they_belong_to() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let other = stack.account("pro").await;
    let team = account.team(&stack).await;
    let works = async |client: &Client| client.get(INSTANCES).await.outcome() == (200, "");
    assert!(works(&team.client).await && works(&account.client).await);

    stack
        .sql(
            "UPDATE teams SET deleted_at = now() WHERE id = $1",
            &[&team.team.uuid()],
        )
        .await;
    assert_eq!(
        team.client.get(INSTANCES).await.outcome(),
        (401, "UNAUTHORIZED"),
        "deleted team"
    );
    assert!(works(&account.client).await);

    let id: uuid::Uuid = account.key_id.parse().expect("an id");
    stack
        .sql(
            "UPDATE api_keys SET revoked_at = now() WHERE id = $1",
            &[&id],
        )
        .await;
    assert_eq!(
        account.client.get(INSTANCES).await.outcome(),
        (401, "UNAUTHORIZED"),
        "revoked key"
    );

    assert!(works(&other.client).await);
    let suspend = "UPDATE users SET suspended_at = now() WHERE id = $1";
    stack.sql(suspend, &[&other.user.uuid()]).await;
    assert_eq!(
        other.client.get(INSTANCES).await.outcome(),
        (401, "UNAUTHORIZED"),
        "suspended"
    );
    stack
        .sql(
            "UPDATE users SET suspended_at = NULL WHERE id = $1",
            &[&other.user.uuid()],
        )
        .await;
    assert!(works(&other.client).await, "lifted");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_key_ends_with_its_owners_account_and_not_with_who_made_it() {
    let stack = Stack::start().await;
    let owner = stack.account("pro").await;
    let admin = stack.account("free").await;
    let team = owner.team(&stack).await;
    let made_by = "UPDATE api_keys SET created_by = $1 WHERE team_id = $2";
    stack
        .sql(made_by, &[&admin.user.uuid(), &team.team.uuid()])
        .await;
    let suspend = "UPDATE users SET suspended_at = now() WHERE id = $1";
    stack.sql(suspend, &[&admin.user.uuid()]).await;
    assert_eq!(
        team.client.get(INSTANCES).await.status,
        200,
        "whatever became of its maker"
    );
    stack.sql(suspend, &[&owner.user.uuid()]).await;
    assert_eq!(
        team.client.get(INSTANCES).await.outcome(),
        (401, "UNAUTHORIZED")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_key_and_no_unknown_path_asks_for_one() {
    let stack = Stack::start().await;
    let anonymous = stack.anonymous();
    let document = anonymous.get("/openapi.json").await.json;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let path = path.replace("{id}", NOBODY);
        for (method, operation) in item.as_object().expect("methods") {
            // The only ones that are open say so.
            if operation["security"] == json!([{}]) {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let reply = anonymous.call(method.clone(), &path, None, "").await;
            assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{method} {path}");
        }
    }
    for path in [
        "/api/v1/nothing",
        "/api/v1",
        "/api/v1/",
        "/api/v2/me",
        "/api/v1/me/",
    ] {
        assert_eq!(
            anonymous.get(path).await.outcome(),
            (404, "NOT_FOUND"),
            "{path}"
        );
    }
}
