//! Many careful clients at once, and what must be true when all is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use msgflash_messaging::Instance;
use serde_json::Value;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::{Account, Delivery, Receiver, Stack, id_of, text, within};

const FAILED: &str = "message.failed";
/// A receipt may overtake the news that its message left, which is then not told any more.
const OUTCOMES: [&str; 4] = ["message.sent", "message.delivered", "message.read", FAILED];
/// How many clients ask at once.
const ABREAST: usize = 32;

/// Messages to as many numbers, each posted until it is accepted, with one webhook that hears what
/// becomes of them.
pub struct Burst {
    clients: JoinSet<String>,
    messages: usize,
    receiver: Receiver,
    patience: Duration,
}

impl Burst {
    /// Begins to post. `patience` is for each wait for something that must happen.
    pub async fn begin(
        stack: &Stack,
        account: &Account,
        instances: &[Instance],
        messages: usize,
        patience: Duration,
    ) -> Self {
        let receiver = Receiver::start().await;
        account.client.endpoint(&receiver.url, &OUTCOMES).await;
        let gate = Arc::new(Semaphore::new(ABREAST));
        let mut clients = JoinSet::new();
        for n in 0..messages {
            let to = format!("+33612{n:06}");
            let body = text(
                &instances[n % instances.len()],
                &to,
                &format!("message {n}"),
            );
            let (base, key) = (stack.base.clone(), account.key.clone());
            let gate = Arc::clone(&gate);
            clients.spawn(async move {
                let _turn = gate.acquire().await.expect("open");
                insist(base, key, format!("once-{n}"), body, patience).await
            });
        }
        Self {
            clients,
            messages,
            receiver,
            patience,
        }
    }

    /// Waits until that many messages left any simulated phone.
    pub async fn until_left(&self, stack: &Stack, count: usize) {
        within(
            self.patience,
            &format!("{count} messages left"),
            async || (left(stack).await.len() >= count).then_some(()),
        )
        .await;
    }

    /// Waits for the end, and holds it against the promises: each accepted once; sent and left
    /// once, or failed and never left; the ledger equal to the messages; each outcome told. Answers
    /// how many were sent.
    pub async fn end(self, stack: &Stack, account: &Account) -> usize {
        let Self {
            clients,
            messages,
            receiver,
            patience,
        } = self;
        let accepted: BTreeSet<String> = clients.join_all().await.into_iter().collect();
        assert_eq!(
            accepted.len(),
            messages,
            "each accepted, under an id of its own"
        );
        within(patience, "every message has ended", async || {
            (stack.count("SELECT count(*) FROM queue", &[]).await == 0).then_some(())
        })
        .await;
        let expected = i64::try_from(messages).expect("a small number");
        let made = stack.count("SELECT count(*) FROM messages", &[]).await;
        assert_eq!(made, expected, "each recorded once");
        let (sent, failed) = outcomes(stack).await;
        assert_eq!(sent.len() + failed.len(), messages);
        let ledger = stack.ledger(account).await;
        let used = i64::try_from(sent.len()).expect("a small number");
        assert_eq!(
            (ledger.used, ledger.reserved, ledger.released),
            (used, 0, expected - used)
        );
        within(patience, "each outcome is told", async || {
            let heard = receiver.heard();
            let told = |failed: bool| -> BTreeSet<String> {
                let of = |it: &&Delivery| (it.header("x-msgflash-event") == FAILED) == failed;
                heard.iter().filter(of).map(message_of).collect()
            };
            (told(false) == sent && told(true) == failed).then_some(())
        })
        .await;
        receiver.stop().await;
        sent.len()
    }
}

fn message_of(delivery: &Delivery) -> String {
    let id = delivery.json["messageId"].as_str();
    id.unwrap_or_else(|| panic!("no message: {}", delivery.json))
        .to_owned()
}

/// The ids of what was sent and of what failed, held against what left the phones.
async fn outcomes(stack: &Stack) -> (BTreeSet<String>, BTreeSet<String>) {
    let mut received: BTreeMap<String, usize> = BTreeMap::new();
    for it in left(stack).await {
        let to = it["to"].as_str().or(it["number"].as_str());
        let to = to.unwrap_or_else(|| panic!("no recipient: {it}"));
        let to = to.trim_start_matches('+').to_owned();
        *received.entry(to).or_default() += 1;
    }
    let twice: Vec<_> = received.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let text = "SELECT id::text, peer::text, status, meta->>'code' FROM messages WHERE NOT inbound";
    let (mut sent, mut failed) = (BTreeSet::new(), BTreeSet::new());
    for row in stack.rows(text, &[]).await {
        let (id, to, status): (String, String, i16) = (row.get(0), row.get(1), row.get(2));
        match status {
            1..=3 => {
                assert!(received.contains_key(&to), "{to} is sent and never left");
                sent.insert(id);
            }
            4 => {
                assert_eq!(row.get::<_, Option<&str>>(3), Some("PROVIDER_TIMEOUT"));
                assert!(!received.contains_key(&to), "{to} failed and left");
                failed.insert(id);
            }
            other => panic!("{to} has not ended: {other}"),
        }
    }
    (sent, failed)
}

/// Everything that left any simulated phone.
pub async fn left(stack: &Stack) -> Vec<Value> {
    let all = stack.switchboard().get("/simulator/messages").await.json;
    all.as_array().cloned().unwrap_or_default()
}

/// Posts until the server accepts, as a careful client does: again and again with the same key.
pub async fn insist(
    base: String,
    key: String,
    once: String,
    body: Value,
    patience: Duration,
) -> String {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .expect("a client");
    within(patience, "the server accepts", async || {
        let request = http
            .post(format!("{base}/api/v1/messages/send"))
            .header("x-api-key", &key)
            .header("idempotency-key", &once)
            .header("content-type", "application/json")
            .body(body.to_string());
        let answer = request.send().await.ok()?;
        let created = answer.status() == 201;
        let body: Value = serde_json::from_str(&answer.text().await.ok()?).ok()?;
        created.then(|| id_of(&body["data"]))
    })
    .await
}
