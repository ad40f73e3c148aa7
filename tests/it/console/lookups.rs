//! Which numbers have WhatsApp.

mod import;
mod long;
mod refused;

use blackbox::{Account, Client, Stack, eventually};
use msgflash_messaging::Instance;
use reqwest::Method;
use serde_json::{Value, json};

use super::stack;

const LOOKUPS: &str = "/api/number-lookups";

/// Somebody who is signed in, with a linked number.
struct Scene {
    stack: Stack,
    account: Account,
    client: Client,
    instance: Instance,
}

impl Scene {
    async fn new() -> Self {
        Self::on(stack().await).await
    }

    async fn on(stack: Stack) -> Self {
        let account = stack.account("pro").await;
        let client = account.signed_in(&stack).await;
        let instance = account.connected(&stack).await;
        Self {
            stack,
            account,
            client,
            instance,
        }
    }

    fn body(&self, numbers: &[String]) -> Value {
        json!({ "instanceId": self.instance.id.to_string(), "numbers": numbers })
    }

    /// Looks numbers up and answers the look-up.
    async fn look_up(&self, numbers: &[String]) -> Value {
        let reply = self.client.post(LOOKUPS, &self.body(numbers)).await;
        assert!(matches!(reply.status, 201 | 202), "{reply:?}");
        reply.data().clone()
    }

    async fn read(&self, lookup: &Value) -> Value {
        let path = format!("{LOOKUPS}/{}", blackbox::id_of(lookup));
        let reply = self.client.get(&path).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.data().clone()
    }

    /// Decides about a number at the simulated gateway.
    async fn decide(&self, number: &str, decision: Value) {
        let body = decision.to_string().into_bytes();
        let path = format!("/simulator/recipients/{number}");
        let switchboard = self.stack.switchboard();
        let reply = switchboard
            .call(Method::PUT, &path, Some(body), "application/json")
            .await;
        assert!(reply.status < 300, "{reply:?}");
    }

    /// What the gateway was asked about, call by call.
    async fn asked(&self) -> Vec<Vec<String>> {
        let path = "/simulator/requests?path=whatsappNumbers";
        let requests = self.stack.switchboard().get(path).await;
        let requests = requests.json.as_array().cloned().expect("a list");
        let numbers = requests.iter().map(|it| {
            let numbers = it["body"]["numbers"].as_array().cloned();
            let numbers = numbers.expect("numbers").into_iter();
            numbers
                .map(|it| it.as_str().expect("text").to_owned())
                .collect()
        });
        numbers.collect()
    }

    /// Cuts the pause short that an instance makes between two parts.
    async fn hurry(&self) {
        let pauses = "UPDATE number_lookup_turns SET turn_at = now() \
             WHERE turn_at > now() AND turn_at < now() + interval '10 seconds'";
        self.stack
            .connection()
            .await
            .execute(pauses, &[])
            .await
            .expect("the statement runs");
    }

    /// Hurries until a look-up is as wanted.
    async fn until(&self, what: &str, lookup: &Value, is: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            self.hurry().await;
            Some(self.read(lookup).await).filter(|it| is(it))
        })
        .await
    }
}

