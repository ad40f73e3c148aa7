//! Nobody twice, nobody lost, and numbers that add up, whatever happens in the middle.

use std::collections::BTreeMap;
use std::time::Duration;

use blackbox::{Account, PATIENCE, Reply, Stack, eventually, id_of, moment_in, text};
use msgflash_messaging::Instance;
use msgflash_testkit::until;
use serde_json::{Value, json};
use uuid::Uuid;

mod capped;
mod edits;
mod fairness;
mod hours;
mod instance;
mod kills;
mod limits;
mod optout;
mod pausing;
mod restricted;
mod retry;

const CAMPAIGNS: &str = "/api/v1/campaigns";

/// Slow enough to do something in the middle: a call each 40 to 160 ms.
const PACED: [(&str, &str); 1] = [("pace_ms", "40")];

/// Runs have short lists of what their tests need: an account, its number and people to write to.
struct Scene {
    stack: Stack,
    account: Account,
    instance: Instance,
    people: Vec<String>,
}

impl Scene {
    async fn new(people: usize) -> Self {
        Self::with(people, &[]).await
    }

    async fn with(people: usize, settings: &[(&str, &str)]) -> Self {
        Self::on(Stack::with(settings).await, people).await
    }

    async fn on(stack: Stack, people: usize) -> Self {
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await;
        let own = account.user.uuid();
        let people = stack.fill_book(own, own, people).await;
        Self {
            stack,
            account,
            instance,
            people,
        }
    }

    /// A text to everybody, now.
    fn body(&self) -> Value {
        json!({
            "name": "April offer", "instanceId": self.instance.id.to_string(),
            "schedule": moment_in(Duration::ZERO), "recipients": { "type": "all" },
            "type": "text", "body": "Hello",
        })
    }

    /// The same with other members.
    fn body_with(&self, members: &Value) -> Value {
        let mut body = self.body();
        for (name, value) in members.as_object().expect("members") {
            body[name] = value.clone();
        }
        body
    }

    /// Makes a campaign and answers its id.
    async fn create(&self, body: &Value) -> String {
        let reply = self.account.client.post(CAMPAIGNS, body).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        id_of(reply.data())
    }

    async fn tell(&self, id: &str, what: &str) -> Reply {
        let path = format!("{CAMPAIGNS}/{id}/{what}");
        self.account.client.post_empty(&path).await
    }

    /// The campaign as it is now. At every moment its numbers add up.
    async fn campaign(&self, id: &str) -> Value {
        let reply = self.account.client.get(&format!("{CAMPAIGNS}/{id}")).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let campaign = reply.data().clone();
        adds_up(&campaign["stats"]);
        campaign
    }

    /// Waits until it has a state, and answers it.
    async fn wait(&self, id: &str, status: &str) -> Value {
        until(PATIENCE, &format!("it becomes {status}"), async || {
            let last = self.campaign(id).await;
            if last["status"] == status {
                Ok(last)
            } else {
                Err(last)
            }
        })
        .await
    }

    /// Waits until so many were sent, and answers how many that were.
    async fn wait_sent(&self, id: &str, count: u64) -> u64 {
        eventually(&format!("{count} are sent"), async || {
            let sent = number(&self.campaign(id).await["stats"], "sent");
            (sent >= count).then_some(sent)
        })
        .await
    }

    /// Waits until nothing is queued, and answers the numbers.
    async fn wait_settled(&self, id: &str) -> Value {
        eventually("nothing is queued", async || {
            let stats = self.campaign(id).await["stats"].take();
            (stats["queued"] == 0).then_some(stats)
        })
        .await
    }

    /// How many calls the gateway saw that send a text.
    async fn calls(&self) -> usize {
        self.stack.asked("sendText").await.len()
    }

    /// How many messages reached each number.
    async fn reached(&self) -> BTreeMap<String, usize> {
        let mut reached = BTreeMap::new();
        // A long list takes longer than other answers.
        let http = reqwest::Client::builder().timeout(Duration::from_mins(5));
        let url = format!("{}/simulator/messages", self.stack.simulator.control_url());
        let asked = http.build().expect("a client").get(url).send().await;
        let text = asked.expect("an answer").text().await.expect("a list");
        let list: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        for it in list {
            let to = it["number"].as_str();
            let to = to.unwrap_or_else(|| panic!("no number: {it}")).to_owned();
            *reached.entry(to).or_default() += 1;
        }
        reached
    }

