//! A backup taken from a running server, and what becomes of messages that went out since.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use blackbox::burst::left;
use blackbox::fleet::free_address;
use blackbox::{Account, Program, Stack, eventually, id_of, moment_in, text};
use msgflash_messaging::Instance;
use msgflash_testkit::TestDatabase;
use serde_json::{Value, json};

/// Some hear of two messages.
const TWICE: &str = "+33612000000";
/// How many wait in one lane when the backup is made.
const WAITING: usize = 12;

/// A file that goes with its test.
struct Scratch(PathBuf);

impl Scratch {
    #[expect(clippy::disallowed_methods, reason = "a name for a file")]
    fn new() -> Self {
        let name = format!("msgflash-{}.backup", uuid::Uuid::new_v4().simple());
        Self(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("UTF-8")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// A server that is restored to the moment before much of its queue went out.
struct Scene {
    stack: Stack,
    account: Account,
    lane: Instance,
    /// Whom each message of the backup is for, by its id.
    queued: BTreeMap<String, String>,
    /// Sent before the backup was made.
    sent: String,
    /// For tomorrow.
    tomorrow: String,
    /// Accepted and sent after the backup was made.
    after: (String, String),
    _program: Program,
}

async fn hold_gateway(stack: &Stack, held: bool) {
    let switch = json!({ "version": "2.4.0-rc2", "licensed": !held });
    stack.switch(switch).await;
}

async fn received(stack: &Stack, to: &str) -> usize {
    stack.received_by(to).await.len()
}

impl Scene {
    async fn restored(more: &[&str]) -> Self {
        let bind = free_address();
        let settings = [
            ("bind", bind.as_str()),
            ("pace_ms", "100"),
            ("unknown_patience_seconds", "1"),
        ];
        let mut stack = Stack::with(&settings).await;
        let account = stack.account("pro").await;
        let mut lanes = Vec::new();
        for number in ["33611112222", "33611113333"] {
            let instance = account.instance(&stack).await;
            account.link(&stack, &instance, number).await;
            lanes.push(instance);
        }
        let mut sent = String::new();
        for lane in &lanes {
            // Each number has something it is known to have sent.
            sent = account.client.text(lane, "+33699999999", "Before").await;
            account.wait_message(&sent, "read").await;
        }
        stack.stop_server().await;
        let program = Program::serve(stack.settings()).await;
        hold_gateway(&stack, true).await;
        let (queued, tomorrow) = queue_up(&stack, &account, &lanes).await;

        let campaign = json!({
            "name": "Spring", "instanceId": lanes[0].id.to_string(), "recipients": { "type": "all" },
            "schedule": moment_in(Duration::from_hours(24)), "type": "text", "body": "Hi",
        });
        let campaign = account.client.post("/api/v1/campaigns", &campaign).await;
        assert_eq!(campaign.status, 201, "{campaign:?}");

        let file = Scratch::new();
        Program::command(stack.settings(), &["backup", file.path()]).await;

        let after = go_on(&stack, &account, &lanes[1]).await;
        program.kill();
        stack.switch(json!({ "timeScale": 0.0 })).await;
        let fresh = TestDatabase::empty().await;
        let mut settings = stack.settings().to_vec();
        settings.retain(|(name, _)| name != "database_url");
        settings.push(("database_url".to_owned(), fresh.url().to_owned()));
        let words = [&["restore", file.path()], more].concat();
        Program::command(&settings, &words).await;
        stack.database = fresh;
        let restored = "SELECT count(*) FROM queue WHERE ready_since > now() - interval '1 second'";
        eventually("the first look decides", async || {
            (stack.count(restored, &[]).await == 0).then_some(())
        })
        .await;
        let program = Program::serve(&settings).await;
        Self {
            stack,
            account,
            lane: lanes.swap_remove(0),
            queued,
            sent,
            tomorrow,
            after,
            _program: program,
        }
    }

    /// Waits until nothing is open any more, and answers each queued message as it is then.
    async fn ended(&self) -> Vec<(String, Value)> {
        eventually("the queue is settled", async || {
            let open = "SELECT count(*) FROM queue WHERE state <> 0";
            (self.stack.count(open, &[]).await == 0).then_some(())
        })
        .await;
        let mut ended = Vec::new();
        for (id, to) in &self.queued {
            // The key of before is a key still.
            ended.push((to.clone(), self.account.client.message(id).await));
        }
        ended
    }

    /// What holds whatever the gateway was said to be.
    async fn assert_rest(&self, sent: i64, failed: i64) {
        let client = &self.account.client;
        assert_eq!(client.message(&self.sent).await["status"], "read");
        let tomorrow = client.message(&self.tomorrow).await;
        assert_eq!(tomorrow["status"], "queued");
        // What came later is not known any more, and is not sent again either.
        let (id, to) = &self.after;
        let lost = client.get(&format!("/api/v1/messages/{id}")).await;
        assert_eq!(lost.status, 404);
        assert_eq!(received(&self.stack, to).await, 1);
        let ledger = self.stack.ledger(&self.account).await;
        // Two were sent before.
        assert_eq!((ledger.used, ledger.reserved), (sent + 2, 0));
        assert_eq!(ledger.released, failed);
        let of_all = "SELECT count(*) FROM messages WHERE status IN (1, 2, 3)";
        assert_eq!(self.stack.count(of_all, &[]).await, ledger.used);
        // And new ones go out.
        let new = client.text(&self.lane, "+33688888888", "New").await;
        client.wait_message(&new, "read").await;
        assert_eq!(received(&self.stack, "+33688888888").await, 1);
    }
}

/// Queues messages that cannot go out yet; answers whom each is for, and one for tomorrow.
async fn queue_up(
    stack: &Stack,
    account: &Account,
    lanes: &[Instance],
) -> (BTreeMap<String, String>, String) {
    let client = &account.client;
    let mut queued = BTreeMap::new();
    for n in 0..WAITING {
        // The first and the last are for one person.
        let to = format!("+3361200{:04}", n % (WAITING - 1));
        let id = client.text(&lanes[0], &to, &format!("message {n}")).await;
        queued.insert(id, to);
    }
    let day = moment_in(Duration::from_hours(24));
    let tomorrow = text(&lanes[1], "+33612777777", "Tomorrow");
    let tomorrow = id_of(&client.schedule(&tomorrow, &day).await);
    let soon = text(&lanes[1], "+33612888888", "Soon");
    let at = moment_in(Duration::from_secs(4));
    queued.insert(
        id_of(&client.schedule(&soon, &at).await),
        "+33612888888".to_owned(),
    );
    let ready = "SELECT count(*) FROM queue WHERE state IN (1, 2)";
    assert_eq!(stack.count(ready, &[]).await, 12);
    (queued, tomorrow)
}

/// Lets the gateway send some of what waits, and one that came later; answers that.
async fn go_on(stack: &Stack, account: &Account, lane: &Instance) -> (String, String) {
    let waiting = "SELECT count(*) FROM queue WHERE state = 0";
    eventually("the scheduled one is due", async || {
        (stack.count(waiting, &[]).await == 1).then_some(())
    })
    .await;
    // Slow enough that a kill meets some of them before.
    stack.switch(json!({ "timeScale": 1.0 })).await;
    hold_gateway(stack, false).await;
    let to = "+33612999999".to_owned();
    let id = account.client.text(lane, &to, "Later").await;
    eventually("some messages left since", async || {
        let done = received(stack, &to).await == 1
            && received(stack, "+33612888888").await == 1
            && left(stack).await.len() >= 2 + 2 + 3;
        done.then_some(())
    })
    .await;
    (id, to)
}

/// How many messages went to somebody, and how many should have.
async fn assert_once(scene: &Scene, ended: &[(String, Value)]) {
    for (to, message) in ended {
        let times = received(&scene.stack, to).await;
        let expected = ended
            .iter()
            .filter(|(other, it)| other == to && it["status"] != "failed")
            .count();
        assert_eq!(times, expected, "{to}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_an_intact_gateway_everything_queued_goes_out_exactly_once() {
    let scene = Scene::restored(&["--gateway-intact"]).await;
    let ended = scene.ended().await;
    for (_, message) in &ended {
        let status = message["status"].as_str().unwrap_or_default();
        assert!(["sent", "delivered", "read"].contains(&status), "{message}");
    }
    assert_once(&scene, &ended).await;
    let campaigns = scene.account.client.page("/api/v1/campaigns").await;
    assert_eq!(
        campaigns["campaigns"][0]["status"], "paused",
        "a person decides whether it goes on"
    );
    assert_eq!(received(&scene.stack, TWICE).await, 2);
    scene.assert_rest(13, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_that_promise_what_the_gateway_does_not_show_fails_and_never_leaves() {
    let scene = Scene::restored(&[]).await;
    let ended = scene.ended().await;
    let mut failed = 0;
    for (_, message) in &ended {
        if message["status"] == "failed" {
            failed += 1;
            assert_eq!(message["meta"]["code"], "PROVIDER_TIMEOUT", "{message}");
            assert_eq!(message["providerMessageId"], Value::Null);
        }
    }
    assert!(
        (1..=9).contains(&failed),
        "some had left, some had not: {failed}"
    );
    assert_once(&scene, &ended).await;
    scene.assert_rest(13 - failed, failed).await;
}
