//! Which refusal wins. Every request here breaks a check and the next one, and is told the former.

use super::*;

async fn plan(stack: &Stack, change: &str) {
    let change = format!("UPDATE plans SET {change} WHERE code = 'pro'");
    assert_eq!(stack.sql(&change, &[]).await, 1);
}

async fn subscription(stack: &Stack, account: &Account, status: &str) {
    let set = "UPDATE subscriptions SET status = $2 WHERE account_id = $1";
    stack.sql(set, &[&account.user.uuid(), &status]).await;
}

#[track_caller]
fn told(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.outcome(), (status, code), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_message_of_a_template_needs_is_checked_in_turn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.instance(&stack).await.id;
    let known = make(client, &text_template("{{custom.gone}} {{contact.name}}")).await;
    plan(&stack, "monthly_outbound_quota = 0").await;
    let suspend = "UPDATE instances SET status = $1 WHERE id = $2";
    stack.sql(suspend, &[&"suspended", &instance.uuid()]).await;
    for path in [SEND, SCHEDULE] {
        let mut body = json!({
            "instanceId": NOBODY, "to": "0612", "templateId": NOBODY, "contactId": NOBODY,
            "variables": { "nested": {} },
        });
        if path == SCHEDULE {
            body["scheduledAt"] = json!("2020-01-01T00:00:00Z");
        }
        let mut next = async |change: &str, value: Value| {
            body[change] = value;
            client.post(path, &body).await
        };
        told(&next("x", json!(1)).await, 400, "VALIDATION_ERROR");
        told(&next("variables", json!({})).await, 404, "NOT_FOUND");
        let template = next("instanceId", json!(instance.to_string())).await;
        told(&template, 404, "NOT_FOUND");
        assert_eq!(template.json["error"]["message"], "Template not found");
        told(&next("templateId", json!(known)).await, 403, "FORBIDDEN");
        stack
            .sql(suspend, &[&"disconnected", &instance.uuid()])
            .await;
        told(&next("x", json!(2)).await, 422, "INVALID_DESTINATION");
        let context = next("to", json!(TO)).await;
        told(&context, 400, "TEMPLATE_CONTEXT_UNAVAILABLE");
        assert_eq!(context.fields(), ["contactId"]);
        let missing = next("contactId", json!(null)).await;
        told(&missing, 400, "TEMPLATE_VARIABLES_MISSING");
        assert_eq!(missing.fields(), ["custom.gone", "contact.name"]);
        // A broken template is told before a contact that is not there.
        stack.sql("UPDATE templates SET body = '{{'", &[]).await;
        told(
            &next("contactId", json!(NOBODY)).await,
            400,
            "TEMPLATE_INVALID",
        );
        stack.sql("UPDATE templates SET body = 'Hi'", &[]).await;
        told(
            &next("contactId", json!(null)).await,
            429,
            "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
        );
        let back = "UPDATE templates SET body = '{{custom.gone}} {{contact.name}}'";
        stack.sql(back, &[]).await;
        stack.sql(suspend, &[&"suspended", &instance.uuid()]).await;
    }
    nothing_happened(&stack, &account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscription_shape_and_resource_come_in_turn() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let known = make(client, &text_template("Hi")).await;
    let large = vec![b' '; 1_100_000];
    let one = |id: &str| format!("{TEMPLATES}/{id}");
    for status in ["expired", "active"] {
        subscription(&stack, &account, status).await;
        let over = status == "expired";
        for (method, path) in [
            (Method::POST, TEMPLATES.to_owned()),
            (Method::PUT, one(NOBODY)),
            (Method::PUT, one("tpl-1")),
        ] {
            let call = async |body: &[u8], kind: &str| {
                let body = Some(body.to_vec());
                client.call(method.clone(), &path, body, kind).await
            };
            for (body, kind, after) in [
                (&large[..], "text/plain", (413, "PAYLOAD_TOO_LARGE")),
                (b"{", "text/plain", (415, "UNSUPPORTED_MEDIA_TYPE")),
                (b"{", "application/json", (400, "BAD_REQUEST")),
                (
                    br#"{"name":7}"#,
                    "application/json",
                    (400, "VALIDATION_ERROR"),
                ),
            ] {
                let reply = call(body, kind).await;
                let (status, code) = if over {
                    (403, "SUBSCRIPTION_INACTIVE")
                } else {
                    after
                };
                told(&reply, status, code);
            }
        }
        // What only looks or removes asks for no subscription.
        for reply in [
            client.get(TEMPLATES).await,
            client.get(&one(&known)).await,
            client.post_empty(&format!("{}/preview", one(&known))).await,
        ] {
            assert_eq!(reply.status, 200, "{status}: {reply:?}");
        }
        let path = format!("{}/preview", one(NOBODY));
        let reply = client.post_raw(&path, large.clone(), "text/plain").await;
        told(&reply, 413, "PAYLOAD_TOO_LARGE");
        let reply = client.post(&path, &json!({ "contactId": 1 })).await;
        told(&reply, 400, "VALIDATION_ERROR");
        let reply = client.post(&path, &json!({ "contactId": NOBODY })).await;
        told(&reply, 404, "NOT_FOUND");
    }
    // The template comes before what it would become.
    let wrong = json!({ "type": "image", "body": "{{" });
    told(&put(client, NOBODY, &wrong).await, 404, "NOT_FOUND");
    subscription(&stack, &account, "expired").await;
    let gone = client.delete(&one(&known)).await;
    assert_eq!(gone.status, 200, "deleting always works");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_of_requests_counts_every_one_of_them() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let known = make(client, &text_template("Hi")).await;
    let used = account.usage().await["apiRequestsCount"].clone();
    let before = used.as_i64().expect("a number");
    client.get(TEMPLATES).await;
    preview(client, &known, &json!({})).await;
    preview(client, NOBODY, &json!({})).await;
    put(client, &known, &json!({ "name": 7 })).await;
    let after = account.usage().await["apiRequestsCount"].clone();
    assert_eq!(after, before + 5, "four calls and the question itself");
    plan(&stack, "monthly_api_request_quota = 0").await;
    for reply in [
        client.get(TEMPLATES).await,
        client.post(TEMPLATES, &json!({})).await,
        put(client, NOBODY, &json!({ "name": 7 })).await,
        preview(client, NOBODY, &json!([])).await,
        client.delete(&format!("{TEMPLATES}/{NOBODY}")).await,
    ] {
        told(&reply, 429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_need_no_feature_of_a_plan() {
    let stack = Stack::start().await;
    let lack = "UPDATE plans SET feature_campaigns = false, feature_voice_notes = false, \
                feature_webhooks = false, feature_statuses = false, monthly_outbound_quota = 0";
    stack.sql(lack, &[]).await;
    let account = stack.account("free").await;
    let id = make(&account.client, &text_template("Hi")).await;
    assert_eq!(preview(&account.client, &id, &json!({})).await.status, 200);
}
