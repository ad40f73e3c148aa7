//! Numbers as people manage them.

mod events;
mod linking;
mod removal;

use blackbox::{Account, Client, Reply, Stack, eventually};
use serde_json::{Value, json};
use uuid::Uuid;

use super::stack;

const INSTANCES: &str = "/api/instances";

/// Somebody who is signed in.
struct Scene {
    stack: Stack,
    account: Account,
    client: Client,
}

impl Scene {
    async fn new() -> Self {
        let stack = stack().await;
        let account = stack.account("pro").await;
        let client = account.signed_in(&stack).await;
        Self {
            stack,
            account,
            client,
        }
    }

    /// Makes an instance and answers its id.
    async fn make(&self, name: &str) -> String {
        let made = self.client.post(INSTANCES, &json!({ "name": name })).await;
        assert_eq!(made.status, 201, "{made:?}");
        blackbox::id_of(made.data())
    }

    /// What an instance is called at the gateway.
    async fn session(&self, id: &str) -> String {
        let id: Uuid = id.parse().expect("an id");
        let rows = self
            .stack
            .rows("SELECT session FROM instances WHERE id = $1", &[&id])
            .await;
        rows[0].get(0)
    }

    async fn read(&self, id: &str) -> Value {
        let read = self.client.get(&format!("{INSTANCES}/{id}")).await;
        assert_eq!(read.status, 200, "{read:?}");
        read.data().clone()
    }

    async fn act(&self, id: &str, what: &str, body: Value) -> Reply {
        self.client
            .post(&format!("{INSTANCES}/{id}/{what}"), &body)
            .await
    }

    /// Links a phone by its QR code and waits until that is known.
    async fn link(&self, id: &str, number: &str) {
        let shown = self.act(id, "connect", json!({})).await;
        assert_eq!(shown.status, 200, "{shown:?}");
        self.stack.scan(&self.session(id).await, number).await;
        self.until(id, "connected").await;
    }

    async fn until(&self, id: &str, status: &str) -> Value {
        eventually(&format!("it becomes {status}"), async || {
            Some(self.read(id).await).filter(|it| it["status"] == status)
        })
        .await
    }

