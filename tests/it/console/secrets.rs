//! What nobody may read in a log: everything that opens something, and what people write.

use std::collections::BTreeSet;

use blackbox::{Client, Program, Receiver, Reply, Stack, eventually};
use serde_json::{Value, json};

use super::{log_in, sign_up, stack, token_of};

const EMAIL: &str = "lea@shop.test";
const PASSWORDS: [&str; 4] = [
    "Corr3ct-horse",
    "Wr0ng-battery",
    "N3w-staple-once",
    "N3w-staple-twice",
];
const NUMBERS: [&str; 3] = ["33611112222", "33612345678", "33698765432"];
const TEXT: &str = "Your parcel waits behind the red door";

/// A server whose log is kept, and every secret that was met on the way.
struct Run {
    stack: Stack,
    anonymous: Client,
    met: BTreeSet<String>,
}

impl Run {
    fn meet(&mut self, secret: &Value) -> String {
        let text = secret.as_str().expect("a secret").to_owned();
        self.met.insert(text.clone());
        text
    }

    /// A client with the token of an answer.
    fn bearer(&mut self, reply: &Reply) -> Client {
        let token = token_of(reply);
        // The signature is what makes it one; the rest is in every log that shows ids.
        let signature = token.rsplit('.').next().expect("a signature");
        self.met.insert(signature.to_owned());
        self.anonymous
            .header("authorization", &format!("Bearer {token}"))
    }

    /// The token in the newest mail of this kind.
    async fn mailed(&mut self, kind: &str) -> String {
        let mail = eventually("a mail", async || {
            let reply = self.anonymous.get("/dev/mailbox").await;
            let mails = reply.json["data"].as_array().cloned().unwrap_or_default();
            mails.into_iter().find(|it| it["kind"] == kind)
        })
        .await;
        let text = mail["text"].as_str().expect("text");
        let token = text.split("?token=").nth(1).expect("a link");
        let token = token.split_whitespace().next().expect("a token").to_owned();
        self.met.insert(token.clone());
        token
    }

    /// Signs up, in, out and in again by every door; answers somebody who is signed in.
    async fn come_and_go(&mut self) -> Client {
        let anonymous = self.anonymous.clone();
        let made = anonymous.post("/api/auth/signup", &sign_up(EMAIL)).await;
        assert_eq!(made.status, 201, "{made:?}");
        let token = self.mailed("verify_email").await;
        let verified = json!({ "token": token });
        let verified = anonymous.post("/api/auth/verify-email", &verified).await;
        assert_eq!(verified.status, 200, "{verified:?}");
        let wrong = log_in(EMAIL, PASSWORDS[1]);
        assert_eq!(anonymous.post("/api/auth/login", &wrong).await.status, 401);
        let right = log_in(EMAIL, PASSWORDS[0]);
        let first = anonymous.post("/api/auth/login", &right).await;
        let first = self.bearer(&first);
        let refreshed = first.post_empty("/api/auth/refresh").await;
        let second = self.bearer(&refreshed);
        let change = json!({ "currentPassword": PASSWORDS[0], "newPassword": PASSWORDS[2] });
        let changed = second.post("/api/auth/change-password", &change).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let forgot = json!({ "email": EMAIL });
        anonymous.post("/api/auth/forgot-password", &forgot).await;
        let token = self.mailed("reset_password").await;
        let check = format!("/api/auth/reset-password/validate?token={token}");
        assert_eq!(anonymous.get(&check).await.data()["valid"], true);
        let reset = json!({ "token": token, "password": PASSWORDS[3] });
        let reset = anonymous.post("/api/auth/reset-password", &reset).await;
        assert_eq!(reset.status, 200, "{reset:?}");
        let last = log_in(EMAIL, PASSWORDS[3]);
        let last = anonymous.post("/api/auth/login", &last).await;
        self.bearer(&last)
    }