    /// Every number that was reached was reached once; answers how many there are.
    async fn require_once(&self) -> usize {
        let reached = self.reached().await;
        require_no_second(&reached);
        reached.len()
    }

    /// Sends something else by the same number and waits until it is there, after a while in which a
    /// campaign that may send has its turn many times.
    async fn let_time_pass(&self) {
        let to = "+33699999999";
        let body = text(&self.instance, to, "Something else");
        let at = moment_in(Duration::from_secs(2));
        let id = id_of(&self.account.client.schedule(&body, &at).await);
        self.account.client.wait_message(&id, "read").await;
    }

    /// Lets several turns of a campaign and of its lane pass.
    async fn let_turns_pass(&self) {
        let beat = "SELECT (extract(epoch FROM max(beat_at)) * 1000)::bigint FROM workers";
        for _ in 0..2 {
            let last = self.stack.count(beat, &[]).await;
            eventually("its worker's heart beats", async || {
                (self.stack.count(beat, &[]).await > last).then_some(())
            })
            .await;
        }
    }

    /// The health of its number.
    async fn health(&self) -> Value {
        let path = format!("/api/v1/instances/{}/health", self.instance.id);
        self.account.client.page(&path).await
    }

    /// The recipients with a state, each with its code, by number.
    async fn recipients(&self, id: &str, status: &str) -> BTreeMap<String, Value> {
        let path = format!("{CAMPAIGNS}/{id}/recipients?status={status}&limit=100");
        let pages = self.account.client.pages(&path).await;
        let lines = pages.iter().flat_map(|page| {
            let lines = page["recipients"].as_array();
            lines.unwrap_or_else(|| panic!("no recipients in {page}"))
        });
        lines
            .map(|it| {
                let phone = it["phone"].as_str().expect("a number").to_owned();
                (phone, it["code"].clone())
            })
            .collect()
    }

    /// What is counted is what is there, at one moment: recipients, messages, queue and ledger.
    async fn require_exact(&self, id: &str) -> Value {
        let key: Uuid = id.parse().expect("an id");
        let all = self.stack.recount().await;
        let ours = all.iter().find(|it| it.campaign == key);
        let ours = ours.expect("its counters");
        assert_eq!(ours.counted, ours.found, "{ours:?}");
        let twice = "SELECT count(*) FROM (SELECT 1 FROM campaign_recipients \
             WHERE campaign_id = $1 GROUP BY run_id, contact_id HAVING count(*) > 1) twice";
        assert_eq!(self.stack.count(twice, &[&key]).await, 0);
        let ledger = self.stack.rows(LEDGER, &[&self.account.user.uuid()]).await;
        let column = |name: &str| -> i64 { ledger[0].get(name) };
        assert_eq!(column("used"), column("charged"));
        assert_eq!(column("reserved"), column("open"));
        self.campaign(id).await["stats"].take()
    }
}

/// What the ledger says of an account, beside what is charged and what waits.
const LEDGER: &str = "SELECT s.used, h.held - s.used - s.released AS reserved, \
       (SELECT count(*) FROM messages m \
        WHERE m.account_id = $1 AND m.charged_period IS NOT NULL) AS charged, \
       (SELECT count(*) FROM queue q \
        WHERE q.account_id = $1 AND q.period IS NOT NULL) AS open \
     FROM (SELECT coalesce(sum(messages), 0)::bigint AS used, \
             coalesce(sum(released), 0)::bigint AS released \
           FROM usage_settled WHERE account_id = $1) s, \
          (SELECT coalesce(sum(reserved_total), 0)::bigint AS held \
           FROM usage_holds WHERE account_id = $1) h";

/// One of the numbers of a campaign.
fn number(stats: &Value, name: &str) -> u64 {
    let number = stats[name].as_u64();
    number.unwrap_or_else(|| panic!("no {name} in {stats}"))
}

fn adds_up(stats: &Value) {
    let ended = ["sent", "failed", "cancelled"].map(|name| number(stats, name));
    let sum = number(stats, "queued") + ended.iter().sum::<u64>();
    assert_eq!(number(stats, "planned"), sum, "{stats}");
}

fn require_no_second(reached: &BTreeMap<String, usize>) {
    let twice: Vec<_> = reached.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "reached twice: {twice:?}");
}

/// The number of the `n`th of the people, from 1.
fn phone(n: usize) -> String {
    (49_100_000_000 + n as u64).to_string()
}
