//! Addresses that lead inside, however they are spelt.

use blackbox::{Stack, id_of};
use serde_json::json;

/// Hosts of a private network, as people disguise them.
const INSIDE: [&str; 31] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0.0.0.0",
    "0",
    "10.0.0.1",
    "10.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "2852039166",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[fe80::1]",
    "[fd00::1]",
    "[fc00::1]",
    "[64:ff9b::7f00:1]",
    "localhost",
    "LOCALHOST.",
    "app.localhost",
];

/// Characters that become digits or dots of an address.
const DISGUISED: [&str; 5] = [
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "metadata.google.internal",
];

#[tokio::test(flavor = "multi_thread")]
async fn media_and_webhooks_never_lead_inside() {
    let stack = Stack::with(&[("allow_private_targets", "false")]).await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    for host in INSIDE.into_iter().chain(DISGUISED) {
        for scheme in ["https", "http"] {
            let media = json!({
                "instanceId": instance, "to": "+33612345678", "type": "image",
                "mediaUrl": format!("{scheme}://{host}/a.jpg"),
            });
            let reply = account.client.post("/api/v1/messages/send", &media).await;
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{scheme} media at {host}"
            );
            assert_eq!(reply.fields(), ["mediaUrl"], "{host}");
            let template = json!({
                "name": "a", "type": "image", "mediaUrl": format!("{scheme}://{host}/a.jpg"),
            });
            let reply = account.client.post("/api/v1/templates", &template).await;
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{scheme} template with media at {host}"
            );
            assert_eq!(reply.fields(), ["mediaUrl"], "{host}");
            let hook =
                json!({ "url": format!("{scheme}://{host}:8443/h"), "events": ["message.sent"] });
            let reply = account.client.post("/api/v1/webhooks", &hook).await;
            assert_eq!(
                reply.outcome(),
                (400, "VALIDATION_ERROR"),
                "{scheme} webhook at {host}"
            );
            assert_eq!(reply.fields(), ["url"], "{host}");
        }
    }
    for table in ["messages", "templates", "webhook_endpoints"] {
        let rows = stack
            .count(&format!("SELECT count(*) FROM {table}"), &[])
            .await;
        assert_eq!(rows, 0, "{table}");
    }
}

/// The other ways in that take an address, each with checks of its own.
#[tokio::test(flavor = "multi_thread")]
async fn nor_do_schedules_campaigns_statuses_and_changed_webhooks() {
    let stack = Stack::with(&[("allow_private_targets", "false")]).await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.instance(&stack).await.id.to_string();
    let public = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let hook = client.post("/api/v1/webhooks", &public).await;
    assert_eq!(hook.status, 201, "{hook:?}");
    let hook = format!("/api/v1/webhooks/{}", id_of(hook.data()));
    for host in INSIDE.into_iter().chain(DISGUISED) {
        for scheme in ["https", "http"] {
            let url = format!("{scheme}://{host}/a.jpg");
            let later = json!({
                "instanceId": instance, "to": "+33612345678", "type": "image", "mediaUrl": url,
                "scheduledAt": "2020-01-01T00:00:00Z",
            });
            let campaign = json!({
                "name": "a", "instanceId": instance, "schedule": "2020-01-01T00:00:00Z",
                "recipients": { "type": "all" }, "type": "image", "mediaUrl": url,
            });
            let status = json!({ "instanceId": instance, "type": "image", "content": url });
            for (path, body, field) in [
                ("/api/v1/messages/schedule", later, "mediaUrl"),
                ("/api/v1/campaigns", campaign, "mediaUrl"),
                ("/api/v1/statuses", status, "content"),
            ] {
                let reply = client.post(path, &body).await;
                let expected = (400, "VALIDATION_ERROR");
                assert_eq!(reply.outcome(), expected, "{path} with {url}");
                assert_eq!(reply.fields(), [field], "{path} with {url}");
            }
            let reply = client.patch(&hook, &json!({ "url": url })).await;
            assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{url}");
            assert_eq!(reply.fields(), ["url"], "{url}");
        }
    }
    for table in ["messages", "campaigns", "statuses"] {
        let rows = stack
            .count(&format!("SELECT count(*) FROM {table}"), &[])
            .await;
        assert_eq!(rows, 0, "{table}");
    }
    assert_eq!(client.get(&hook).await.data()["url"], public["url"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn public_addresses_pass_without_a_look_up() {
    let stack = Stack::with(&[("allow_private_targets", "false")]).await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let media = [
        "https://files.example.com/a.jpg",
        "http://files.example.com/a.jpg?x=1#y",
        "https://1.1.1.1/a.jpg",
        "https://[2606:4700::1111]/a.jpg",
        "https://no-such-name-anywhere.example.com/a.jpg",
        "https://bücher.example.com/ä.jpg",
    ];
    for url in media {
        let body = json!({
            "instanceId": instance, "to": "+33612345678", "type": "image", "mediaUrl": url,
        });
        let reply = account.client.post("/api/v1/messages/send", &body).await;
        assert_eq!(reply.status, 201, "{url}: {reply:?}");
        assert_eq!(reply.data()["mediaUrl"], url, "kept as written");
        let template = json!({ "name": "a", "type": "image", "mediaUrl": url });
        let reply = account.client.post("/api/v1/templates", &template).await;
        assert_eq!(reply.status, 201, "{url}: {reply:?}");
        assert_eq!(reply.data()["mediaUrl"], url, "kept as written");
    }
    let hook = |url: &str| json!({ "url": url, "events": ["message.sent"] });
    for url in ["https://hooks.example.com/a?x=1", "https://1.1.1.1:8443/"] {
        let reply = account.client.post("/api/v1/webhooks", &hook(url)).await;
        assert_eq!(reply.status, 201, "{url}: {reply:?}");
    }
    let reply = account
        .client
        .post("/api/v1/webhooks", &hook("http://hooks.example.com/a"))
        .await;
    assert_eq!(
        reply.outcome(),
        (400, "VALIDATION_ERROR"),
        "plain http is for development"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_address_of_the_web_is_refused() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let bad = [
        "https:files.example.com/a",
        "https:\\\\files.example.com\\a",
        " https://files.example.com/a",
        "https://files.exa\nmple.com/a",
        "",
        " ",
        "a.jpg",
        "/a.jpg",
        "//files.example.com/a.jpg",
        "files.example.com/a.jpg",
        "ftp://files.example.com/a",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "https://",
        "https:///a",
        "http://[::1",
        "https://a b/c",
        "https://files.example.com:99999/a",
    ];
    for url in bad {
        let media = json!({
            "instanceId": instance, "to": "+33612345678", "type": "image", "mediaUrl": url,
        });
        let reply = account.client.post("/api/v1/messages/send", &media).await;
        assert_eq!(
            reply.outcome(),
            (400, "VALIDATION_ERROR"),
            "media {url:?}: {reply:?}"
        );
        let hook = json!({ "url": url, "events": ["message.sent"] });
        let reply = account.client.post("/api/v1/webhooks", &hook).await;
        assert_eq!(
            reply.outcome(),
            (400, "VALIDATION_ERROR"),
            "webhook {url:?}: {reply:?}"
        );
    }
}
