//! What shared rate windows promise, on a real server.

use std::time::{Duration as Wait, Instant};

use msgflash_kernel::{Clock as _, Id, SystemClock};
use msgflash_quotas::{KeyId, RateDecision, RateLimiter as _};
use msgflash_redis::RedisWindows;
use msgflash_testkit::{RedisServer, eventually};
use time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

fn key(n: u128) -> KeyId {
    Id::new(Uuid::from_u128(n))
}

async fn windows(server: &RedisServer) -> RedisWindows {
    RedisWindows::start(&server.url())
        .await
        .expect("an address")
}

async fn hit(windows: &RedisWindows, n: u128, limit: u32) -> RateDecision {
    windows.hit(key(n), limit, SystemClock.now()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_second_holds_more_than_the_limit_however_many_processes_ask() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let begun = Instant::now();
    let mut askers = JoinSet::new();
    for _ in 0..4 {
        let windows = windows(&server).await;
        askers.spawn(async move {
            let mut allowed = Vec::new();
            while begun.elapsed() < Wait::from_millis(2500) {
                let asked = Instant::now();
                if hit(&windows, 1, 10).await.allowed {
                    // It was noted at some time between the two.
                    allowed.push((asked, Instant::now()));
                }
            }
            allowed
        });
    }
    let allowed: Vec<_> = askers.join_all().await.into_iter().flatten().collect();
    assert!(allowed.len() >= 20, "{}", allowed.len());
    for (from, _) in &allowed {
        // All that surely lie within one second from there.
        let within = |(asked, noted): &&(Instant, Instant)| {
            asked >= from && *noted < *from + Wait::from_secs(1)
        };
        assert!(allowed.iter().filter(within).count() <= 10);
    }
}

#[tokio::test]
async fn processes_share_a_window_and_keys_do_not() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let (one, other) = (windows(&server).await, windows(&server).await);
    // Within a second, or it proves nothing and is tried again.
    for n in 0.. {
        let (busy, quiet) = (2 * n, 2 * n + 1);
        let begun = Instant::now();
        let first = hit(&one, busy, 2).await;
        let second = hit(&other, busy, 2).await;
        let third = hit(&one, busy, 2).await;
        let another = hit(&other, quiet, 2).await;
        if begun.elapsed() >= Wait::from_millis(900) {
            continue;
        }
        let told = |it: &RateDecision| (it.allowed, it.limit, it.remaining);
        assert_eq!(told(&first), (true, 2, 1));
        assert_eq!(first.reset, Duration::SECOND);
        assert_eq!(told(&second), (true, 2, 0));
        assert_eq!(told(&third), (false, 2, 0));
        assert!(third.reset > Duration::ZERO && third.reset < Duration::SECOND);
        assert_eq!(told(&another), (true, 2, 1));
        return;
    }
}

#[tokio::test]
async fn the_clocks_of_the_processes_do_not_matter() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let windows = windows(&server).await;
    for n in 0.. {
        let begun = Instant::now();
        let now = SystemClock.now();
        let mut allowed = 0;
        for clock in [now, now + Duration::HOUR, now - Duration::HOUR] {
            let decision = windows.hit(key(n), 1, clock).await;
            allowed += u32::from(decision.allowed);
        }
        if begun.elapsed() < Wait::from_millis(900) {
            assert_eq!(allowed, 1);
            return;
        }
    }
}

#[tokio::test]
async fn while_redis_is_away_this_process_decides_and_afterwards_all_do_again() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    let (one, other) = (windows(&server).await, windows(&server).await);
    assert!(hit(&one, 1, 1_000_000).await.allowed);
    server.kill();
    // Each decides for itself: both get their whole limit, and not more.
    for windows in [&one, &other] {
        let begun = Instant::now();
        let mut allowed = 0;
        for _ in 0..3 {
            allowed += u32::from(hit(windows, 2, 1).await.allowed);
        }
        assert!(allowed >= 1);
        if begun.elapsed() < Wait::from_millis(900) {
            assert_eq!(allowed, 1);
        }
    }
    server.resume();
    shared_again(&one, &other).await;
}

#[tokio::test]
async fn a_redis_that_hangs_costs_one_request_a_moment_and_the_others_nothing() {
    let Some(server) = RedisServer::start() else {
        return;
    };
    let (one, other) = (windows(&server).await, windows(&server).await);
    assert!(hit(&one, 1, 10).await.allowed);
    server.pause(true);
    let begun = Instant::now();
    for _ in 0..1000 {
        assert!(hit(&one, 2, 1_000_000).await.allowed);
    }
    let took = begun.elapsed();
    server.pause(false);
    assert!(took < Wait::from_secs(5), "{took:?}");
    shared_again(&one, &other).await;
}

#[tokio::test]
async fn it_starts_without_redis_and_finds_it_later() {
    let Some(mut server) = RedisServer::start() else {
        return;
    };
    server.kill();
    let (one, other) = (windows(&server).await, windows(&server).await);
    assert!(hit(&one, 1, 1).await.allowed);
    server.resume();
    shared_again(&one, &other).await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let refused = RedisWindows::start("postgres://localhost").await;
    assert!(refused.is_err());
}

/// Until what one notes is counted by the other. Each round has a key of its own, and a round in
/// which either still decides for itself lets both in.
async fn shared_again(one: &RedisWindows, other: &RedisWindows) {
    let round = std::sync::atomic::AtomicU32::new(1000);
    eventually("the windows are shared again", async || {
        let n = u128::from(round.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        let is_shared = hit(one, n, 1).await.allowed && !hit(other, n, 1).await.allowed;
        is_shared.then_some(())
    })
    .await;
}
