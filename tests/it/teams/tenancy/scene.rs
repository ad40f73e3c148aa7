//! Two accounts with teams, and one of everything in each workspace.

use std::collections::BTreeMap;

use blackbox::fleet::free_address;
use blackbox::{Client, Person, Stack, eventually, id_of, moment_in, text};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

use super::NOBODY;

const PNG: &[u8] = include_bytes!("../../../../apps/server/src/demo/picture.png");

/// One workspace, and somebody who is in it.
pub(super) struct Tenant {
    pub(super) name: &'static str,
    /// Their session, in this workspace.
    pub(super) client: Client,
    /// Whose plan and instances it has.
    pub(super) account: usize,
    /// Whose teams they are in.
    teams_of: usize,
    ids: BTreeMap<&'static str, String>,
}

impl Tenant {
    pub(super) fn id(&self, kind: &'static str) -> String {
        let id = self.ids.get(kind);
        id.unwrap_or_else(|| panic!("{} has no {kind}", self.name))
            .clone()
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.values().any(|it| it == id)
    }

    /// Whether what this path names here is none of `caller`'s: an instance belongs to all workspaces
    /// of its owner, and so does what they were told; teams to those who are in them wherever they are.
    pub(super) fn is_foreign_to(&self, caller: &Self, path: &str) -> bool {
        let is_shared = match path {
            path if path.starts_with("/api/instances/")
                || path.starts_with("/api/notifications/") =>
            {
                self.account == caller.account
            }
            path if path.starts_with("/api/teams/") => {
                self.account == caller.teams_of || self.id("team") == NOBODY
            }
            _ => false,
        };
        self.name != caller.name && !is_shared
    }
}

/// A server with everything, on an address that it keeps.
pub(super) async fn stack() -> Stack {
    let bind = free_address();
    Stack::for_people(&[("bind", bind.as_str())]).await
}

/// Fills workspaces, and leaves a server without workers: nothing but calls changes a row.
pub(super) async fn tenants(mut stack: Stack) -> (Stack, Vec<Tenant>) {
    let mut tenants = Vec::new();
    let names = [
        ["one", "one's team", "one's other team"],
        ["other", "other's team", ""],
    ];
    let guest = Person::on(&stack, "pro").await;
    for (account, names) in names.into_iter().enumerate() {
        let person = Person::on(&stack, "max").await;
        let instance = linked(&stack, &person, account).await;
        let stranger = Person::on(&stack, "free").await;
        let member = [&guest, &stranger][account];
        for (n, name) in names.into_iter().enumerate().filter(|it| !it.1.is_empty()) {
            let (client, ids) = match n {
                0 => (person.console.clone(), personal(&person)),
                _ => team(&stack, &person, member, name, &instance).await,
            };
            let mut tenant = Tenant {
                name,
                client,
                account,
                teams_of: account,
                ids,
            };
            fill(&mut tenant, &instance).await;
            tenant
                .ids
                .insert("notification", told(&stack, &person).await);
            tenants.push(tenant);
        }
    }
    let mut own = Tenant {
        name: "who is in one's teams",
        client: guest.console.clone(),
        account: names.len(),
        teams_of: 0,
        ids: personal(&guest),
    };
    let instance = linked(&stack, &guest, names.len()).await;
    fill(&mut own, &instance).await;
    own.ids.insert("notification", told(&stack, &guest).await);
    tenants.push(own);
    stack.restart_with("roles", "api").await;
    (stack, tenants)
}

/// Something that somebody was told, wherever they are.
async fn told(stack: &Stack, person: &Person) -> String {
    let tell = "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at) \
        VALUES (gen_random_uuid(), $1, $1, 'news', 'News', '{}', now()) RETURNING id::text";
    let rows = stack.rows(tell, &[&person.account.user.uuid()]).await;
    rows[0].get(0)
}

async fn linked(stack: &Stack, person: &Person, n: usize) -> Instance {
    let instance = person.account.instance(stack).await;
    person
        .account
        .link(stack, &instance, &format!("3361111222{n}"))
        .await;
    instance
}

/// What a person has that is below no team of theirs: nothing there is found.
fn personal(person: &Person) -> BTreeMap<&'static str, String> {
    let nobody = || NOBODY.to_owned();
    BTreeMap::from([
        ("team", nobody()),
        ("invitation", nobody()),
        ("member", person.id()),
    ])
}

