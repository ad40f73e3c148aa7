//! River's Rust client. The project publishes no settings for throughput; these were chosen, not
//! tuned.

use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use riverqueue::migrate::PostgresMigrator;
use riverqueue::{BoxError, Client, Job, JobArgs, QueueConfig, WorkContext, WorkOutcome, Workers};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

/// Jobs inserted at once.
const CHUNK: u32 = 5_000;
/// Jobs under way at once: each fetch takes as many as are free.
const WORKERS: usize = 1_000;

#[derive(Clone, Debug, Deserialize, JobArgs, Serialize)]
#[river(kind = "nothing")]
struct Nothing {
    n: u32,
}

async fn nothing(_: WorkContext, _: Job<Nothing>) -> Result<WorkOutcome, BoxError> {
    Ok(WorkOutcome::Complete)
}

/// Inserts the jobs, then works them; answers the seconds of the second part.
pub(crate) async fn drain(url: &str, jobs: u32) -> Result<f64> {
    let pool = PgPoolOptions::new()
        .max_connections(crate::POOL)
        .connect(url)
        .await?;
    PostgresMigrator::new(pool.clone())
        .migrate_up()
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let mut workers = Workers::new();
    workers
        .add_fn(nothing)
        .map_err(|error| anyhow!("{error}"))?;
    let queue = QueueConfig::new(WORKERS).with_fetch_cooldown(Duration::from_millis(1));
    let client = Client::builder(pool.clone())
        .workers(workers)
        .queue("default", queue)
        .build()
        .map_err(|error| anyhow!("{error}"))?;
    for first in (0..jobs).step_by(CHUNK as usize) {
        let chunk = (first..jobs.min(first + CHUNK)).map(|n| Nothing { n });
        client
            .insert_many(chunk)
            .await
            .map_err(|error| anyhow!("{error}"))?;
    }
    sqlx::query("VACUUM ANALYZE river_job")
        .execute(&pool)
        .await?;
    sqlx::query("CHECKPOINT").execute(&pool).await?;
    let begun = Instant::now();
    let mut run = client.start().map_err(|error| anyhow!("{error}"))?;
    let left =
        "SELECT count(*) FROM (SELECT 1 FROM river_job WHERE state <> 'completed' LIMIT 1) j";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    run.stop().await.map_err(|error| anyhow!("{error}"))?;
    Ok(took)
}
