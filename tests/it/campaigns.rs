//! Campaigns: one content for many contacts.

mod content;
mod control;
mod ended;
mod exact;
mod gates;
mod lists;
mod once;
mod refused;
mod rehearsed;
mod whose;

use std::time::Duration;

use blackbox::{Account, Client, PATIENCE, Reply, Stack, id_of, moment_in};
use msgflash_messaging::Instance;
use msgflash_testkit::until;
use serde_json::{Value, json};

/// Where programs make campaigns.
const CAMPAIGNS: &str = "/api/v1/campaigns";
/// Where people do.
const CONSOLE: &str = "/api/campaigns";
const NOBODY: &str = "0197b3c0-1111-7000-8000-00000000dead";

/// An account with a linked number and a few contacts.
struct Scene {
    stack: Stack,
    account: Account,
    instance: Instance,
    /// Their session in the console.
    console: Client,
    /// The ids of the contacts, in the order in which they were made.
    people: Vec<String>,
}

/// The number of a contact.
fn number(n: usize) -> String {
    format!("+336123456{n:02}")
}

impl Scene {
    async fn new(people: usize) -> Self {
        Self::with(people, &[]).await
    }

    async fn with(people: usize, settings: &[(&str, &str)]) -> Self {
        let quick = [("console_rate_limit_per_second", "10000")];
        let stack = Stack::with(&[&quick, settings].concat()).await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await;
        let console = account.signed_in(&stack).await;
        let mut scene = Self {
            stack,
            account,
            instance,
            console,
            people: Vec::new(),
        };
        for n in 0..people {
            let body =
                json!({ "name": format!("Person {n}"), "phone": number(n), "tags": ["all"] });
            let made = scene.client().made_contact(&body).await;
            scene.people.push(id_of(&made));
        }
        scene
    }

    fn client(&self) -> &Client {
        &self.account.client
    }

    /// A text for everybody, that starts now.
    fn text(&self) -> Value {
        json!({
            "name": "Spring", "instanceId": self.instance.id.to_string(),
            "schedule": moment_in(Duration::ZERO), "recipients": { "type": "all" },
            "type": "text", "body": "Hello",
        })
    }

    /// The same, tomorrow.
    fn tomorrow(&self) -> Value {
        with(&self.text(), json!({ "schedule": tomorrow() }))
    }

    async fn post(&self, body: &Value) -> Reply {
        self.client().post(CAMPAIGNS, body).await
    }

    /// Makes one and answers it.
    async fn made(&self, body: &Value) -> Value {
        let reply = self.post(body).await;
        assert_eq!(reply.status, 201, "{body}: {reply:?}");
        reply.data().clone()
    }

    /// A campaign as it is now.
    async fn read(&self, id: &str) -> Value {
        let reply = self.client().get(&path(id, "")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.data().clone()
    }

    /// Waits until a campaign has a state, and answers it.
    async fn wait(&self, id: &str, status: &str) -> Value {
        until(PATIENCE, &format!("it becomes {status}"), async || {
            let last = self.read(id).await;
            assert_adds_up(&last["stats"]);
            if last["status"] == status {
                Ok(last)
            } else {
                Err(last)
            }
        })
        .await
    }

    /// Calls a route of a campaign without a body.
    async fn press(&self, id: &str, button: &str) -> Reply {
        self.client().post_empty(&path(id, button)).await
    }

    /// How many campaigns there are, whoever they belong to.
    async fn stored(&self) -> i64 {
        let all = "SELECT count(*) FROM campaigns";
        self.stack.count(all, &[]).await
    }

    /// How many messages left to all numbers of the scene.
    async fn left(&self) -> usize {
        let mut left = 0;
        for n in 0..self.people.len() {
            left += self.stack.received_by(&number(n)).await.len();
        }
        left
    }
}

fn tomorrow() -> String {
    moment_in(Duration::from_hours(24))
}

/// A body with some members exchanged; `null` takes one out.
fn with(body: &Value, more: Value) -> Value {
    let mut body = body.clone();
    let Value::Object(more) = more else {
        panic!("{more} is no object")
    };
    for (name, value) in more {
        if value.is_null() {
            body.as_object_mut().expect("an object").remove(&name);
        } else {
            body[name] = value;
        }
    }
    body
}

/// The path of a campaign, or of something below it.
fn path(id: &str, below: &str) -> String {
    let joint = if below.is_empty() { "" } else { "/" };
    format!("{CAMPAIGNS}/{id}{joint}{below}")
}

#[track_caller]
fn assert_adds_up(stats: &Value) {
    let count = |name: &str| {
        stats[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name}: {stats}"))
    };
    let sum = ["queued", "sent", "failed", "cancelled"].map(count);
    assert_eq!(count("planned"), sum.iter().sum::<i64>(), "{stats}");
    assert!(count("sent") >= count("delivered"), "{stats}");
    assert!(count("delivered") >= count("read"), "{stats}");
}
