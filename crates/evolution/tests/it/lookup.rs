//! Finding out what became of a send.

use msgflash_messaging::provider::{
    Address, Echo, NumberCheck, ProviderError, ReceiptRank, WhatsAppProvider,
};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};
use wiremock::matchers::{body_partial_json, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{client, phone, recording};

const AT: i64 = 1_795_255_959;

fn record(jid: &str, id: &str, at: i64, text: &str) -> Value {
    json!({
        "id": "cmwq91nnv000ale7du7h24j7a",
        "key": { "remoteJid": jid, "fromMe": true, "id": id },
        "messageType": "conversation",
        "message": { "conversation": text },
        "messageTimestamp": at,
        "MessageUpdate": [],
    })
}

fn page(records: &[Value], page: u64, pages: u64) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(json!({ "messages": {
        "total": records.len(), "pages": pages, "currentPage": page, "records": records,
    } }))
}

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).expect("in range")
}

#[tokio::test]
async fn finds_what_was_sent_under_any_spelling_oldest_first() {
    let server = MockServer::start().await;
    let asked = |jid: &str| {
        let range = json!({ "gte": "2026-11-21T10:12:39Z", "lte": "2026-11-21T10:14:39Z" });
        let key = json!({ "remoteJid": jid, "fromMe": true });
        let filter = json!({ "where": { "key": key, "messageTimestamp": range }, "page": 1 });
        Mock::given(method("POST"))
            .and(path("/chat/findMessages/clinic-01"))
            .and(body_partial_json(filter))
    };
    let (long, short) = (
        "5531987654321@s.whatsapp.net",
        "553187654321@s.whatsapp.net",
    );
    let mut incoming = record(short, "3A01", AT + 1, "not ours");
    incoming["key"]["fromMe"] = json!(false);
    let theirs = [
        record(short, "3EB0B", AT + 60, "second"),
        record(short, "3EB0A", AT, "first"),
        record(
            "5511900000000@s.whatsapp.net",
            "3EB0X",
            AT,
            "somebody else's",
        ),
        record(short, "3EB0Y", AT + 600, "too late"),
        record(short, "3EB0Z", AT - 1, "too early"),
        incoming,
    ];
    asked(long)
        .respond_with(page(&[], 1, 0))
        .expect(1)
        .mount(&server)
        .await;
    asked(short)
        .respond_with(page(&theirs, 1, 1))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let found = client
        .find_sent(
            "clinic-01",
            phone("5531987654321"),
            at(AT) + Duration::milliseconds(400),
            at(AT + 120),
        )
        .await
        .expect("found");
    let ids: Vec<_> = found.records.iter().map(|it| it.key_id.as_str()).collect();
    assert_eq!(ids, ["3EB0A", "3EB0B"]);
    assert_eq!(
        found.records[0].address,
        Address::Phone(phone("553187654321"))
    );
    assert_eq!(
        found.records[0].echo,
        Echo {
            kind: "text",
            text: Some("first".into())
        }
    );
    assert_eq!(
        (found.records[0].at, found.records[0].receipt),
        (at(AT), None)
    );
}

fn told(server_answer: &Value) -> Mock {
    Mock::given(path("/chat/whatsappNumbers/a"))
        .respond_with(ResponseTemplate::new(200).set_body_json(server_answer))
}

#[tokio::test]
async fn finds_what_went_to_an_address_that_is_no_spelling_of_the_number() {
    for other in ["155501000609@s.whatsapp.net", "123456789012345@lid"] {
        let server = MockServer::start().await;
        told(&json!([{ "number": "15550100060", "exists": true, "jid": other }]))
            .mount(&server)
            .await;
        let at_other = json!({ "where": { "key": { "remoteJid": other } } });
        Mock::given(body_partial_json(at_other))
            .respond_with(page(&[record(other, "3EB0A", AT, "Oi")], 1, 1))
            .mount(&server)
            .await;
        Mock::given(path("/chat/findMessages/a"))
            .respond_with(page(&[], 1, 0))
            .mount(&server)
            .await;
        let found = client(&server.uri())
            .find_sent("a", phone("15550100060"), at(AT - 60), at(AT))
            .await
            .expect("found");
        let ids: Vec<_> = found.records.iter().map(|it| it.key_id.as_str()).collect();
        assert_eq!(ids, ["3EB0A"], "{other}");
    }
}

