//! Failures on demand, by name and by number.

use std::collections::BTreeSet;
use std::time::Duration;

use evolution_simulator::{Fault, SPECIAL_NUMBERS};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{KEY, Stage};

async fn answer_under(stage: &Stage, fault: &str) -> (u16, Value) {
    stage.fault(fault).await;
    let (status, answer) = stage.send("one", "33612345678").await;
    (status, answer["response"]["message"].clone())
}

#[tokio::test]
async fn each_refused_send_has_its_own_words_and_nothing_leaves() {
    let stage = Stage::instant();
    stage.open("one").await;
    let nobody = json!([{
        "jid": "33612345678@s.whatsapp.net", "exists": false, "number": "33612345678",
    }]);
    for (fault, status, message) in [
        ("no_whatsapp", 400, nobody),
        ("connection_closed", 500, json!("Connection Closed")),
        ("send_timeout", 400, json!(["Error: Timed Out"])),
        (
            "connection_closed",
            400,
            json!(["Error: Connection Closed"]),
        ),
        (
            "media_upload_failed",
            400,
            json!(["Error: Media upload failed on all hosts"]),
        ),
        ("unauthorized", 401, json!("Unauthorized")),
        (
            "instance_gone",
            404,
            json!(["The \"one\" instance does not exist"]),
        ),
        (
            "not_loaded",
            500,
            json!("Cannot read properties of undefined (reading 'textMessage')"),
        ),
    ] {
        assert_eq!(
            answer_under(&stage, fault).await,
            (status, message),
            "{fault}"
        );
    }
    assert!(stage.left("one", "33612345678").await.is_empty());
}

#[tokio::test]
async fn a_database_error_hides_a_message_that_left() {
    let stage = Stage::instant();
    stage.open("one").await;
    let (status, message) = answer_under(&stage, "database_error").await;
    assert_eq!(status, 400);
    assert!(message[0].as_str().unwrap().contains("prisma"), "{message}");
    assert_eq!(stage.left("one", "33612345678").await.len(), 1);
}

#[tokio::test]
async fn a_send_that_never_answers_shows_in_the_webhook() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("never_answer_but_sent").await;
    let sending = stage.sending("one", "33612345678");
    let sent = stage.hooks.event("send.message").await;
    assert!(!sending.is_finished());
    let key = sent.body["data"]["key"]["id"].as_str().unwrap().to_owned();
    stage.hooks.ack(&key, "READ").await;
    assert_eq!(stage.left("one", "33612345678").await[0]["keyId"], *key);
    assert!(!sending.is_finished());
    sending.abort();
}

#[tokio::test]
async fn a_request_is_listed_before_it_is_answered() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.fault("never_answer_but_sent").await;
    let sending = stage.sending("one", "33612345678");
    stage.hooks.event("send.message").await;
    let (_, requests) = stage.get("/simulator/requests?path=sendText").await;
    assert_eq!(requests.as_array().unwrap().len(), 1);
    assert_eq!(requests[0]["status"], Value::Null);
    sending.abort();
}

#[tokio::test]
async fn an_answer_can_come_long_after_its_message_left() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    stage.switch(json!({ "timeScale": 1.0 })).await;
    stage.fault("answer_late").await;
    let sending = stage.sending("one", "33612345678");
    stage.hooks.event("send.message").await;
    assert!(!sending.is_finished());
    stage.switch(json!({ "timeScale": 0.0 })).await;
    sending.await.unwrap().unwrap();
    assert_eq!(stage.left("one", "33612345678").await.len(), 1);
}

