//! The real program, killed between a call and the record of what came of it.

use std::time::Duration;

use blackbox::fleet::free_address;
use blackbox::{Client, Program, Stack, eventually};
use serde_json::json;

use super::{STATUSES, published};

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_calls_it_publishes_each_once_and_counts_each_once() {
    const COUNT: usize = 12;
    let bind = free_address();
    let settings = [
        ("bind", bind.as_str()),
        ("send_timeout_seconds", "5"),
        ("unknown_patience_seconds", "3"),
    ];
    let mut stack = Stack::with(&settings).await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    stack.stop_server().await;
    let program = Program::serve(stack.settings()).await;
    // A call takes 150 to 800 ms: some have left and some have not when the program is killed.
    stack.switch(json!({ "timeScale": 1.0 })).await;
    let ask = |n: usize| {
        let client: Client = account
            .client
            .header("idempotency-key", &format!("story {n}"));
        let client = client.at(&stack.base);
        let body = json!({
            "instanceId": instance.id.to_string(), "type": "text",
            "content": format!("story {n}"),
        });
        async move { client.try_post(STATUSES, &body).await }
    };
    let mut asking = tokio::task::JoinSet::new();
    for n in 0..COUNT {
        asking.spawn(ask(n));
    }
    eventually("some have left", async || {
        (published(&stack).await.len() >= 3).then_some(())
    })
    .await;
    program.kill();
    asking.join_all().await;

    let pending = "SELECT count(*) FROM statuses WHERE state = 'pending'";
    assert!(stack.count(pending, &[]).await > 0, "it proves nothing");
    stack.switch(json!({ "timeScale": 0.0 })).await;
    let expire = "UPDATE statuses SET lease_until = now(), look_at = now() WHERE state = 'pending'";
    stack.sql(expire, &[]).await;
    let _program = Program::serve(stack.settings()).await;
    // Each client asks until it is told that its story is out.
    for n in 0..COUNT {
        blackbox::within(Duration::from_mins(1), "it is published", async || {
            let reply = ask(n).await?;
            (reply.status == 201).then_some(())
        })
        .await;
    }
    let mut told: Vec<_> = published(&stack).await;
    told.sort_by_key(|it| it["text"].to_string());
    told.dedup_by_key(|it| it["text"].to_string());
    assert_eq!(told.len(), COUNT, "each is out");
    assert_eq!(published(&stack).await.len(), COUNT, "and once");
    let ledger = stack.ledger(&account).await;
    let count = i64::try_from(COUNT).expect("few");
    assert_eq!((ledger.used, ledger.reserved), (count, 0));
    let done = "SELECT count(*) FROM statuses WHERE state = 'published'";
    assert_eq!(stack.count(done, &[]).await, count);
}
