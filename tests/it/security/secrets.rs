//! The log once more, of what goes wrong below: databases repeat the rows that they refuse.

use blackbox::account::PASSWORD;
use blackbox::fleet::free_address;
use blackbox::{Program, Stack, TEAMS, eventually, id_of};
use serde_json::json;

const PNG: &[u8] = include_bytes!("../../../apps/server/src/demo/picture.png");
const ASKED: &str = "asked@shop.test";
const SENT: &str = "The blue parcel is behind the gate";
const REFUSED: &str = "The green parcel is under the bench";
const KEPT: &str = "The grey parcel is on the roof";
const NUMBERS: [&str; 3] = ["33698765001", "33698765002", "33698765003"];
const WRONG: &str = "Wr0ng-battery-staple";

/// A row that is refused is in the words of the database as a whole.
const REFUSE: [&str; 2] = [
    "ALTER TABLE messages ADD CONSTRAINT messages_none CHECK (false) NOT VALID",
    "ALTER TABLE contacts ADD CONSTRAINT contacts_none CHECK (false) NOT VALID",
];
const TAKE_AGAIN: [&str; 2] = [
    "ALTER TABLE messages DROP CONSTRAINT messages_none",
    "ALTER TABLE contacts DROP CONSTRAINT contacts_none",
];

#[tokio::test(flavor = "multi_thread")]
async fn the_log_repeats_nothing_of_what_a_database_refuses_or_an_address_carries() {
    let mut stack = Stack::for_people(&[]).await;
    let account = stack.account("max").await;
    let instance = account.connected(&stack).await;
    stack.stop_server().await;
    let address = free_address();
    let log = stack.uploads.path().join("log");
    let mut settings = stack.settings().to_vec();
    settings.retain(|(name, _)| name != "bind");
    for (name, value) in [
        ("bind", address.as_str()),
        // As loud as it gets, and louder still about what is never told.
        ("log", "trace,tokio_postgres::query=trace,[request]=trace"),
        ("log_format", "json"),
    ] {
        settings.push((name.to_owned(), value.to_owned()));
    }
    let program = Program::logged(&settings, &log).await;
    stack.base = format!("http://{address}");
    let mut secrets: Vec<String> = vec![account.key.clone(), PASSWORD.into(), WRONG.into()];

    let wrong = json!({ "email": account.email, "password": WRONG });
    let wrong = stack.anonymous().post("/api/auth/login", &wrong).await;
    assert_eq!(wrong.status, 401, "{wrong:?}");
    let right = json!({ "email": account.email, "password": PASSWORD });
    let right = stack.anonymous().post("/api/auth/login", &right).await;
    let token = right.data()["token"].as_str().expect("a token");
    // The signature is what makes it one.
    secrets.push(token.rsplit('.').next().expect("a signature").to_owned());
    let bearer = format!("Bearer {token}");
    let console = stack.anonymous().header("authorization", &bearer);

    // Addresses that open what they name.
    let file = console
        .upload_as("/api/media/upload", PNG, "a.png", None)
        .await;
    let url = file.data()["url"].as_str().expect("a URL");
    let (_, rest) = url.split_once("/media/").expect("a path");
    let fetched = stack.anonymous().get(&format!("/media/{rest}")).await;
    assert_eq!(fetched.status, 200, "{:?}", fetched.headers);
    secrets.push(rest.split('/').next().expect("a token").to_owned());
    let team = json!({ "name": "Desk", "invites": [{ "email": ASKED, "role": "admin" }] });
    let team = console.post(TEAMS, &team).await;
    assert_eq!(team.status, 201, "{team:?}");
    let invitation = stack.invitation(ASKED).await;
    let preview = format!("{TEAMS}/invitations/preview?token={invitation}");
    assert_eq!(stack.anonymous().get(&preview).await.status, 200);
    secrets.push(invitation);
    let key = console.header("x-team-id", &id_of(team.data()));
    let key = key.post("/api/api-keys", &json!({ "name": "Desk" })).await;
    secrets.push(
        key.data()["secret"]
            .as_str()
            .expect("shown once")
            .to_owned(),
    );

    // One that goes out, and others that the database does not take.
    let client = stack.client(&account.key);
    let id = client
        .text(&instance, &format!("+{}", NUMBERS[0]), SENT)
        .await;
    eventually("it goes out", async || {
        (client.message(&id).await["status"] != "queued").then_some(())
    })
    .await;
    for statement in REFUSE {
        stack.sql(statement, &[]).await;
    }
    let body = blackbox::text(&instance, &format!("+{}", NUMBERS[1]), REFUSED);
    let contact = json!({ "name": KEPT, "phone": format!("+{}", NUMBERS[2]) });
    for (path, body) in [
        ("/api/v1/messages/send", body),
        ("/api/v1/contacts", contact),
    ] {
        let reply = client.post(path, &body).await;
        assert!(reply.status >= 500, "{path}: {reply:?}");
        let row = reply.text.contains("parcel") || reply.text.contains("336987");
        assert!(!row, "{path} repeats it: {reply:?}");
    }
    for statement in TAKE_AGAIN {
        stack.sql(statement, &[]).await;
    }
    assert!(program.terminate().await.success());

    let written = std::fs::read_to_string(&log).expect("the log");
    // It did tell of them.
    assert!(written.contains("/api/v1/contacts") && written.contains("\"ERROR\""));
    secrets.extend([SENT, REFUSED, KEPT].map(str::to_owned));
    secrets.extend(NUMBERS.map(str::to_owned));
    for secret in secrets {
        let line = written.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}
