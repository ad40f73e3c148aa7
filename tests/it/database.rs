//! The database goes away in the middle of the work, and comes back.

use std::time::Duration;

use blackbox::{Account, Burst, Stack, eventually};
use msgflash_messaging::Instance;
use msgflash_testkit::{OwnServer, TestDatabase};
use serde_json::json;

/// How long a run may take that meets a fault.
const LONG: Duration = Duration::from_mins(1);

async fn scene(server: &OwnServer) -> (Stack, Account, Vec<Instance>) {
    let settings = [("send_timeout_seconds", "5"), ("database_pool", "8")];
    let stack = Stack::on(TestDatabase::of(server), &settings).await;
    let account = stack.account("pro").await;
    let mut instances = Vec::new();
    for n in 0..4 {
        let instance = account.instance(&stack).await;
        let number = format!("3361111222{n}");
        account.link(&stack, &instance, &number).await;
        instances.push(instance);
    }
    // A send now takes 30-160 ms, so that the fault meets some of them under way.
    stack.switch(json!({ "timeScale": 0.2 })).await;
    (stack, account, instances)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_crashes_and_comes_back_costs_no_message_and_doubles_none() {
    let mut server = OwnServer::start().await;
    let (stack, account, instances) = scene(&server).await;
    let burst = Burst::begin(&stack, &account, &instances, 200, LONG).await;
    for moment in [20, 90] {
        burst.until_left(&stack, moment).await;
        server.crash();
        let ready = stack.anonymous().get("/readyz").await;
        assert_eq!(ready.status, 503, "{ready:?}");
        server.start_again();
    }
    let sent = burst.end(&stack, &account).await;
    assert_eq!(sent, 200, "nothing is in doubt: the process lived and knew");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_stands_still_for_a_while_costs_no_message_and_doubles_none() {
    let server = OwnServer::start().await;
    let (stack, account, instances) = scene(&server).await;
    let burst = Burst::begin(&stack, &account, &instances, 120, LONG).await;
    burst.until_left(&stack, 20).await;
    server.pause();
    // Long enough for calls under way to be answered while nothing can be recorded.
    let ready = stack.anonymous().get("/readyz").await;
    assert_eq!(ready.status, 503, "{ready:?}");
    server.resume();
    let sent = burst.end(&stack, &account).await;
    assert_eq!(sent, 120, "nothing is in doubt: the process lived and knew");
    eventually("it says that it is ready", async || {
        (stack.anonymous().get("/readyz").await.status == 200).then_some(())
    })
    .await;
}
