//! Seeing what a template becomes.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_sends_nothing_and_costs_no_message() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await.id.to_string();
    let contact = account.client.contact("Awa Diop", 33_612_345_678).await;
    let id = make(
        &account.client,
        &text_template("Hello {{contact.firstName}}, use {{custom.code}} today."),
    )
    .await;
    let body = json!({
        "contactId": contact, "instanceId": instance, "variables": { "code": "SPRING" }, "more": 1,
    });
    let shown = preview(&account.client, &id, &body).await;
    assert_eq!(shown.status, 200);
    assert_eq!(
        shown.data(),
        &json!({
            "rendered": "Hello Awa, use SPRING today.",
            "variables": ["contact.firstName", "custom.code"], "missingVariables": [], "valid": true,
        })
    );
    nothing_happened(&stack, &account).await;
    assert_eq!(account.usage().await["messagesCount"], 0);
    assert!(stack.received_by(TO).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_needs_no_body() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let id = make(
        client,
        &text_template("Hello {{contact.phone}}, {{user.fullName}}"),
    )
    .await;
    let path = format!("{TEMPLATES}/{id}/preview");
    let nothing = json!({ "variables": null, "contactId": null, "instanceId": null });
    for reply in [
        client.post_empty(&path).await,
        client.post_raw(&path, "", "application/json").await,
        client.post_raw(&path, "", "text/plain").await,
        client.post(&path, &json!({})).await,
        client.post(&path, &nothing).await,
    ] {
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(
            reply.data(),
            &json!({
                "rendered": "Hello {{contact.phone}}, Test User",
                "variables": ["contact.phone", "user.fullName"],
                "missingVariables": ["contact.phone"], "valid": false,
            })
        );
    }
    // What is there is read like any body.
    let reply = client.post_raw(&path, "{}", "text/plain").await;
    assert_eq!(reply.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let reply = client.post_raw(&path, "{", "application/json").await;
    assert_eq!(reply.outcome(), (400, "BAD_REQUEST"));
    for shape in ["[]", "null", "7"] {
        let reply = client.post_raw(&path, shape, "application/json").await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{shape}");
        assert_eq!(reply.fields(), [""], "{shape}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn media_show_their_caption() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    for (body, rendered) in [
        (json!(null), ""),
        (json!("For {{user.fullName}}"), "For Test User"),
    ] {
        let media = json!({ "name": "a", "type": "video", "mediaUrl": MEDIA, "body": body });
        let id = make(&account.client, &media).await;
        let shown = preview(&account.client, &id, &json!({})).await;
        assert_eq!(shown.data()["rendered"], rendered);
        assert_eq!(shown.data()["valid"], true);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_that_cannot_be_used_is_refused_whether_it_is_needed_or_not() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let stranger = stack.account("pro").await;
    let theirs = stranger.client.contact("Awa", 33_612_345_678).await;
    let foreign = stranger.instance(&stack).await.id.to_string();
    let own = account.instance(&stack).await.id;
    let id = make(client, &text_template("Hi")).await;
    let refused = async |body: Value, fields: &[&str]| {
        let reply = preview(client, &id, &body).await;
        assert_eq!(
            reply.outcome(),
            (400, "TEMPLATE_CONTEXT_UNAVAILABLE"),
            "{body}"
        );
        assert_eq!(reply.fields(), fields, "{body}");
    };
    refused(json!({ "contactId": NOBODY }), &["contactId"]).await;
    refused(json!({ "contactId": theirs }), &["contactId"]).await;
    refused(json!({ "instanceId": NOBODY }), &["instanceId"]).await;
    refused(json!({ "instanceId": foreign }), &["instanceId"]).await;
    let both = json!({ "instanceId": foreign, "contactId": theirs });
    refused(both, &["contactId", "instanceId"]).await;
    let fine = json!({ "instanceId": own.to_string() });
    assert_eq!(preview(client, &id, &fine).await.status, 200);
    let suspend = "UPDATE instances SET status = 'suspended' WHERE id = $1";
    stack.sql(suspend, &[&own.uuid()]).await;
    refused(fine.clone(), &["instanceId"]).await;
    let delete = "UPDATE instances SET status = 'disconnected', deleted_at = now() WHERE id = $1";
    stack.sql(delete, &[&own.uuid()]).await;
    refused(fine, &["instanceId"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_problems_of_a_body_are_told_at_once() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let id = make(&account.client, &text_template("Hi")).await;
    let body = json!({
        "contactId": "con-1", "instanceId": 7, "variables": { "a.b": 1, "list": [], "nul": "\u{0}" },
    });
    let reply = preview(&account.client, &id, &body).await;
    assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"));
    let mut fields = reply.fields();
    fields.sort_unstable();
    assert_eq!(
        fields,
        [
            "contactId",
            "instanceId",
            "variables.a.b",
            "variables.list",
            "variables.nul"
        ]
    );
    let reply = preview(&account.client, &id, &json!({ "variables": [] })).await;
    assert_eq!(reply.fields(), ["variables"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_body_that_is_none_is_told() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let id = make(client, &text_template("Hi")).await;
    stack
        .sql("UPDATE templates SET body = '{{prenom}}'", &[])
        .await;
    let shown = client.get(&format!("{TEMPLATES}/{id}")).await;
    assert_eq!(shown.data()["body"], "{{prenom}}");
    assert_eq!(shown.data()["variables"], json!([]));
    let reply = preview(client, &id, &json!({})).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"));
    assert_eq!(reply.fields(), ["body"]);
    let image = json!({ "name": "a", "type": "image", "mediaUrl": MEDIA });
    let image = make(client, &image).await;
    stack
        .sql("UPDATE templates SET media_url = NULL", &[])
        .await;
    let reply = preview(client, &image, &json!({})).await;
    assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"));
    assert_eq!(reply.fields(), ["mediaUrl"]);
    // Mending one thing must leave a whole template.
    let mended = put(client, &image, &json!({ "mediaUrl": MEDIA })).await;
    assert_eq!(mended.status, 200);
    assert_eq!(preview(client, &image, &json!({})).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_do_not_fit_into_a_message_are_told() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let text = make(client, &text_template("{{custom.a}}")).await;
    let image = json!({ "name": "a", "type": "image", "mediaUrl": MEDIA, "body": "{{custom.a}}" });
    let image = make(client, &image).await;
    for (id, most) in [(&text, 4096), (&image, 1024)] {
        let with = |length: usize| json!({ "variables": { "a": "é".repeat(length) } });
        let shown = preview(client, id, &with(most)).await;
        assert_eq!((shown.status, &shown.data()["valid"]), (200, &json!(true)));
        let reply = preview(client, id, &with(most + 1)).await;
        assert_eq!(reply.outcome(), (400, "TEMPLATE_INVALID"), "{most}");
    }
    let empty = preview(client, &text, &json!({ "variables": { "a": " " } })).await;
    assert_eq!(empty.outcome(), (400, "TEMPLATE_INVALID"), "no empty text");
}
