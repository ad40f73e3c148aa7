//! A whole life of a session, and every way to fail, against the simulator.

use std::time::Duration;

use evolution_simulator::{Options, Running, Simulator};
use msgflash_contacts::ContactId;
use msgflash_evolution::{EvolutionClient, EvolutionDecoder};
use msgflash_kernel::Secret;
use msgflash_messaging::MessageKind;
use msgflash_messaging::message::content::{Button, ButtonAction, Buttons, Card, Content};
use msgflash_messaging::provider::{
    Accepted, Address, EventDecoder, LinkState, NewSession, Outbound, OutboundStatus, Pairing,
    ProviderError, ProviderEvent, SendFailure, StatusContent, WhatsAppProvider,
};
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{KEY, client, impatient, outbound, phone, text};

const NAME: &str = "clinic-01";
const OWNER: &str = "5511912345678";

/// A gateway without delays.
fn simulator() -> Running {
    let options = Options {
        api_key: KEY.to_owned(),
        time_scale: 0.0,
        ..Options::default()
    };
    Simulator::start(options).expect("a free port")
}

fn session() -> NewSession {
    NewSession {
        session: NAME.to_owned(),
        // Nobody listens there: the simulator keeps what it would have posted.
        webhook_url: "http://127.0.0.1:9/hook".to_owned(),
        webhook_secret: Secret::new("hook-secret".to_owned()),
    }
}

/// Tells the simulator what a person or the network would do.
async fn control(simulator: &Running, path: &str, body: Value) {
    let url = format!("{}/simulator/instances/{NAME}/{path}", simulator.url());
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let answer = http.post(url).json(&body).send().await.expect("answered");
    assert!(
        answer.status().is_success(),
        "{path}: {}",
        answer.text().await.expect("text")
    );
}

async fn linked(simulator: &Running) -> EvolutionClient {
    let client = client(&simulator.url());
    client.create(&session()).await.expect("created");
    control(simulator, "open", json!({ "number": OWNER })).await;
    client
}

/// All there is: a generous range, since the simulator keeps its own clock.
fn always() -> (OffsetDateTime, OffsetDateTime) {
    let until = OffsetDateTime::UNIX_EPOCH + time::Duration::days(365 * 200);
    (OffsetDateTime::UNIX_EPOCH, until)
}

#[tokio::test]
async fn a_session_from_its_making_to_its_end() {
    let simulator = simulator();
    let client = client(&simulator.url());
    assert_eq!(client.version().await, Ok("2.3.7".into()));
    assert_eq!(client.fetch(NAME).await, Ok(None));
    assert_eq!(client.state(NAME).await, Err(ProviderError::UnknownSession));

    assert_eq!(client.create(&session()).await, Ok(()));
    assert_eq!(client.state(NAME).await, Ok(LinkState::Close));
    let pairing = client
        .connect(NAME, Some(phone(OWNER)))
        .await
        .expect("a code");
    assert!(
        matches!(&pairing, Pairing::Code { pairing: Some(code), .. } if code.len() == 8),
        "{pairing:?}"
    );
    control(&simulator, "scan", json!({ "number": OWNER })).await;
    assert_eq!(client.state(NAME).await, Ok(LinkState::Open));
    assert_eq!(client.connect(NAME, None).await, Ok(Pairing::AlreadyOpen));
    let stored = client.fetch_all().await.expect("rows");
    assert_eq!((stored.len(), stored[0].owner), (1, Some(phone(OWNER))));

    assert_eq!(
        client.create(&session()).await,
        Err(ProviderError::NameTaken)
    );
    assert_eq!(client.restart(NAME).await, Ok(()));
    control(&simulator, "open", json!({ "number": OWNER })).await;
    assert_eq!(client.logout(NAME).await, Ok(()));
    assert_eq!(
        client.logout(NAME).await,
        Ok(()),
        "not being linked is success"
    );
    assert_eq!(client.delete(NAME).await, Ok(()));
    assert_eq!(client.delete(NAME).await, Ok(()), "absence is success");
    assert_eq!(
        client.create(&session()).await,
        Ok(()),
        "the name comes free again"
    );
}

#[tokio::test]
async fn a_dead_socket_is_told_and_cured() {
    let simulator = simulator();
    let client = linked(&simulator).await;
    control(&simulator, "dead", json!({})).await;
    assert_eq!(client.state(NAME).await, Ok(LinkState::Open));
    let failure = client.send(NAME, &text("5511987654321", "Oi")).await;
    assert!(
        matches!(failure, Err(SendFailure::NotConnected(_))),
        "{failure:?}"
    );
    assert_eq!(client.delete(NAME).await, Ok(()));
}

