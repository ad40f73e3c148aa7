//! Every operation of the document, with every credential that must not open it.

use blackbox::account::PASSWORD;
use blackbox::{Client, Reply, Stack, assert_unchanged, id_of};
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";

/// What everybody may call. Whoever adds to this says why nobody has to be known there.
const OPEN: [&str; 13] = [
    "GET /api/auth/google",
    "GET /api/auth/google/callback",
    "GET /api/auth/reset-password/validate",
    "GET /api/auth/verify-email/validate",
    "GET /api/billing/plans",
    "GET /api/teams/invitations/preview",
    "POST /api/auth/forgot-password",
    "POST /api/auth/login",
    "POST /api/auth/resend-verification",
    "POST /api/auth/reset-password",
    "POST /api/auth/signup",
    "POST /api/auth/verify-email",
    "POST /api/payments/webhook",
];

/// What opens an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Door {
    Anyone,
    Key,
    Session,
}

struct Operation {
    method: Method,
    path: String,
    door: Door,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Calls it, with `id` wherever the path wants one.
    async fn call(&self, client: &Client, id: &str) -> Reply {
        let parts = self.path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { id } else { part });
        let target = parts.collect::<Vec<_>>().join("/");
        let body = (self.method != Method::GET).then(|| b"{}".to_vec());
        let kind = if body.is_some() {
            "application/json"
        } else {
            ""
        };
        client.call(self.method.clone(), &target, body, kind).await
    }
}

async fn operations(stack: &Stack) -> Vec<Operation> {
    let document = stack.anonymous().get("/openapi.json").await.json;
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            // What says nothing of its own takes what the document says as a whole.
            let own = operation["security"].as_array();
            let needed = own.map_or(&document["security"], |_| &operation["security"]);
            let method = method.to_uppercase();
            all.push(Operation {
                door: door(&format!("{method} {path}"), needed),
                method: method.parse().expect("a method"),
                path: path.clone(),
            });
        }
    }
    assert!(all.len() > 150, "only {} operations", all.len());
    all
}

fn door(at: &str, needed: &Value) -> Door {
    let ways = needed.as_array().expect("a list of ways in");
    let all_take = |scheme: &str| ways.iter().all(|way| way.get(scheme).is_some());
    if ways.is_empty() || ways.contains(&json!({})) {
        Door::Anyone
    } else if all_take("apiKey") {
        Door::Key
    } else if all_take("session") {
        Door::Session
    } else {
        panic!("{at} has ways in of different kinds: {needed}")
    }
}

/// A token of somebody who has just signed in.
async fn token(stack: &Stack, email: &str) -> String {
    // All people of a test come from one address.
    stack.sql("DELETE FROM sign_in_tries", &[]).await;
    let body = json!({ "email": email, "password": PASSWORD });
    let reply = stack.anonymous().post("/api/auth/login", &body).await;
    let token = reply.data()["token"].as_str();
    token
        .unwrap_or_else(|| panic!("not signed in: {reply:?}"))
        .to_owned()
}

fn bearer(stack: &Stack, token: &str) -> Client {
    let value = format!("Bearer {token}");
    stack.anonymous().header("authorization", &value)
}

