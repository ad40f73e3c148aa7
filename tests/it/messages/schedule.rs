//! Sending at a time.

use std::time::Duration;

use blackbox::{Stack, id_of, moment_in, text};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const TO: &str = "+33612345678";

fn moment(value: &Value) -> OffsetDateTime {
    OffsetDateTime::parse(value.as_str().unwrap_or_default(), &Rfc3339).expect("a moment")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_waits_for_its_time() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let at = moment_in(Duration::from_secs(2));
    let accepted = account
        .client
        .schedule(&text(&instance, TO, "Later"), &at)
        .await;
    assert_eq!(
        (&accepted["status"], &accepted["body"]),
        (&json!("queued"), &json!("Later"))
    );
    assert!(
        accepted["safety"].is_object() && accepted["warnings"].is_array(),
        "{accepted}"
    );
    assert!(
        (moment(&accepted["scheduledAt"]) - moment(&json!(at))).abs() < time::Duration::MILLISECOND
    );
    // A message without a time is not held up by one that waits.
    let now = account.client.text(&instance, TO, "Now").await;
    account.client.wait_message(&now, "read").await;
    assert_eq!(
        account.client.message(&id_of(&accepted)).await["status"],
        "queued"
    );
    assert_eq!(
        stack.ledger(&account).await.reserved,
        0,
        "nothing is reserved before its time"
    );

    let message = account.client.wait_message(&id_of(&accepted), "read").await;
    let received = stack.received_by(TO).await;
    assert_eq!(received.len(), 2);
    assert_eq!(received[1]["keyId"], message["providerMessageId"]);
    assert!(
        moment(&received[1]["at"]) >= moment(&accepted["scheduledAt"]),
        "{received:?}"
    );
    assert_eq!(account.usage().await["messagesCount"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_that_passed_means_now() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let body = text(&instance, TO, "Late");
    let accepted = account
        .client
        .schedule(&body, "2020-01-01T02:00:00+02:00")
        .await;
    assert_eq!(accepted["scheduledAt"], "2020-01-01T00:00:00.000Z");
    account.client.wait_message(&id_of(&accepted), "read").await;
    assert_eq!(stack.received_by(TO).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_survives_a_restart_of_the_server() {
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let at = moment_in(Duration::from_secs(2));
    account
        .client
        .schedule(&text(&instance, TO, "Later"), &at)
        .await;
    stack.stop_server().await;
    stack.start_server().await;
    let received = stack.wait_received(TO, 1).await;
    assert_eq!(received[0]["message"]["conversation"], "Later");
    assert!(moment(&received[0]["at"]) >= moment(&json!(at)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_card_is_kept_as_it_was_when_it_was_scheduled() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let contact = account.client.contact("Before", 33_699_887_766).await;
    let body = json!({
        "instanceId": instance.id.to_string(), "to": TO, "type": "contact", "contactId": contact,
    });
    account
        .client
        .schedule(&body, &moment_in(Duration::from_secs(1)))
        .await;
    let renamed = json!({ "name": "After" });
    let path = format!("/api/v1/contacts/{contact}");
    assert_eq!(account.client.put(&path, &renamed).await.status, 200);
    let received = stack.wait_received(TO, 1).await;
    assert_eq!(
        received[0]["message"]["contactMessage"]["displayName"],
        "Before"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_without_a_phone_fails_what_is_due() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    let at = moment_in(Duration::from_secs(1));
    let accepted = account
        .client
        .schedule(&text(&instance, TO, "Later"), &at)
        .await;
    let failed = account
        .client
        .wait_message(&id_of(&accepted), "failed")
        .await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    let ledger = stack.ledger(&account).await;
    assert_eq!((ledger.used, ledger.reserved), (0, 0));
}
