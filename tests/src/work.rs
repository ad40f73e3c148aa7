//! What most tests do: send, look, wait.

use std::time::Duration;

use msgflash_messaging::Instance;
use msgflash_testkit::until;
use reqwest::Method;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Account, Client, PATIENCE, Stack, eventually};

/// Every event an endpoint can ask for.
pub const EVENTS: [&str; 8] = [
    "instance.connected",
    "instance.disconnected",
    "instance.restricted",
    "message.sent",
    "message.delivered",
    "message.read",
    "message.failed",
    "message.received",
];

/// A moment from now, as clients write it.
pub fn moment_in(span: Duration) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server under test has the real time"
    )]
    let now = OffsetDateTime::now_utc();
    (now + span)
        .format(&Rfc3339)
        .expect("every moment can be written")
}

/// The body of a text.
pub fn text(instance: &Instance, to: &str, text: &str) -> Value {
    json!({ "instanceId": instance.id.to_string(), "to": to, "type": "text", "text": text })
}

impl Client {
    /// Sends and answers the accepted message.
    pub async fn send(&self, body: &Value) -> Value {
        let reply = self.post("/api/v1/messages/send", body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.data().clone()
    }

    /// Sends a text and answers its id.
    pub async fn text(&self, instance: &Instance, to: &str, words: &str) -> String {
        id_of(&self.send(&text(instance, to, words)).await)
    }

    /// Puts a number on the opt-out list of whoever asks.
    pub async fn suppress(&self, phone: &str) {
        let body = json!({ "phone": phone });
        let reply = self.post("/api/v1/suppressions", &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
    }

    /// Schedules and answers the accepted message.
    pub async fn schedule(&self, body: &Value, at: &str) -> Value {
        let mut body = body.clone();
        body["scheduledAt"] = json!(at);
        let reply = self.post("/api/v1/messages/schedule", &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.data().clone()
    }

    /// A message as it is now.
    pub async fn message(&self, id: &str) -> Value {
        let reply = self.get(&format!("/api/v1/messages/{id}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.data().clone()
    }

    /// Waits until a message has a state and answers it.
    pub async fn wait_message(&self, id: &str, status: &str) -> Value {
        until(PATIENCE, &format!("it becomes {status}"), async || {
            let last = self.message(id).await;
            if last["status"] == status {
                Ok(last)
            } else {
                Err(last)
            }
        })
        .await
    }

    /// Waits for the first inbound message with this body.
    pub async fn wait_inbound(&self, body: &str) -> Value {
        eventually(&format!("{body:?} comes in"), async || {
            let list = self
                .get("/api/v1/messages?direction=inbound&limit=100")
                .await;
            let found = list.data()["messages"]
                .as_array()
                .cloned()
                .unwrap_or_default();
            found.into_iter().find(|message| message["body"] == body)
        })
        .await
    }

    /// Makes a webhook endpoint and answers it with its secret.
    pub async fn endpoint(&self, url: &str, events: &[&str]) -> Value {
        let body = json!({ "url": url, "events": events });
        let reply = self.post("/api/v1/webhooks", &body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.data().clone()
    }
}

impl Account {
    /// The counters of `/usage`.
    pub async fn usage(&self) -> Value {
        let reply = self.client.get("/api/v1/usage").await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.data()["usage"].clone()
    }
}

/// What the ledger of an account holds, over all months.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// Accepted by the provider.
    pub used: i64,
    /// Promised and neither accepted nor given back.
    pub reserved: i64,
    /// Given back.
    pub released: i64,
}

impl Stack {
    /// Lets the simulator misbehave; the members are those of its control API.
    pub async fn fault(&self, fault: Value) {
        let reply = self.control("faults", fault).await;
        assert!(reply.status < 300, "{reply:?}");
    }

    /// Ends all misbehaviour asked for with [`Self::fault`].
    pub async fn heal(&self) {
        let reply = self.switchboard().delete("/simulator/faults").await;
        assert!(reply.status < 300, "{reply:?}");
    }

    /// Changes the switches of the simulated gateway.
    pub async fn switch(&self, change: Value) {
        let body = change.to_string().into_bytes();
        let path = "/simulator/gateway";
        let reply = self
            .switchboard()
            .call(Method::PATCH, path, Some(body), "application/json")
            .await;
        assert!(reply.status < 300, "{reply:?}");
    }

    /// The requests that reached the simulated gateway whose path contains this, oldest first.
    pub async fn asked(&self, path: &str) -> Vec<Value> {
        let path = format!("/simulator/requests?path={path}");
        let all = self.switchboard().get(&path).await.json;
        all.as_array().cloned().unwrap_or_default()
    }

    /// How often an alarm of a kind was raised in this process.
    pub async fn alarms(&self, kind: &str) -> u64 {
        self.metric(&format!("msgflash_alarms_total{{kind=\"{kind}\"}}"))
            .await
    }

    /// A count of this process; zero while it was never counted.
    pub async fn metric(&self, name: &str) -> u64 {
        let page = self.anonymous().get("/metrics").await.text;
        let found = page.lines().find_map(|line| {
            let (shown, value) = line.rsplit_once(' ')?;
            (shown == name).then_some(value)
        });
        found.map_or(0, |count| count.parse().expect("a number"))
    }

    /// A control call about one simulated session that must succeed.
    pub async fn phone(&self, instance: &Instance, call: &str, body: Value) -> Value {
        let path = format!("instances/{}/{call}", instance.session);
        let reply = self.control(&path, body).await;
        assert!(reply.status < 300, "{path}: {reply:?}");
        reply.json
    }

    /// Waits until a number received so many messages, and answers them.
    pub async fn wait_received(&self, number: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{count} messages at {number}"), async || {
            let received = self.received_by(number).await;
            (received.len() >= count).then_some(received)
        })
        .await
    }

    /// The ledger of an account as stored.
    pub async fn ledger(&self, account: &Account) -> Ledger {
        let id = account.user.uuid();
        let held = "SELECT coalesce(sum(reserved_total), 0)::bigint FROM usage_holds \
                    WHERE account_id = $1";
        let held = self.count(held, &[&id]).await;
        let settled = "SELECT coalesce(sum(messages + statuses), 0)::bigint, \
                       coalesce(sum(released), 0)::bigint FROM usage_settled WHERE account_id = $1";
        let rows = self.rows(settled, &[&id]).await;
        let (used, released): (i64, i64) = (rows[0].get(0), rows[0].get(1));
        Ledger {
            used,
            reserved: held - used - released,
            released,
        }
    }

    /// How many events of a name are stored for a message or an instance.
    pub async fn told(&self, name: &str, id: &str) -> i64 {
        self.count(
            "SELECT count(*) FROM events WHERE name = $1 \
             AND (payload->>'messageId' = $2 OR name LIKE 'instance.%' AND payload->>'instanceId' = $2)",
            &[&name, &id],
        )
        .await
    }
}

/// The id of something the API answered.
pub fn id_of(object: &Value) -> String {
    object["id"]
        .as_str()
        .unwrap_or_else(|| panic!("no id in {object}"))
        .to_owned()
}
