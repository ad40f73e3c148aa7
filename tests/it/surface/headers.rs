//! Headers every answer has, and the rate window they tell of.

use std::time::{Duration, Instant};

use blackbox::{Reply, Stack};
use reqwest::Method;

const PATH: &str = "/api/v1/billing/plans";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_carries_a_request_id() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let calls = [
        (Method::GET, "/api/v1/me", 200),
        (Method::GET, "/api/v1/nothing", 404),
        (Method::PATCH, "/api/v1/me", 405),
        (Method::POST, "/api/v1/webhooks", 400),
        (Method::GET, "/healthz", 200),
        (Method::GET, "/metrics", 200),
        (Method::GET, "/", 404),
        (Method::GET, "/openapi.json", 200),
        (Method::GET, "/docs", 308),
        (Method::GET, "/docs/", 200),
        (Method::POST, "/provider/evolution/x", 401),
    ];
    for (method, path, status) in calls {
        let echoed = account.client.header("X-Request-Id", "order-17.A_b");
        let reply = echoed.call(method.clone(), path, None, "").await;
        assert_eq!(
            (reply.status, reply.header("x-request-id")),
            (status, "order-17.A_b"),
            "{path}"
        );
        let own = account.client.call(method.clone(), path, None, "").await;
        let other = account.client.call(method, path, None, "").await;
        assert!(
            uuid::Uuid::parse_str(own.header("x-request-id")).is_ok(),
            "{path}: {own:?}"
        );
        assert_ne!(
            own.header("x-request-id"),
            other.header("x-request-id"),
            "{path}"
        );
    }
    for odd in ["", "a b", "<script>", "a\tb", &"x".repeat(129)] {
        let reply = account.client.header("X-Request-Id", odd).get(PATH).await;
        assert!(
            uuid::Uuid::parse_str(reply.header("x-request-id")).is_ok(),
            "{odd:?} was echoed"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_database_is_told_with_an_id_and_a_time_to_wait() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    stack.sql("ALTER TABLE plans RENAME TO gone", &[]).await;
    let reply = account
        .client
        .header("X-Request-Id", "broken-1")
        .get(PATH)
        .await;
    assert!(
        matches!(
            reply.outcome(),
            (500, "INTERNAL_ERROR") | (503, "SERVICE_UNAVAILABLE")
        ),
        "{reply:?}"
    );
    assert_eq!(reply.header("x-request-id"), "broken-1");
    assert!(
        !reply.text.contains("plans") && !reply.text.contains("relation"),
        "{reply:?}"
    );
}

fn window(reply: &Reply) -> (u32, u32, u32) {
    let number = |name: &str| {
        reply
            .header(name)
            .parse()
            .unwrap_or_else(|_| panic!("{reply:?}"))
    };
    (
        number("ratelimit-limit"),
        number("ratelimit-remaining"),
        number("ratelimit-reset"),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_eleventh_call_of_a_second_is_refused_and_the_next_second_is_free() {
    let stack = Stack::with(&[("rate_limit_per_second", "10")]).await;
    let other = stack.account("pro").await;
    // The first answers may be slow; what counts is eleven within one second. Whoever was too slow has
    // called lately: the next try is another's.
    let (account, last) = blackbox::eventually("eleven calls within a second", async || {
        let account = stack.account("pro").await;
        let begun = Instant::now();
        let mut replies = Vec::new();
        for _ in 0..11 {
            replies.push(account.client.get(PATH).await);
        }
        if begun.elapsed() > Duration::from_millis(900) {
            return None;
        }
        for (at, reply) in replies[..10].iter().enumerate() {
            assert_eq!(reply.status, 200, "call {at}");
            assert_eq!(window(reply).0, 10);
            assert_eq!(
                window(reply).1,
                9 - u32::try_from(at).expect("small"),
                "call {at}"
            );
        }
        Some((account, replies.pop()?))
    })
    .await;
    assert_eq!(last.outcome(), (429, "API_RATE_LIMIT_EXCEEDED"));
    assert_eq!(last.json["error"]["message"], "Too many API requests");
    assert_eq!(last.header("retry-after"), "1");
    assert_eq!(window(&last), (10, 0, 1));
    // Another key has a window of its own.
    assert_eq!(window(&other.client.get(PATH).await).1, 9);
    // Refused calls do not keep the window full: after a second it is free.
    blackbox::eventually("the window slides", async || {
        (account.client.get(PATH).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_is_told_on_every_answer_once_the_key_is_known() {
    let stack = Stack::with(&[("rate_limit_per_second", "500")]).await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let known = [
        account.client.get("/api/v1/me").await,
        account.client.get("/api/v1/messages/nonsense").await,
        account.client.post_empty("/api/v1/webhooks").await,
        account
            .client
            .header("X-Team-Id", "x")
            .get("/api/v1/me")
            .await,
        team.client.get("/api/v1/me").await,
    ];
    for reply in known {
        assert_eq!(window(&reply).0, 500, "{reply:?}");
    }
    let unknown = [
        account.client.get("/api/v1/nothing").await,
        account.client.delete("/api/v1/me").await,
        stack.anonymous().get("/api/v1/me").await,
        account.client.get("/healthz").await,
    ];
    for reply in unknown {
        assert_eq!(reply.header("ratelimit-limit"), "", "{reply:?}");
    }
}
