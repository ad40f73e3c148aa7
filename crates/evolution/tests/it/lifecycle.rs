//! Making and removing sessions, with the gateway's delays between.

use std::sync::{Arc, Mutex};

use msgflash_kernel::Secret;
use msgflash_messaging::instance::signs::{Sign, SignListener};
use msgflash_messaging::provider::{NewSession, ProviderError, WhatsAppProvider};
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::{client, http, recording};

fn session(name: &str) -> NewSession {
    NewSession {
        session: name.to_owned(),
        webhook_url: "https://msgflash.test/hooks/evolution/clinic-01".to_owned(),
        webhook_secret: Secret::new("hook-secret".to_owned()),
    }
}

fn recorded(prefix: &str) -> ResponseTemplate {
    let recording = recording::read(prefix);
    let status = u16::try_from(recording["status"].as_u64().expect("a status")).expect("short");
    ResponseTemplate::new(status).set_body_json(&recording["body"])
}

fn refused(status: u16, message: &Value) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "response": { "message": message } }))
}

#[tokio::test]
async fn makes_a_session_that_posts_what_we_act_on() {
    let server = MockServer::start().await;
    let body = json!({
        "instanceName": "clinic-01",
        "integration": "WHATSAPP-BAILEYS",
        "qrcode": false,
        "groupsIgnore": true,
        "webhook": {
            "url": "https://msgflash.test/hooks/evolution/clinic-01",
            "byEvents": false,
            "base64": false,
            "headers": { "authorization": "Bearer hook-secret" },
            "events": [
                "CONNECTION_UPDATE", "MESSAGES_UPSERT", "MESSAGES_UPDATE", "SEND_MESSAGE",
                "STATUS_INSTANCE", "LOGOUT_INSTANCE", "REMOVE_INSTANCE",
            ],
        },
    });
    Mock::given(method("POST"))
        .and(path("/instance/create"))
        .and(body_json(body))
        .respond_with(recorded("020"))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        client(&server.uri()).create(&session("clinic-01")).await,
        Ok(())
    );
}

#[tokio::test]
async fn waits_for_a_name_that_is_still_being_removed() {
    let server = MockServer::start().await;
    let create = || Mock::given(method("POST")).and(path("/instance/create"));
    let stored = || {
        let name = query_param("instanceName", "clinic-01");
        Mock::given(path("/instance/fetchInstances")).and(name)
    };
    create()
        .respond_with(recorded("021"))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    create()
        .respond_with(recorded("020"))
        .expect(1)
        .mount(&server)
        .await;
    stored()
        .respond_with(recorded("041"))
        .up_to_n_times(2)
        .expect(2)
        .mount(&server)
        .await;
    stored()
        .respond_with(recorded("042"))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(
        client(&server.uri()).create(&session("clinic-01")).await,
        Ok(())
    );
}

#[tokio::test]
async fn believes_that_a_name_is_taken_while_it_stays_listed() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(recorded("021"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("GET"))
        .respond_with(recorded("041"))
        .mount(&server)
        .await;
    let outcome = client(&server.uri()).create(&session("clinic-01")).await;
    assert_eq!(outcome, Err(ProviderError::NameTaken));
}

#[tokio::test]
async fn two_creates_of_one_name_never_overlap() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let logged = log.clone();
    let (address, _) = http::serve(move |mut stream| {
        let log = logged.clone();
        async move {
            while http::request(&mut stream).await.is_some() {
                log.lock().expect("whole").push("begin");
                for _ in 0..100 {
                    tokio::task::yield_now().await;
                }
                log.lock().expect("whole").push("end");
                http::answer(&mut stream, 201, "{}").await;
            }
        }
    })
    .await;
    let client = Arc::new(client(&format!("http://{address}")));
    let tasks = (0..4).map(|_| {
        let client = client.clone();
        tokio::spawn(async move { client.create(&session("race-01")).await })
    });
    for task in tasks.collect::<Vec<_>>() {
        assert_eq!(task.await.expect("no panic"), Ok(()));
    }
    let log = log.lock().expect("whole");
    // Four creates, and a look by each that had to wait.
    assert_eq!(log.len(), 14);
    assert!(
        log.chunks(2).all(|pair| pair == ["begin", "end"]),
        "{log:?}"
    );
}

