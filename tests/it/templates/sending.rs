//! Messages made of templates.

use std::time::Duration;

use blackbox::moment_in;

use super::*;

const HELLO: &str = "Hello {{contact.firstName}}, use {{custom.code}} ({{custom.amount}}).";

struct Bench {
    stack: Stack,
    account: Account,
    instance: String,
    contact: String,
}

impl Bench {
    async fn start() -> Self {
        let stack = Stack::start().await;
        let account = stack.account("pro").await;
        let instance = account.connected(&stack).await.id.to_string();
        let contact = account.client.contact("Awa Diop", 33_612_345_678).await;
        Self {
            stack,
            account,
            instance,
            contact,
        }
    }

    fn client(&self) -> &Client {
        &self.account.client
    }

    /// A message made of a template, with more members.
    fn of(&self, template: &str, members: &Value) -> Value {
        let mut body = json!({ "instanceId": self.instance, "to": TO, "templateId": template });
        for (name, value) in members.as_object().expect("members") {
            body[name] = value.clone();
        }
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_finished_text_is_stored_sent_and_kept() {
    let bench = Bench::start().await;
    let id = make(bench.client(), &text_template(HELLO)).await;
    let members = json!({
        "contactId": bench.contact, "variables": { "code": "SPRING", "amount": 1500, "more": true },
        // What belongs to direct messages is not looked at.
        "text": { "not": "text" }, "mediaUrl": "nonsense", "title": 7, "buttons": "none",
    });
    let sent = bench.client().send(&bench.of(&id, &members)).await;
    let text = "Hello Awa, use SPRING (1500).";
    assert_eq!(
        (
            &sent["type"],
            &sent["body"],
            &sent["mediaUrl"],
            &sent["status"]
        ),
        (&json!("text"), &json!(text), &json!(null), &json!("queued"))
    );
    assert_eq!(sent["contactId"], json!(bench.contact));
    assert_eq!(
        sent["meta"],
        json!({
            "templateId": id,
            "usedVariables": ["contact.firstName", "custom.code", "custom.amount"],
        })
    );
    // The guidance is that of any message: the number was linked a moment ago.
    assert_eq!(sent["safety"]["decision"], "warn");
    assert_eq!(sent["warnings"], sent["safety"]["reasons"]);
    // What was accepted stays, whatever becomes of the template.
    put(bench.client(), &id, &json!({ "body": "Other" })).await;
    let message = bench.account.wait_message(&id_of(&sent), "read").await;
    assert_eq!(message["body"], text);
    assert_eq!(message["meta"]["templateId"], json!(id));
    assert_eq!(
        message["meta"]["usedVariables"],
        sent["meta"]["usedVariables"]
    );
    let received = bench.stack.received_by(TO).await;
    assert_eq!(received.len(), 1);
    assert!(received[0].to_string().contains(text), "{received:?}");
    assert_eq!(bench.account.usage().await["messagesCount"], 1);
    // A change counts at once.
    let next = bench.client().send(&bench.of(&id, &json!({}))).await;
    assert_eq!(next["body"], "Other");
    assert_eq!(next["meta"]["usedVariables"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_has_its_text_from_the_beginning() {
    let bench = Bench::start().await;
    let id = make(bench.client(), &text_template("Hi {{contact.name}}")).await;
    let body = bench.of(&id, &json!({ "contactId": bench.contact }));
    let at = moment_in(Duration::from_secs(1));
    let later = bench.client().schedule(&body, &at).await;
    assert_eq!(
        (&later["status"], &later["body"]),
        (&json!("queued"), &json!("Hi Awa Diop"))
    );
    assert!(later["safety"].is_object() && later["scheduledAt"].is_string());
    assert_eq!(later["meta"]["usedVariables"], json!(["contact.name"]));
    bench
        .stack
        .sql("UPDATE contacts SET name = 'Somebody'", &[])
        .await;
    put(bench.client(), &id, &json!({ "body": "Other" })).await;
    let message = bench.account.wait_message(&id_of(&later), "read").await;
    assert_eq!(message["body"], "Hi Awa Diop");
    let received = bench.stack.received_by(TO).await;
    assert!(
        received[0].to_string().contains("Hi Awa Diop"),
        "{received:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn type_and_media_are_the_templates() {
    let bench = Bench::start().await;
    for kind in ["image", "video", "audio", "document"] {
        for (caption, body) in [
            (json!("For {{contact.phone}}"), json!("For +33612345678")),
            (json!(null), json!(null)),
        ] {
            let media = json!({ "name": "a", "type": kind, "mediaUrl": MEDIA, "body": caption });
            let id = make(bench.client(), &media).await;
            let sent = bench.client().send(&bench.of(&id, &json!({}))).await;
            assert_eq!(
                (&sent["type"], &sent["mediaUrl"], &sent["body"]),
                (&json!(kind), &json!(MEDIA), &body)
            );
            assert_eq!(sent["meta"]["templateId"], json!(id));
            let read = bench.account.wait_message(&id_of(&sent), "read").await;
            assert_eq!(read["body"], body);
        }
    }
    let received = bench.stack.received_by(TO).await;
    assert_eq!(received.len(), 8);
    let captioned = received
        .iter()
        .filter(|it| it.to_string().contains("For +33612345678"));
    assert_eq!(captioned.count(), 3, "sounds carry none: {received:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_contact_the_one_with_the_number_is_addressed() {
    let bench = Bench::start().await;
    let named = make(bench.client(), &text_template("Hi {{contact.name}}")).await;
    let sent = bench.client().send(&bench.of(&named, &json!({}))).await;
    assert_eq!(
        (&sent["body"], &sent["contactId"]),
        (&json!("Hi Awa Diop"), &json!(bench.contact))
    );
    // The number is compared, not how it is written.
    let spelt = bench.of(&named, &json!({ "to": "0033 (6) 12-34.56 78" }));
    assert_eq!(bench.client().send(&spelt).await["body"], "Hi Awa Diop");
    // A contact with another number is addressed when it is named.
    let other = bench
        .account
        .client
        .contact("Max Roy", 33_699_999_999)
        .await;
    let named_other = bench.of(&named, &json!({ "contactId": other }));
    let sent = bench.client().send(&named_other).await;
    assert_eq!(
        (&sent["body"], &sent["contactId"], &sent["to"]),
        (&json!("Hi Max Roy"), &json!(other), &json!(TO))
    );
    let phone = make(bench.client(), &text_template("{{contact.phone}}")).await;
    let sent = bench
        .client()
        .send(&bench.of(&phone, &json!({ "contactId": other })))
        .await;
    assert_eq!(sent["body"], "+33699999999", "the contact's own number");
    // Nobody has this number: it is all that is known.
    let unknown = json!({ "to": "+33600000001" });
    let sent = bench.client().send(&bench.of(&phone, &unknown)).await;
    assert_eq!(
        (&sent["body"], &sent["contactId"]),
        (&json!("+33600000001"), &json!(null))
    );
    let refused = bench.client().post(SEND, &bench.of(&named, &unknown)).await;
    assert_eq!(refused.outcome(), (400, "TEMPLATE_VARIABLES_MISSING"));
    assert_eq!(refused.fields(), ["contact.name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_values_are_told_by_path_and_leave_nothing() {
    let bench = Bench::start().await;
    let body =
        "{{custom.b}} {{contact.meta.city}} {{custom.a}} {{custom.b}} {{user.phone}} {{custom.ok}}";
    let id = make(bench.client(), &text_template(body)).await;
    let members = json!({
        "contactId": bench.contact, "variables": { "ok": "", "b.": null }, "scheduledAt": null,
    });
    let malformed = bench.client().post(SEND, &bench.of(&id, &members)).await;
    assert_eq!(
        malformed.fields(),
        ["variables.b.", "variables.b."],
        "{malformed:?}"
    );
    let client = bench.client().header("Idempotency-Key", "k");
    for (path, more) in [
        (SEND, json!({})),
        (SCHEDULE, json!({ "scheduledAt": "2020-01-01T00:00:00Z" })),
    ] {
        let mut body = bench.of(&id, &more);
        body["variables"] = json!({ "ok": "" });
        let reply = client.post(path, &body).await;
        assert_eq!(reply.outcome(), (400, "TEMPLATE_VARIABLES_MISSING"));
        let missing = ["custom.b", "contact.meta.city", "custom.a", "user.phone"];
        assert_eq!(reply.fields(), missing);
        for item in reply.json["error"]["details"].as_array().expect("details") {
            assert_eq!(item["code"], "missing_variable");
        }
        let message = reply.json["error"]["message"].as_str().expect("a message");
        assert!(message.contains("custom.b, contact.meta.city"), "{message}");
    }
    nothing_happened(&bench.stack, &bench.account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_makes_no_message_is_refused() {
    let bench = Bench::start().await;
    let image = json!({ "name": "a", "type": "image", "mediaUrl": MEDIA, "body": "{{custom.a}}" });
    let image = make(bench.client(), &image).await;
    let text = make(bench.client(), &text_template("{{custom.a}}")).await;
    for (id, most) in [(&text, 4096), (&image, 1024)] {
        let with = |length: usize| json!({ "variables": { "a": "é".repeat(length) } });
        let reply = bench
            .client()
            .post(SEND, &bench.of(id, &with(most + 1)))
            .await;
        assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "{most}");
        assert_eq!(reply.fields(), ["body"]);
    }
    let empty = bench.of(&text, &json!({ "variables": { "a": "" } }));
    let reply = bench.client().post(SEND, &empty).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "no empty text");
    bench
        .stack
        .sql("UPDATE templates SET media_url = NULL", &[])
        .await;
    let with = json!({ "variables": { "a": "A" } });
    let reply = bench.client().post(SEND, &bench.of(&image, &with)).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "no media");
    assert_eq!(reply.fields(), ["mediaUrl"]);
    for body in ["{{prenom}}", "{{contact.name"] {
        let set = format!("UPDATE templates SET body = '{body}'");
        bench.stack.sql(&set, &[]).await;
        let reply = bench.client().post(SEND, &bench.of(&text, &with)).await;
        assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "{body}");
    }
    nothing_happened(&bench.stack, &bench.account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_type_and_template_is_given() {
    let bench = Bench::start().await;
    let id = make(bench.client(), &text_template("Hi")).await;
    let both = bench.of(&id, &json!({ "type": "text", "text": "Hi" }));
    let neither = bench.of(&id, &json!({ "templateId": null }));
    for (body, fields) in [(both, ["templateId"]), (neither, ["type"])] {
        let reply = bench.client().post(SEND, &body).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"));
        assert_eq!(reply.fields(), fields);
    }
    let timed = bench.of(&id, &json!({ "scheduledAt": "2099-01-01T00:00:00Z" }));
    let reply = bench.client().post(SEND, &timed).await;
    assert_eq!(reply.fields(), ["scheduledAt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_answered_whatever_became_of_the_template() {
    let bench = Bench::start().await;
    let id = make(bench.client(), &text_template("Hi {{custom.name}}")).await;
    let client = bench.client().header("Idempotency-Key", "order-17");
    let body = bench.of(&id, &json!({ "variables": { "name": "Awa" } }));
    let first = client.post(SEND, &body).await;
    assert_eq!(first.status, 201, "{first:?}");
    let again = async |what: &str| {
        let reply = client.post(SEND, &body).await;
        assert_eq!((reply.status, &reply.text), (201, &first.text), "{what}");
        assert_eq!(reply.header("idempotent-replayed"), "true", "{what}");
    };
    again("unchanged").await;
    put(
        bench.client(),
        &id,
        &json!({ "body": "Bye {{custom.name}}" }),
    )
    .await;
    again("changed").await;
    put(bench.client(), &id, &json!({ "body": "{{custom.gone}}" })).await;
    again("out of reach").await;
    bench
        .stack
        .sql("UPDATE templates SET body = '{{'", &[])
        .await;
    again("broken").await;
    bench.client().delete(&format!("{TEMPLATES}/{id}")).await;
    again("deleted").await;
    let other = bench.of(&id, &json!({ "variables": { "name": "Max" } }));
    assert_eq!(client.post(SEND, &other).await.outcome(), (409, "CONFLICT"));
    bench
        .account
        .wait_message(&id_of(first.data()), "read")
        .await;
    assert_eq!(bench.stack.received_by(TO).await.len(), 1);
    assert_eq!(
        bench
            .stack
            .count("SELECT count(*) FROM messages", &[])
            .await,
        1
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_made_once_under_a_key() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = account.client.header("Idempotency-Key", "k");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = client.clone();
        calls.spawn(async move { client.post(TEMPLATES, &text_template("Hi")).await });
    }
    let replies = calls.join_all().await;
    for reply in &replies {
        assert_eq!((reply.status, &reply.text), (201, &replies[0].text));
    }
    let fresh = replies
        .iter()
        .filter(|it| it.header("idempotent-replayed").is_empty());
    assert_eq!(fresh.count(), 1);
    let other = client.post(TEMPLATES, &text_template("Bye")).await;
    assert_eq!(other.outcome(), (409, "CONFLICT"));
    // A refusal is not kept.
    let client = account.client.header("Idempotency-Key", "l");
    let wrong = client.post(TEMPLATES, &text_template("{{")).await;
    assert_eq!(wrong.outcome(), (400, "TEMPLATE_INVALID"));
    let right = client.post(TEMPLATES, &text_template("Bye")).await;
    assert_eq!(
        (right.status, right.header("idempotent-replayed")),
        (201, "")
    );
    let list = account.client.get(TEMPLATES).await;
    assert_eq!(list.data()["total"], 2);
    // Where nothing is made, keys mean nothing, not even malformed ones.
    let id = id_of(right.data());
    for key in ["l", &"k".repeat(300)] {
        let client = account.client.header("Idempotency-Key", key);
        let shown = preview(&client, &id, &json!({ "variables": { "a": key } })).await;
        assert_eq!(
            (shown.status, shown.header("idempotent-replayed")),
            (200, "")
        );
        let changed = put(
            &client,
            &id,
            &json!({ "name": key.get(..50).unwrap_or(key) }),
        )
        .await;
        assert_eq!(
            (changed.status, changed.header("idempotent-replayed")),
            (200, "")
        );
    }
}