    /// What the simulated gateway has of a session.
    async fn at_gateway(&self, session: &str) -> Reply {
        let path = format!("/simulator/instances/{session}");
        self.stack.switchboard().get(&path).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_is_made_read_listed_and_renamed() {
    let scene = Scene::new().await;
    let body = json!({ "name": "  Main shop " });
    let made = scene.client.post(INSTANCES, &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let it = made.data();
    let id = blackbox::id_of(it);
    assert_eq!(
        (&it["name"], &it["status"], &it["waNumber"], &it["meta"]),
        (
            &json!("Main shop"),
            &json!("disconnected"),
            &Value::Null,
            &Value::Null
        )
    );
    assert_eq!(it["userId"], scene.account.user.to_string());
    assert_eq!(scene.read(&id).await, *it);
    let path = format!("{INSTANCES}/{id}");
    let renamed = scene.client.patch(&path, &json!({ "name": "Café" })).await;
    assert_eq!(
        (renamed.status, &renamed.data()["name"]),
        (200, &json!("Café"))
    );
    let second = scene.make("Second").await;
    let listed = scene.client.get(INSTANCES).await;
    let ids: Vec<_> = listed
        .data()
        .as_array()
        .expect("a list")
        .iter()
        .map(blackbox::id_of)
        .collect();
    assert_eq!(ids, [second, id.clone()]);
    // Programs see the same without whose it is, and nobody sees a secret.
    let public = scene
        .account
        .client
        .get(&format!("/api/v1/instances/{id}"))
        .await;
    assert!(public.data().get("userId").is_none());
    let rows = scene
        .stack
        .rows("SELECT session, webhook_secret FROM instances", &[])
        .await;
    for row in rows {
        let (session, secret): (String, String) = (row.get(0), row.get(1));
        for text in [&made.text, &listed.text, &public.text] {
            assert!(!text.contains(&session) && !text.contains(&secret));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_at_once_never_pass_the_cap_of_the_plan() {
    let scene = Scene::new().await;
    let tries = (0..20).map(|n| {
        let client = scene.client.clone();
        async move {
            let body = json!({ "name": format!("Shop {n}") });
            client.post(INSTANCES, &body).await
        }
    });
    let answers = futures_util::future::join_all(tries).await;
    let made = answers.iter().filter(|it| it.status == 201).count();
    let refused = answers
        .iter()
        .filter(|it| it.outcome() == (403, "MAX_INSTANCES_REACHED"))
        .count();
    assert_eq!((made, refused), (5, 15));
    let sessions = scene.stack.switchboard().get("/simulator/instances").await;
    let sessions = sessions.json["instances"]
        .as_array()
        .or(sessions.json.as_array());
    assert_eq!(sessions.map(Vec::len), Some(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_names_and_numbers_are_refused_by_their_field() {
    let scene = Scene::new().await;
    for name in [
        json!(""),
        json!("  "),
        json!("x".repeat(101)),
        json!(7),
        json!("a\nb"),
    ] {
        let refused = scene.client.post(INSTANCES, &json!({ "name": name })).await;
        let told = (refused.outcome(), refused.fields());
        assert_eq!(told, ((400, "VALIDATION_ERROR"), vec!["name"]), "{name}");
    }
    let id = scene.make("Shop").await;
    for number in [json!("0612345678"), json!("+1"), json!(33_611_112_222_u64)] {
        let refused = scene
            .act(&id, "connect", json!({ "phoneNumber": number }))
            .await;
        let told = (refused.outcome(), refused.fields());
        assert_eq!(
            told,
            ((400, "VALIDATION_ERROR"), vec!["phoneNumber"]),
            "{number}"
        );
    }
    assert_eq!(scene.read(&id).await["status"], "disconnected");
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_others_are_not_found_by_any_route() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let before = scene.read(&id).await;
    let other = scene.stack.account("pro").await;
    let other = other.signed_in(&scene.stack).await;
    for id in [
        id.as_str(),
        "nonsense",
        "0197b3c0-1111-7000-8000-000000000001",
    ] {
        let path = format!("{INSTANCES}/{id}");
        for reply in [
            other.get(&path).await,
            other.get(&format!("{path}/state")).await,
            other.get(&format!("{path}/health")).await,
            other.patch(&path, &json!({ "name": "Mine" })).await,
            other.delete(&path).await,
            other.post_empty(&format!("{path}/connect")).await,
            other.post_empty(&format!("{path}/logout")).await,
            other.post_empty(&format!("{path}/restart")).await,
        ] {
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{id} {reply:?}");
        }
    }
    assert_eq!(scene.read(&id).await, before);
    let path = format!("{INSTANCES}/{id}/connect");
    let method = scene.client.get(&path).await;
    assert_eq!(method.outcome(), (405, "METHOD_NOT_ALLOWED"));
    let nobody = scene.stack.anonymous().post_empty(&path).await;
    assert_eq!(nobody.outcome(), (401, "UNAUTHORIZED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_pay_makes_and_links_nothing_and_may_clear_up() {
    let scene = Scene::new().await;
    let id = scene.make("Shop").await;
    let expire = "UPDATE subscriptions SET status = 'expired' WHERE account_id = $1";
    let user = scene.account.user.uuid();
    scene.stack.sql(expire, &[&user]).await;
    let inactive = (403, "SUBSCRIPTION_INACTIVE");
    let made = scene
        .client
        .post(INSTANCES, &json!({ "name": "More" }))
        .await;
    assert_eq!(made.outcome(), inactive);
    assert_eq!(
        scene.act(&id, "connect", json!({})).await.outcome(),
        inactive
    );
    assert_eq!(scene.act(&id, "logout", json!({})).await.status, 200);
    let deleted = scene.client.delete(&format!("{INSTANCES}/{id}")).await;
    assert_eq!(*deleted.data(), json!({ "deleted": true }));
}
