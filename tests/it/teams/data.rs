//! What is made in a team is the team's, and what it costs is the owner's.

mod pools;

use blackbox::{Client, Crew, Stack, id_of, text};
use serde_json::{Value, json};

use super::each;

const PNG: &[u8] = include_bytes!("../../../apps/server/src/demo/picture.png");

/// Something that was made: where it is read, and where it is listed, under which name.
struct Thing {
    kind: &'static str,
    id: String,
    path: String,
    list: (&'static str, &'static str),
}

fn thing(
    kind: &'static str,
    made: &Value,
    path: &str,
    list: (&'static str, &'static str),
) -> Thing {
    let id = id_of(made);
    Thing {
        kind,
        path: format!("{path}/{id}"),
        id,
        list,
    }
}

/// One of everything, made by somebody.
async fn one_of_each(client: &Client, instance: &msgflash_messaging::Instance) -> Vec<Thing> {
    let mut things = Vec::new();
    let contact = json!({ "name": "Lina", "phone": "+33698765432" });
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let template = json!({ "name": "Hello", "type": "text", "body": "Hi" });
    let numbers = json!({ "instanceId": instance.id.to_string(), "numbers": ["+33612345678"] });
    for (kind, path, body, member) in [
        ("contact", "/api/contacts", contact, "contacts"),
        (
            "group",
            "/api/contacts/groups",
            json!({ "name": "Shop" }),
            "groups",
        ),
        ("template", "/api/templates", template, "templates"),
        ("webhook", "/api/webhooks", hook, ""),
        ("look-up", "/api/number-lookups", numbers, "lookups"),
        (
            "message",
            "/api/messages",
            text(instance, "+33612345678", "Hi"),
            "messages",
        ),
    ] {
        let target = if kind == "message" {
            "/api/messages/send"
        } else {
            path
        };
        let made = client.post(target, &body).await;
        assert_eq!(made.status, 201, "{kind}: {made:?}");
        // The import below has more contacts than a page.
        let list = if kind == "contact" {
            "/api/contacts?search=Lina"
        } else {
            path
        };
        things.push(thing(kind, made.data(), path, (list, member)));
    }
    let rows = (0..600).map(|n| format!("+336{:08},Person {n},\n", 10_000_000 + n));
    let file = format!("phone,name,tags\n{}", rows.collect::<Vec<_>>().concat());
    let import = client
        .upload("/api/contacts/import", file.as_bytes(), &[])
        .await;
    assert_eq!(import.status, 202, "{import:?}");
    let import = json!({ "id": import.data()["importId"] });
    let imports = "/api/contacts/imports";
    things.push(thing("import", &import, imports, (imports, "imports")));
    let ids = blackbox::book::ids(&blackbox::book::unknown(100));
    let job = client.delete_with("/api/contacts/bulk", &ids).await;
    assert_eq!(job.status, 202, "{job:?}");
    let job = json!({ "id": job.data()["jobId"] });
    let jobs = "/api/contacts/bulk-jobs";
    things.push(thing("job", &job, jobs, (jobs, "jobs")));
    things
}

