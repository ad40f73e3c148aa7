//! Processes that die, end, and have wrong clocks.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use blackbox::fleet::Member;
use blackbox::{Client, Dice, within};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::{tampering, wait};
use crate::READY;
use crate::history::now;
use crate::stage::{Stage, World};

/// Kills at random moments: of those that may be, one or all of a kind at once.
pub(super) async fn kill(
    stage: &mut Stage,
    dice: &mut Dice,
    end: Instant,
    api: bool,
    worker: bool,
) -> usize {
    let mut kills = 0;
    while Instant::now() < end {
        wait(dice, 300, 4000).await;
        let (apis, workers) = (&mut stage.fleet.apis, &mut stage.fleet.workers);
        let mut chosen: Vec<&mut Member> = Vec::new();
        if api {
            chosen.extend(apis.iter_mut());
        }
        if worker {
            chosen.extend(workers.iter_mut());
        }
        let all_at_once = dice.roll(3) == 0;
        let one = usize::try_from(dice.roll(chosen.len() as u64)).expect("small");
        let mut dying: Vec<&mut Member> = chosen
            .into_iter()
            .enumerate()
            .filter(|(n, _)| all_at_once || *n == one)
            .map(|(_, member)| member)
            .collect();
        for member in &mut dying {
            member.kill();
            kills += 1;
        }
        wait(dice, 0, 1000).await;
        for member in dying {
            member.launch().await;
        }
    }
    kills
}

/// Asks one after the other to end, and starts it again.
pub(super) async fn terminate(stage: &mut Stage, dice: &mut Dice, end: Instant) -> usize {
    let mut ends = 0;
    while Instant::now() < end {
        let fleet = &mut stage.fleet;
        for member in fleet.apis.iter_mut().chain(&mut fleet.workers) {
            wait(dice, 300, 3000).await;
            member.terminate().await;
            member.start().await;
            ends += 1;
        }
    }
    ends
}

/// Replaces every process once, behind a load balancer that asks each whether it is ready.
pub(super) async fn roll(stage: &mut Stage, world: &World) -> usize {
    let is_done = AtomicBool::new(false);
    let balancing = async {
        let probes: Vec<_> = world.bases.iter().map(|it| Client::new(it, None)).collect();
        while !is_done.load(Ordering::Relaxed) {
            for (probe, flag) in probes.iter().zip(&world.rotation) {
                let said = probe.try_get("/readyz").await;
                let is_ready = said.is_some_and(|reply| reply.status == 200);
                flag.store(is_ready, Ordering::Relaxed);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let replacing = async {
        let fleet = &mut stage.fleet;
        let mut ends = 0;
        for (n, member) in fleet.apis.iter_mut().enumerate() {
            member.terminate().await;
            member.start().await;
            ends += 1;
            // The balancer has seen that it went, and has it back before the next one goes.
            within(READY, "the balancer has it back", async || {
                world.rotation[n].load(Ordering::Relaxed).then_some(())
            })
            .await;
        }
        for member in &mut fleet.workers {
            member.terminate().await;
            member.start().await;
            ends += 1;
        }
        is_done.store(true, Ordering::Relaxed);
        ends
    };
    let (ends, ()) = tokio::join!(replacing, balancing);
    ends
}

/// Turns the clocks of all processes forward and back by up to two minutes, and right again.
pub(super) async fn turn_clocks(world: &World, dice: &mut Dice, end: Instant) -> usize {
    let file = tampering().expect("looked at before").join("clock");
    let probe = Client::new(&world.bases[0], None);
    let (mut turns, mut is_off) = (0, false);
    while Instant::now() < end {
        let seconds = i64::try_from(dice.roll(240)).expect("small") - 120;
        fs::write(&file, seconds.to_string()).expect("the file can be written");
        turns += 1;
        wait(dice, 1000, 5000).await;
        let told = probe.get("/healthz").await.header("date").to_owned();
        let told = OffsetDateTime::parse(&told, &Rfc2822).expect("a date");
        is_off |= (told - now()).abs() > time::Duration::seconds(5);
    }
    fs::remove_file(&file).expect("it was written");
    assert!(is_off, "the clocks were right all the time");
    turns
}
