//! Making, listing, reading, changing and deleting.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_template_reads_back_as_it_was_made() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let body = "Hello {{contact.firstName}}, use {{ custom.code }} today. {{contact.firstName}}!";
    let mut wanted = text_template(body);
    wanted["variables"] = json!(["whatever", 7]);
    let made = account.client.post(TEMPLATES, &wanted).await;
    assert_eq!(made.status, 201, "{made:?}");
    let data = made.data();
    let mut shown = data.clone();
    for (member, value) in [("id", "id"), ("createdAt", "at"), ("updatedAt", "at")] {
        assert!(shown[member].is_string(), "{member}");
        shown[member] = json!(value);
    }
    assert_eq!(
        shown,
        json!({
            "id": "id", "userId": account.user.to_string(), "name": "Cart reminder",
            "type": "text", "body": body, "mediaUrl": null,
            "variables": ["contact.firstName", "custom.code"], "createdAt": "at", "updatedAt": "at",
        })
    );
    assert_eq!(data["createdAt"], data["updatedAt"]);
    let read = account
        .client
        .get(&format!("{TEMPLATES}/{}", id_of(data)))
        .await;
    assert_eq!((read.status, read.data()), (200, data));
    // Names need not be unique.
    let second = account.client.post(TEMPLATES, &wanted).await;
    assert_eq!(second.status, 201);
    assert_ne!(second.data()["id"], data["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_has_its_members_and_its_limits() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let long = |length: usize| "é".repeat(length);
    let start = "https://files.example.com/";
    let url = |length: usize| format!("{start}{}", "a".repeat(length - start.len()));
    for (body, status) in [
        (
            json!({ "name": long(100), "type": "text", "body": long(4096) }),
            201,
        ),
        (
            json!({ "name": long(101), "type": "text", "body": "a" }),
            400,
        ),
        (
            json!({ "name": "a", "type": "text", "body": long(4097) }),
            400,
        ),
        (json!({ "name": "a", "type": "text", "body": "" }), 400),
        (json!({ "name": "a", "type": "text" }), 400),
        (json!({ "name": "", "type": "text", "body": "a" }), 400),
    ] {
        let reply = client.post(TEMPLATES, &body).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    for kind in ["image", "video", "audio", "document"] {
        let of = |members: Value| {
            let mut body = json!({ "name": "a", "type": kind });
            for (name, value) in members.as_object().expect("members") {
                body[name] = value.clone();
            }
            body
        };
        let bare = client
            .post(TEMPLATES, &of(json!({ "mediaUrl": url(2048) })))
            .await;
        assert_eq!((bare.status, &bare.data()["body"]), (201, &json!(null)));
        assert_eq!(bare.data()["mediaUrl"], url(2048));
        let full = of(json!({ "mediaUrl": MEDIA, "body": long(1024) }));
        assert_eq!(client.post(TEMPLATES, &full).await.status, 201, "{kind}");
        let captioned = of(json!({ "mediaUrl": MEDIA, "body": long(1025) }));
        let refused = client.post(TEMPLATES, &captioned).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
        assert_eq!(refused.fields(), ["body"]);
        // Without media there is no such template, rather than a malformed request.
        let without = client.post(TEMPLATES, &of(json!({ "body": "a" }))).await;
        assert_eq!(without.outcome(), (400, "TEMPLATE_INVALID"), "{kind}");
        assert_eq!(without.fields(), ["mediaUrl"]);
        for odd in [
            url(2049),
            "/a.jpg".into(),
            "ftp://a.example/b".into(),
            String::new(),
        ] {
            let reply = client
                .post(TEMPLATES, &of(json!({ "mediaUrl": odd })))
                .await;
            assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{odd}");
            assert_eq!(reply.fields(), ["mediaUrl"], "{odd}");
        }
    }
    for kind in [
        "voice_note",
        "location",
        "contact",
        "buttons",
        "TEXT",
        "",
        "poem",
    ] {
        let body = json!({ "name": "a", "type": kind, "body": "a", "mediaUrl": MEDIA });
        let reply = client.post(TEMPLATES, &body).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{kind}");
        assert_eq!(reply.fields(), ["type"], "{kind}");
    }
    let text = json!({ "name": "a", "type": "text", "body": "a", "mediaUrl": MEDIA });
    let text = client.post(TEMPLATES, &text).await;
    assert_eq!(text.data()["mediaUrl"], json!(null), "a text has no media");
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_of_a_body_are_told_at_once_and_nothing_is_kept() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let all = json!({ "name": 7, "type": "sticker", "body": {}, "mediaUrl": "x" });
    let reply = client.post(TEMPLATES, &all).await;
    assert_eq!(reply.fields(), ["name", "type", "body", "mediaUrl"]);
    let none = client.post(TEMPLATES, &json!({})).await;
    assert_eq!(none.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(none.fields(), ["name", "type"]);
    let nul = json!({ "name": "a\u{0}", "type": "text", "body": "\u{0}" });
    assert_eq!(
        client.post(TEMPLATES, &nul).await.fields(),
        ["name", "body"]
    );
    let keyed = client.header("Idempotency-Key", &"k".repeat(256));
    let malformed = keyed
        .post(TEMPLATES, &json!({ "name": "a", "type": "text" }))
        .await;
    assert_eq!(malformed.fields(), ["Idempotency-Key", "body"]);
    // The fields come before what they add up to.
    let both = json!({ "name": "", "type": "image", "body": "{{" });
    let reply = client.post(TEMPLATES, &both).await;
    assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"));
    let both = json!({ "name": "a", "type": "image", "body": "{{x}} {{" });
    let reply = client.post(TEMPLATES, &both).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"));
    assert_eq!(reply.fields(), ["body", "body", "mediaUrl"]);
    let list = client.get(TEMPLATES).await;
    assert_eq!(list.data(), &json!({ "templates": [], "total": 0 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_counted_in_pages_with_the_newest_first() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let mut made = Vec::new();
    for at in 0..23 {
        let mut template = text_template("Hi");
        template["name"] = json!(format!("{at}"));
        made.push(make(client, &template).await);
    }
    made.reverse();
    for (query, wanted) in [
        ("", &made[..20]),
        ("?page=1", &made[..20]),
        ("?page=2", &made[20..]),
        ("?page=3&limit=10", &made[20..]),
        ("?limit=100", &made[..]),
        ("?page=7&limit=1", &made[6..7]),
        ("?page=24&limit=1", &[]),
        ("?page=4294967295&limit=100", &[]),
        ("?page=&limit=&more=1", &made[..20]),
    ] {
        let list = client.get(&format!("{TEMPLATES}{query}")).await;
        assert_eq!(list.data()["total"], 23, "{query}");
        let shown = list.data()["templates"].as_array().expect("a list");
        let shown: Vec<_> = shown.iter().map(id_of).collect();
        assert_eq!(shown, wanted, "{query}");
    }
    // Whole templates are listed.
    let list = client.get(TEMPLATES).await;
    let read = client.get(&format!("{TEMPLATES}/{}", made[0])).await;
    assert_eq!(&list.data()["templates"][0], read.data());
    for (query, fields) in [
        ("page=0", &["page"][..]),
        ("page=-1", &["page"]),
        ("page=one", &["page"]),
        ("limit=0", &["limit"]),
        ("limit=101", &["limit"]),
        ("limit=1.5", &["limit"]),
        ("page=x&limit=1000", &["page", "limit"]),
    ] {
        let reply = client.get(&format!("{TEMPLATES}?{query}")).await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(reply.fields(), fields, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_changes_what_it_gives_and_nothing_else() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let id = make(client, &text_template("Hello {{contact.firstName}}")).await;
    let read = async || {
        client
            .get(&format!("{TEMPLATES}/{id}"))
            .await
            .data()
            .clone()
    };
    let before = read().await;
    for same in [
        json!({}),
        json!({ "name": null, "type": null, "body": null, "mediaUrl": null }),
        json!({ "type": "text" }),
        json!({ "variables": ["custom.x"], "id": NOBODY, "userId": NOBODY }),
        json!({ "name": "Cart reminder", "body": "Hello {{contact.firstName}}" }),
        json!({ "mediaUrl": MEDIA }),
    ] {
        let reply = put(client, &id, &same).await;
        assert_eq!((reply.status, reply.data()), (200, &before), "{same}");
    }
    let path = format!("{TEMPLATES}/{id}");
    let empty = client.call(Method::PUT, &path, None, "").await;
    assert_eq!((empty.status, empty.data()), (200, &before));
    let renamed = put(client, &id, &json!({ "name": "Sale" })).await;
    assert_eq!(renamed.data()["name"], "Sale");
    assert_eq!(renamed.data()["body"], before["body"]);
    let reworded = put(client, &id, &json!({ "body": "{{custom.b}}{{custom.a}}" })).await;
    assert_eq!(
        reworded.data()["variables"],
        json!(["custom.b", "custom.a"])
    );
    assert_eq!(reworded.data()["name"], "Sale");
    assert_eq!(reworded.data()["createdAt"], before["createdAt"]);
    assert!(reworded.data()["updatedAt"].as_str() > before["updatedAt"].as_str());
    assert_eq!(&read().await, reworded.data());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_becomes_must_be_a_template_too() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let text = make(client, &text_template("Hi")).await;
    let image =
        json!({ "name": "a", "type": "image", "mediaUrl": MEDIA, "body": "A {{user.email}}" });
    let image = make(client, &image).await;
    let long = "a".repeat(1025);
    let before = client.get(TEMPLATES).await.text;
    let table: [(&str, Value, &str, &[&str]); 9] = [
        (
            &text,
            json!({ "type": "image" }),
            "VALIDATION_ERROR",
            &["type"],
        ),
        (
            &text,
            json!({ "type": "image", "mediaUrl": MEDIA }),
            "VALIDATION_ERROR",
            &["type"],
        ),
        (
            &text,
            json!({ "type": "poem" }),
            "VALIDATION_ERROR",
            &["type"],
        ),
        (
            &text,
            json!({ "name": "", "body": 1 }),
            "VALIDATION_ERROR",
            &["name", "body"],
        ),
        (&text, json!({ "body": " " }), "VALIDATION_ERROR", &["body"]),
        (
            &text,
            json!({ "body": "a".repeat(4097) }),
            "VALIDATION_ERROR",
            &["body"],
        ),
        (
            &text,
            json!({ "name": "b", "body": "{{name}}" }),
            "TEMPLATE_INVALID",
            &["body"],
        ),
        (
            &image,
            json!({ "body": long, "name": "b" }),
            "VALIDATION_ERROR",
            &["body"],
        ),
        (
            &image,
            json!({ "mediaUrl": "ftp://a.example/" }),
            "VALIDATION_ERROR",
            &["mediaUrl"],
        ),
    ];
    for (id, body, code, fields) in table {
        let reply = put(client, id, &body).await;
        assert_eq!(reply.outcome(), (400, code), "{body}");
        assert_eq!(reply.fields(), fields, "{body}");
    }
    assert_eq!(client.get(TEMPLATES).await.text, before, "nothing changed");
    let longest = put(client, &text, &json!({ "body": long })).await;
    assert_eq!(longest.status, 200, "a text may be longer than a caption");
    let bare = put(client, &image, &json!({ "body": "" })).await;
    assert_eq!(bare.data()["body"], json!(null), "the caption is taken off");
    assert_eq!(bare.data()["variables"], json!([]));
    assert_eq!(bare.data()["mediaUrl"], MEDIA);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_template_is_gone_and_its_messages_are_not() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let client = &account.client;
    let instance = account.connected(&stack).await.id.to_string();
    let id = make(client, &text_template("Kept")).await;
    let send = json!({ "instanceId": instance, "to": TO, "templateId": id });
    let later = client.schedule(&send, "2020-01-01T00:00:00Z").await;
    let path = format!("{TEMPLATES}/{id}");
    let gone = client.delete(&path).await;
    assert_eq!(
        (gone.status, gone.data()),
        (200, &json!({ "deleted": true }))
    );
    assert_eq!(client.delete(&path).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(client.get(&path).await.outcome(), (404, "NOT_FOUND"));
    assert_eq!(
        put(client, &id, &json!({})).await.outcome(),
        (404, "NOT_FOUND")
    );
    assert_eq!(client.post(SEND, &send).await.outcome(), (404, "NOT_FOUND"));
    let message = account.wait_message(&id_of(&later), "read").await;
    assert_eq!(message["body"], "Kept");
    assert_eq!(message["meta"]["templateId"], json!(id));
}
