//! Making things go wrong.

mod database;
mod gateway;
mod processes;
mod rates;
mod receivers;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use blackbox::Dice;

use crate::stage::{Stage, World};

/// What goes wrong.
#[derive(Clone, Copy)]
pub(crate) enum Fault {
    Nothing,
    Kill { api: bool, worker: bool },
    KillWithRedis,
    Terminate,
    Rolling,
    DatabaseCrash,
    DatabasePause,
    DatabaseCuts,
    PoolExhausted,
    DiskFull,
    GatewayAway,
    GatewayIll,
    Receipts,
    Clock,
    Receivers,
}

/// The folder of the library that stands between programs and their system, as `./run chaos` set it up.
pub(crate) fn tampering() -> Option<PathBuf> {
    std::env::var_os("CHAOS_FOLDER").map(PathBuf::from)
}

impl Fault {
    /// Whether it is something that happens, and not a state of things.
    pub(crate) fn happens(self) -> bool {
        !matches!(self, Self::Nothing | Self::PoolExhausted)
    }
}

/// Lets it go wrong for a while; all is well again when it returns. Answers how often it did.
pub(crate) async fn run(
    fault: Fault,
    stage: &mut Stage,
    world: &World,
    dice: &mut Dice,
    length: Duration,
) -> usize {
    let end = Instant::now() + length;
    match fault {
        Fault::Nothing => {
            tokio::time::sleep(length).await;
            0
        }
        Fault::Kill { api, worker } => processes::kill(stage, dice, end, api, worker).await,
        Fault::KillWithRedis => rates::kill(stage, world, dice, end).await,
        Fault::Terminate => processes::terminate(stage, dice, end).await,
        Fault::Rolling => processes::roll(stage, world).await,
        Fault::DatabaseCrash => database::crash(stage, dice, end).await,
        Fault::DatabasePause => database::pause(stage, dice, end).await,
        Fault::DatabaseCuts => database::cut(stage, dice, end).await,
        Fault::PoolExhausted => database::exhaust(stage, dice, end).await,
        Fault::DiskFull => database::fill(stage, dice, end).await,
        Fault::GatewayAway => gateway::away(stage, dice, end).await,
        Fault::GatewayIll => gateway::ill(stage, dice, end).await,
        Fault::Receipts => gateway::receipts(stage, dice, end).await,
        Fault::Clock => processes::turn_clocks(world, dice, end).await,
        Fault::Receivers => receivers::behave(world, end).await,
    }
}

/// Waits for what must be as it was before, once every process is ready again.
pub(crate) async fn afterwards(fault: Fault, world: &World) {
    if matches!(fault, Fault::KillWithRedis) {
        rates::shared_again(world).await;
    }
}

/// Waits for some of the time between two marks, in milliseconds.
async fn wait(dice: &mut Dice, least: u64, most: u64) {
    let some = least + dice.roll(most - least);
    tokio::time::sleep(Duration::from_millis(some)).await;
}
