//! The real program, killed in the middle of its work.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

use blackbox::{Account, Program, Stack, eventually, id_of, text};
use msgflash_kernel::{Ids as _, RandomIds};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

/// A stack whose program can be killed and started again under the same address, to which the
/// gateway posts.
async fn scene(lanes: usize) -> (Stack, Account, Vec<Instance>) {
    let bind = {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        free.local_addr().expect("an address").to_string()
    };
    let settings = [
        ("bind", bind.as_str()),
        ("send_timeout_seconds", "2"),
        ("unknown_patience_seconds", "1"),
        ("shutdown_seconds", "15"),
    ];
    let mut stack = Stack::with(&settings).await;
    let account = stack.account("pro").await;
    let mut instances = Vec::new();
    for n in 0..lanes {
        let instance = account.instance(&stack).await;
        account
            .link(&stack, &instance, &format!("3361111222{n}"))
            .await;
        instances.push(instance);
    }
    stack.stop_server().await;
    (stack, account, instances)
}

async fn time_scale(stack: &Stack, scale: f64) {
    let url = format!("{}/simulator/gateway", stack.simulator.url());
    let body = json!({ "timeScale": scale }).to_string();
    let client = reqwest::Client::builder().build().expect("a client");
    let answer = client
        .patch(url)
        .body(body)
        .send()
        .await
        .expect("the simulator answers");
    assert!(answer.status().is_success());
}

/// Everything that left any simulated phone.
async fn left(stack: &Stack) -> Vec<Value> {
    let url = stack.simulator.url();
    let all = blackbox::Client::new(&url, None)
        .get("/simulator/messages")
        .await
        .json;
    all.as_array().cloned().unwrap_or_default()
}

async fn until_left(stack: &Stack, count: usize) {
    eventually(&format!("{count} messages left"), async || {
        (left(stack).await.len() >= count).then_some(())
    })
    .await;
}

