//! The Redis in which processes share their rate windows, away beside processes that die.

use std::time::{Duration, Instant};

use blackbox::{Client, Dice, within};

use super::wait;
use crate::READY;
use crate::stage::{SHARED_LIMIT, Stage, World};

/// Kills one process or Redis at random moments; the limit is a shared one before and afterwards.
pub(super) async fn kill(stage: &mut Stage, world: &World, dice: &mut Dice, end: Instant) -> usize {
    require_shared(world).await;
    let mut kills = 0;
    while Instant::now() < end {
        wait(dice, 300, 3000).await;
        let Stage { fleet, redis, .. } = stage;
        let redis = redis.as_mut().expect("looked at before");
        let all = fleet.apis.len() + fleet.workers.len();
        let chosen = usize::try_from(dice.roll(all as u64 + 2)).expect("small");
        let mut members = fleet.apis.iter_mut().chain(&mut fleet.workers);
        if let Some(member) = members.nth(chosen) {
            member.kill();
            wait(dice, 0, 1000).await;
            member.launch().await;
        } else {
            redis.kill();
            wait(dice, 500, 3000).await;
            redis.resume();
        }
        kills += 1;
    }
    stage.wait_ready(READY).await;
    within(READY, "the rate limit is a shared one again", async || {
        is_shared(world).await.then_some(())
    })
    .await;
    kills
}

async fn require_shared(world: &World) {
    assert!(is_shared(world).await, "the rate limit is not shared");
}

/// Asks all processes with one key as fast as they answer, and sees that no second let in more than
/// the limit of one.
async fn is_shared(world: &World) -> bool {
    let clients: Vec<_> = world
        .bases
        .iter()
        .map(|base| Client::new(base, Some(&world.capped.key)))
        .collect();
    let begun = Instant::now();
    let (mut let_in, mut refused) = (Vec::new(), 0);
    while begun.elapsed() < Duration::from_millis(2500) {
        for client in &clients {
            let asked = Instant::now();
            match client.get("/api/v1/me").await.status {
                200 => let_in.push((asked, Instant::now())),
                429 => refused += 1,
                _ => return false,
            }
        }
    }
    let in_a_second = |(from, _): &(Instant, Instant)| {
        let until = *from + Duration::from_secs(1);
        let surely = |(asked, answered): &&(Instant, Instant)| asked >= from && *answered < until;
        let_in.iter().filter(surely).count()
    };
    refused > 0
        && let_in
            .iter()
            .map(in_a_second)
            .all(|count| count <= SHARED_LIMIT.0)
}