/// A team with a member who has an instance, and with somebody who is asked; its owner acts there.
async fn team(
    stack: &Stack,
    owner: &Person,
    member: &Person,
    name: &'static str,
    instance: &Instance,
) -> (Client, BTreeMap<&'static str, String>) {
    let invites = [
        (member.email(), "collaborator"),
        ("asked@shop.test", "admin"),
    ];
    let made = owner.found(name, &invites).await;
    let team = id_of(&made);
    let inbox = member.console.get(super::super::MINE).await;
    let body = json!({ "invitationId": inbox.data()[0]["invitationId"] });
    let came = member.console.post(super::super::ACCEPT, &body).await;
    assert_eq!(came.status, 200, "{came:?}");
    stack.mail("asked@shop.test", "team_invitation").await;
    let assign = json!({ "instanceId": instance.id.to_string(), "memberUserId": member.id() });
    let path = format!("{}/{team}/instance-assignments", blackbox::TEAMS);
    let given = owner.console.post(&path, &assign).await;
    assert_eq!(given.status, 204, "{given:?}");
    let open = made["pendingInvitations"].as_array().expect("a list");
    let asked = open.iter().find(|it| it["email"] == "asked@shop.test");
    let ids = BTreeMap::from([
        ("team", team.clone()),
        ("invitation", id_of(asked.expect("asked"))),
        ("member", member.id()),
    ]);
    (owner.within(&team), ids)
}

async fn made(client: &Client, path: &str, body: &Value) -> String {
    let reply = client.post(path, body).await;
    assert!(matches!(reply.status, 201 | 202), "{path}: {reply:?}");
    id_of(reply.data())
}

/// One of everything, through the API.
async fn fill(tenant: &mut Tenant, instance: &Instance) {
    let client = tenant.client.clone();
    let id = instance.id.to_string();
    let contact = json!({ "name": "Shared", "phone": "+33611111111" });
    let hook = json!({ "url": "http://127.0.0.1:9/a", "events": ["message.sent"] });
    let template = json!({ "name": "Hello", "type": "text", "body": "Hi" });
    let numbers = json!({ "instanceId": id, "numbers": ["+33612345678"] });
    let mut later = text(instance, "+33612345678", "Hi");
    later["scheduledAt"] = json!(moment_in(std::time::Duration::from_hours(24)));
    let campaign = json!({
        "name": "Hello", "instanceId": id, "schedule": later["scheduledAt"],
        "recipients": { "type": "all" }, "type": "text", "body": "Hi",
    });
    for (kind, path, body) in [
        ("contact", "/api/contacts", contact),
        ("campaign", "/api/campaigns", campaign),
        ("group", "/api/contacts/groups", json!({ "name": "Shared" })),
        ("template", "/api/templates", template),
        ("webhook", "/api/webhooks", hook),
        ("lookup", "/api/number-lookups", numbers),
        ("message", "/api/messages/send", later),
        ("key", "/api/api-keys", json!({ "name": "Key" })),
    ] {
        let id = made(&client, path, &body).await;
        tenant.ids.insert(kind, id);
    }
    // Names differ in length, and so everybody's list has another number.
    let phone = format!("+336987654{:02}", tenant.name.len());
    let optout = json!({ "phone": phone });
    let added = client.post("/api/suppressions", &optout).await;
    assert_eq!(added.status, 201, "{added:?}");
    tenant.ids.insert("suppression", phone);
    tenant.ids.insert("instance", id);
    let file = client
        .upload_as("/api/media/upload", PNG, "a.png", None)
        .await;
    tenant.ids.insert("media", id_of(file.data()));
    let rows = (0..501).map(|n| format!("+336{:08},Person {n},\n", 10_000_000 + n));
    let rows = format!("phone,name,tags\n{}", rows.collect::<Vec<_>>().concat());
    let import = client
        .upload("/api/contacts/import", rows.as_bytes(), &[])
        .await;
    let import = import.data()["importId"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/api/contacts/imports/{import}");
    eventually("it is taken in", async || {
        (client.get(&path).await.data()["status"] == "done").then_some(())
    })
    .await;
    tenant.ids.insert("import", import);
    let ids = blackbox::book::ids(&blackbox::book::unknown(100));
    let job = client.delete_with("/api/contacts/bulk", &ids).await;
    let job = job.data()["jobId"].as_str().expect("an id").to_owned();
    tenant.ids.insert("job", job);
    let test = format!("/api/webhooks/{}/test", tenant.id("webhook"));
    let delivery = client.post_empty(&test).await;
    assert_eq!(delivery.status, 202, "{delivery:?}");
    tenant.ids.insert("delivery", id_of(delivery.data()));
}
