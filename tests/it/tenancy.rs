//! Nobody sees or touches what belongs to another workspace. Its ids are 404, never 403.

use blackbox::book::{BULK_DELETE, CONTACTS, GROUPS, JOBS, ids, members, unknown};
use blackbox::{Client, Reply, Stack};
use reqwest::Method;
use serde_json::{Value, json};

const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";

/// One workspace with one of everything, under distinct ids.
struct Tenant {
    name: &'static str,
    client: Client,
    /// What a path's id may name.
    ids: Vec<String>,
    instance: String,
    contact: String,
    template: String,
    group: String,
}

fn text(instance: &str) -> Value {
    json!({ "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi" })
}

fn id(reply: &Reply) -> String {
    reply.data()["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id: {reply:?}"))
        .to_owned()
}

/// Fills a workspace through the API: a contact in a group, a job, a message to come, a sent one, a
/// webhook, a template. Workspaces may have the same number and the same names.
async fn fill(name: &'static str, client: Client, instance: String) -> Tenant {
    let contact = client.contact("Shared", 33_611_111_111).await;
    let group = client.group("Shared").await;
    client.join(&group, &[&contact]).await;
    let job = client.begin(Method::POST, BULK_DELETE, &unknown(100)).await;
    let mut ids = vec![contact.clone(), group.clone(), job];
    let mut later = text(&instance);
    later["scheduledAt"] = json!(soon());
    later["contactId"] = json!(contact);
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let template = json!({ "name": name, "type": "text", "body": "Hi {{contact.phone}}" });
    for (path, body) in [
        ("/api/v1/messages/send", text(&instance)),
        ("/api/v1/messages/schedule", later),
        ("/api/v1/webhooks", hook),
        ("/api/v1/templates", template),
    ] {
        let made = client.post(path, &body).await;
        assert_eq!(made.status, 201, "{name}: {made:?}");
        ids.push(id(&made));
    }
    Tenant {
        name,
        client,
        template: ids.last().cloned().expect("the template was made last"),
        ids,
        instance,
        contact,
        group,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is the real one here"
)]
fn soon() -> String {
    let at = time::OffsetDateTime::now_utc() + time::Duration::days(7);
    at.format(&time::format_description::well_known::Rfc3339)
        .expect("a date")
}

/// Two accounts; the first has a personal workspace and two teams, the second a personal one and a
/// team. An instance belongs to its owner and serves every workspace of theirs.
async fn tenants(stack: &Stack) -> Vec<Tenant> {
    let one = stack.account("max").await;
    let other = stack.account("max").await;
    let mut all = Vec::new();
    for (at, (account, names)) in [
        (&one, ["one", "one's team", "one's other team"]),
        (&other, ["other", "other's team", ""]),
    ]
    .into_iter()
    .enumerate()
    {
        let instance = account.instance(stack).await.id.to_string();
        all.push(fill(names[0], account.client.clone(), instance.clone()).await);
        for name in names.into_iter().skip(1).take(2 - at) {
            let team = account.team(stack).await;
            all.push(fill(name, team.client, instance.clone()).await);
        }
    }
    all
}

