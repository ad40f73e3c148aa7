use msgflash_kernel::Phone;
use msgflash_messaging::MessageKind;
use msgflash_messaging::provider::{InboundMessage, ReceiptRank};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn decode(event: &str, data: &Value) -> ProviderEvent {
    EvolutionDecoder.decode(event, data)
}

fn message(message: &Value) -> Option<InboundMessage> {
    let key = json!({ "remoteJid": "5511987654321@s.whatsapp.net", "fromMe": false, "id": "3A0F" });
    match decode(
        "messages.upsert",
        &json!({ "key": key, "message": message }),
    ) {
        ProviderEvent::Inbound(message) => Some(*message),
        ProviderEvent::Ignored => None,
        other => panic!("{other:?}"),
    }
}

fn said(message_part: &Value) -> Option<(MessageKind, Option<String>, Option<String>)> {
    message(message_part).map(|it| (it.kind, it.body, it.button_id))
}

#[test]
fn reads_every_type() {
    let text = |text: &str| Some(text.to_owned());
    let table = [
        (
            json!({ "extendedTextMessage": { "text": "Oi" } }),
            (MessageKind::Text, text("Oi"), None),
        ),
        (
            json!({ "imageMessage": { "caption": "Foto" } }),
            (MessageKind::Image, text("Foto"), None),
        ),
        (
            json!({ "videoMessage": {} }),
            (MessageKind::Video, None, None),
        ),
        (
            json!({ "documentMessage": { "caption": "" } }),
            (MessageKind::Document, None, None),
        ),
        (
            json!({ "audioMessage": { "ptt": true } }),
            (MessageKind::VoiceNote, None, None),
        ),
        (
            json!({ "audioMessage": {} }),
            (MessageKind::Audio, None, None),
        ),
        (
            json!({ "stickerMessage": {} }),
            (MessageKind::Image, None, None),
        ),
        (
            json!({ "contactMessage": { "displayName": "Ana" } }),
            (MessageKind::Contact, text("Ana"), None),
        ),
        (
            json!({ "pollCreationMessageV3": { "name": "?" } }),
            (MessageKind::Text, None, None),
        ),
        (
            json!({ "buttonsResponseMessage": { "selectedButtonId": "yes", "selectedDisplayText": "Sim" } }),
            (MessageKind::Text, text("Sim"), text("yes")),
        ),
        (
            json!({ "templateButtonReplyMessage": { "selectedId": "no", "selectedDisplayText": "Não" } }),
            (MessageKind::Text, text("Não"), text("no")),
        ),
        (
            json!({ "listResponseMessage": { "title": "R1", "singleSelectReply": { "selectedRowId": "r1" } } }),
            (MessageKind::Text, text("R1"), text("r1")),
        ),
        (
            json!({ "interactiveResponseMessage": { "nativeFlowResponseMessage": { "paramsJson": "{broken" } } }),
            (MessageKind::Text, None, None),
        ),
        (
            json!({ "ephemeralMessage": { "message": { "conversation": "Oi" } } }),
            (MessageKind::Text, text("Oi"), None),
        ),
    ];
    for (part, expected) in table {
        assert_eq!(said(&part), Some(expected), "{part}");
    }
}

#[test]
fn silent_parts_are_no_messages() {
    for part in [
        json!({ "protocolMessage": { "type": 0 } }),
        json!({ "reactionMessage": { "text": "👍" } }),
        json!({ "senderKeyDistributionMessage": {}, "messageContextInfo": {} }),
        json!({}),
        json!(null),
        json!("text"),
    ] {
        assert_eq!(message(&part), None, "{part}");
    }
}

#[test]
fn a_place_carries_its_coordinates() {
    let part =
        json!({ "locationMessage": { "degreesLatitude": -23.5, "degreesLongitude": -46.6 } });
    let message = message(&part).expect("a message");
    assert_eq!(
        (message.kind, message.location),
        (MessageKind::Location, Some((-23.5, -46.6)))
    );
}

#[test]
fn finds_the_quoted_message_in_its_part_too() {
    let part = json!({ "imageMessage": { "contextInfo": { "stanzaId": "3EB0AA" } } });
    assert_eq!(
        message(&part).and_then(|it| it.quoted_key_id),
        Some("3EB0AA".into())
    );
}

