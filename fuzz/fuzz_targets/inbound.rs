//! What is posted to the address of the gateway's events.

#![no_main]

use libfuzzer_sys::fuzz_target;
use msgflash_evolution::EvolutionDecoder;
use msgflash_kernel::Phone;
use msgflash_messaging::provider::{
    Address, EventDecoder, InboundMessage, ProviderEvent, SentRecord,
};
use serde_json::Value;

const EVENTS: [&str; 8] = [
    "send.message",
    "messages.upsert",
    "messages.update",
    "connection.update",
    "status.instance",
    "logout.instance",
    "remove.instance",
    "qrcode.updated",
];

/// Two numbers with all the digits a float may have before the point, and six behind it.
const LONGEST_PLACE: usize = 2 * (1 + 309 + 1 + 6) + 1;

fuzz_target!(|input: &[u8]| {
    let Ok(body) = serde_json::from_slice::<Value>(input) else {
        return;
    };
    let named = body["event"].as_str().unwrap_or_default();
    // Any data under any name: who posts it is not asked for sense.
    for event in EVENTS.into_iter().chain([named]) {
        let meaning = EvolutionDecoder.decode(event, &body["data"]);
        let dressed = event.to_ascii_uppercase().replace('.', "_");
        assert_eq!(EvolutionDecoder.decode(&dressed, &body["data"]), meaning);
        check(&meaning, input.len());
    }
});

fn check(meaning: &ProviderEvent, longest: usize) {
    match meaning {
        ProviderEvent::Sent(record) => check_sent(record, longest),
        ProviderEvent::Receipt { key_id, .. } => check_id(key_id),
        ProviderEvent::Inbound(message) => check_message(message, longest),
        ProviderEvent::Opened { number } => number.iter().copied().for_each(check_phone),
        ProviderEvent::Connecting
        | ProviderEvent::Closed { .. }
        | ProviderEvent::PairingExpired
        | ProviderEvent::Removed
        | ProviderEvent::Ignored => {}
    }
}

fn check_sent(record: &SentRecord, longest: usize) {
    check_id(&record.key_id);
    match &record.address {
        Address::Phone(phone) => check_phone(*phone),
        Address::Lid(lid) => check_lid(lid, longest),
        Address::Other => {}
    }
    if let Some(text) = &record.echo.text {
        assert!(!text.is_empty() && text.trim() == text);
        assert!(text.len() <= longest.max(LONGEST_PLACE));
    }
}

fn check_message(message: &InboundMessage, longest: usize) {
    check_id(&message.key_id);
    // Nobody could be answered otherwise.
    assert!(message.from.is_some() || message.lid.is_some());
    message.from.iter().copied().for_each(check_phone);
    if let Some(lid) = &message.lid {
        check_lid(lid, longest);
    }
    let texts = [
        &message.push_name,
        &message.body,
        &message.button_id,
        &message.quoted_key_id,
    ];
    for text in texts.into_iter().flatten() {
        assert!((1..=longest).contains(&text.len()));
    }
    if let Some((latitude, longitude)) = message.location {
        assert!(latitude.is_finite() && longitude.is_finite());
    }
}

/// An id that can be stored and looked for.
fn check_id(id: &str) {
    assert!((1..=128).contains(&id.len()) && id.bytes().all(|it| it.is_ascii_graphic()));
}

fn check_phone(phone: Phone) {
    assert_eq!(Phone::from_e164(&phone.to_string()), Ok(phone));
}

/// An opaque address without the device.
fn check_lid(lid: &str, longest: usize) {
    let user = lid.strip_suffix("@lid").expect("an opaque address");
    assert!(!user.is_empty() && !user.contains(['@', ':', '_']));
    assert!(lid.len() <= longest);
}