#[tokio::test]
async fn an_answer_can_come_twice() {
    let stage = Stage::instant();
    stage.open("one").await;
    stage.fault("answer_twice").await;
    let body = json!({ "number": "33612345678", "text": "Ola" }).to_string();
    let request = format!(
        "POST /message/sendText/one HTTP/1.1\r\nHost: x\r\napikey: {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let url = stage.simulator.url();
    let address = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut heard = String::new();
    socket.read_to_string(&mut heard).await.unwrap();
    let answers: Vec<_> = heard.split("HTTP/1.1 201 ").skip(1).collect();
    assert_eq!(answers.len(), 2, "{heard}");
    assert_eq!(answers[0], answers[1]);
    let left = stage.left("one", "33612345678").await;
    assert_eq!(left.len(), 1);
    assert!(answers[0].contains(left[0]["keyId"].as_str().unwrap()));
}

#[tokio::test]
async fn a_cut_connection_leaves_the_outcome_open() {
    let stage = Stage::instant();
    stage.open("one").await;
    for (fault, left) in [("cut_connection", 0), ("cut_connection_but_sent", 1)] {
        stage.fault(fault).await;
        let body = Some(json!({ "number": "33612345678", "text": "Olá" }).to_string());
        let result = stage
            .call(Method::POST, "/message/sendText/one", Some(KEY), body)
            .await;
        assert!(result.is_err(), "{fault}: {result:?}");
        assert_eq!(
            stage.left("one", "33612345678").await.len(),
            left,
            "{fault}"
        );
    }
}

#[tokio::test]
async fn garbage_comes_in_many_kinds_and_never_with_an_id() {
    let stage = Stage::instant();
    stage.open("one").await;
    let mut left = 0;
    for fault in ["garbage", "garbage_but_sent"] {
        let mut kinds = BTreeSet::new();
        for _ in 0..40 {
            stage.fault(fault).await;
            let (status, answer) = stage.send("one", "33612345678").await;
            assert_eq!(status, 201);
            let id = answer["key"]["id"].as_str();
            assert!(id.is_none_or(str::is_empty), "{answer}");
            kinds.insert(answer.to_string());
        }
        assert!(kinds.len() > 5, "only {}", kinds.len());
        left += usize::from(fault == "garbage_but_sent") * 40;
        assert_eq!(stage.left("one", "33612345678").await.len(), left);
    }
}

#[tokio::test]
async fn another_address_is_answered_and_written_to() {
    let stage = Stage::instant();
    stage.open("one").await;
    let fault = json!({ "fault": "other_jid", "number": "33612345678",
                        "jid": "33712345678@s.whatsapp.net", "times": 1 });
    stage.control("/faults", fault).await;
    let (_, answer) = stage.send("one", "33612345678").await;
    assert_eq!(answer["key"]["remoteJid"], "33712345678@s.whatsapp.net");
    let body = Some(json!({ "jid": "33799999999@s.whatsapp.net" }).to_string());
    let path = "/simulator/recipients/33612345678";
    stage.call(Method::PUT, path, None, body).await.unwrap();
    let numbers = json!({ "numbers": ["33612345678"] });
    let (_, found) = stage.post("/chat/whatsappNumbers/one", numbers).await;
    assert_eq!(found[0]["jid"], "33799999999@s.whatsapp.net");
    assert_eq!(found[0]["number"], "33612345678");
}

#[tokio::test]
async fn a_failure_can_last_until_it_is_cleared() {
    let stage = Stage::instant();
    stage.open("one").await;
    stage
        .control(
            "/faults",
            json!({ "fault": "send_timeout", "instance": "one" }),
        )
        .await;
    for _ in 0..3 {
        assert_eq!(stage.send("one", "33612345678").await.0, 400);
    }
    let (_, cleared) = stage.delete("/simulator/faults?fault=send_timeout").await;
    assert_eq!(cleared["cleared"], 1);
    assert_eq!(stage.send("one", "33612345678").await.0, 201);
}

#[tokio::test]
async fn a_race_for_a_name_takes_the_winner_along() {
    let stage = Stage::instant();
    let body = json!({ "instanceName": "race", "integration": "WHATSAPP-BAILEYS" });
    stage
        .control("/faults", json!({ "fault": "create_race", "times": 1 }))
        .await;
    let (status, answer) = stage.post("/instance/create", body).await;
    assert_eq!(status, 400);
    assert!(
        answer["response"]["message"][0]
            .as_str()
            .unwrap()
            .contains("Unique constraint")
    );
    let (status, _) = stage.get("/instance/connectionState/race").await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn a_deleted_name_can_stay_taken() {
    let stage = Stage::instant();
    stage.open("one").await;
    let fault = json!({ "fault": "delete_lingers", "times": 1, "ms": 60_000 });
    stage.control("/faults", fault).await;
    assert_eq!(stage.delete("/instance/delete/one").await.0, 200);
    let body = json!({ "instanceName": "one", "integration": "WHATSAPP-BAILEYS" });
    assert_eq!(stage.post("/instance/create", body).await.0, 403);
}

#[tokio::test]
async fn the_licence_gate_closes_every_business_route() {
    let stage = Stage::instant();
    stage.open("one").await;
    stage
        .switch(json!({ "version": "2.4.0-rc2", "licensed": false }))
        .await;
    let (status, answer) = stage.send("one", "33612345678").await;
    assert_eq!((status, &answer["code"]), (503, &json!("LICENSE_REQUIRED")));
    assert_eq!(stage.get("/").await.0, 200);
    stage.switch(json!({ "licensed": true })).await;
    assert_eq!(stage.send("one", "33612345678").await.0, 201);
}

#[test]
fn every_special_number_is_in_the_guide() {
    let guide = include_str!("../../../../docs/simulator.md");
    for (number, fault) in SPECIAL_NUMBERS {
        let name = serde_json::to_value(fault).unwrap();
        let name = format!("`{}`", name.as_str().unwrap());
        let row = guide.lines().find(|line| line.contains(number));
        assert!(
            row.is_some_and(|row| row.contains(&name)),
            "{number} {name}"
        );
    }
}

#[tokio::test]
async fn special_numbers_fail_by_themselves() {
    let mut stage = Stage::instant();
    stage.open("one").await;
    for (number, fault) in SPECIAL_NUMBERS {
        let expected = match fault {
            Fault::SendTimeout
            | Fault::SendTimeoutButSent
            | Fault::NoWhatsapp
            | Fault::DatabaseError
            | Fault::MediaUploadFailed => 400,
            Fault::ConnectionClosed | Fault::NotLoaded => 500,
            Fault::LicenseRequired => 503,
            Fault::Unauthorized => 401,
            Fault::InstanceGone => 404,
            Fault::NeverAnswer
            | Fault::NeverAnswerButSent
            | Fault::CutConnection
            | Fault::CutConnectionButSent => 0,
            _ => 201,
        };
        let body = Some(json!({ "number": number, "text": "Olá" }).to_string());
        let sending = stage.call(Method::POST, "/message/sendText/one", Some(KEY), body);
        // Patience where an answer must come, a moment where none may.
        let patience = Duration::from_millis(if expected == 0 { 200 } else { 30_000 });
        let status = match tokio::time::timeout(patience, sending).await {
            Ok(Ok((status, _))) => status,
            Ok(Err(_)) | Err(_) => 0,
        };
        assert_eq!(status, expected, "{number} {fault:?}");
    }
    let error = stage.left("one", "15550100006").await[0]["keyId"]
        .as_str()
        .unwrap()
        .to_owned();
    stage.hooks.ack(&error, "ERROR").await;
    stage.switch(json!({ "specialNumbers": false })).await;
    assert_eq!(stage.send("one", "15550100001").await.0, 201);
}

#[tokio::test]
async fn a_picture_is_fetched_from_this_machine_only() {
    let stage = Stage::instant();
    stage.open("one").await;
    let send = |media: String| {
        let body = json!({ "number": "33612345678", "mediatype": "document", "media": media });
        stage.post("/message/sendMedia/one", body)
    };
    let here = format!("{}/a.pdf", stage.hooks.url);
    assert_eq!(send(here).await.0, 201);
    assert_eq!(
        send("https://files.example.test/a.pdf".to_owned()).await.0,
        201
    );
    let (status, answer) = send("https://files.invalid/a.pdf".to_owned()).await;
    let words = "Error: getaddrinfo ENOTFOUND files.invalid";
    assert_eq!(
        (status, &answer["response"]["message"][0]),
        (500, &json!(words))
    );
    let (status, answer) = send("http://127.0.0.1:1/a.pdf".to_owned()).await;
    let words = "Error: connect ECONNREFUSED 127.0.0.1:1";
    assert_eq!(
        (status, &answer["response"]["message"][0]),
        (500, &json!(words))
    );
}
