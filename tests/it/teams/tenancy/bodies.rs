//! Ids of others in bodies and queries.

use blackbox::{TEAMS, assert_unchanged};
use reqwest::Method;
use serde_json::{Value, json};

use super::scene::{Tenant, stack, tenants};
use super::{JSON, NOBODY};

/// A call that names something of this kind: method, path, body.
type Naming = (Method, String, Option<Value>);

fn message(instance: &str) -> Value {
    json!({ "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi" })
}

/// Every way to name something of another workspace elsewhere than in a path.
fn namings(own: &Tenant, kind: &'static str, id: &str) -> Vec<Naming> {
    let post = |path: &str, body: Value| (Method::POST, path.to_owned(), Some(body));
    let send = |change: &dyn Fn(&mut Value)| {
        let mut body = message(&own.id("instance"));
        change(&mut body);
        post("/api/messages/send", body)
    };
    let preview = format!("/api/templates/{}/preview", own.id("template"));
    let members = format!("/api/contacts/groups/{}/members", own.id("group"));
    let contacts = || json!({ "contactIds": [id] });
    let get = |path: String| (Method::GET, path, None);
    let assign = |instance: &str, member: &str| {
        let path = format!("{TEAMS}/{}/instance-assignments", own.id("team"));
        let query = format!("{path}?instanceId={instance}&memberUserId={member}");
        let body = json!({ "instanceId": instance, "memberUserId": member });
        [post(&path, body), (Method::DELETE, query, None)]
    };
    match kind {
        "instance" => {
            let numbers = json!({ "instanceId": id, "numbers": ["+33612345678"] });
            let mut all = vec![
                send(&|body| body["instanceId"] = json!(id)),
                post("/api/number-lookups", numbers),
                get(format!("/api/messages?instanceId={id}")),
                post(&preview, json!({ "instanceId": id })),
            ];
            all.extend(assign(id, &own.id("member")));
            all
        }
        "contact" => vec![
            send(&|body| body["contactId"] = json!(id)),
            send(&|body| {
                body["type"] = json!("contact");
                body["contactId"] = json!(id);
            }),
            post(&preview, json!({ "contactId": id })),
            (
                Method::DELETE,
                "/api/contacts/bulk".to_owned(),
                Some(contacts()),
            ),
            post(&members, contacts()),
            (Method::DELETE, members.clone(), Some(contacts())),
        ],
        "template" => vec![send(&|body| {
            *body = json!({
                "instanceId": own.id("instance"), "to": "+33612345678", "templateId": id,
            });
        })],
        "group" => {
            let import = format!("/api/number-lookups/{}/import-contacts", own.id("lookup"));
            vec![
                get(format!("/api/contacts?groupId={id}")),
                get(format!("/api/contacts/export?groupId={id}")),
                post(&import, json!({ "groupId": id })),
            ]
        }
        "member" => assign(&own.id("instance"), id).into(),
        other => panic!("nothing names a {other}"),
    }
}

async fn call(tenant: &Tenant, (method, path, body): Naming) -> (u16, String) {
    let body = body.map(|it| it.to_string().into_bytes());
    let kind = if body.is_some() { JSON } else { "" };
    let reply = tenant.client.call(method, &path, body, kind).await;
    (reply.status, reply.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_have_is_nobodys_wherever_a_body_or_a_query_names_it() {
    let (stack, tenants) = tenants(stack().await).await;
    let before = stack.stored().await;
    assert!(before["team_members"].len() > 100, "teams are in there");
    let mut walked = 0;
    for caller in &tenants {
        for owner in tenants.iter().filter(|it| it.name != caller.name) {
            for kind in ["instance", "contact", "template", "group", "member"] {
                let is_shared = matches!(kind, "instance" | "member");
                // One who is in a team may be given its owner's numbers, and is known there.
                if is_shared
                    && (owner.account == caller.account || owner.id(kind) == caller.id(kind))
                {
                    continue;
                }
                let theirs = owner.id(kind);
                let foreign = namings(caller, kind, &theirs).into_iter();
                for (foreign, unknown) in foreign.zip(namings(caller, kind, NOBODY)) {
                    let at = format!("{} with {}'s {kind}: {foreign:?}", caller.name, owner.name);
                    let (status, told) = call(caller, foreign).await;
                    let (_, nothing) = call(caller, unknown).await;
                    let told = told.replace(&theirs, "ID");
                    assert_eq!(told, nothing.replace(NOBODY, "ID"), "{at}");
                    assert!(status < 500, "{at}: {told}");
                    walked += 1;
                }
            }
        }
    }
    assert!(walked > 200, "only {walked} calls were tried");
    assert_unchanged(&before, &stack.stored().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_and_searches_show_ones_own_workspace_alone() {
    let (_stack, tenants) = tenants(stack().await).await;
    let lists = [
        ("contact", "/api/contacts?search=Shared"),
        ("group", "/api/contacts/groups"),
        ("template", "/api/templates"),
        ("webhook", "/api/webhooks"),
        ("lookup", "/api/number-lookups"),
        ("message", "/api/messages"),
        ("key", "/api/api-keys"),
        ("import", "/api/contacts/imports"),
        ("job", "/api/contacts/bulk-jobs"),
        ("contact", "/api/search?q=Shared"),
    ];
    for caller in &tenants {
        for (kind, path) in lists {
            let list = caller.client.get(path).await;
            assert_eq!(list.status, 200, "{list:?}");
            assert!(
                list.text.contains(&caller.id(kind)),
                "{}: {path}",
                caller.name
            );
            for owner in tenants.iter().filter(|it| it.name != caller.name) {
                let is_there = list.text.contains(&owner.id(kind));
                assert!(!is_there, "{} sees {}'s in {path}", caller.name, owner.name);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_below_one_team_is_not_below_another_of_the_same_owner() {
    let (_stack, tenants) = tenants(stack().await).await;
    let named = |name: &str| tenants.iter().find(|it| it.name == name).expect("a tenant");
    let (here, there) = (named("one's team"), named("one's other team"));
    for (method, rest) in [
        (
            Method::DELETE,
            format!("/invitations/{}", there.id("invitation")),
        ),
        (
            Method::POST,
            format!("/invitations/{}/resend", there.id("invitation")),
        ),
        (Method::DELETE, format!("/api-keys/{}", there.id("key"))),
    ] {
        let path = format!("{TEAMS}/{}{rest}", here.id("team"));
        let reply = here.client.call(method, &path, None, "").await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{path}");
    }
}
