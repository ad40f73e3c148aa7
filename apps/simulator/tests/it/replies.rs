//! Recipients that answer by themselves.

use serde_json::Value;

use crate::stage::Stage;

/// Writes to a number and answers its first reply.
async fn reply_of(number: &str) -> (String, Value) {
    let mut stage = Stage::instant();
    stage.open("one").await;
    let key = stage.send_key("one", number).await;
    let posted = stage.hooks.event("messages.upsert").await;
    (key, posted.body["data"].clone())
}

#[tokio::test]
async fn one_answers_twice_under_one_id() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.send_key("one", "15550100009").await;
    let posts = stage
        .hooks
        .take(2, |hook| hook.event() == "messages.upsert")
        .await;
    assert_eq!(posts[0].body["data"]["key"], posts[1].body["data"]["key"]);
}

#[tokio::test]
async fn one_quotes_the_message() {
    let (key, reply) = reply_of("15550100065").await;
    assert_eq!(reply["contextInfo"]["stanzaId"], *key);
    assert_eq!(reply["key"]["remoteJid"], "15550100065@s.whatsapp.net");
}

#[tokio::test]
async fn one_presses_a_button() {
    let (_, reply) = reply_of("15550100066").await;
    assert_eq!(reply["messageType"], "interactiveResponseMessage");
}

#[tokio::test]
async fn one_answers_with_a_voice_note() {
    let (_, reply) = reply_of("15550100067").await;
    assert_eq!(reply["message"]["audioMessage"]["ptt"], true);
}

#[tokio::test]
async fn one_answers_from_an_opaque_address_with_its_number() {
    let (_, reply) = reply_of("15550100068").await;
    assert_eq!(reply["key"]["remoteJidAlt"], "15550100068@s.whatsapp.net");
}

#[tokio::test]
async fn one_answers_from_an_opaque_address_alone() {
    let (_, reply) = reply_of("15550100069").await;
    let address = reply["key"]["remoteJid"].as_str().unwrap();
    assert!(address.ends_with("@lid"), "{address}");
    assert_eq!(reply["key"]["remoteJidAlt"], Value::Null);
}
