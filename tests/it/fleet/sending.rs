//! What many accept, and many work on, happens once.

use blackbox::{Client, Fleet, Stack, text};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_accepts_a_message_it_leaves_once() {
    const LANES: usize = 4;
    const MESSAGES: usize = 60;
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let mut instances = Vec::new();
    for n in 0..LANES {
        let instance = account.instance(&stack).await;
        let number = format!("3361111222{n}");
        account.link(&stack, &instance, &number).await;
        instances.push(instance);
    }
    let fleet = Fleet::over(&mut stack, 3, 2).await;
    let clients = fleet.clients(&account.client);
    let mut sending = tokio::task::JoinSet::new();
    for n in 0..MESSAGES {
        let client = clients[n % clients.len()].clone();
        let to = format!("+336123450{n:02}");
        let body = text(&instances[n % LANES], &to, &format!("message {n}"));
        sending.spawn(async move { (to, client.send(&body).await["id"].clone()) });
    }
    let accepted = sending.join_all().await;
    blackbox::eventually("every message has left", async || {
        let waiting = stack.count("SELECT count(*) FROM queue", &[]).await;
        (waiting == 0).then_some(())
    })
    .await;
    for (to, id) in &accepted {
        assert_eq!(stack.received_by(to).await.len(), 1, "{to}");
        // Whoever is asked knows.
        let id = id.as_str().expect("an id");
        for client in &clients {
            let status = client.message(id).await["status"].clone();
            assert!(
                ["sent", "delivered", "read"]
                    .map(|it| json!(it))
                    .contains(&status),
                "{status}"
            );
        }
    }
    let ledger = stack.ledger(&account).await;
    let sent = i64::try_from(MESSAGES).expect("a small number");
    assert_eq!(
        (ledger.used, ledger.reserved, ledger.released),
        (sent, 0, 0)
    );
    let twice = "SELECT count(*) FROM (SELECT 1 FROM events WHERE name LIKE 'message.%' \
                 GROUP BY payload->>'messageId', name HAVING count(*) > 1) twice";
    assert_eq!(stack.count(twice, &[]).await, 0, "each change is told once");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_works_answers_its_operators_and_nobody_else() {
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let fleet = Fleet::over(&mut stack, 1, 1).await;
    let worker = Client::new(&fleet.workers[0].base, Some(&account.key));
    let ready = worker.get("/readyz").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    assert_eq!(ready.json["checks"]["database"], "ok");
    assert_eq!(worker.get("/healthz").await.status, 200);
    let numbers = blackbox::eventually("the queue is counted", async || {
        let text = worker.get("/metrics").await.text;
        text.contains("msgflash_inbox_events").then_some(text)
    })
    .await;
    for name in ["msgflash_queue_entries", "msgflash_database_connections"] {
        assert!(numbers.contains(name), "no {name}");
    }
    for path in ["/docs", "/openapi.json", "/provider/evolution/x"] {
        assert_eq!(worker.get(path).await.status, 404, "{path}");
    }
    // Not by the client of the API: what answers here promises nothing of that.
    let http = reqwest::Client::builder().build().expect("a client");
    let me = http.get(format!("{}/api/v1/me", fleet.workers[0].base));
    let me = me.header("x-api-key", &account.key).send().await;
    assert_eq!(me.expect("an answer").status(), 404);
}