#[tokio::test]
async fn a_create_that_lost_a_race_is_made_again() {
    let server = MockServer::start().await;
    let create = || Mock::given(method("POST")).and(path("/instance/create"));
    let text = "\nInvalid `prisma.instance.create()` invocation:\n\nUnique constraint failed";
    create()
        .respond_with(refused(400, &json!([text])))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    create()
        .respond_with(recorded("020"))
        .expect(1)
        .mount(&server)
        .await;
    // The loser's clean-up took the winner's session with it.
    Mock::given(method("GET"))
        .respond_with(recorded("042"))
        .mount(&server)
        .await;
    let outcome = client(&server.uri()).create(&session("race-02")).await;
    assert_eq!(outcome, Ok(()));
}

/// Keeps what it hears.
#[derive(Default)]
struct Ear(Mutex<Vec<(Option<String>, Sign)>>);

impl SignListener for Ear {
    fn heard(&self, session: Option<&str>, sign: Sign) {
        let mut heard = self.0.lock().expect("whole");
        heard.push((session.map(str::to_owned), sign));
    }
}

#[tokio::test]
async fn what_answers_say_about_a_session_is_heard() {
    let server = MockServer::start().await;
    for (at, answer) in [
        ("/instance/connectionState/gone", "031"),
        ("/instance/connectionState/refused", "033"),
        ("/message/sendText/dead", "384"),
        ("/message/sendText/fine", "300"),
    ] {
        Mock::given(path(at))
            .respond_with(recorded(answer))
            .mount(&server)
            .await;
    }
    let ear = Arc::new(Ear::default());
    let client = client(&server.uri()).heard_by(ear.clone());
    let gone = client.state("gone").await;
    assert_eq!(gone, Err(ProviderError::UnknownSession));
    let refused = client.state("refused").await;
    assert_eq!(refused, Err(ProviderError::Unauthorized));
    for session in ["dead", "fine"] {
        let _ = client
            .send(session, &crate::text("5511987654321", "Hi"))
            .await;
    }
    let heard = ear.0.lock().expect("whole");
    let heard: Vec<_> = heard
        .iter()
        .map(|(session, sign)| (session.as_deref().unwrap_or_default(), *sign))
        .collect();
    let expected = [
        ("gone", Sign::UnknownSession),
        ("refused", Sign::KeyRefused),
        ("dead", Sign::DeadSocket),
        ("fine", Sign::Sent),
    ];
    assert_eq!(heard, expected);
}

#[tokio::test]
async fn reopens_a_dead_socket_to_delete() {
    let server = MockServer::start().await;
    let delete = || Mock::given(method("DELETE")).and(path("/instance/delete/clinic-05"));
    let opaque = refused(400, &json!(["[object Object]"]));
    delete()
        .respond_with(opaque)
        .up_to_n_times(2)
        .expect(2)
        .mount(&server)
        .await;
    delete()
        .respond_with(recorded("622"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/instance/restart/clinic-05"))
        .respond_with(recorded("388"))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(client(&server.uri()).delete("clinic-05").await, Ok(()));
}

#[tokio::test]
async fn reopens_a_dead_socket_to_log_out() {
    let server = MockServer::start().await;
    let logout = || Mock::given(method("DELETE")).and(path("/instance/logout/clinic-01"));
    logout()
        .respond_with(recorded("387"))
        .up_to_n_times(1)
        .expect(1)
        .mount(&server)
        .await;
    logout()
        .respond_with(recorded("405"))
        .expect(1)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/instance/restart/clinic-01"))
        .respond_with(recorded("388"))
        .expect(1)
        .mount(&server)
        .await;
    assert_eq!(client(&server.uri()).logout("clinic-01").await, Ok(()));
}

#[tokio::test]
async fn gives_up_on_a_socket_that_stays_dead() {
    let server = MockServer::start().await;
    let opaque = refused(400, &json!(["[object Object]"]));
    Mock::given(method("DELETE"))
        .respond_with(opaque)
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(recorded("388"))
        .expect(1)
        .mount(&server)
        .await;
    let outcome = client(&server.uri()).delete("clinic-05").await;
    assert_eq!(
        outcome,
        Err(ProviderError::Failed("400 [object Object]".into()))
    );
}

#[tokio::test]
async fn tells_a_missing_licence_apart() {
    let server = MockServer::start().await;
    let body =
        json!({ "error": "service not activated", "code": "LICENSE_REQUIRED", "message": "x" });
    let answer = ResponseTemplate::new(503).set_body_json(body);
    Mock::given(method("GET"))
        .respond_with(answer)
        .mount(&server)
        .await;
    let client = client(&server.uri());
    assert_eq!(client.state("a").await, Err(ProviderError::LicenceRequired));
    assert_eq!(
        client.fetch_all().await,
        Err(ProviderError::LicenceRequired)
    );
}