#[test]
fn knows_the_sender_by_every_address_told() {
    let of = |key: Value| {
        let mut key = key;
        key["fromMe"] = json!(false);
        key["id"] = json!("3A");
        let data = json!({ "key": key, "message": { "conversation": "Oi" } });
        match decode("messages.upsert", &data) {
            ProviderEvent::Inbound(message) => Some((message.from, message.lid)),
            _ => None,
        }
    };
    let joao = Phone::from_e164("5511955554444").ok();
    let lid = Some("123456789012345@lid".to_owned());
    let alone = json!({ "remoteJid": "123456789012345@lid" });
    assert_eq!(of(alone), Some((None, lid.clone())));
    for place in ["remoteJidAlt", "senderPn"] {
        let mut key = json!({ "remoteJid": "123456789012345@lid" });
        key[place] = json!("5511955554444@s.whatsapp.net");
        assert_eq!(of(key), Some((joao, lid.clone())), "{place}");
    }
    let swapped = json!({ "remoteJid": "5511955554444@s.whatsapp.net", "remoteJidAlt": "123456789012345@lid" });
    assert_eq!(of(swapped), Some((joao, lid)));
    for nobody in [
        "120363000000000000@g.us",
        "status@broadcast",
        "1@newsletter",
        "@s.whatsapp.net",
    ] {
        assert_eq!(of(json!({ "remoteJid": nobody })), None, "{nobody}");
    }
}

#[test]
fn receipts_come_in_old_dress_too() {
    let read = ProviderEvent::Receipt {
        key_id: "3EB0".into(),
        rank: ReceiptRank::Read,
    };
    let dresses = [
        (
            "messages.update",
            json!({ "keyId": "3EB0", "status": "READ" }),
        ),
        (
            "messages-update",
            json!({ "keyId": "3EB0", "status": 4, "fromMe": true }),
        ),
        (
            "MESSAGES_UPDATE",
            json!({ "key": { "id": "3EB0", "fromMe": true }, "status": "PLAYED" }),
        ),
    ];
    for (event, data) in dresses {
        assert_eq!(decode(event, &data), read, "{data}");
    }
    for ignored in [
        json!({ "keyId": "3A", "status": "READ", "fromMe": false }),
        json!({ "keyId": "3EB0", "status": "DELETED" }),
        json!({ "keyId": "", "status": "READ" }),
        json!({ "status": "READ" }),
        json!(null),
    ] {
        assert_eq!(
            decode("messages.update", &ignored),
            ProviderEvent::Ignored,
            "{ignored}"
        );
    }
}

#[test]
fn the_limit_of_codes_ends_a_linking() {
    let refused = json!({ "state": "refused", "statusReason": 428 });
    assert_eq!(
        decode("connection.update", &refused),
        ProviderEvent::PairingExpired
    );
    let limit =
        json!({ "message": "QR code limit reached, please login again", "statusCode": 500 });
    assert_eq!(
        decode("qrcode.updated", &limit),
        ProviderEvent::PairingExpired
    );
}

#[test]
fn events_without_data_and_unknown_ones_do_no_harm() {
    assert_eq!(
        decode("logout.instance", &Value::Null),
        ProviderEvent::Closed { code: None }
    );
    assert_eq!(
        decode("remove.instance", &Value::Null),
        ProviderEvent::Removed
    );
    for event in [
        "send.message",
        "messages.upsert",
        "connection.update",
        "status.instance",
        "qrcode.updated",
        "presence.update",
        "",
    ] {
        assert_eq!(
            decode(event, &Value::Null),
            ProviderEvent::Ignored,
            "{event}"
        );
    }
    let close = json!({ "state": "close", "statusReason": 70_000 });
    assert_eq!(
        decode("connection.update", &close),
        ProviderEvent::Closed { code: None }
    );
}

/// JSON whose members have the names the decoder looks for, holding anything.
fn any_json() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "key",
        "id",
        "keyId",
        "remoteJid",
        "remoteJidAlt",
        "senderPn",
        "fromMe",
        "message",
        "status",
        "conversation",
        "imageMessage",
        "caption",
        "audioMessage",
        "locationMessage",
        "contextInfo",
        "stanzaId",
        "degreesLatitude",
        "degreesLongitude",
        "ephemeralMessage",
        "viewOnceMessage",
        "interactiveResponseMessage",
        "nativeFlowResponseMessage",
        "paramsJson",
        "messageTimestamp",
        "low",
        "high",
        "state",
        "wuid",
        "statusReason",
        "statusCode",
        "interactiveMessage",
        "body",
        "text",
        "pushName",
        "disconnectionReasonCode",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(vec![
            "open",
            "close",
            "READ",
            "closed",
            "1@lid",
            "5511987654321@s.whatsapp.net",
            "é:@c.us",
            "{\"id\":1}"
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((names.clone(), inner), 0..8).prop_map(|members| members
                .into_iter()
                .map(|(k, v)| (k.to_owned(), v))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn never_panics(data in any_json(), any_name in ".{0,24}") {
        let events = [
            "send.message", "messages.upsert", "messages.update", "connection.update",
            "status.instance", "logout.instance", "remove.instance", "qrcode.updated", &any_name,
        ];
        for event in events {
            let _ = decode(event, &data);
        }
    }
}