fn contents() -> Vec<Outbound> {
    let media = |kind, file: &str, caption: Option<&str>| Content::Media {
        kind,
        url: format!("https://files.example.test/{file}"),
        caption: caption.map(str::to_owned),
    };
    let card = Card {
        name: "Ana Souza".into(),
        phone: phone("5511999998888"),
    };
    let reply = |text: &str, id: &str| Button {
        text: text.into(),
        action: ButtonAction::Reply(id.into()),
    };
    let buttons = Buttons {
        title: "Confirmar?".into(),
        description: "Consulta amanhã 10h".into(),
        footer: Some("Clinica".into()),
        buttons: vec![reply("Sim", "yes"), reply("Não", "no")],
    };
    let place = |name: Option<&str>| Content::Location {
        latitude: -23.561_414_2,
        longitude: -46.655_881,
        name: name.map(str::to_owned),
        address: None,
    };
    let to = "5511987654321";
    let mut all: Vec<_> = [
        Content::Text("Olá! *Sua* consulta é amanhã às 10h. 👍\n\nAté logo".into()),
        media(MessageKind::Image, "foto.png", Some("Foto")),
        media(MessageKind::Video, "v.mp4", None),
        media(MessageKind::Document, "guia.pdf", Some("Guia")),
        media(MessageKind::Audio, "a.mp3", None),
        media(MessageKind::VoiceNote, "a.ogg", None),
        place(Some("Clinica")),
        place(None),
        Content::Card {
            contact: ContactId::new(Uuid::nil()),
            card: Some(card),
        },
        Content::Buttons(buttons),
    ]
    .into_iter()
    .map(|content| outbound(to, content))
    .collect();
    let mut numbered = all[9].clone();
    numbered.native_buttons = false;
    all.push(numbered);
    all
}

#[tokio::test]
async fn every_kind_is_sent_and_found_again_by_its_echo() {
    let simulator = simulator();
    let client = linked(&simulator).await;
    let (from, until) = always();
    let mut sent = Vec::new();
    for message in contents() {
        let accepted = client.send(NAME, &message).await.expect("accepted");
        let key_id = accepted.key_id.expect("an id");
        assert_eq!(accepted.address, Some(Address::Phone(message.to)));
        let found = client
            .find_by_key(NAME, &key_id)
            .await
            .expect("answered")
            .expect("stored");
        assert_eq!(found.echo, client.expected_echo(&message), "{message:?}");
        sent.push(key_id);
    }
    let found = client
        .find_sent(NAME, phone("5511987654321"), from, until)
        .await
        .expect("found");
    let mut found: Vec<_> = found
        .records
        .into_iter()
        .map(|record| record.key_id)
        .collect();
    found.sort();
    sent.sort();
    assert_eq!(found, sent);
}

#[tokio::test]
async fn numbers_are_checked_and_rewritten() {
    let simulator = simulator();
    let client = linked(&simulator).await;
    let asked = [phone("5531987654321"), phone("15550100010")];
    let found = client.check_numbers(NAME, &asked).await.expect("answered");
    assert_eq!(
        found[0].address,
        Some(Address::Phone(phone("553187654321")))
    );
    assert_eq!(
        (found[1].asked.as_str(), &found[1].address),
        ("15550100010", &None)
    );

    let message = text("5531987654321", "Oi");
    let accepted = client.send(NAME, &message).await.expect("accepted");
    assert_eq!(
        accepted.address,
        Some(Address::Phone(phone("553187654321")))
    );
    let (from, until) = always();
    let found = client
        .find_sent(NAME, message.to, from, until)
        .await
        .expect("found");
    assert_eq!(
        found.records.len(),
        1,
        "found under the number that was asked for"
    );
}

