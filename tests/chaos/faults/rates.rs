//! The Redis in which processes share their rate windows, away beside processes that die.

use std::time::{Duration, Instant};

use blackbox::{Client, Dice, within};

use tokio::task::JoinSet;

use super::wait;
use crate::READY;
use crate::stage::{SHARED_LIMIT, Stage, World};

/// Kills one process or Redis at random moments; the limit is a shared one before.
pub(super) async fn kill(stage: &mut Stage, world: &World, dice: &mut Dice, end: Instant) -> usize {
    if let Err(why) = shared(world).await {
        panic!("the rate limit is not shared: {why}");
    }
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
    kills
}

/// Waits until the limit is a shared one again.
pub(super) async fn shared_again(world: &World) {
    within(READY, "the rate limit is a shared one again", async || {
        shared(world).await.ok()
    })
    .await;
}

/// Asks all processes with one key as fast as they answer, and sees that no second let in more than
/// the limit of one; else answers what happened.
async fn shared(world: &World) -> Result<(), String> {
    let mut asking = JoinSet::new();
    for base in world.bases.iter().cycle().take(3 * world.bases.len()) {
        let client = Client::new(base, Some(&world.capped.key));
        asking.spawn(ask(client));
    }
    let (mut let_in, mut refused) = (Vec::new(), 0);
    while let Some(answers) = asking.join_next().await {
        let (some, others) = answers.map_err(|error| error.to_string())??;
        let_in.extend(some);
        refused += others;
    }
    let in_a_second = |(from, _): &(Instant, Instant)| {
        let until = *from + Duration::from_secs(1);
        let surely = |(asked, answered): &&(Instant, Instant)| asked >= from && *answered < until;
        let_in.iter().filter(surely).count()
    };
    let most = let_in.iter().map(in_a_second).max().unwrap_or(0);
    if refused > 0 && most <= SHARED_LIMIT.0 {
        return Ok(());
    }
    Err(format!("{refused} refused, at most {most} in a second"))
}

/// Asks for a while; answers when it was let in, and how often it was refused.
async fn ask(client: Client) -> Result<(Vec<(Instant, Instant)>, usize), String> {
    let begun = Instant::now();
    let (mut let_in, mut refused) = (Vec::new(), 0);
    while begun.elapsed() < Duration::from_millis(2500) {
        let asked = Instant::now();
        let reply = client.get("/api/v1/me").await;
        match reply.status {
            200 => let_in.push((asked, Instant::now())),
            429 => refused += 1,
            _ => return Err(format!("{reply:?}")),
        }
    }
    Ok((let_in, refused))
}