    /// Makes a key, an endpoint and an instance, links a phone, and sends and hears something.
    async fn work(&mut self, person: &Client, receiver: &Receiver) {
        let key = person
            .post("/api/api-keys", &json!({ "name": "CRM" }))
            .await;
        let key = self.meet(&key.data()["secret"]);
        let program = Client::new(&self.stack.base, Some(&key));
        let endpoint = json!({ "url": receiver.url, "events": ["message.sent", "message.failed"] });
        let endpoint = program.post("/api/v1/webhooks", &endpoint).await;
        self.meet(&endpoint.data()["secret"]);
        let rotate = blackbox::id_of(endpoint.data());
        let rotate = format!("/api/webhooks/{rotate}/rotate-secret");
        let rotated = person.post_empty(&rotate).await;
        self.meet(&rotated.data()["secret"]);
        let made = person
            .post("/api/instances", &json!({ "name": "Shop" }))
            .await;
        let id = blackbox::id_of(made.data());
        let rows = self
            .stack
            .rows("SELECT session, webhook_secret FROM instances", &[])
            .await;
        let (session, secret): (String, String) = (rows[0].get(0), rows[0].get(1));
        self.met.insert(secret);
        let connect = format!("/api/instances/{id}/connect");
        let named = json!({ "phoneNumber": format!("+{}", NUMBERS[0]) });
        let shown = person.post(&connect, &named).await;
        let code = self.meet(&shown.data()["pairingCode"]);
        self.met.insert(code.replace('-', ""));
        self.stack.scan(&session, NUMBERS[0]).await;
        eventually("it is linked", async || {
            let read = person.get(&format!("/api/instances/{id}")).await;
            (read.data()["status"] == "connected").then_some(())
        })
        .await;
        let contact = json!({ "name": "Lina", "phone": format!("+{}", NUMBERS[2]) });
        assert_eq!(program.post("/api/v1/contacts", &contact).await.status, 201);
        let text = json!({
            "instanceId": id, "to": format!("+{}", NUMBERS[1]), "type": "text", "text": TEXT,
        });
        let sent = program.post("/api/v1/messages/send", &text).await;
        assert_eq!(sent.status, 201, "{sent:?}");
        receiver.wait_for("message.sent", 1).await;
        let inbound = json!({ "from": NUMBERS[2], "text": TEXT });
        let inbound = self
            .stack
            .control(&format!("instances/{session}/inbound"), inbound)
            .await;
        assert!(inbound.status < 300, "{inbound:?}");
        program.wait_inbound(TEXT).await;
        for path in ["logout", "restart"] {
            person
                .post_empty(&format!("/api/instances/{id}/{path}"))
                .await;
        }
        person.post_empty("/api/auth/logout").await;
        // What is refused is told too, and not with what it was tried with.
        let wrong = Client::new(&self.stack.base, Some(&key.replace('a', "b")));
        wrong.get("/api/v1/me").await;
        self.met.insert(key.replace('a', "b"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_a_whole_run_at_its_loudest_tells_no_secret() {
    let mut stack = stack().await;
    stack.stop_server().await;
    let address = blackbox::fleet::free_address();
    let log = std::env::temp_dir().join(format!("msgflash-log-{}", std::process::id()));
    let mut settings = stack.settings().to_vec();
    settings.retain(|(name, _)| name != "bind");
    for (name, value) in [
        ("bind", address.as_str()),
        ("log", "trace"),
        ("log_format", "json"),
    ] {
        settings.push((name.to_owned(), value.to_owned()));
    }
    let receiver = Receiver::start().await;
    let program = Program::logged(&settings, &log).await;
    stack.base = format!("http://{address}");
    let mut run = Run {
        anonymous: Client::new(&stack.base, None),
        stack,
        met: BTreeSet::new(),
    };
    let person = run.come_and_go().await;
    run.work(&person, &receiver).await;
    assert!(program.terminate().await.success());
    let written = std::fs::read_to_string(&log).expect("the log");
    std::fs::remove_file(&log).expect("ours");
    // It did listen: each request is there, by its path.
    for path in ["/api/auth/login", "/api/v1/messages/send", "/api/api-keys"] {
        assert!(written.contains(path), "{path} is not in the log");
    }
    let mut secrets = run.met;
    assert!(secrets.len() >= 12, "{}", secrets.len());
    secrets.extend(PASSWORDS.iter().chain(&NUMBERS).map(|it| (*it).to_owned()));
    secrets.extend([TEXT.to_owned(), blackbox::stack::GATEWAY_KEY.to_owned()]);
    for secret in secrets {
        let line = written.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}
