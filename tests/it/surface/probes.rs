//! `/healthz`, `/readyz` and `/metrics`.

use blackbox::{Stack, eventually};
use reqwest::Method;

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_works_is_alive_and_ready() {
    let stack = Stack::start().await;
    let anonymous = stack.anonymous();
    let alive = anonymous.get("/healthz").await;
    assert_eq!((alive.status, &alive.json["status"]), (200, &"ok".into()));
    let ready = anonymous.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json["status"]),
        (200, &"ok".into()),
        "{ready:?}"
    );
    let checks = ready.json["checks"].as_object().expect("checks");
    assert!(checks.contains_key("database"), "{ready:?}");
    assert!(checks.values().all(|word| word == "ok"), "{ready:?}");
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(
            anonymous.call(Method::HEAD, path, None, "").await.status,
            200,
            "{path}"
        );
        assert_eq!(
            anonymous
                .header("x-api-key", "nonsense")
                .get(path)
                .await
                .status,
            200,
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_a_server_is_alive_and_not_ready() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let url = stack.database.url();
    let (server, name) = url.rsplit_once('/').expect("a name");
    let name = name.split('?').next().expect("a name");
    let elsewhere = format!(
        "{server}/{}",
        url.rsplit('/')
            .next()
            .expect("a name")
            .replacen(name, "postgres", 1)
    );
    let (client, connection) = tokio_postgres::connect(&elsewhere, tokio_postgres::NoTls)
        .await
        .expect("the server");
    tokio::spawn(connection);
    client
        .batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)"))
        .await
        .expect("it goes");

    let anonymous = stack.anonymous();
    let ready = anonymous.get("/readyz").await;
    assert_eq!(
        (ready.status, &ready.json["status"]),
        (503, &"unavailable".into()),
        "{ready:?}"
    );
    assert_eq!(ready.json["checks"]["database"], "failed");
    assert!(!ready.header("retry-after").is_empty());
    assert!(!ready.text.contains(name), "{ready:?}");
    assert_eq!(
        anonymous.get("/healthz").await.status,
        200,
        "restarting it would not help"
    );
    assert_eq!(anonymous.get("/metrics").await.status, 200);
    let call = account.client.get("/api/v1/me").await;
    assert_eq!(call.outcome(), (503, "SERVICE_UNAVAILABLE"), "{call:?}");
    let event = anonymous
        .header("Authorization", "Bearer x")
        .post("/provider/evolution/x", &"{}".into())
        .await;
    assert_eq!(
        event.status, 503,
        "the gateway repeats an event that nobody could check"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_have_the_names_operators_alarm_on() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let path = format!("/api/v1/messages/{}", super::NOBODY);
    assert_eq!(account.client.get(&path).await.status, 404);
    let text = eventually("the call is counted", async || {
        let reply = stack.anonymous().get("/metrics").await;
        assert_eq!(reply.status, 200);
        assert!(
            reply
                .header("content-type")
                .starts_with("text/plain; version=0.0.4"),
            "{reply:?}"
        );
        reply
            .text
            .contains("route=\"/api/v1/messages/{id}\"")
            .then_some(reply.text)
    })
    .await;
    for name in [
        "http_requests_total",
        "http_request_duration_seconds_bucket",
        "msgflash_queue_entries",
        "msgflash_queue_oldest_ready_seconds",
        "msgflash_inbox_events",
    ] {
        assert!(text.contains(name), "no {name}");
    }
    assert!(
        !text.contains(super::NOBODY),
        "paths with ids would make endless series"
    );
    assert!(!text.contains(&account.key));
}