/// Tries every credential at every operation behind a door, and answers how many calls that were.
async fn all_refused(
    stack: &Stack,
    door: Door,
    ids: &[&str],
    credentials: &[(&str, Client)],
) -> usize {
    let mut said: Option<String> = None;
    let mut tried = 0;
    for operation in operations(stack).await {
        if operation.door != door {
            continue;
        }
        for (what, client) in credentials {
            for id in ids {
                let reply = operation.call(client, id).await;
                let at = format!("{} with {what}: {reply:?}", operation.name());
                assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"), "{at}");
                // One answer, whatever is wrong and whatever the path leads to.
                let first = said.get_or_insert_with(|| reply.text.clone());
                assert_eq!(*first, reply.text, "{at}");
                let window = reply.header("ratelimit-limit");
                assert_eq!(window, "", "it is known after all: {at}");
                tried += 1;
            }
        }
    }
    tried
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_is_open_to_everybody_only_when_it_is_on_the_list() {
    let stack = Stack::start().await;
    let mut open: Vec<_> = operations(&stack).await;
    open.retain(|it| it.door == Door::Anyone);
    let mut open: Vec<_> = open.iter().map(Operation::name).collect();
    open.sort_unstable();
    assert_eq!(open, OPEN);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_public_api_opens_with_a_key_that_counts_and_with_nothing_else() {
    let stack = Stack::for_people(&[("roles", "api")]).await;
    let account = stack.account("max").await;
    let (revoked, suspended) = (stack.account("pro").await, stack.account("pro").await);
    let (team, gone) = (account.team(&stack).await, account.team(&stack).await);
    let live = token(&stack, &account.email).await;
    let contact = json!({ "name": "Lina", "phone": "+33611111111" });
    let contact = bearer(&stack, &live).post("/api/contacts", &contact).await;
    let contact = id_of(contact.data());
    let revoke = "UPDATE api_keys SET revoked_at = now() WHERE account_id = $1";
    stack.sql(revoke, &[&revoked.user.uuid()]).await;
    let suspend = "UPDATE users SET suspended_at = now() WHERE id = $1";
    stack.sql(suspend, &[&suspended.user.uuid()]).await;
    let delete = "UPDATE teams SET deleted_at = now() WHERE id = $1";
    stack.sql(delete, &[&gone.team.uuid()]).await;
    let unknown = format!("msgf_live_{}", "0".repeat(64));
    let bad = [
        ("nothing", stack.anonymous()),
        ("a key that is none", stack.client("nonsense")),
        ("an unknown key", stack.client(&unknown)),
        ("a token", bearer(&stack, &live)),
        ("a token in the key's place", stack.client(&live)),
        ("a key in the token's place", bearer(&stack, &account.key)),
        ("a revoked key", stack.client(&revoked.key)),
        ("a key of who is suspended", stack.client(&suspended.key)),
        ("a team's key without its team", stack.client(&team.key)),
        (
            "a team's key with another team",
            stack.client(&team.key).header("x-team-id", NOBODY),
        ),
        ("a key of a deleted team", gone.client.clone()),
    ];
    let before = stack.stored().await;
    assert!(before.contains_key("contacts"), "{before:?}");
    let tried = all_refused(&stack, Door::Key, &[NOBODY, &contact], &bad).await;
    assert!(tried > 800, "only {tried} calls were tried");
    assert_unchanged(&before, &stack.stored().await);
    assert_eq!(account.client.get("/api/v1/me").await.status, 200);
    assert_eq!(team.client.get("/api/v1/contacts").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_console_opens_with_a_token_that_counts_and_with_nothing_else() {
    let stack = Stack::for_people(&[("roles", "api")]).await;
    let account = stack.account("max").await;
    let (late, suspended) = (stack.account("pro").await, stack.account("pro").await);
    let team = account.team(&stack).await;
    let live = token(&stack, &account.email).await;
    let contact = json!({ "name": "Lina", "phone": "+33611111111" });
    let contact = bearer(&stack, &live).post("/api/contacts", &contact).await;
    let contact = id_of(contact.data());
    let ended = token(&stack, &account.email).await;
    let out = bearer(&stack, &ended).post_empty("/api/auth/logout").await;
    assert_eq!(out.status, 200, "{out:?}");
    let old = token(&stack, &account.email).await;
    let new = bearer(&stack, &old).post_empty("/api/auth/refresh").await;
    assert_eq!(new.status, 200, "{new:?}");
    let expired = token(&stack, &late.email).await;
    let expire = "UPDATE sessions SET created_at = now() - interval '8 days', \
         expires_at = now() - interval '1 day' WHERE user_id = $1";
    assert_eq!(stack.sql(expire, &[&late.user.uuid()]).await, 1);
    let banned = token(&stack, &suspended.email).await;
    let suspend = "UPDATE users SET suspended_at = now() WHERE id = $1";
    stack.sql(suspend, &[&suspended.user.uuid()]).await;
    let authorization = |value: &str| stack.anonymous().header("authorization", value);
    let cookie = format!("session={live}; token={live}");
    let bad = [
        ("nothing", stack.anonymous()),
        ("no token", authorization("Bearer")),
        ("a token that is none", bearer(&stack, "a.b.c")),
        ("a token without its scheme", authorization(&live)),
        ("another scheme", authorization(&format!("Basic {live}"))),
        (
            "a token as a cookie",
            stack.anonymous().header("cookie", &cookie),
        ),
        ("a token in the key's place", stack.client(&live)),
        ("a key", account.client.clone()),
        ("a key in the token's place", bearer(&stack, &account.key)),
        ("a team's key", team.client.clone()),
        ("a token that was logged out", bearer(&stack, &ended)),
        ("a token that was refreshed", bearer(&stack, &old)),
        ("a token that has expired", bearer(&stack, &expired)),
        ("a token of who is suspended", bearer(&stack, &banned)),
    ];
    let before = stack.stored().await;
    assert!(before.contains_key("contacts"), "{before:?}");
    let tried = all_refused(&stack, Door::Session, &[NOBODY, &contact], &bad).await;
    assert!(tried > 2500, "only {tried} calls were tried");
    assert_unchanged(&before, &stack.stored().await);
    let me = bearer(&stack, &live).get("/api/auth/me").await;
    assert_eq!(me.status, 200, "{me:?}");
}
