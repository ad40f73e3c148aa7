//! Processes replaced one after the other while clients go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use blackbox::{Client, Fleet, Stack, eventually, text};
use serde_json::{Value, json};

/// Sends as a careful client behind a load balancer does: again elsewhere with the same key, until
/// somebody accepts.
async fn insist(bases: Arc<Vec<String>>, key: String, once: String, first: usize, body: Value) {
    let clients: Vec<_> = bases
        .iter()
        .map(|base| Client::new(base, Some(&key)).header("Idempotency-Key", &once))
        .collect();
    let turn = AtomicUsize::new(first);
    eventually("somebody accepts", async || {
        let client = &clients[turn.fetch_add(1, Ordering::Relaxed) % clients.len()];
        let reply = client.try_post("/api/v1/messages/send", &body).await?;
        (reply.status == 201).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_loses_nothing_and_repeats_nothing() {
    let settings = [("shutdown_seconds", "25"), ("drain_seconds", "1")];
    let mut stack = Stack::with(&settings).await;
    let account = stack.account("pro").await;
    let mut instances = Vec::new();
    for n in 0..3 {
        let instance = account.instance(&stack).await;
        let number = format!("3361111222{n}");
        account.link(&stack, &instance, &number).await;
        instances.push(instance);
    }
    let mut fleet = Fleet::over(&mut stack, 3, 2).await;
    let bases: Vec<_> = fleet.apis.iter().map(|api| api.base.clone()).collect();
    let (bases, done) = (Arc::new(bases), AtomicBool::new(false));
    // A send takes 30-160 ms, so that every end meets some under way.
    let url = format!("{}/simulator/gateway", stack.simulator.url());
    let body = json!({ "timeScale": 0.2 }).to_string();
    let client = reqwest::Client::builder().build().expect("a client");
    let slowed = client.patch(url).body(body).send().await;
    assert!(slowed.expect("the simulator answers").status().is_success());

    let sending = async {
        let mut sent = Vec::new();
        while !done.load(Ordering::Relaxed) {
            // There are always some under way, and never more than can leave before the end.
            eventually("some have left", async || {
                let waiting = stack.count("SELECT count(*) FROM queue", &[]).await;
                (waiting < 12).then_some(())
            })
            .await;
            let n = sent.len();
            let to = format!("+33612{n:06}");
            let body = text(&instances[n % 3], &to, &format!("message {n}"));
            let once = format!("once-{n}");
            insist(bases.clone(), account.key.clone(), once, n, body).await;
            sent.push(to);
        }
        sent
    };
    let replacing = async {
        for member in fleet.workers.iter_mut().chain(&mut fleet.apis) {
            let probe = Client::new(&member.base, None);
            member.ask_to_end();
            // First it says so, while it still answers.
            eventually("it says that it is leaving", async || {
                let ready = probe.try_get("/readyz").await.expect("it still answers");
                (ready.status == 503)
                    .then(|| assert_eq!(ready.json["checks"]["shutdown"], "under way"))
            })
            .await;
            member.terminate().await;
            member.start().await;
        }
        done.store(true, Ordering::Relaxed);
    };
    let (sent, ()) = tokio::join!(sending, replacing);
    eventually("every message has left", async || {
        let waiting = stack.count("SELECT count(*) FROM queue", &[]).await;
        (waiting == 0).then_some(())
    })
    .await;
    for to in &sent {
        assert_eq!(stack.received_by(to).await.len(), 1, "{to}");
    }
    let count = i64::try_from(sent.len()).expect("a small number");
    let stored = stack.count("SELECT count(*) FROM messages", &[]).await;
    assert_eq!(stored, count, "each was accepted once");
    let failed = "SELECT count(*) FROM messages WHERE status NOT IN (1, 2, 3)";
    assert_eq!(stack.count(failed, &[]).await, 0, "none was cut off");
    let charged = "SELECT count(*) FROM messages WHERE charged_period IS NOT NULL";
    assert_eq!(stack.count(charged, &[]).await, count);
    let ledger = stack.ledger(&account).await;
    assert_eq!(
        (ledger.used, ledger.reserved, ledger.released),
        (count, 0, 0)
    );
}
