//! What is looked at during the soak, and what its fifths come to.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use crate::load::Timed;
use crate::pg::Session;
use crate::server::Server;
use crate::stats::{median, percentile};

/// Looks after the first: one each minute of half an hour.
const LOOKS: u32 = 30;
const FIFTHS: usize = 5;
/// Looks of a fifth.
const LOOKS_EACH: usize = LOOKS as usize / FIFTHS;
/// Rows come into these and leave them.
const PASSED: [&str; 4] = ["delivery_queue", "inbox", "outbox", "queue"];
/// Few rows of these change all the time.
const CHANGED: [&str; 4] = ["api_usage", "lanes", "usage_holds", "usage_settled"];
/// Autovacuum leaves so many dead rows in a table that rows pass through.
const LEFT: i64 = 2_000;
/// Autovacuum looks at a database every minute.
const PATIENCE: Duration = Duration::from_mins(5);

/// A table.
pub(super) struct Table {
    pub(super) name: String,
    /// With its indexes.
    pub(super) megabytes: f64,
    /// Rows that nobody sees any more, as PostgreSQL counts them.
    pub(super) dead: i64,
}

impl Table {
    pub(super) fn is_passed(&self) -> bool {
        PASSED.contains(&self.name.as_str())
    }
}

/// One look.
pub(super) struct Sample {
    at: Instant,
    /// Messages that were sent so far.
    sent: i64,
    /// Rows in the queue.
    pub(super) waiting: i64,
    /// Resident memory of the server in megabytes.
    resident: f64,
    pub(super) tables: Vec<Table>,
}

/// A fifth of the soak.
pub(super) struct Fifth {
    /// Messages per second.
    pub(super) accepted: f64,
    /// Messages per second.
    pub(super) sent: f64,
    /// Of accepting, in milliseconds.
    pub(super) p99: f64,
    /// The median of its looks, in megabytes.
    pub(super) resident: f64,
}

/// Looks at equal distances, the first at the end of the warm-up.
pub(super) async fn samples(
    session: &Session,
    server: &Server,
    warm: Duration,
    length: Duration,
) -> Result<Vec<Sample>> {
    let begun = Instant::now() + warm;
    let mut samples = Vec::new();
    for look in 0..=LOOKS {
        let at = begun + length * look / LOOKS;
        tokio::time::sleep(at.saturating_duration_since(Instant::now())).await;
        samples.push(look_at(session, server).await?);
    }
    Ok(samples)
}

async fn look_at(session: &Session, server: &Server) -> Result<Sample> {
    // What was sent is charged in the same transaction, and there are few rows to add up.
    let sent = "SELECT COALESCE(sum(messages), 0)::bigint FROM usage_settled";
    Ok(Sample {
        sent: session.count(sent).await?,
        at: Instant::now(),
        waiting: session.count("SELECT count(*) FROM queue").await?,
        resident: server.resident_mb()?,
        tables: tables(session).await?,
    })
}

/// The tables in the order of their names.
pub(super) async fn tables(session: &Session) -> Result<Vec<Table>> {
    let names: Vec<&str> = PASSED.iter().chain(&CHANGED).copied().collect();
    let text = "SELECT c.relname::text, pg_total_relation_size(c.oid), \
                  COALESCE(s.n_dead_tup, 0)::bigint \
                FROM pg_class c LEFT JOIN pg_stat_user_tables s ON s.relid = c.oid \
                WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' \
                  AND c.relname::text = ANY ($1::text[]) ORDER BY 1";
    let found = session.client.query(text, &[&names]).await;
    let found = found.context("the tables cannot be looked at")?;
    Ok(found
        .iter()
        .map(|row| Table {
            name: row.get(0),
            megabytes: row.get::<_, i64>(1) as f64 / f64::from(1 << 20),
            dead: row.get(2),
        })
        .collect())
}

/// Waits until autovacuum has been to every table that rows pass through, or was given time enough.
pub(super) async fn until_vacuumed(session: &Session) -> Result<Vec<Table>> {
    let begun = Instant::now();
    loop {
        let tables = tables(session).await?;
        let is_clean = |table: &Table| !table.is_passed() || table.dead <= LEFT;
        if tables.iter().all(is_clean) || begun.elapsed() > PATIENCE {
            return Ok(tables);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// What came of each fifth.
pub(super) fn fifths(timed: &[Timed], samples: &[Sample], length: Duration) -> Result<Vec<Fifth>> {
    let span = u64::try_from(length.as_micros())? / FIFTHS as u64;
    let mut fifths = Vec::new();
    for fifth in 0..FIFTHS {
        let from = fifth as u64 * span;
        let within = from..from + span;
        // An answer counts when it comes, a wait when it begins.
        let answered = timed
            .iter()
            .filter(|one| within.contains(&(one.at + one.took)))
            .count();
        let mut took: Vec<u64> = timed
            .iter()
            .filter(|one| within.contains(&one.at))
            .map(|one| one.took)
            .collect();
        let looks = fifth * LOOKS_EACH..=(fifth + 1) * LOOKS_EACH;
        let looks = samples.get(looks).context("looks are missing")?;
        let [first, .., last] = looks else {
            anyhow::bail!("looks are missing");
        };
        let seconds = last.at.saturating_duration_since(first.at).as_secs_f64();
        let resident: Vec<f64> = looks.iter().skip(1).map(|look| look.resident).collect();
        fifths.push(Fifth {
            accepted: answered as f64 / (span as f64 / 1_000_000.0),
            sent: (last.sent - first.sent) as f64 / seconds,
            p99: percentile(&mut took, 0.99) as f64 / 1_000.0,
            resident: median(&resident),
        });
    }
    Ok(fifths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_when_it_comes_and_a_wait_when_it_begins() {
        let start = Instant::now();
        let samples: Vec<Sample> = (0..=LOOKS)
            .map(|look| Sample {
                at: start + Duration::from_secs(u64::from(look)),
                sent: i64::from(look) * 2,
                waiting: 0,
                resident: 10.0,
                tables: Vec::new(),
            })
            .collect();
        let timed = [Timed {
            at: 5_999_000,
            took: 2_000,
        }];
        let fifths = fifths(&timed, &samples, Duration::from_secs(30)).unwrap();
        let told: Vec<(f64, f64, f64)> = fifths
            .iter()
            .map(|it| (it.accepted * 6.0, it.p99, it.sent))
            .collect();
        assert_eq!(told[0], (0.0, 2.0, 2.0));
        assert_eq!(told[1], (1.0, 0.0, 2.0));
    }
}
