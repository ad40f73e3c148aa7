//! Contacts, templates and groups that change in the middle: what was not made yet follows them.

use super::*;
use blackbox::book::{CONTACTS, GROUPS};

/// Few are made ahead, and the last of sixty people are far from it.
async fn in_the_middle(body: &Value) -> (Scene, String) {
    let scene = Scene::with(60, &PACED).await;
    let template = json!({ "name": "Hello", "type": "text", "body": "Hi {{contact.name}}" });
    let made = scene
        .account
        .client
        .post("/api/v1/templates", &template)
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let mut members = body.clone();
    members["templateId"] = json!(id_of(made.data()));
    for direct in ["type", "body"] {
        members[direct] = Value::Null;
    }
    let mut body = scene.body_with(&members);
    let object = body.as_object_mut().expect("an object");
    object.retain(|_, value| !value.is_null());
    let id = scene.create(&body).await;
    scene.wait_sent(&id, 2).await;
    (scene, id)
}

/// The texts a number got.
async fn texts(scene: &Scene, to: &str) -> Vec<String> {
    let received = scene.stack.received_by(to).await;
    let texts = received.iter().filter_map(|it| it["text"].as_str());
    texts.map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_that_change_before_their_turn_are_written_to_as_they_are_then() {
    let (scene, id) = in_the_middle(&json!({})).await;
    let client = &scene.account.client;
    let path = |n: usize| format!("{CONTACTS}/{}", scene.people[n - 1]);
    let renamed = client.put(&path(55), &json!({ "name": "Awa" })).await;
    let moved = json!({ "phone": "+4915550000056" });
    let moved = client.put(&path(56), &moved).await;
    let deleted = client.delete(&path(57)).await;
    let retagged = client.put(&path(58), &json!({ "tags": ["vip"] })).await;
    for reply in [&renamed, &moved, &deleted, &retagged] {
        assert_eq!(reply.status, 200, "{reply:?}");
    }
    let late = client.contact("Too late", 4_915_550_000_099).await;
    scene.wait(&id, "completed").await;
    assert_eq!(texts(&scene, &phone(55)).await, ["Hi Awa"]);
    assert_eq!(texts(&scene, "4915550000056").await, ["Hi Person 55"]);
    assert_eq!(texts(&scene, &phone(58)).await, ["Hi Person 57"]);
    let nobody: [String; 0] = [];
    for nowhere in [phone(56), phone(57), "4915550000099".to_owned()] {
        assert_eq!(texts(&scene, &nowhere).await, nobody, "{nowhere}, {late}");
    }
    assert_eq!(scene.require_once().await, 59);
    let stats = scene.require_exact(&id).await;
    assert_eq!((&stats["sent"], &stats["skipped"]), (&json!(59), &json!(1)));
    let skipped = scene.recipients(&id, "skipped").await;
    assert_eq!(skipped[&format!("+{}", phone(57))], "CONTACT_DELETED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_changes_counts_for_whoever_was_not_written_to() {
    let (scene, id) = in_the_middle(&json!({})).await;
    let template = scene.campaign(&id).await["templateId"].clone();
    let path = format!("/api/v1/templates/{}", template.as_str().expect("an id"));
    let change = json!({ "body": "Bye {{contact.name}}" });
    let changed = scene.account.client.put(&path, &change).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    scene.wait(&id, "completed").await;
    assert_eq!(scene.require_once().await, 60);
    assert_eq!(texts(&scene, &phone(1)).await, ["Hi Person 0"]);
    assert_eq!(texts(&scene, &phone(60)).await, ["Bye Person 59"]);
    scene.require_exact(&id).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_is_deleted_ends_it_and_nobody_is_left_queued() {
    let (scene, id) = in_the_middle(&json!({})).await;
    let template = scene.campaign(&id).await["templateId"].clone();
    let path = format!("/api/v1/templates/{}", template.as_str().expect("an id"));
    assert_eq!(scene.account.client.delete(&path).await.status, 200);
    let failed = scene.wait(&id, "failed").await;
    assert!(failed["error"].is_string(), "{failed}");
    scene.wait_settled(&id).await;
    let stats = scene.require_exact(&id).await;
    let reached = scene.require_once().await as u64;
    assert_eq!(
        (number(&stats, "sent"), number(&stats, "cancelled")),
        (reached, 60 - reached)
    );
    assert!(reached < 60, "{stats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_counts_as_it_is_when_the_run_starts() {
    let scene = Scene::with(60, &PACED).await;
    let client = &scene.account.client;
    let group = client.group("Everybody").await;
    client.join(&group, &scene.people[..40]).await;
    let to_group = json!({ "type": "group", "groupId": group });
    let running = scene
        .create(&scene.body_with(&json!({ "recipients": to_group })))
        .await;
    let later = moment_in(Duration::from_hours(1));
    let members = json!({ "recipients": to_group, "schedule": later });
    let waiting = scene.create(&scene.body_with(&members)).await;
    scene.wait_sent(&running, 2).await;
    client.join(&group, &scene.people[40..]).await;
    let gone = client.delete(&format!("{GROUPS}/{group}")).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    scene.wait(&running, "completed").await;
    assert_eq!(scene.require_once().await, 40);
    let stats = scene.require_exact(&running).await;
    assert_eq!(stats["planned"], 40);
    // The other one finds nobody.
    let key: Uuid = waiting.parse().expect("an id");
    let now = "UPDATE campaigns SET schedule = now(), turn_at = now() WHERE id = $1";
    scene.stack.sql(now, &[&key]).await;
    let empty = scene.wait(&waiting, "completed").await;
    assert_eq!(empty["stats"]["planned"], 0);
    assert_eq!(scene.require_once().await, 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_count_as_they_are_when_the_run_starts_and_everybody_is_one_recipient() {
    let scene = Scene::with(30, &[]).await;
    let client = &scene.account.client;
    let tags: [(usize, &[&str]); 4] = [
        (1, &["new"]),
        (2, &["new", "vip"]),
        (3, &["vip"]),
        (4, &["old"]),
    ];
    for (n, tags) in tags {
        let path = format!("{CONTACTS}/{}", scene.people[n - 1]);
        let tagged = client.put(&path, &json!({ "tags": tags })).await;
        assert_eq!(tagged.status, 200, "{tagged:?}");
    }
    let to = json!({ "recipients": { "type": "tags", "value": ["vip", "none", "new"] } });
    let id = scene.create(&scene.body_with(&to)).await;
    scene.wait(&id, "completed").await;
    let reached: Vec<_> = scene.reached().await.into_iter().collect();
    let expected = [1, 2, 3].map(|n| (phone(n), 1));
    assert_eq!(reached, expected);
    scene.require_exact(&id).await;
}
