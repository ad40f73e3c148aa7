//! Graphile Worker's Rust version, with the settings of its own throughput test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use graphile_worker::{
    IntoTaskHandlerResult, JobSpec, LocalQueueConfig, RawJobSpec, TaskHandler, WorkerContext,
    WorkerOptions,
};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

/// Jobs inserted at once.
const CHUNK: u32 = 5_000;

#[derive(Deserialize, Serialize)]
struct Nothing {
    n: u32,
}

impl TaskHandler for Nothing {
    const IDENTIFIER: &'static str = "nothing";

    async fn run(self, _: WorkerContext) -> impl IntoTaskHandlerResult {
        Ok::<(), String>(())
    }
}

/// Inserts the jobs, then works them; answers the seconds of the second part.
pub(crate) async fn drain(url: &str, jobs: u32) -> Result<f64> {
    let pool = PgPoolOptions::new()
        .max_connections(crate::POOL)
        .connect(url)
        .await?;
    let worker = WorkerOptions::default()
        .pg_pool(pool.clone())
        .schema("graphile_worker")
        .concurrency(500)
        .poll_interval(Duration::from_millis(5))
        .complete_job_batch_delay(Duration::from_millis(5))
        .local_queue(LocalQueueConfig::default().with_size(5_000))
        .define_job::<Nothing>()
        .init()
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let utils = worker.create_utils();
    for first in (0..jobs).step_by(CHUNK as usize) {
        let chunk: Vec<RawJobSpec> = (first..jobs.min(first + CHUNK))
            .map(|n| RawJobSpec {
                identifier: "nothing".to_owned(),
                payload: serde_json::json!({ "n": n }),
                spec: JobSpec::default(),
            })
            .collect();
        utils
            .add_raw_jobs(&chunk)
            .await
            .map_err(|error| anyhow!("{error}"))?;
    }
    sqlx::query("VACUUM ANALYZE").execute(&pool).await?;
    sqlx::query("CHECKPOINT").execute(&pool).await?;
    let worker = Arc::new(worker);
    let begun = Instant::now();
    let running = tokio::spawn({
        let worker = Arc::clone(&worker);
        async move { worker.run().await }
    });
    let left = "SELECT count(*) FROM (SELECT 1 FROM graphile_worker._private_jobs LIMIT 1) j";
    while sqlx::query_scalar::<_, i64>(left).fetch_one(&pool).await? > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let took = begun.elapsed().as_secs_f64();
    worker.request_shutdown();
    running.await?.map_err(|error| anyhow!("{error}"))?;
    Ok(took)
}