/// What a send to one of the simulator's special numbers says, and whether it left.
#[tokio::test]
async fn every_way_to_fail_is_judged_by_what_it_proves() {
    let verdicts = [
        ("15550100001", "unknown", 0),
        ("15550100002", "unknown", 1),
        ("15550100003", "not connected", 0),
        ("15550100010", "no whatsapp", 0),
        ("15550100020", "not connected", 0),
        ("15550100021", "gateway down", 0),
        ("15550100051", "unknown", 1),
        ("15550100052", "unknown", 0),
        ("15550100053", "unknown", 0),
        ("15550100060", "sent", 1),
        ("15550100061", "unknown", 1),
        ("15550100062", "sent without id", 0),
        ("15550100063", "transient", 0),
    ];
    let simulator = simulator();
    let patient = linked(&simulator).await;
    let hasty = impatient(&simulator.url());
    let (from, until) = always();
    for (number, verdict, stored) in verdicts {
        let never_answers = matches!(number, "15550100002" | "15550100052");
        let client = if never_answers { &hasty } else { &patient };
        let message = text(number, "Oi");
        let outcome = match client.send(NAME, &message).await {
            Ok(Accepted {
                key_id: Some(_), ..
            }) => "sent",
            Ok(Accepted { key_id: None, .. }) => "sent without id",
            Err(SendFailure::GatewayDown(_)) => "gateway down",
            Err(SendFailure::NotConnected(_)) => "not connected",
            Err(SendFailure::Transient(_)) => "transient",
            Err(SendFailure::NoWhatsApp) => "no whatsapp",
            Err(SendFailure::Refused(_)) => "refused",
            Err(SendFailure::Unknown(_)) => "unknown",
        };
        assert_eq!(outcome, verdict, "{number}");
        // One went to another address, which only its answer knows; of the other nobody can tell
        // whether it was stored before the database failed.
        if matches!(number, "15550100060" | "15550100062") {
            continue;
        }
        let found = patient
            .find_sent(NAME, message.to, from, until)
            .await
            .expect("answered");
        assert_eq!(found.records.len(), stored, "{number}");
        let expected = patient.expected_echo(&message);
        assert!(
            found.records.iter().all(|record| record.echo == expected),
            "{number}"
        );
    }
}

#[tokio::test]
async fn what_the_simulator_posts_is_understood() {
    let (hooks, mut received) = tokio::sync::mpsc::unbounded_channel();
    let (address, _) = crate::http::serve(move |mut stream| {
        let hooks = hooks.clone();
        async move {
            while let Some(body) = crate::http::body(&mut stream).await {
                let event: Value = serde_json::from_str(&body).expect("JSON");
                let name = event["event"].as_str().expect("a name");
                let _ = hooks.send(EvolutionDecoder.decode(name, &event["data"]));
                crate::http::answer(&mut stream, 200, "{}").await;
            }
        }
    })
    .await;
    let simulator = simulator();
    let client = client(&simulator.url());
    let hook = NewSession {
        webhook_url: format!("http://{address}/hook"),
        ..session()
    };
    client.create(&hook).await.expect("created");
    control(&simulator, "open", json!({ "number": OWNER })).await;
    let message = text("5511987654321", "Oi");
    let accepted = client.send(NAME, &message).await.expect("accepted");
    let key_id = accepted.key_id.expect("an id");

    let (mut opened, mut sent, mut receipts) = (false, false, 0);
    let all = async {
        while !(opened && sent && receipts >= 2) {
            match received.recv().await.expect("posted") {
                ProviderEvent::Opened { number } => opened = number == Some(phone(OWNER)),
                ProviderEvent::Sent(record) => {
                    assert_eq!(record.key_id, key_id);
                    assert_eq!(record.echo, client.expected_echo(&message));
                    sent = true;
                }
                ProviderEvent::Receipt { key_id: of, .. } => {
                    assert_eq!(of, key_id);
                    receipts += 1;
                }
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("all of it came");
}

#[tokio::test]
async fn a_status_is_taken_and_found_again() {
    let simulator = simulator();
    let client = linked(&simulator).await;
    let contents = [
        StatusContent::Text {
            text: "Open".into(),
            background: "#1F6F54".into(),
        },
        StatusContent::Image {
            url: "https://files.example.test/a.png".into(),
            caption: None,
        },
    ];
    let mut ids = Vec::new();
    for content in &contents {
        let status = OutboundStatus {
            content: content.clone(),
            file: None,
        };
        let accepted = client.publish_status(NAME, &status).await.expect("taken");
        ids.push(accepted.key_id.expect("an id"));
    }
    let (from, until) = always();
    let found = client
        .find_statuses(NAME, from, until)
        .await
        .expect("found");
    let found: Vec<_> = found
        .records
        .iter()
        .map(|it| (&it.key_id, &it.echo))
        .collect();
    let echoes = contents.clone().map(|it| client.status_echo(&it));
    let expected: Vec<_> = ids.iter().zip(&echoes).collect();
    assert_eq!(found.len(), 2);
    for one in expected {
        assert!(found.contains(&one), "{one:?}");
    }
    control(&simulator, "unload", json!({})).await;
    let status = OutboundStatus {
        content: contents[0].clone(),
        file: None,
    };
    let failed = client.publish_status(NAME, &status).await;
    assert!(
        matches!(failed, Err(SendFailure::NotConnected(_))),
        "{failed:?}"
    );
}
