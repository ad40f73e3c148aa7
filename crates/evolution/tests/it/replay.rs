//! Every recorded exchange: a stub answers what was recorded, the operation that makes such a
//! call is run, and both the request it makes and what it answers are checked.

use std::collections::BTreeMap;

use msgflash_contacts::ContactId;
use msgflash_evolution::{EvolutionClient, expected_echo};
use msgflash_kernel::{Phone, Secret};
use msgflash_messaging::MessageKind;
use msgflash_messaging::message::content::{Button, ButtonAction, Buttons, Card, Content};
use msgflash_messaging::provider::{
    EventDecoder, NewSession, Outbound, OutboundFile, OutboundStatus, ProviderEvent, StatusContent,
    WhatsAppProvider,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{KEY, client, outbound, recording};

mod table;

use table::{CASES, Like, NOT_CALLED};

#[test]
fn every_recording_is_replayed_or_has_a_reason_not_to_be() {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let replayed = CASES.iter().map(|case| case.0);
    let listed = NOT_CALLED
        .iter()
        .flat_map(|(_, numbers)| numbers.iter().copied());
    for number in replayed.chain(listed) {
        *places.entry(number.to_owned()).or_default() += 1;
    }
    let exchanges = recording::names()
        .into_iter()
        .filter(|name| !name.starts_with("w-"));
    let mut numbers: Vec<_> = exchanges
        .filter_map(|name| name.split_once('-').map(|it| it.0.to_owned()))
        .collect();
    numbers.sort();
    assert_eq!(places.keys().cloned().collect::<Vec<_>>(), numbers);
    let twice: Vec<_> = places.iter().filter(|(_, times)| **times != 1).collect();
    assert_eq!(twice, Vec::<(&String, &usize)>::new());
}

#[tokio::test]
async fn every_answer_is_understood_and_every_request_is_as_recorded() {
    let mut wrong = Vec::new();
    for (number, like, expected) in CASES {
        let recording = recording::read(number);
        let server = MockServer::start().await;
        let status = recording["status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok());
        let answer = ResponseTemplate::new(status.expect("a status"));
        let answer = answer.set_body_json(&recording["body"]);
        Mock::given(any()).respond_with(answer).mount(&server).await;

        let recorded = &recording["request"];
        let understood = run(&client(&server.uri()), recorded).await;
        if understood != *expected {
            wrong.push(format!("{number}: {understood}"));
        }
        let requests = server.received_requests().await.expect("recorded");
        let made = requests.first().expect("a call was made");
        assert_eq!(made.headers["apikey"], KEY, "{number}");
        let query = made
            .url
            .query()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let made_path = format!("{}{query}", made.url.path());
        let body: Value = serde_json::from_slice(&made.body).unwrap_or(Value::Null);
        if matches!(like, Like::Request | Like::Route) {
            assert_eq!(made.method.as_str(), recorded["method"], "{number}");
            assert_eq!(made_path, recorded["path"], "{number}");
        }
        if matches!(like, Like::Request) {
            assert_eq!(body, recorded["body"], "{number}");
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// What we expect to be echoed is what the answer, the event and the stored record show.
#[test]
fn a_send_is_recognised_by_its_echo() {
    for number in [
        "300", "301", "310", "311", "312", "313", "320", "321", "330", "331", "340", "390",
    ] {
        let recording = recording::read(number);
        let sent = message(&recording["request"]);
        let decoder = msgflash_evolution::EvolutionDecoder;
        let ProviderEvent::Sent(record) = decoder.decode("send.message", &recording["body"]) else {
            panic!("{number} is a send");
        };
        assert_eq!(record.echo, expected_echo(&sent), "{number}");
        assert_eq!(
            client("http://gateway.test").expected_echo(&sent),
            record.echo
        );
    }
}

/// Runs the operation that makes the recorded call, and writes down what it answers.
async fn run(client: &EvolutionClient, recorded: &Value) -> String {
    let path = recorded["path"].as_str().expect("a path");
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let steps: Vec<_> = path.trim_matches('/').split('/').collect();
    let name = steps.get(2).copied().unwrap_or_default();
    let body = &recorded["body"];
    match (steps[0], steps.get(1).copied().unwrap_or_default()) {
        ("", _) => shown(&client.version().await),
        ("instance", "create") => shown(&client.create(&new_session(body)).await),
        ("instance", "fetchInstances") => match query.strip_prefix("instanceName=") {
            Some(name) => shown(&client.fetch(name).await),
            None => shown(&client.fetch_all().await),
        },
        ("instance", "connectionState") => shown(&client.state(name).await),
        ("instance", "connect") => {
            let number = query
                .strip_prefix("number=")
                .and_then(|it| Phone::from_e164(it).ok());
            shown(&client.connect(name, number).await)
        }
        ("instance", "restart") => shown(&client.restart(name).await),
        ("instance", "logout") => shown(&client.logout(name).await),
        ("instance", "delete") => shown(&client.delete(name).await),
        ("message", "sendStatus") => shown(&client.publish_status(name, &status(body)).await),
        ("message", _) => shown(&client.send(name, &message(recorded)).await),
        ("chat", "whatsappNumbers") => {
            let numbers = body["numbers"].as_array().expect("numbers").iter();
            let mut numbers: Vec<_> = numbers
                .filter_map(|it| Phone::from_e164(it.as_str()?).ok())
                .collect();
            if numbers.is_empty() {
                numbers.push(crate::phone("5511987654321"));
            }
            numbers.dedup();
            shown(&client.check_numbers(name, &numbers).await)
        }
        ("chat", "findStatusMessage") => {
            let id = body["where"]["id"].as_str().expect("an id");
            shown(&client.receipts_of(name, id).await)
        }
        other => panic!("no operation makes {other:?}"),
    }
}

fn shown<T: std::fmt::Debug>(outcome: &T) -> String {
    format!("{outcome:?}")
}

fn new_session(body: &Value) -> NewSession {
    let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    let secret = text(&body["webhook"]["headers"]["authorization"], "Bearer none");
    NewSession {
        session: text(&body["instanceName"], "x"),
        webhook_url: text(&body["webhook"]["url"], "https://msgflash.test/hook"),
        webhook_secret: Secret::new(secret.trim_start_matches("Bearer ").to_owned()),
    }
}

/// The message of ours that makes the recorded call, as far as one can.
fn message(recorded: &Value) -> Outbound {
    let body = &recorded["body"];
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let verb = recorded["path"]
        .as_str()
        .and_then(|path| path.split('/').nth(2));
    let content = match verb.expect("a verb") {
        "sendText" => Content::Text(text("text").unwrap_or_default()),
        "sendMedia" => {
            let kind = text("mediatype").and_then(|word| MessageKind::parse(&word));
            let file = text("fileName").unwrap_or_else(|| "a".to_owned());
            let url = text("media").filter(|media| media.starts_with("http"));
            Content::Media {
                kind: kind.unwrap_or(MessageKind::Image),
                url: url.unwrap_or_else(|| format!("https://files.example.test/{file}")),
                caption: text("caption"),
            }
        }
        "sendWhatsAppAudio" => Content::Media {
            kind: MessageKind::VoiceNote,
            url: "https://files.example.test/a.mp3".to_owned(),
            caption: None,
        },
        "sendLocation" => Content::Location {
            latitude: body["latitude"].as_f64().expect("degrees"),
            longitude: body["longitude"].as_f64().expect("degrees"),
            name: text("name"),
            address: text("address"),
        },
        "sendContact" => {
            let entry = &body["contact"][0];
            let phone = entry["phoneNumber"].as_str().unwrap_or("5511999998888");
            let name = entry["fullName"].as_str().expect("a name").to_owned();
            let card = Card {
                name,
                phone: crate::phone(phone),
            };
            Content::Card {
                contact: ContactId::new(Uuid::nil()),
                card: Some(card),
            }
        }
        "sendButtons" => Content::Buttons(Buttons {
            title: text("title").expect("a title"),
            description: text("description").unwrap_or_default(),
            footer: text("footer"),
            buttons: body["buttons"]
                .as_array()
                .into_iter()
                .flatten()
                .map(button)
                .collect(),
        }),
        other => panic!("nothing of ours makes {other}"),
    };
    let to = text("number").filter(|number| Phone::from_e164(number).is_ok());
    outbound(to.as_deref().unwrap_or("5511987654321"), content)
}

fn button(button: &Value) -> Button {
    let text = |name: &str| button[name].as_str().unwrap_or_default().to_owned();
    let action = match button["type"].as_str() {
        Some("url") => ButtonAction::Url(text("url")),
        _ => ButtonAction::Reply(text("id")),
    };
    Button {
        text: text("displayText"),
        action,
    }
}

/// The status of ours that makes the recorded call, as far as one can.
fn status(body: &Value) -> OutboundStatus {
    let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    let content = StatusContent::Text {
        text: text("content"),
        background: text("backgroundColor"),
    };
    OutboundStatus {
        content,
        file: None,
    }
}

/// A status goes to all contacts, in the first font; a picture by its address, an upload as bytes.
#[tokio::test]
async fn statuses_are_for_all_contacts() {
    let picture = |caption: Option<&str>, file| OutboundStatus {
        content: StatusContent::Image {
            url: "https://files.example.test/a.png".to_owned(),
            caption: caption.map(str::to_owned),
        },
        file,
    };
    let file = OutboundFile {
        name: "a.png".to_owned(),
        mime: "image/png",
        bytes: "abc".into(),
    };
    let recorded = &recording::read("350")["request"]["body"];
    let statuses = [
        (
            status(recorded),
            json!({ "type": "text", "content": "Aviso", "backgroundColor": "#008000", "font": 1,
            "allContacts": true }),
        ),
        (
            picture(Some("Foto"), None),
            json!({ "type": "image", "content": "https://files.example.test/a.png",
            "caption": "Foto", "allContacts": true }),
        ),
        (
            picture(None, Some(file)),
            json!({ "type": "image", "content": "YWJj", "allContacts": true }),
        ),
    ];
    for (status, expected) in statuses {
        let server = MockServer::start().await;
        let answer = ResponseTemplate::new(201).set_body_json(&recording::read("350")["body"]);
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let client = client(&server.uri());
        let taken = client.publish_status("clinic-01", &status).await;
        let id = taken.expect("taken").key_id;
        assert_eq!(id.as_deref(), Some("3EB0AE1E6D918534725ECB"));
        let requests = server.received_requests().await.expect("recorded");
        assert_eq!(requests.len(), 1);
        assert_eq!(requests[0].url.path(), "/message/sendStatus/clinic-01");
        let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
        assert_eq!(body, expected);
    }
    // What the gateway answers and stores is what we look for.
    let recording = recording::read("350");
    let decoder = msgflash_evolution::EvolutionDecoder;
    let ProviderEvent::Sent(record) = decoder.decode("send.message", &recording["body"]) else {
        panic!("it left");
    };
    let echo = msgflash_evolution::status_echo(&status(recorded).content);
    assert_eq!(record.echo, echo);
}

/// Buttons that are not native go out as text that every phone shows.
#[tokio::test]
async fn buttons_become_numbered_text_unless_native() {
    let recording = recording::read("340");
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(201).set_body_json(&recording::read("300")["body"]);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let mut message = message(&recording["request"]);
    message.native_buttons = false;
    client(&server.uri())
        .send("clinic-01", &message)
        .await
        .expect("sent");
    let requests = server.received_requests().await.expect("recorded");
    assert_eq!(requests[0].url.path(), "/message/sendText/clinic-01");
    let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    let text = "*Confirmar?*\nConsulta amanhã 10h\n\n1. Sim\n2. Não\n\n_Clinica_";
    assert_eq!(body, json!({ "number": "5511987654321", "text": text }));
    assert_eq!(expected_echo(&message).text.as_deref(), Some(text));
}

/// Where a recorded body held bytes or more than we send: the bodies we make instead.
#[tokio::test]
async fn files_and_cards_are_sent_by_address_and_number() {
    let bodies = [
        (
            "310",
            json!({ "number": "5511987654321", "mediatype": "image", "caption": "Foto",
            "media": "https://files.example.test/foto.png", "fileName": "foto.jpg" }),
        ),
        (
            "312",
            json!({ "number": "5511987654321", "mediatype": "document", "caption": "Guia",
            "media": "https://files.example.test/guia.pdf", "fileName": "guia.pdf" }),
        ),
        (
            "313",
            json!({ "number": "5511987654321", "mediatype": "audio",
            "media": "https://files.example.test/a.mp3", "fileName": "a.mp3" }),
        ),
        (
            "320",
            json!({ "number": "5511987654321", "audio": "https://files.example.test/a.mp3" }),
        ),
        (
            "331",
            json!({ "number": "5511987654321", "contact": [{
            "fullName": "Ana Souza", "phoneNumber": "+5511999998888", "wuid": "5511999998888" }] }),
        ),
        (
            "118",
            json!({ "number": "5511987654321", "latitude": -23.5, "longitude": -46.6,
            "name": "-23.5, -46.6", "address": "-23.5, -46.6" }),
        ),
    ];
    for (number, expected) in bodies {
        let recording = recording::read(number);
        let server = MockServer::start().await;
        Mock::given(any())
            .respond_with(ResponseTemplate::new(503))
            .mount(&server)
            .await;
        let failure = client(&server.uri())
            .send("clinic-01", &message(&recording["request"]))
            .await;
        assert!(failure.is_err());
        let requests = server.received_requests().await.expect("recorded");
        let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
        assert_eq!(body, expected, "{number}");
    }
}
