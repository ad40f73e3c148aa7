//! The permission matrix: every operation of the console, by every role, held against the running
//! server and its document.

mod capabilities;
mod keys;
mod table;

use std::collections::BTreeSet;
use std::time::Duration;

use blackbox::account::PASSWORD;
use blackbox::team::made;
use blackbox::{Client, Crew, Person, Reply, Stack, id_of, moment_in};
use reqwest::Method;
use serde_json::{Value, json};

use self::table::{PERSONAL, TABLE};
use super::NOBODY;

/// What a role may do with an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Right {
    /// Whatever it says, it is not about the role.
    Allowed,
    /// With an instance that was given to them.
    Assigned,
    /// Never.
    Refused(&'static str),
}

const JSON: &str = "application/json";
const ROLES: [&str; 3] = ["owner", "admin", "collaborator"];
/// Nobody who is in a team and may call an operation hears these, nor any of `BILLING_…`.
const ABOUT_ROLES: [&str; 3] = [
    "TEAM_ACCESS_DENIED",
    "INSTANCE_NOT_ASSIGNED",
    "TEAM_NOT_FOUND",
];

fn is_about_the_role(reply: &Reply) -> bool {
    ABOUT_ROLES.contains(&reply.code()) || reply.code().starts_with("BILLING_")
}

/// The operations of a document that this kind of credential opens.
async fn operations(stack: &Stack, credential: &str) -> BTreeSet<(String, String)> {
    let document = stack.anonymous().get("/openapi.json").await.json;
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            // What says nothing of its own takes what the document says as a whole.
            let own = operation["security"].as_array();
            let needed = own.map_or(&document["security"], |_| &operation["security"]);
            if needed.to_string().contains(credential) && path.starts_with("/api/") {
                found.insert((method.to_uppercase(), path.clone()));
            }
        }
    }
    assert!(found.len() > 20, "{credential}: {found:?}");
    found
}