/// So many numbers that follow each other.
fn numbers(count: u32) -> Vec<String> {
    (0..count)
        .map(|n| format!("+336{:08}", 10_000_000 + n))
        .collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|it| (*it).to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_list_is_answered_at_once() {
    let scene = Scene::new().await;
    scene
        .decide("33612345679", json!({ "exists": false }))
        .await;
    let lid = json!({ "exists": true, "jid": "123456789012345@lid" });
    scene.decide("33612345680", lid).await;
    let given = [
        "+33 6 12 34 56 78",
        "0612345678",
        "0033612345679",
        "+5531987654321",
        "+33612345678",
        "+33612345680",
        "Lina \"the\" {friend}, NULL",
    ];
    let body = scene.body(&texts(&given));
    let reply = scene.client.post(LOOKUPS, &body).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let lookup = reply.data();
    assert_eq!(
        lookup["results"],
        json!({
            "onWhatsApp": [
                { "number": "+33612345678", "waNumber": "+33612345678" },
                { "number": "+5531987654321", "waNumber": "+553187654321" },
                { "number": "+33612345680", "waNumber": "+33612345680" },
            ],
            "notOnWhatsApp": ["+33612345679"],
            "invalid": ["0612345678", "Lina \"the\" {friend}, NULL"],
        })
    );
    assert_eq!(lookup["instanceId"], scene.instance.id.to_string());
    let state = ["status", "requestedCount", "processedCount", "progress"];
    assert_eq!(
        state.map(|it| lookup[it].clone()),
        [json!("completed"), json!(7), json!(7), json!(100)]
    );
    assert!(lookup["createdAt"].is_string() && lookup["completedAt"].is_string());
    assert_eq!(lookup["error"], Value::Null);
    assert_eq!(scene.read(lookup).await, *lookup);
    assert_eq!(scene.asked().await.concat().len(), 4, "each number once");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_known_is_not_asked_about_again_until_it_is_too_old() {
    let scene = Scene::new().await;
    scene
        .decide("33610000001", json!({ "exists": false }))
        .await;
    let given = numbers(3);
    let first = scene.look_up(&given).await;
    let again = scene.look_up(&given).await;
    assert_eq!(first["results"], again["results"]);
    assert_ne!(first["id"], again["id"]);
    assert_eq!(scene.asked().await.len(), 1);
    // A day later somebody may have joined.
    let later = "UPDATE number_checks SET forget_at = forget_at - interval '1 day 1 second'";
    assert_eq!(scene.stack.sql(later, &[]).await, 3);
    scene.decide("33610000001", json!({ "exists": true })).await;
    let later = scene.look_up(&given).await;
    assert_eq!(later["results"]["notOnWhatsApp"], json!([]));
    assert_eq!(scene.asked().await[1], ["33610000001"]);
    // What one account knows is nobody else's.
    let (stack, other) = (&scene.stack, scene.stack.account("pro").await);
    let client = other.signed_in(stack).await;
    let instance = other.instance(stack).await;
    other.link(stack, &instance, "33611113333").await;
    let body = json!({ "instanceId": instance.id.to_string(), "numbers": given });
    assert_eq!(client.post(LOOKUPS, &body).await.status, 201);
    assert_eq!(scene.asked().await[2].len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_walked_from_the_newest_and_have_no_results() {
    let scene = Scene::new().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(scene.look_up(&numbers(1)).await);
    }
    made.reverse();
    let first = scene.client.get(&format!("{LOOKUPS}?limit=2")).await;
    let page = first.data();
    assert_eq!(
        (&page["hasMore"], &page["limit"]),
        (&json!(true), &json!(2))
    );
    let mut expected = made[0].clone();
    expected.as_object_mut().expect("one").remove("results");
    assert_eq!(page["lookups"][0], expected);
    assert_eq!(page["lookups"][1]["id"], made[1]["id"]);
    scene.look_up(&numbers(1)).await;
    let cursor = page["nextCursor"].as_str().expect("a cursor");
    let second = format!("{LOOKUPS}?limit=2&cursor={cursor}");
    let second = scene.client.get(&second).await;
    let page = second.data();
    assert_eq!(page["lookups"].as_array().map(Vec::len), Some(1));
    assert_eq!(page["lookups"][0]["id"], made[2]["id"]);
    assert_eq!(
        (&page["nextCursor"], &page["hasMore"]),
        (&Value::Null, &json!(false))
    );
    let by_itself = scene.client.get(LOOKUPS).await;
    assert_eq!(by_itself.data()["limit"], 20);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=two", "limit"),
        ("cursor=nonsense", "cursor"),
    ] {
        let refused = scene.client.get(&format!("{LOOKUPS}?{query}")).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(refused.fields(), [field]);
    }
}
