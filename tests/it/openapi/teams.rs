//! What the document says of answers about teams, and in teams, is so.

use blackbox::team::invite;
use blackbox::{Client, Crew, Stack};
use reqwest::Method;
use serde_json::{Value, json};

use super::schemas::{documented, fits};
use super::{JSON, document};

/// A call that is answered with something: method, path with `{id}` where a parameter is, what stands
/// there, body.
pub(super) type Call<'a> = (&'a str, &'a str, Vec<&'a str>, Value);

pub(super) async fn check(
    document: &Value,
    client: &Client,
    (method, path, ids, body): Call<'_>,
) -> Value {
    let bytes = (!body.is_null()).then(|| body.to_string().into_bytes());
    let kind = if bytes.is_some() { JSON } else { "" };
    let verb: Method = method.parse().expect("a method");
    let mut target = path.to_owned();
    for id in ids {
        target = target.replacen("{id}", id, 1);
    }
    let reply = client.call(verb, &target, bytes, kind).await;
    assert!(matches!(reply.status, 200 | 201), "{target}: {reply:?}");
    let path = path.split('?').next().unwrap_or_default();
    let operation = &document["paths"][documented(document, path)][method.to_lowercase()];
    let schema = &operation["responses"][reply.status.to_string()]["content"][JSON]["schema"];
    assert!(schema.is_object(), "{method} {path} has no schema");
    fits(document, schema, &reply.json, &format!("{method} {path}"));
    reply.data().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_teams_have_the_members_and_types_the_document_says() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let guest = blackbox::Person::on(&stack, "free").await;
    let instance = crew.owner.account.connected(&stack).await.id.to_string();
    crew.assign(&instance).await;
    let document = document(&stack).await;
    let (team, owner) = (crew.team.as_str(), &crew.owner.console);
    let member = crew.collaborator.id();
    let asked = invite(guest.email(), "admin");
    let path = "/api/teams/{id}/invitations";
    let asked = check(&document, owner, ("POST", path, vec![team], asked)).await;
    let asked = blackbox::id_of(&asked);
    let second = json!({ "name": "B", "invites": [invite(guest.email(), "admin")] });
    let (key, name) = (json!({ "name": "Key" }), json!({ "name": "Desk" }));
    let role = json!({ "role": "collaborator" });
    for call in [
        ("POST", "/api/teams", vec![], second),
        ("POST", "/api/teams/{id}/api-keys", vec![team], key),
        ("PATCH", "/api/teams/{id}", vec![team], name),
        (
            "PATCH",
            "/api/teams/{id}/members/{id}",
            vec![team, &member],
            role,
        ),
        (
            "POST",
            "/api/teams/{id}/invitations/{id}/resend",
            vec![team, &asked],
            Value::Null,
        ),
        ("GET", "/api/teams", vec![], Value::Null),
        ("GET", "/api/teams/{id}", vec![team], Value::Null),
        ("GET", "/api/teams/{id}/api-keys", vec![team], Value::Null),
        (
            "GET",
            "/api/teams/{id}/api-keys/usage",
            vec![team],
            Value::Null,
        ),
        (
            "GET",
            "/api/teams/{id}/instance-assignments",
            vec![team],
            Value::Null,
        ),
        ("GET", "/api/auth/me", vec![], Value::Null),
    ] {
        check(&document, owner, call).await;
    }
    let token = stack.invitation(guest.email()).await;
    let preview = format!("/api/teams/invitations/preview?token={token}");
    let open = stack.anonymous();
    check(&document, &open, ("GET", &preview, vec![], Value::Null)).await;
    let mine = "/api/teams/invitations/mine";
    check(
        &document,
        &guest.console,
        ("GET", mine, vec![], Value::Null),
    )
    .await;
    let accept = "/api/teams/invitations/accept";
    let body = json!({ "invitationId": asked });
    check(&document, &guest.console, ("POST", accept, vec![], body)).await;
    // In the team, as each role sees it.
    for person in [&crew.owner, &crew.admin, &crew.collaborator] {
        let there = person.within(team);
        for path in [
            "/api/workspace/current",
            "/api/instances",
            "/api/onboarding",
        ] {
            check(&document, &there, ("GET", path, vec![], Value::Null)).await;
        }
    }
}
