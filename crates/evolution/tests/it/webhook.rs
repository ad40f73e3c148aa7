//! Every recorded delivery, and what it means.

use msgflash_evolution::EvolutionDecoder;
use msgflash_kernel::Phone;
use msgflash_messaging::MessageKind;
use msgflash_messaging::provider::{
    Address, Echo, EventDecoder, InboundMessage, ProviderEvent, ReceiptRank, SentRecord,
};
use time::OffsetDateTime;

use crate::{phone, recording};

/// The meanings of one recording, in order.
fn meanings(number: &str) -> Vec<ProviderEvent> {
    let events = recording::events(&format!("w-{number}"));
    events
        .iter()
        .map(|(event, data)| EvolutionDecoder.decode(event, data))
        .collect()
}

fn sent(key_id: &str, kind: &'static str, text: &str, at: i64) -> ProviderEvent {
    ProviderEvent::Sent(SentRecord {
        key_id: key_id.into(),
        address: Address::Phone(phone("5511987654321")),
        echo: Echo {
            kind,
            text: Some(text.into()),
        },
        at: OffsetDateTime::from_unix_timestamp(at).expect("in range"),
        receipt: None,
    })
}

fn receipt(key_id: &str, rank: ReceiptRank) -> ProviderEvent {
    ProviderEvent::Receipt {
        key_id: key_id.into(),
        rank,
    }
}

fn inbound(key_id: &str, from: &str, name: &str, body: &str) -> InboundMessage {
    InboundMessage {
        key_id: key_id.into(),
        from: Phone::from_e164(from).ok(),
        lid: None,
        push_name: Some(name.into()),
        kind: MessageKind::Text,
        body: Some(body.into()),
        button_id: None,
        quoted_key_id: None,
        location: None,
    }
}

fn opened() -> ProviderEvent {
    ProviderEvent::Opened {
        number: Phone::from_e164("5511912345678").ok(),
    }
}

fn closed(code: u16) -> ProviderEvent {
    ProviderEvent::Closed { code: Some(code) }
}

use ProviderEvent::{Connecting, Ignored, Inbound, Removed};

const NO_CAUSE: ProviderEvent = ProviderEvent::Closed { code: None };

#[test]
fn every_recorded_delivery_means_what_it_should() {
    const FIRST: &str = "3EB02C33016EEEA94B4919";
    const SECOND: &str = "3EB04C269468BDB7FC49E9";
    const THIRD: &str = "3EB090BE4F168488FBB7C2";
    let maria = |id: &str, body: &str| inbound(id, "5511987654321", "Maria", body);
    let quoting = InboundMessage {
        quoted_key_id: Some("3EB0AAAAAAAAAAAAAAAAAA".into()),
        ..maria("3A0F5C1B2D3E4F506173", "Confirmo")
    };
    let pressed = InboundMessage {
        button_id: Some("yes".into()),
        ..maria("3A0F5C1B2D3E4F506175", "Sim")
    };
    let joao = inbound("3A11112222333344445A", "5511955554444", "Joao", "Oi");
    let hello = "Olá! Sua consulta é amanhã às 10h.";
    let again = sent("3EB01E58ACC1DF206191E2", "text", "retry me", 1_795_256_271);
    let table = vec![
        ("01", vec![Ignored]),
        (
            "02",
            vec![
                Connecting,
                Ignored,
                Connecting,
                Ignored,
                Connecting,
                opened(),
            ],
        ),
        (
            "10",
            vec![
                sent(FIRST, "text", hello, 1_795_255_959),
                receipt(FIRST, ReceiptRank::Nothing),
                receipt(FIRST, ReceiptRank::Delivered),
                receipt(FIRST, ReceiptRank::Read),
            ],
        ),
        (
            "11",
            vec![sent(
                "3EB0AD3478BFEC221BC8D8",
                "image",
                "Foto",
                1_795_255_979,
            )],
        ),
        (
            "20",
            vec![
                Inbound(Box::new(maria("3A0F5C1B2D3E4F506172", "SIM"))),
                Ignored,
            ],
        ),
        ("21", vec![Inbound(Box::new(joao)), Ignored]),
        ("23", vec![Inbound(Box::new(quoting)), Ignored]),
        ("24", vec![Ignored, Ignored]),
        ("25", vec![Inbound(Box::new(pressed)), Ignored]),
        ("40", vec![receipt(SECOND, ReceiptRank::Error)]),
        ("42", vec![receipt(SECOND, ReceiptRank::Delivered)]),
        ("43", vec![receipt(SECOND, ReceiptRank::Read)]),
        ("44", vec![receipt(SECOND, ReceiptRank::Read)]),
        ("46", vec![receipt(SECOND, ReceiptRank::Nothing)]),
        ("48", vec![Ignored]),
        ("61", vec![Connecting, opened()]),
        ("63", vec![closed(403), closed(403), NO_CAUSE]),
        ("64", vec![closed(401), NO_CAUSE, closed(401)]),
        ("65", vec![Removed, Removed, Connecting, Ignored]),
        ("66", vec![Connecting, Ignored, Connecting, opened()]),
        (
            "70",
            vec![
                Connecting,
                opened(),
                sent(THIRD, "text", "byEvents", 1_795_256_265),
                receipt(THIRD, ReceiptRank::Nothing),
                receipt(THIRD, ReceiptRank::Delivered),
                receipt(THIRD, ReceiptRank::Read),
            ],
        ),
        (
            "72",
            vec![again.clone(), again.clone(), again.clone(), again],
        ),
        (
            "73",
            vec![sent(
                "3EB08EC8BF7BB29E4AB1EA",
                "text",
                "lost",
                1_795_256_312,
            )],
        ),
        ("75", vec![Connecting; 6]),
    ];
    for (number, expected) in &table {
        assert_eq!(&meanings(number), expected, "w-{number}");
    }

    // The one that is left out tells of cases that post nothing at all.
    let decoded = table.iter().map(|(number, _)| *number);
    let mut known: Vec<_> = decoded
        .chain(["49"])
        .map(|number| format!("w-{number}"))
        .collect();
    known.sort();
    let names = recording::names()
        .into_iter()
        .filter(|name| name.starts_with("w-"));
    let recorded: Vec<_> = names.map(|name| name[..4].to_owned()).collect();
    assert_eq!(known, recorded);
}

#[test]
fn names_from_addresses_mean_the_same() {
    let (_, data) = recording::events("w-43").remove(0);
    let meant = EvolutionDecoder.decode("messages.update", &data);
    assert_eq!(EvolutionDecoder.decode("messages-update", &data), meant);
    assert_eq!(EvolutionDecoder.decode("MESSAGES_UPDATE", &data), meant);
}
