//! The real program, killed in the middle of its work.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use blackbox::burst::{insist, left};
use blackbox::{Account, Burst, PATIENCE, Program, Stack, eventually, text, within};
use msgflash_kernel::{Ids as _, RandomIds};
use msgflash_messaging::Instance;
use serde_json::json;

/// So soon after `kill -9` the lanes run again, with the leases of daily use.
const READY: Duration = Duration::from_secs(90);

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
    let account = stack.account("max").await;
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

async fn until_left(stack: &Stack, count: usize) {
    eventually(&format!("{count} messages left"), async || {
        (left(stack).await.len() >= count).then_some(())
    })
    .await;
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
    stack.switch(json!({ "timeScale": 0.2 })).await;
    let program = Program::serve(stack.settings()).await;
    let mut clients = tokio::task::JoinSet::new();
    for n in 0..MESSAGES {
        let to = format!("+336123450{n:02}");
        let body = text(&instances[n % LANES], &to, &format!("message {n}"));
        let (base, key) = (stack.base.clone(), account.key.clone());
        clients.spawn(async move {
            let once = format!("once-{n}");
            (to, insist(base, key, once, body, PATIENCE).await)
        });
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
async fn killed_at_random(
    messages: usize,
    kills: usize,
    more: &[(&str, &str)],
    patience: Duration,
) {
    const LANES: usize = 8;
    let (stack, account, instances) = scene(LANES).await;
    stack.switch(json!({ "timeScale": 0.2 })).await;
    let mut settings = stack.settings().to_vec();
    settings.retain(|(name, _)| !more.iter().any(|(changed, _)| changed == name));
    for (name, value) in more {
        settings.push(((*name).to_owned(), (*value).to_owned()));
    }
    let mut program = Program::serve(&settings).await;
    let burst = Burst::begin(&stack, &account, &instances, messages, patience).await;
    for kill in 0..kills {
        // Somewhere within the kill's share of the run.
        let share = messages / (kills + 1);
        let chance = usize::from(RandomIds.next().as_bytes()[15]);
        let moment = kill * share + share * chance / 256 + 1;
        burst.until_left(&stack, moment).await;
        program.kill();
        program = Program::serve(&settings).await;
        let before = left(&stack).await.len();
        let started = Instant::now();
        let again = within(READY, "the lanes run again", async || {
            let waiting = "SELECT count(*) FROM queue WHERE state IN (0, 1)";
            let idle = stack.count(waiting, &[]).await == 0;
            let left = left(&stack).await.len();
            (idle || left > before).then_some(left)
        })
        .await;
        let after = started.elapsed();
        eprintln!("kill {kill} at {before}: {again} left after {after:?}");
    }
    burst.end(&stack, &account).await;
}

/// The suite does not wait half a minute for a lane, nor ten for an outcome.
const SHORT: [(&str, &str); 3] = [
    ("worker_silence_seconds", "2"),
    // Long enough for what the gateway tells late.
    ("unknown_patience_seconds", "20"),
    ("rate_limit_per_second", "100000"),
];

/// A call that was cut off before it left is looked for when its lease has ended, and 25 s later it may leave again.
const LOOKED_FOR_TWICE: Duration = Duration::from_mins(2);

/// Slow enough for ten kills to meet work under way.
const PACED: (&str, &str) = ("pace_ms", "50");

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_it_sends_everything_once_and_loses_nothing() {
    killed_at_random(240, 3, &SHORT, LOOKED_FOR_TWICE).await;
}

/// The long run: `./run test --run-ignored only killed_ten_times`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes"]
async fn killed_ten_times_among_two_thousand_messages() {
    let settings = [&SHORT[..], &[PACED]].concat();
    killed_at_random(2000, 10, &settings, Duration::from_mins(5)).await;
}

/// The same with the leases and limits of daily use; a quarter of an hour and more.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a quarter of an hour"]
async fn killed_ten_times_with_the_leases_of_daily_use() {
    let settings = [
        ("send_timeout_seconds", "90"),
        ("unknown_patience_seconds", "600"),
        ("rate_limit_per_second", "100000"),
        PACED,
    ];
    killed_at_random(2000, 10, &settings, Duration::from_mins(20)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asked_to_end_it_finishes_the_call_in_hand_and_leaves_the_rest_for_later() {
    let (stack, account, instances) = scene(1).await;
    // With a pace, calls are made one at a time.
    let mut settings = stack.settings().to_vec();
    settings.push(("pace_ms".to_owned(), "100".to_owned()));
    let program = Program::serve(&settings).await;
    stack.switch(json!({ "timeScale": 1.5 })).await;
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
    stack.switch(json!({ "timeScale": 0.0 })).await;
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