/// A path with its parameters filled in.
fn filled(path: &str, team: &str, id: &str) -> String {
    let parts = path.split('/').map(|part| match part {
        "{teamId}" => team,
        part if part.starts_with('{') => id,
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn call(client: &Client, method: &str, target: &str, body: Option<&[u8]>) -> Reply {
    let method: Method = method.parse().expect("a method");
    let kind = if body.is_some() { JSON } else { "" };
    client
        .call(method, target, body.map(<[u8]>::to_vec), kind)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_console_is_in_the_table_and_no_other() {
    let stack = Stack::for_people(&[]).await;
    let documented = operations(&stack, "session").await;
    let of = |method: &&str, path: &&str| ((*method).to_owned(), (*path).to_owned());
    let mut table: BTreeSet<_> = TABLE.iter().map(|(m, p, _)| of(m, p)).collect();
    table.extend(PERSONAL.iter().map(|(m, p)| of(m, p)));
    assert_eq!(
        table.len(),
        TABLE.len() + PERSONAL.len(),
        "a row is twice there"
    );
    let missing: Vec<_> = documented.difference(&table).collect();
    assert!(
        missing.is_empty(),
        "nobody decided who may call {missing:?}"
    );
    let gone: Vec<_> = table.difference(&documented).collect();
    assert!(gone.is_empty(), "not in the document: {gone:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_refused_is_refused_whatever_they_send() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let mut walked = 0;
    for (method, path, rights) in TABLE {
        let target = filled(path, &crew.team, NOBODY);
        for (person, right) in [&crew.owner, &crew.admin, &crew.collaborator]
            .into_iter()
            .zip(rights)
        {
            let Right::Refused(code) = *right else {
                continue;
            };
            for body in [None, Some(&b"{}"[..]), Some(b"{\"x\":"), Some(b"[7]")] {
                let reply = call(&person.within(&crew.team), method, &target, body).await;
                assert_eq!(reply.outcome(), (403, code), "{method} {path}");
                walked += 1;
            }
        }
    }
    assert!(walked > 80, "{walked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_is_never_told_that_they_may_not() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let people = [&crew.owner, &crew.admin, &crew.collaborator];
    for (method, path, rights) in TABLE {
        let target = filled(path, &crew.team, NOBODY);
        for (at, right) in rights.iter().enumerate() {
            // The owner's own deletion ends everything, and so does leaving: they come last.
            let ends = matches!((*method, *path), ("DELETE", "/api/teams/{teamId}"))
                || path.ends_with("/leave") && ROLES[at] != "owner";
            if *right != Right::Allowed || ends {
                continue;
            }
            let client = people[at].within(&crew.team);
            let body = (*method != "GET").then_some(&b"{}"[..]);
            let reply = call(&client, method, &target, body).await;
            let at = format!("{} {method} {path}: {reply:?}", ROLES[at]);
            assert!(!is_about_the_role(&reply), "{at}");
            assert!(reply.status < 500, "{at}");
        }
    }
    for (person, method, rest) in [
        (&crew.collaborator, "POST", "/members/leave"),
        (&crew.admin, "POST", "/members/leave"),
        (&crew.owner, "DELETE", ""),
    ] {
        let reply = call(&person.console, method, &crew.path(rest), None).await;
        assert_eq!(reply.status, 204, "{reply:?}");
    }
}

/// What a collaborator sends to use an instance.
fn body_for(path: &str, instance: &str) -> Option<Value> {
    match path {
        "/api/messages/send" => Some(json!({
            "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi",
        })),
        "/api/statuses" => Some(json!({ "instanceId": instance, "type": "text", "content": "Hi" })),
        "/api/campaigns" => Some(json!({
            "name": "Spring", "instanceId": instance, "schedule": moment_in(Duration::from_hours(24)),
            "recipients": { "type": "all" }, "type": "text", "body": "Hi",
        })),
        "/api/number-lookups" => {
            Some(json!({ "instanceId": instance, "numbers": ["+33612345678"] }))
        }
        _ => None,
    }
}

/// A message that the owner has the team send tomorrow.
async fn later(crew: &Crew, instance: &str) -> String {
    let mut body = body_for("/api/messages/send", instance).expect("a body");
    body["scheduledAt"] = json!(moment_in(Duration::from_hours(24)));
    let client = crew.owner.within(&crew.team);
    id_of(&made(&client.post("/api/messages/send", &body).await, 201))
}

/// A campaign that the owner has the team begin tomorrow.
async fn planned(crew: &Crew, instance: &str) -> String {
    let body = body_for("/api/campaigns", instance).expect("a body");
    let client = crew.owner.within(&crew.team);
    id_of(&made(&client.post("/api/campaigns", &body).await, 201))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collaborator_uses_the_instances_that_were_given_to_them() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let given = crew.owner.account.instance(&stack).await.id.to_string();
    let kept = crew.owner.account.instance(&stack).await.id.to_string();
    crew.assign(&given).await;
    // What another was given is theirs alone.
    let other = crew.joined(&stack, "collaborator").await;
    let assign = json!({ "instanceId": kept, "memberUserId": other.id() });
    let path = crew.path("/instance-assignments");
    made(&crew.owner.console.post(&path, &assign).await, 204);
    let client = crew.collaborator.within(&crew.team);
    for (method, path, [_, _, right]) in TABLE {
        if *right != Right::Assigned {
            continue;
        }
        let reply = async |instance: &str| {
            let body = body_for(path, instance).map(|it| it.to_string().into_bytes());
            // What a message is sent through decides who withdraws it.
            let about = if path.starts_with("/api/messages/{id}") && instance != NOBODY {
                &later(&crew, instance).await
            } else if path.starts_with("/api/campaigns/{id}") && instance != NOBODY {
                &planned(&crew, instance).await
            } else {
                instance
            };
            call(&client, method, &filled(path, "", about), body.as_deref()).await
        };
        let kept = reply(&kept).await;
        assert_eq!(
            kept.outcome(),
            (403, "INSTANCE_NOT_ASSIGNED"),
            "{method} {path}"
        );
        let given = reply(&given).await;
        assert!(!is_about_the_role(&given), "{method} {path}: {given:?}");
        assert!(given.status < 404, "{method} {path}: {given:?}");
        // What is nobody's is not there, rather than not given.
        let nowhere = reply(NOBODY).await;
        assert_eq!(nowhere.outcome(), (404, "NOT_FOUND"), "{method} {path}");
    }
    let listed = client.get("/api/instances").await;
    assert_eq!(super::each(listed.data(), "id"), [given.as_str()]);
    for person in [&crew.owner, &crew.admin] {
        let listed = person.within(&crew.team).get("/api/instances").await;
        let mut all = super::each(listed.data(), "id");
        all.sort_unstable();
        let mut both = [given.as_str(), kept.as_str()];
        both.sort_unstable();
        assert_eq!(all, both);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_in_a_team_any_more_or_never_was_finds_none() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let stranger = Person::on(&stack, "max").await;
    let removed = crew.joined(&stack, "admin").await;
    crew.remove(&removed).await;
    for person in [&stranger, &removed] {
        let client = person.within(&crew.team);
        for (method, path, _) in TABLE {
            let target = filled(path, &crew.team, NOBODY);
            for body in [None, Some(&b"{}"[..])] {
                let reply = call(&client, method, &target, body).await;
                assert_eq!(reply.outcome(), (404, "TEAM_NOT_FOUND"), "{method} {path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ones_own_is_so_whatever_team_is_named() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let stranger = Person::on(&stack, "max").await;
    for (method, path) in PERSONAL {
        for person in [&stranger, &crew.collaborator] {
            // Some of these end the session.
            let session = stack.signed_in(person.email(), PASSWORD).await;
            let client = session.header("x-team-id", &crew.team);
            let body = (*method != "GET").then_some(&b"{}"[..]);
            let reply = call(&client, method, &filled(path, &crew.team, NOBODY), body).await;
            let at = format!("{method} {path}: {reply:?}");
            assert!(!is_about_the_role(&reply), "{at}");
            assert!(reply.status < 500 && reply.status != 401, "{at}");
        }
    }
}