/// Whoever sends again because nothing was found must not be told "nothing" by half a look.
#[tokio::test]
async fn nothing_found_means_nothing_only_when_the_address_is_known() {
    let without_socket = ResponseTemplate::new(400).set_body_json(json!({}));
    let silent = ResponseTemplate::new(200).set_body_json(json!([]));
    let absent = json!([{ "number": "15550100060", "exists": false, "jid": "15550100060" }]);
    let absent = ResponseTemplate::new(200).set_body_json(absent);
    for (answer, is_known) in [(without_socket, false), (silent, false), (absent, true)] {
        let server = MockServer::start().await;
        Mock::given(path("/chat/whatsappNumbers/a"))
            .respond_with(answer)
            .mount(&server)
            .await;
        Mock::given(path("/chat/findMessages/a"))
            .respond_with(page(&[], 1, 0))
            .mount(&server)
            .await;
        let found = client(&server.uri())
            .find_sent("a", phone("15550100060"), at(AT - 60), at(AT))
            .await;
        let found = found.expect("answered");
        assert_eq!(found.is_whole, is_known, "{found:?}");
    }
}

#[tokio::test]
async fn reads_every_page() {
    let server = MockServer::start().await;
    let jid = "351912345678@s.whatsapp.net";
    for number in 1..=3 {
        let records = [record(
            jid,
            &format!("3EB0{number}"),
            AT - i64::try_from(number).expect("small"),
            "x",
        )];
        Mock::given(body_partial_json(json!({ "page": number })))
            .respond_with(page(&records, number, 3))
            .expect(1)
            .mount(&server)
            .await;
    }
    let client = client(&server.uri());
    let found = client
        .find_sent("a", phone("351912345678"), at(AT - 60), at(AT))
        .await
        .expect("found");
    let ids: Vec<_> = found.records.iter().map(|it| it.key_id.as_str()).collect();
    assert_eq!(ids, ["3EB03", "3EB02", "3EB01"]);
}

#[tokio::test]
async fn finds_one_message_with_its_furthest_receipt() {
    let server = MockServer::start().await;
    let mut stored = record("123456789012345@lid", "3EB0A", AT, "Oi");
    stored["MessageUpdate"] = json!([{ "status": "READ" }, { "status": "DELIVERY_ACK" }]);
    Mock::given(path("/chat/findMessages/a"))
        .and(body_partial_json(
            json!({ "where": { "key": { "id": "3EB0A" } } }),
        ))
        .respond_with(page(&[stored], 1, 1))
        .mount(&server)
        .await;
    let found = client(&server.uri())
        .find_by_key("a", "3EB0A")
        .await
        .expect("answered")
        .expect("found");
    assert_eq!(found.address, Address::Lid("123456789012345@lid".into()));
    assert_eq!(found.receipt, Some(ReceiptRank::Read));
}

#[tokio::test]
async fn an_unknown_id_is_nothing() {
    let server = MockServer::start().await;
    Mock::given(path("/chat/findMessages/a"))
        .respond_with(page(&[], 1, 0))
        .mount(&server)
        .await;
    let none = ResponseTemplate::new(200).set_body_json(json!([]));
    Mock::given(path("/chat/findStatusMessage/a"))
        .respond_with(none)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    assert_eq!(client.find_by_key("a", "3EB0A").await, Ok(None));
    assert_eq!(client.receipts_of("a", "3EB0A").await, Ok(None));
}

#[tokio::test]
async fn asking_about_no_numbers_asks_nobody() {
    let server = MockServer::start().await;
    assert_eq!(
        client(&server.uri()).check_numbers("a", &[]).await,
        Ok(Vec::new())
    );
    assert_eq!(
        server.received_requests().await.map(|all| all.len()),
        Some(0)
    );
}

