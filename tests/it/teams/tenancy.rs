//! What belongs to one workspace is unknown in every other, on every operation of the console.

mod bodies;
mod scene;

use blackbox::assert_unchanged;
use reqwest::Method;

use self::scene::{Tenant, tenants};
use super::NOBODY;

const JSON: &str = "application/json";

/// What kind of thing a parameter of a path names, by what stands before it.
fn kind_of(path: &str, parameter: &str) -> &'static str {
    let before = path.split(parameter).next().unwrap_or_default();
    let before = before.trim_end_matches('/').trim_end_matches('{');
    let before = before.trim_end_matches('/');
    match before.rsplit('/').next().unwrap_or_default() {
        "teams" => "team",
        "invitations" => "invitation",
        "members" => "member",
        "api-keys" => "key",
        "instances" => "instance",
        "messages" => "message",
        "campaigns" => "campaign",
        "templates" => "template",
        "contacts" => "contact",
        "groups" => "group",
        "bulk-jobs" => "job",
        "imports" => "import",
        "webhooks" => "webhook",
        "deliveries" => "delivery",
        "media" => "media",
        "number-lookups" => "lookup",
        "suppressions" => "suppression",
        "notifications" => "notification",
        other => panic!("nobody said what {parameter} of {path} is: {other:?}"),
    }
}

/// A body that gets as far as the id in the path.
fn body_for(method: &str, path: &str) -> Option<&'static [u8]> {
    Some(match (method, path) {
        ("GET", _) => return None,
        (_, path) if path.ends_with("/recover") => br#"{"since":"2026-01-01T00:00:00Z"}"#,
        (_, "/api/contacts/groups/{groupId}/members") => {
            br#"{"contactIds":["0197b3c0-1111-7000-8000-00000000dead"]}"#
        }
        ("POST", "/api/teams/{teamId}/invitations") => {
            br#"{"email":"new@shop.test","role":"admin"}"#
        }
        ("PATCH", "/api/teams/{teamId}/members/{userId}") => br#"{"role":"admin"}"#,
        ("POST", "/api/teams/{teamId}/instance-assignments") => {
            br#"{"instanceId":"0197b3c0-1111-7000-8000-00000000dead","memberUserId":"0197b3c0-1111-7000-8000-00000000dead"}"#
        }
        (_, path) if path.contains("api-keys") => br#"{"name":"Taken over"}"#,
        ("PUT" | "PATCH", _) => br#"{"name":"Taken over"}"#,
        _ => return None,
    })
}

/// A path with each parameter replaced by whatever its kind is given.
fn filled(path: &str, id: &dyn Fn(&'static str) -> String) -> String {
    let parts = path.split('/').map(|part| {
        if part.starts_with('{') {
            id(kind_of(path, part))
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The ids a path is tried with: all of somebody else's; and where there are two, also theirs below
/// one's own.
fn targets(path: &str, caller: &Tenant, owner: &Tenant) -> Vec<String> {
    let foreign = |kind| owner.id(kind);
    let mut targets = vec![filled(path, &foreign)];
    if path.matches('{').count() > 1 {
        let outer = path.split('{').nth(1).unwrap_or_default();
        let outer = format!("{{{}", outer.split('/').next().unwrap_or_default());
        let outer = kind_of(path, &outer);
        let mixed = |kind| {
            if kind == outer {
                caller.id(kind)
            } else {
                owner.id(kind)
            }
        };
        targets.push(filled(path, &mixed));
    }
    targets
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_to_what_others_have_and_none_tells_that_it_is_there() {
    let stack = scene::stack().await;
    let (stack, tenants) = tenants(stack).await;
    let document = stack.anonymous().get("/openapi.json").await.json;
    let before = stack.stored().await;
    assert!(before["team_members"].len() > 100, "teams are in there");
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        let is_console = path.starts_with("/api/") && !path.starts_with("/api/v1/");
        // Whose an invitation is decides its address, which tests of invitations show.
        if !is_console || !path.contains('{') || path.ends_with("/decline") {
            continue;
        }
        for method in item.as_object().expect("methods").keys() {
            let method = method.to_uppercase();
            for caller in &tenants {
                for owner in tenants.iter().filter(|it| it.is_foreign_to(caller, path)) {
                    for target in targets(path, caller, owner) {
                        unreachable(&method, path, &target, caller, owner).await;
                        walked += 1;
                    }
                }
            }
        }
    }
    assert!(walked > 300, "only {walked} calls were tried");
    assert_unchanged(&before, &stack.stored().await);
}

/// The same text as for an id nobody has.
async fn unreachable(method: &str, path: &str, target: &str, caller: &Tenant, owner: &Tenant) {
    let at = format!("{} at {}'s {method} {target}", caller.name, owner.name);
    let call = async |target: &str| {
        let verb: Method = method.parse().expect("a method");
        let body = body_for(method, path).map(<[u8]>::to_vec);
        let kind = if body.is_some() { JSON } else { "" };
        caller.client.call(verb, target, body, kind).await
    };
    let reply = call(target).await;
    assert!(
        reply.status == 404 && reply.code().ends_with("NOT_FOUND"),
        "{at}: {reply:?}"
    );
    // What is below one's own stays below it: only the foreign id is exchanged. An answer may repeat
    // what it was asked about.
    let foreign = |part: &&str| owner.has(part);
    let anonymous = |text: &str, parts: &[&str]| {
        let hide = |text: String, part: &&str| text.replace(part, NOBODY);
        parts.iter().fold(text.to_owned(), hide)
    };
    let foreign: Vec<_> = target.split('/').filter(foreign).collect();
    let unknown = call(&anonymous(target, &foreign)).await;
    assert_eq!(unknown.text, anonymous(&reply.text, &foreign), "{at}");
}
