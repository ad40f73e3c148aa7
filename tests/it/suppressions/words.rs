//! Stop words, and what is answered.

use blackbox::{Account, Stack, eventually};
use msgflash_messaging::Instance;
use serde_json::{Value, json};

use super::{LIST, listed};

const FROM: &str = "33612345678";
const BYE: &str = "You will not hear from us any more.";

async fn scene() -> (Stack, Account, Instance) {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    (stack, account, instance)
}

async fn writes(stack: &Stack, instance: &Instance, from: &str, text: &str) {
    let body = json!({ "from": from, "text": text });
    stack.phone(instance, "inbound", body).await;
}

/// Waits until a number is on the list, and answers it.
async fn on_the_list(account: &Account, phone: &str) -> Value {
    eventually(&format!("{phone} is on the list"), async || {
        let reply = account.client.get(&format!("{LIST}/+{phone}")).await;
        (reply.status == 200).then(|| reply.data().clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_word_in_any_dress_puts_its_sender_on_the_list() {
    let (stack, account, instance) = scene().await;
    for (n, text) in ["STOP", " Arrêt! ", "arre\u{302}t", "« Stop. »"]
        .iter()
        .enumerate()
    {
        let from = format!("3361234560{n}");
        writes(&stack, &instance, &from, text).await;
        let found = on_the_list(&account, &from).await;
        assert_eq!(found["source"], "stop_word");
        assert_eq!(found["reason"], text.trim());
        assert_eq!(found["instanceId"], instance.id.to_string());
    }
    for (n, text) in ["Please stop by", "Yes", "non-stop"].iter().enumerate() {
        writes(&stack, &instance, &format!("3361234570{n}"), text).await;
        account.client.wait_inbound(text).await;
    }
    assert_eq!(listed(&account.client, "").await.len(), 4);
    // Whatever else they write later, they stay on it.
    writes(&stack, &instance, "33612345600", "start").await;
    account.client.wait_inbound("start").await;
    on_the_list(&account, "33612345600").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_confirmed_once_a_day_and_nothing_else_is_sent() {
    let (stack, account, instance) = scene().await;
    let settings = json!({ "confirmation": BYE });
    let set = account
        .client
        .put(&format!("{LIST}/settings"), &settings)
        .await;
    assert_eq!(set.status, 200, "{set:?}");
    writes(&stack, &instance, FROM, "stop").await;
    let received = stack.wait_received(FROM, 1).await;
    assert_eq!(received[0]["message"]["conversation"], BYE);
    let outbound = account
        .client
        .get("/api/v1/messages?direction=outbound")
        .await;
    let confirmation = &outbound.data()["messages"][0];
    assert_eq!(confirmation["meta"]["optOutConfirmation"], true);
    assert_eq!(confirmation["to"], format!("+{FROM}"));
    let id = confirmation["id"].as_str().expect("an id");
    account.wait_message(id, "read").await;
    assert_eq!(account.usage().await["messagesCount"], 1, "it is charged");
    // Also when they were taken off the list meanwhile.
    account.client.delete(&format!("{LIST}/+{FROM}")).await;
    writes(&stack, &instance, FROM, "Stop!").await;
    on_the_list(&account, FROM).await;
    assert_eq!(stack.ledger(&account).await.reserved, 0);
    let yesterday = "UPDATE messages SET id = (lpad(to_hex((extract(epoch FROM now() - \
         interval '25 hours') * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid \
         WHERE NOT inbound";
    assert_eq!(stack.sql(yesterday, &[]).await, 1, "one was sent");
    writes(&stack, &instance, FROM, "STOP").await;
    stack.wait_received(FROM, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_allowance_it_is_heard_and_not_confirmed() {
    let (stack, account, instance) = scene().await;
    let settings = json!({ "confirmation": BYE, "stopWords": ["basta"] });
    account
        .client
        .put(&format!("{LIST}/settings"), &settings)
        .await;
    stack
        .sql("UPDATE plans SET monthly_outbound_quota = 0", &[])
        .await;
    writes(&stack, &instance, FROM, "stop").await;
    account.client.wait_inbound("stop").await;
    writes(&stack, &instance, FROM, "BASTA").await;
    on_the_list(&account, FROM).await;
    let sent = account
        .client
        .get("/api/v1/messages?direction=outbound")
        .await;
    assert_eq!(sent.data()["messages"], json!([]));
    assert_eq!(listed(&account.client, "?source=stop_word").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_belongs_to_the_workspace_that_last_wrote() {
    let (stack, account, instance) = scene().await;
    let team = account.team(&stack).await.client;
    let to = format!("+{FROM}");
    let id = team.text(&instance, &to, "From the team").await;
    team.wait_message(&id, "read").await;
    writes(&stack, &instance, FROM, "stop").await;
    eventually("the team knows", async || {
        (listed(&team, "").await.len() == 1).then_some(())
    })
    .await;
    assert!(listed(&account.client, "").await.is_empty());
    let sent = account.client.text(&instance, &to, "From me").await;
    account.client.wait_message(&sent, "read").await;
}