#[tokio::test]
async fn a_number_is_answered_with_the_address_to_use() {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(200).set_body_json(&recording::read("610")["body"]);
    Mock::given(path("/chat/whatsappNumbers/a"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let asked = [
        phone("351912345678"),
        phone("5531987654321"),
        phone("4915112345678"),
    ];
    let found = client(&server.uri())
        .check_numbers("a", &asked)
        .await
        .expect("answered");
    let yes = |asked: &str, address: &str| NumberCheck {
        asked: asked.into(),
        address: Some(Address::Phone(phone(address))),
    };
    // In the order asked; the one without an answer is left out.
    let expected = [
        yes("351912345678", "351912345678"),
        yes("5531987654321", "553187654321"),
    ];
    assert_eq!(found, expected);
    let requests = server.received_requests().await.expect("recorded");
    let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    let numbers = json!(["351912345678", "5531987654321", "4915112345678"]);
    assert_eq!(body, json!({ "numbers": numbers }));
}

#[tokio::test]
async fn a_dead_socket_cannot_tell_who_has_whatsapp() {
    let server = MockServer::start().await;
    let payload = json!({ "statusCode": 428, "message": "Connection Closed" });
    let body = json!({ "isBoom": true, "output": { "statusCode": 428, "payload": payload } });
    let answer = ResponseTemplate::new(400).set_body_json(body);
    Mock::given(path("/chat/whatsappNumbers/a"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let outcome = client(&server.uri())
        .check_numbers("a", &[phone("351912345678")])
        .await;
    assert_eq!(outcome, Err(ProviderError::Unavailable));
}

/// The check names the number's own address and the opaque one; the message is stored under the latter.
#[tokio::test]
async fn finds_what_is_stored_under_the_lid_that_the_check_names() {
    let server = MockServer::start().await;
    let (own, lid) = ("15550100060@s.whatsapp.net", "123456789012345@lid");
    told(&json!([{ "number": "15550100060", "exists": true, "jid": own, "lid": lid }]))
        .mount(&server)
        .await;
    Mock::given(body_partial_json(
        json!({ "where": { "key": { "remoteJid": lid } } }),
    ))
    .respond_with(page(&[record(lid, "3EB0A", AT, "Oi")], 1, 1))
    .mount(&server)
    .await;
    Mock::given(path("/chat/findMessages/a"))
        .respond_with(page(&[], 1, 0))
        .mount(&server)
        .await;
    let found = client(&server.uri())
        .find_sent("a", phone("15550100060"), at(AT - 60), at(AT))
        .await;
    let ids = found.map(|it| {
        it.records
            .into_iter()
            .map(|it| it.key_id)
            .collect::<Vec<_>>()
    });
    assert_eq!(ids, Ok(vec!["3EB0A".to_owned()]));
}

/// Somebody wrote another text by hand, under the known spelling; ours is under the other address.
#[tokio::test]
async fn another_message_at_the_known_spelling_does_not_end_the_look() {
    let server = MockServer::start().await;
    let (own, other) = ("15550100060@s.whatsapp.net", "155501000609@s.whatsapp.net");
    told(&json!([{ "number": "15550100060", "exists": true, "jid": other }]))
        .mount(&server)
        .await;
    Mock::given(body_partial_json(
        json!({ "where": { "key": { "remoteJid": other } } }),
    ))
    .respond_with(page(&[record(other, "3EB0A", AT, "ours")], 1, 1))
    .mount(&server)
    .await;
    Mock::given(body_partial_json(
        json!({ "where": { "key": { "remoteJid": own } } }),
    ))
    .respond_with(page(&[record(own, "3EB0B", AT, "by hand")], 1, 1))
    .mount(&server)
    .await;
    let found = client(&server.uri())
        .find_sent("a", phone("15550100060"), at(AT - 60), at(AT))
        .await
        .expect("answered");
    assert!(
        found.records.iter().any(|it| it.key_id == "3EB0A"),
        "{found:?}"
    );
}

/// Half a look must not say "nothing".
#[tokio::test]
async fn pages_that_were_not_read_are_no_proof() {
    let server = MockServer::start().await;
    told(
        &json!([{ "number": "15550100060", "exists": true, "jid": "15550100060@s.whatsapp.net" }]),
    )
    .mount(&server)
    .await;
    // A release that does not keep to the filter, on a busy number: ours is on page 21.
    let foreign = record("5511900000000@s.whatsapp.net", "3EB0X", AT, "x");
    Mock::given(path("/chat/findMessages/a"))
        .respond_with(page(&[foreign], 1, 21))
        .mount(&server)
        .await;
    let found = client(&server.uri())
        .find_sent("a", phone("15550100060"), at(AT - 60), at(AT))
        .await;
    assert!(found.is_ok_and(|it| !it.is_whole));
}

#[tokio::test]
async fn finds_statuses_and_nothing_else_oldest_first() {
    const STATUSES: &str = "status@broadcast";
    let server = MockServer::start().await;
    let range = json!({ "gte": "2026-11-21T10:12:39Z", "lte": "2026-11-21T10:14:39Z" });
    let key = json!({ "remoteJid": STATUSES, "fromMe": true });
    let filter = json!({ "where": { "key": key, "messageTimestamp": range }, "page": 1 });
    let mut theirs = record(STATUSES, "3A01", AT + 1, "a friend's");
    theirs["key"]["fromMe"] = json!(false);
    let shown = [
        record(STATUSES, "3EB0B", AT + 60, "second"),
        record(STATUSES, "3EB0A", AT, "first"),
        record(STATUSES, "3EB0A", AT, "first"),
        record("120363@g.us", "3EB0G", AT, "to a group"),
        record(STATUSES, "3EB0Y", AT + 600, "too late"),
        theirs,
    ];
    Mock::given(method("POST"))
        .and(path("/chat/findMessages/clinic-01"))
        .and(body_partial_json(filter))
        .respond_with(page(&shown, 1, 1))
        .expect(1)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    let found = client.find_statuses("clinic-01", at(AT), at(AT + 120));
    let found = found.await.expect("found");
    assert!(found.is_whole);
    let ids: Vec<_> = found.records.iter().map(|it| it.key_id.as_str()).collect();
    assert_eq!(ids, ["3EB0A", "3EB0B"]);
}