/// Posts until the server accepts, as a careful client does: again and again with the same key.
async fn insist(base: String, key: String, once: String, body: Value) -> String {
    let http = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build()
        .expect("a client");
    eventually("the server accepts", async || {
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

/// What the dead process had in hand is looked up when its leases end; nobody waits for that here.
async fn end_leases(stack: &Stack) {
    stack
        .sql("UPDATE queue SET lease_until = now() WHERE state = 2", &[])
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twice_in_the_middle_it_sends_everything_once_and_loses_nothing() {
    const LANES: usize = 4;
    const MESSAGES: usize = 60;
    let (stack, account, instances) = scene(LANES).await;
    // A send now takes 30-160 ms, so that a kill meets some of them under way.
    time_scale(&stack, 0.2).await;
    let program = Program::serve(stack.settings()).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..MESSAGES {
        let to = format!("+336123450{n:02}");
        let body = text(&instances[n % LANES], &to, &format!("message {n}"));
        let (base, key) = (stack.base.clone(), account.key.clone());
        clients.spawn(async move { (to, insist(base, key, format!("once-{n}"), body).await) });
    }
    until_left(&stack, 12).await;
    program.kill();
    end_leases(&stack).await;
    let program = Program::serve(stack.settings()).await;
    until_left(&stack, 32).await;
    program.kill();
    end_leases(&stack).await;
    let _program = Program::serve(stack.settings()).await;
    let accepted: BTreeMap<String, String> = clients.join_all().await.into_iter().collect();
    assert_eq!(accepted.len(), MESSAGES);

    eventually("every message has ended", async || {
        (stack.count("SELECT count(*) FROM queue", &[]).await == 0).then_some(())
    })
    .await;
    assert_eq!(
        stack.count("SELECT count(*) FROM messages", &[]).await,
        60,
        "each accepted once"
    );
    let client = stack.client(&account.key);
    let mut sent = 0;
    for (to, id) in &accepted {
        let message = client.message(id).await;
        let received = stack.received_by(to).await;
        match message["status"].as_str().unwrap_or_default() {
            "sent" | "delivered" | "read" => {
                sent += 1;
                assert_eq!(received.len(), 1, "{message}");
                assert_eq!(message["providerMessageId"], received[0]["keyId"]);
            }
            "failed" => {
                assert_eq!(message["meta"]["code"], "PROVIDER_TIMEOUT", "{message}");
                assert!(received.is_empty(), "it failed and left: {message}");
            }
            _ => panic!("it has not ended: {message}"),
        }
    }
    assert_eq!(left(&stack).await.len(), sent);
    let ledger = stack.ledger(&account).await;
    let sent = i64::try_from(sent).expect("a small number");
    assert_eq!(
        (ledger.used, ledger.reserved, ledger.released),
        (sent, 0, 60 - sent)
    );
    assert!(sent >= 50, "what was not under way went out: {sent}");
    // Receipts that came while nobody listened were repeated by the gateway, or are known by now.
    let told = "SELECT count(*) FROM (SELECT payload->>'messageId', name FROM events \
                WHERE name LIKE 'message.%' GROUP BY 1, 2 HAVING count(*) > 1) twice";
    assert_eq!(stack.count(told, &[]).await, 0, "each change is told once");
}

/// Sends through a program that is killed at random moments and started again at once, as an
/// operator's supervisor does. Nobody helps the database along: lanes come back when their owner
/// has been silent for long enough.
async fn killed_at_random(messages: usize, kills: usize) {
    const LANES: usize = 8;
    let (stack, account, instances) = scene(LANES).await;
    time_scale(&stack, 0.2).await;
    let mut settings = stack.settings().to_vec();
    for (name, value) in [
        ("worker_silence_seconds", "2"),
        ("rate_limit_per_second", "100000"),
        // Long enough for what the gateway tells late.
        ("unknown_patience_seconds", "20"),
    ] {
        settings.push((name.to_owned(), value.to_owned()));
    }
    let mut program = Program::serve(&settings).await;
    let gate = std::sync::Arc::new(tokio::sync::Semaphore::new(32));
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..messages {
        let to = format!("+33612{n:06}");
        let body = text(&instances[n % LANES], &to, &format!("message {n}"));
        let (base, key) = (stack.base.clone(), account.key.clone());
        let gate = std::sync::Arc::clone(&gate);
        clients.spawn(async move {
            let _turn = gate.acquire().await.expect("open");
            (to, insist(base, key, format!("once-{n}"), body).await)
        });
    }
    for kill in 0..kills {
        // Somewhere within the kill's share of the run.
        let share = messages / (kills + 1);
        let chance = usize::from(RandomIds.next().as_bytes()[15]);
        until_left(&stack, kill * share + share * chance / 256 + 1).await;
        program.kill();
        program = Program::serve(&settings).await;
    }
    let accepted: BTreeMap<String, String> = clients.join_all().await.into_iter().collect();
    assert_eq!(accepted.len(), messages);
    eventually("every message has ended", async || {
        (stack.count("SELECT count(*) FROM queue", &[]).await == 0).then_some(())
    })
    .await;
    let expected = i64::try_from(messages).expect("a small number");
    let made = stack.count("SELECT count(*) FROM messages", &[]).await;
    assert_eq!(made, expected, "each accepted once");
    let mut received: BTreeMap<String, usize> = BTreeMap::new();
    for it in left(&stack).await {
        let to = it["to"].as_str().or(it["number"].as_str());
        let to = to.unwrap_or_else(|| panic!("no recipient: {it}"));
        *received
            .entry(to.trim_start_matches('+').to_owned())
            .or_default() += 1;
    }
    let twice: Vec<_> = received.iter().filter(|(_, count)| **count > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    let rows = stack
        .rows(
            "SELECT peer::text, status, meta->>'code' FROM messages WHERE NOT inbound",
            &[],
        )
        .await;
    let mut sent = 0;
    for row in rows {
        let (to, status): (String, i16) = (row.get(0), row.get(1));
        match status {
            1..=3 => {
                sent += 1;
                assert!(received.contains_key(&to), "{to} is sent and never left");
            }
            4 => {
                assert_eq!(row.get::<_, Option<&str>>(2), Some("PROVIDER_TIMEOUT"));
                assert!(!received.contains_key(&to), "{to} failed and left");
            }
            other => panic!("{to} has not ended: {other}"),
        }
    }
    let ledger = stack.ledger(&account).await;
    assert_eq!(
        (ledger.used, ledger.reserved, ledger.released),
        (sent, 0, expected - sent)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_it_sends_everything_once_and_loses_nothing() {
    killed_at_random(240, 3).await;
}

/// The long run: `cargo test -p blackbox --test it -- --ignored killed_ten_times`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn killed_ten_times_among_two_thousand_messages() {
    killed_at_random(2000, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_it_finishes_the_call_in_hand_and_leaves_the_rest_for_later() {
    let (stack, account, instances) = scene(1).await;
    // With a pace, calls are made one at a time.
    let mut settings = stack.settings().to_vec();
    settings.push(("pace_ms".to_owned(), "100".to_owned()));
    let program = Program::serve(&settings).await;
    time_scale(&stack, 1.5).await;
    let client = stack.client(&account.key);
    let mut ids = Vec::new();
    for n in 0..3 {
        let to = format!("+3361234500{n}");
        ids.push((client.text(&instances[0], &to, "Hi").await, to));
    }
    eventually("a call is under way", async || {
        let started = "SELECT count(*) FROM queue WHERE state = 2";
        (stack.count(started, &[]).await == 1).then_some(())
    })
    .await;
    let status = program.terminate().await;
    assert!(status.success(), "{status:?}");
    // What left is known, and what did not still waits: no call was cut.
    let open = "SELECT count(*) FROM queue WHERE state IN (2, 3)";
    assert_eq!(stack.count(open, &[]).await, 0);
    let sent = "SELECT count(*) FROM messages WHERE status IN (1, 2, 3)";
    let sent = stack.count(sent, &[]).await;
    assert_eq!(usize::try_from(sent), Ok(left(&stack).await.len()));
    assert!((1..3).contains(&sent), "{sent}");
    time_scale(&stack, 0.0).await;
    let _program = Program::serve(stack.settings()).await;
    for (id, to) in &ids {
        eventually("it goes out", async || {
            let status = client.message(id).await["status"].clone();
            ["sent", "delivered", "read"]
                .contains(&status.as_str()?)
                .then_some(())
        })
        .await;
        assert_eq!(stack.received_by(to).await.len(), 1);
    }
}
