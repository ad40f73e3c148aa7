//! The rate limit of a key, whichever process it asks.

use std::time::{Duration, Instant};

use blackbox::{Fleet, Stack};
use msgflash_testkit::RedisServer;

const LIMIT: usize = 6;

#[tokio::test(flavor = "multi_thread")]
async fn with_redis_the_limit_holds_over_all_processes() {
    let Some(redis) = RedisServer::start() else {
        return;
    };
    let settings = [
        ("redis_url", redis.url()),
        ("rate_limit_per_second", LIMIT.to_string()),
    ];
    let settings: Vec<_> = settings
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let mut stack = Stack::with(&settings).await;
    let account = stack.account("pro").await;
    let fleet = Fleet::over(&mut stack, 3, 0).await;
    let clients = fleet.clients(&account.client);
    let begun = Instant::now();
    let mut let_in = Vec::new();
    let mut refused = 0;
    while begun.elapsed() < Duration::from_millis(2500) {
        for client in &clients {
            let asked = Instant::now();
            let reply = client.get("/api/v1/me").await;
            match reply.status {
                200 => let_in.push((asked, Instant::now())),
                429 => refused += 1,
                _ => panic!("{reply:?}"),
            }
        }
    }
    assert!(refused > 0, "the limit was never met");
    assert!(let_in.len() > LIMIT, "{}", let_in.len());
    for (from, _) in &let_in {
        // All that surely lie within one second from there.
        let within = |(asked, answered): &&(Instant, Instant)| {
            asked >= from && *answered < *from + Duration::from_secs(1)
        };
        assert!(let_in.iter().filter(within).count() <= LIMIT);
    }
    // Redis is no part of being ready.
    drop(redis);
    for client in &clients {
        assert_eq!(client.get("/readyz").await.status, 200);
    }
}
