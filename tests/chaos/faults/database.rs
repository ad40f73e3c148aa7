//! A database that crashes, hangs, hangs up, and is full.

use std::fs;
use std::time::{Duration, Instant};

use blackbox::{Client, Dice};
use tokio_postgres::error::SqlState;

use super::{tampering, wait};
use crate::stage::Stage;

/// Stops it in the middle of everything and starts it again.
pub(super) async fn crash(stage: &mut Stage, dice: &mut Dice, end: Instant) -> usize {
    let mut crashes = 0;
    while Instant::now() < end {
        wait(dice, 1000, 5000).await;
        tokio::task::block_in_place(|| stage.postgres.crash());
        wait(dice, 0, 3000).await;
        tokio::task::block_in_place(|| stage.postgres.start_again());
        crashes += 1;
    }
    crashes
}

/// Lets it answer nothing for half a minute.
pub(super) async fn pause(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    wait(dice, 2000, 5000).await;
    stage.postgres.pause();
    let asked = async { stage.stack.count("SELECT 1::bigint", &[]).await };
    let answer = tokio::time::timeout(Duration::from_secs(30), asked).await;
    stage.postgres.resume();
    assert!(answer.is_err(), "it answered: {answer:?}");
    tokio::time::sleep(end.saturating_duration_since(Instant::now())).await;
    1
}

/// Cuts connections; answers how many.
pub(super) async fn cut(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let cutter = stage.cutter.as_ref().expect("connections pass there");
    let mut cuts = 0;
    while Instant::now() < end {
        wait(dice, 100, 1500).await;
        cuts += cutter.cut(dice);
    }
    cuts
}

/// Looks on while each process has few connections: somebody must have waited for one.
pub(super) async fn exhaust(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let members = stage.fleet.apis.iter().chain(&stage.fleet.workers);
    let probes: Vec<_> = members.map(|it| Client::new(&it.base, None)).collect();
    let mut is_short = false;
    while Instant::now() < end {
        wait(dice, 10, 50).await;
        for probe in &probes {
            let page = probe.get("/metrics").await.text;
            let waiting = page
                .lines()
                .find_map(|line| line.strip_prefix("msgflash_database_waiting "));
            is_short |= waiting.is_some_and(|count| count != "0");
        }
    }
    assert!(is_short, "nobody ever waited for a connection");
    0
}

/// Lets every write for more space fail, for a while again and again.
pub(super) async fn fill(stage: &Stage, dice: &mut Dice, end: Instant) -> usize {
    let file = tampering().expect("looked at before").join("full");
    let longer = "CREATE TABLE longer AS SELECT generate_series(1, 100000)";
    let mut times = 0;
    while Instant::now() < end {
        wait(dice, 1000, 3000).await;
        fs::write(&file, "").expect("the file can be written");
        let written = stage.stack.connection().await.execute(longer, &[]).await;
        let refused = written.expect_err("there is no space").code().cloned();
        assert_eq!(refused, Some(SqlState::DISK_FULL));
        wait(dice, 500, 4000).await;
        fs::remove_file(&file).expect("it was written");
        times += 1;
    }
    times
}
