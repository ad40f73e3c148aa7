//! Queries of lists, and ids in paths.

use blackbox::Stack;

use super::{NOBODY, text};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_in_a_query_is_told_by_name_and_never_clamped() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let messages = "/api/v1/messages";
    let payments = "/api/v1/billing/payments";
    let wrong: [(&str, &str, &[&str]); 22] = [
        (messages, "limit=0", &["limit"]),
        (messages, "limit=101", &["limit"]),
        (messages, "limit=-1", &["limit"]),
        (messages, "limit=1.5", &["limit"]),
        (messages, "limit=ten", &["limit"]),
        (messages, "limit=99999999999999999999", &["limit"]),
        (messages, "instanceId=ins-1", &["instanceId"]),
        (messages, "campaignId=1", &["campaignId"]),
        (messages, "status=seen", &["status"]),
        (messages, "status=SENT", &["status"]),
        (messages, "to=0612", &["to"]),
        (messages, "direction=up", &["direction"]),
        (messages, "from=yesterday", &["from"]),
        (messages, "until=2026-13-01", &["until"]),
        (messages, "cursor=nonsense", &["cursor"]),
        (messages, "cursor=%00", &["cursor"]),
        (
            messages,
            "limit=x&status=y&instanceId=z&to=0",
            &["limit", "instanceId", "status", "to"],
        ),
        (payments, "page=0", &["page"]),
        (payments, "page=-1", &["page"]),
        (payments, "page=one", &["page"]),
        (payments, "limit=101", &["limit"]),
        (payments, "page=x&limit=0", &["page", "limit"]),
    ];
    for (path, query, fields) in wrong {
        let reply = account.client.get(&format!("{path}?{query}")).await;
        assert_eq!(
            reply.outcome(),
            (400, "VALIDATION_ERROR"),
            "{path}?{query}: {reply:?}"
        );
        assert_eq!(reply.fields(), fields, "{path}?{query}");
    }
    let right = [
        (messages, ""),
        (messages, "limit=1"),
        (messages, "limit=100"),
        (messages, "limit="),
        (messages, "status=read&status=sent"),
        (messages, "more=1&x=%ff"),
        (messages, "to=%2B33612345678"),
        (messages, "to=+33612345678"),
        (messages, "direction=inbound"),
        (messages, "from=2026-01-01T00:00:00Z"),
        (messages, "until=2026-01-01T00:00:00%2B02:00"),
        (payments, "page=1&limit=100"),
        (payments, "page=4294967295"),
    ];
    for (path, query) in right {
        let reply = account.client.get(&format!("{path}?{query}")).await;
        assert_eq!(reply.status, 200, "{path}?{query}: {reply:?}");
    }
    let unknown = account
        .client
        .get(&format!("{messages}?instanceId={NOBODY}"))
        .await;
    assert_eq!(
        unknown.data()["messages"],
        serde_json::json!([]),
        "an unknown instance has no messages"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_belongs_to_its_filter_and_its_workspace() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let other = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    for _ in 0..3 {
        let body = text(&instance, "+33612345678");
        assert_eq!(
            account
                .client
                .post("/api/v1/messages/send", &body)
                .await
                .status,
            201
        );
    }
    let first = account.client.get("/api/v1/messages?limit=1").await;
    assert_eq!(first.data()["hasMore"], true);
    let cursor = first.data()["nextCursor"]
        .as_str()
        .expect("a cursor")
        .to_owned();
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    assert!(cursor.bytes().all(safe), "needs no escaping: {cursor}");
    let next = account
        .client
        .get(&format!("/api/v1/messages?limit=100&cursor={cursor}"))
        .await;
    assert_eq!(
        next.data()["messages"].as_array().map(Vec::len),
        Some(2),
        "{next:?}"
    );
    for query in [
        format!("direction=outbound&cursor={cursor}"),
        format!("instanceId={instance}&cursor={cursor}"),
        format!("cursor={cursor}x"),
        format!("cursor={}", &cursor[1..]),
    ] {
        let reply = account
            .client
            .get(&format!("/api/v1/messages?{query}"))
            .await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(reply.fields(), ["cursor"], "{query}");
    }
    // Whatever a stranger does with it, it shows them nothing.
    let stolen = other
        .client
        .get(&format!("/api/v1/messages?cursor={cursor}"))
        .await;
    assert!(
        stolen.status == 400 || stolen.data()["messages"] == serde_json::json!([]),
        "{stolen:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_ids_in_a_path_are_404() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let paths = [
        "messages/{}",
        "instances/{}",
        "instances/{}/state",
        "instances/{}/health",
        "templates/{}",
    ];
    for id in [
        "1",
        "msg-1",
        NOBODY,
        "0197b3c011117000800000000000dead",
        "%20",
        "%ff%fe",
        "{id}",
        "..",
        "null",
        "0197b3c0-1111-7000-8000-00000000deadx",
        "%7B0197b3c0-1111-7000-8000-00000000dead%7D",
    ] {
        for path in paths {
            let path = format!("/api/v1/{}", path.replace("{}", id));
            let reply = account.client.get(&path).await;
            if id == ".." {
                // Clients resolve it away before the server sees it.
                continue;
            }
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{path}: {reply:?}");
        }
        if id != ".." {
            let reply = account
                .client
                .post_empty(&format!("/api/v1/messages/{id}/cancel"))
                .await;
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "cancel {id}");
            let reply = account
                .client
                .post_empty(&format!("/api/v1/templates/{id}/preview"))
                .await;
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "preview {id}");
        }
    }
}