/// The ids in a list, which some answer bare and most under a name.
async fn listed(client: &Client, (path, member): (&str, &str)) -> Vec<String> {
    let reply = client.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {reply:?}");
    let list = if member.is_empty() {
        reply.data()
    } else {
        &reply.data()[member]
    };
    each(list, "id").into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_made_in_a_team_is_seen_there_alone_and_stays_when_its_maker_goes() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let second = id_of(
        &crew
            .owner
            .found("B", &[(crew.admin.email(), "admin")])
            .await,
    );
    let instance = crew.owner.account.connected(&stack).await;
    crew.assign(&instance.id.to_string()).await;
    let maker = crew.collaborator.within(&crew.team);
    let things = one_of_each(&maker, &instance).await;
    let file = maker
        .upload_as("/api/media/upload", PNG, "a.png", None)
        .await;
    let file = format!("/api/media/{}", id_of(&blackbox::team::made(&file, 201)));
    crew.remove(&crew.collaborator).await;
    let outside = [
        crew.owner.console.clone(),
        crew.owner.within(&second),
        crew.collaborator.console.clone(),
    ];
    let inside = [crew.owner.within(&crew.team), crew.admin.within(&crew.team)];
    for thing in &things {
        let list = thing.list;
        for client in &outside {
            let reply = client.get(&thing.path).await;
            assert_eq!(reply.status, 404, "{}: {reply:?}", thing.kind);
            let listed = listed(client, list).await;
            assert!(!listed.contains(&thing.id), "{}", thing.kind);
        }
        for client in &inside {
            let reply = client.get(&thing.path).await;
            assert_eq!(reply.status, 200, "{}: {reply:?}", thing.kind);
            if reply.data().get("userId").is_some() {
                assert_eq!(reply.data()["userId"], crew.owner.id(), "{}", thing.kind);
            }
            let listed = listed(client, list).await;
            assert!(listed.contains(&thing.id), "{}", thing.kind);
        }
        assert!(maker.get(&thing.path).await.status == 404, "they are gone");
    }
    for client in &outside {
        assert_eq!(client.delete(&file).await.outcome(), (404, "NOT_FOUND"));
        let found = client.get("/api/search?q=Lina").await;
        assert_eq!(found.data()["results"], json!([]));
    }
    assert_eq!(inside[1].delete(&file).await.status, 200);
    let found = inside[1].get("/api/search?q=Lina").await;
    assert_eq!(found.data()["results"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_a_team_tells_who_acted_and_in_which_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let body = text(&instance, "+33612345678", "Hi");
    let key = crew.admin.team_key(&crew.team).await;
    let program = stack.client(key["secret"].as_str().expect("shown once"));
    let program = program.header("x-team-id", &crew.team);
    let owner = crew.owner.within(&crew.team);
    let by_person = owner.post("/api/messages/send", &body).await;
    let by_key = program.post("/api/v1/messages/send", &body).await;
    for (sent, acted) in [(&by_person, &crew.owner), (&by_key, &crew.admin)] {
        assert_eq!(sent.status, 201, "{sent:?}");
        assert_eq!(sent.data()["userId"], crew.owner.id());
        assert_eq!(sent.data()["teamId"], crew.team);
        assert_eq!(sent.data()["actingUserId"], acted.id());
    }
    let own = crew.owner.console.post("/api/messages/send", &body).await;
    assert_eq!(own.data()["teamId"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_instances_of_the_owner_are_those_of_every_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let second = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let there = crew.admin.within(&crew.team);
    let made = there
        .post("/api/instances", &json!({ "name": "Shop" }))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.data()["userId"], crew.owner.id());
    let id = id_of(made.data());
    for client in [
        crew.owner.console.clone(),
        crew.owner.within(&crew.team),
        crew.owner.within(&second),
    ] {
        let listed = client.get("/api/instances").await;
        assert_eq!(each(listed.data(), "id"), [id.as_str()]);
    }
    let own = crew.admin.console.get("/api/instances").await;
    assert_eq!(*own.data(), json!([]));
    let gone = there.delete(&format!("/api/instances/{id}")).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    let listed = crew.owner.console.get("/api/instances").await;
    assert_eq!(*listed.data(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_shows_a_collaborator_the_instances_they_were_given() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let given = crew.owner.account.instance(&stack).await.id.to_string();
    crew.owner.account.instance(&stack).await;
    crew.assign(&given).await;
    let found = async |client: &Client| {
        let reply = client.get("/api/search?q=Shop").await;
        let found = each(&reply.data()["sections"]["instances"], "id");
        found.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found(&crew.collaborator.within(&crew.team)).await, [given]);
    assert_eq!(found(&crew.admin.within(&crew.team)).await.len(), 2);
}