/// Everything that is stored about tenants, to see that nothing changed.
async fn stored(stack: &Stack) -> String {
    let mut all = String::new();
    for table in [
        "messages",
        "queue",
        "templates",
        "webhook_endpoints",
        "deliveries",
        "delivery_queue",
        "contacts",
        "contact_groups",
        "contact_group_members",
        "contact_jobs",
        "address_books",
        "instances",
        "users",
        "teams",
    ] {
        let rows = format!(
            "SELECT coalesce(string_agg(to_jsonb(t)::text, ',' ORDER BY to_jsonb(t)::text), '') FROM {table} t"
        );
        all.push_str(&stack.rows(&rows, &[]).await[0].get::<_, String>(0));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_with_an_id_answers_404_for_ids_of_other_workspaces() {
    // Without workers nothing but these calls could change a row.
    let stack = Stack::with(&[("roles", "api")]).await;
    let tenants = tenants(&stack).await;
    let document = stack.anonymous().get("/openapi.json").await.json;
    let before = stored(&stack).await;
    let mut walked = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        // Keys open the public API alone; what people reach is walked with the console.
        if !path.contains('{') || !path.starts_with("/api/v1/") {
            continue;
        }
        for method in item.as_object().expect("methods").keys() {
            for caller in &tenants {
                for owner in tenants.iter().filter(|it| it.name != caller.name) {
                    let shared = caller.instance == owner.instance;
                    let mut ids: Vec<_> = owner.ids.iter().map(String::as_str).collect();
                    if !shared {
                        ids.push(&owner.instance);
                    }
                    for foreign in ids {
                        let client = &caller.client;
                        let target = filled(path, foreign);
                        let method: Method = method.to_uppercase().parse().expect("a method");
                        let reply = client
                            .call(
                                method.clone(),
                                &target,
                                body_for(&method, path),
                                kind(&method, path),
                            )
                            .await;
                        let at = format!("{} at {}'s {method} {target}", caller.name, owner.name);
                        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{at}: {reply:?}");
                        let unknown = client
                            .call(
                                method.clone(),
                                &filled(path, NOBODY),
                                body_for(&method, path),
                                kind(&method, path),
                            )
                            .await;
                        assert_eq!(
                            unknown.text, reply.text,
                            "{at}: tells a foreign id from an unknown one"
                        );
                        walked += 1;
                    }
                }
            }
        }
    }
    assert!(walked > 100, "only {walked} calls were tried");
    assert_eq!(
        stored(&stack).await,
        before,
        "a refused call changed something"
    );
}

/// Each parameter of a path, whatever it is called, becomes this id.
fn filled(path: &str, id: &str) -> String {
    let parts = path
        .split('/')
        .map(|part| if part.starts_with('{') { id } else { part });
    parts.collect::<Vec<_>>().join("/")
}

fn body_for(method: &Method, path: &str) -> Option<Vec<u8>> {
    if path.ends_with("/recover") {
        return Some(br#"{"since":"2026-01-01T00:00:00Z"}"#.to_vec());
    }
    if path.ends_with("/members") && method != Method::GET {
        return Some(ids(&[NOBODY]).to_string().into_bytes());
    }
    if path.starts_with(CONTACTS) && method == Method::PUT {
        return Some(br#"{"name":"Taken over"}"#.to_vec());
    }
    matches!(method.as_str(), "PUT" | "PATCH").then(|| b"{}".to_vec())
}

fn kind(method: &Method, path: &str) -> &'static str {
    if body_for(method, path).is_some() {
        "application/json"
    } else {
        ""
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_cannot_name_what_belongs_to_others() {
    let stack = Stack::start().await;
    let tenants = tenants(&stack).await;
    let before = stack.count("SELECT count(*) FROM messages", &[]).await;
    for caller in &tenants {
        for owner in tenants.iter().filter(|it| it.name != caller.name) {
            let mut bodies = vec![];
            if owner.instance != caller.instance {
                bodies.push(text(&owner.instance));
            }
            let mut linked = text(&caller.instance);
            linked["contactId"] = json!(owner.contact);
            bodies.push(linked);
            bodies.push(json!({
                "instanceId": caller.instance, "to": "+33612345678", "type": "contact",
                "contactId": owner.contact,
            }));
            bodies.push(json!({
                "instanceId": caller.instance, "to": "+33612345678", "templateId": owner.template,
            }));
            for mut body in bodies {
                let sent = caller.client.post("/api/v1/messages/send", &body).await;
                assert_eq!(
                    sent.outcome(),
                    (404, "NOT_FOUND"),
                    "{} with {}'s: {body}",
                    caller.name,
                    owner.name
                );
                body["scheduledAt"] = json!(soon());
                let later = caller.client.post("/api/v1/messages/schedule", &body).await;
                assert_eq!(
                    later.outcome(),
                    (404, "NOT_FOUND"),
                    "{} with {}'s: {body}",
                    caller.name,
                    owner.name
                );
            }
        }
    }
    assert_eq!(
        stack.count("SELECT count(*) FROM messages", &[]).await,
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_of_others_are_unknown_wherever_a_body_or_query_names_them() {
    let stack = Stack::with(&[("roles", "api")]).await;
    let tenants = tenants(&stack).await;
    let before = stored(&stack).await;
    for caller in &tenants {
        for owner in tenants.iter().filter(|it| it.name != caller.name) {
            let at = format!("{} with {}'s", caller.name, owner.name);
            let foreign = ids(&[&owner.contact]);
            let deleted = caller.client.post(BULK_DELETE, &foreign).await;
            assert_eq!(deleted.data()["notFound"], json!([owner.contact]), "{at}");
            let own = members(&caller.group);
            let added = caller.client.post(&own, &foreign).await;
            assert_eq!(
                (&added.data()["added"], &added.data()["notFound"]),
                (&json!(0), &json!(1)),
                "{at}"
            );
            let removed = caller.client.delete_with(&own, &foreign).await;
            assert_eq!(removed.data()["notInGroup"], 1, "{at}");
            let theirs = format!("{CONTACTS}?groupId={}", owner.group);
            let listed = caller.client.get(&theirs).await;
            assert_eq!(listed.outcome(), (404, "NOT_FOUND"), "{at}");
        }
    }
    assert_eq!(stored(&stack).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_the_callers_workspace_alone() {
    let stack = Stack::start().await;
    let tenants = tenants(&stack).await;
    for caller in &tenants {
        let own: Vec<_> = [caller.ids.clone(), vec![caller.instance.clone()]].concat();
        let foreign: Vec<&String> = tenants
            .iter()
            .filter(|it| it.name != caller.name)
            .flat_map(|it| it.ids.iter().chain([&it.instance]))
            .filter(|id| !own.contains(id))
            .collect();
        for path in [
            "/api/v1/messages?limit=100",
            "/api/v1/messages?limit=100&to=%2B33612345678",
            "/api/v1/instances",
            "/api/v1/templates",
            "/api/v1/webhooks",
            CONTACTS,
            "/api/v1/contacts?sort=name_asc&search=shared",
            GROUPS,
            &members(&caller.group),
            JOBS,
        ] {
            let list = caller.client.get(path).await;
            assert_eq!(list.status, 200, "{}: {list:?}", caller.name);
            for id in &foreign {
                assert!(
                    !list.text.contains(id.as_str()),
                    "{} sees {id} in {path}",
                    caller.name
                );
            }
            assert!(
                own.iter().any(|id| list.text.contains(id.as_str())),
                "{}: {path} is empty",
                caller.name
            );
        }
        for owner in tenants.iter().filter(|it| it.instance != caller.instance) {
            let list = caller
                .client
                .get(&format!("/api/v1/messages?instanceId={}", owner.instance))
                .await;
            assert_eq!(
                list.data()["messages"],
                json!([]),
                "{} filters by {}'s instance",
                caller.name,
                owner.name
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_idempotency_key_in_two_workspaces_is_two_requests() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let other = stack.account("pro").await;
    let own = account.instance(&stack).await.id.to_string();
    let foreign = other.instance(&stack).await.id.to_string();
    let mut made = Vec::new();
    for (client, instance) in [
        (&account.client, &own),
        (&team.client, &own),
        (&other.client, &foreign),
    ] {
        let client = client.header("Idempotency-Key", "order-17");
        let reply = client.post("/api/v1/messages/send", &text(instance)).await;
        assert_eq!(
            (reply.status, reply.header("idempotent-replayed")),
            (201, ""),
            "{reply:?}"
        );
        made.push(id(&reply));
    }
    made.sort();
    made.dedup();
    assert_eq!(made.len(), 3);
}
