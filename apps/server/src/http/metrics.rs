//! Numbers about requests, for Prometheus.

use std::time::Duration;

use actix_web::http::{Method, StatusCode};
use metrics::{counter, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use msgflash_postgres::PoolStatus;

const REQUESTS: &str = "http_requests_total";
const DURATION: &str = "http_request_duration_seconds";
const POSTS: &str = "msgflash_webhook_post_seconds";
const ATTEMPTS: &str = "msgflash_webhook_attempts_total";
const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];

const BATCH_SIZE: &str = "msgflash_inbox_batch_size";
const BATCH_BUCKETS: &[f64] = &[1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1000.0];

/// How often observations are folded into buckets: they are kept one by one until then, so with
/// nobody scraping they would grow.
const UPKEEP: Duration = Duration::from_secs(5);

/// Makes this process count, once per process and for its whole life.
pub fn install() -> Result<PrometheusHandle, BuildError> {
    let handle = builder()?.install_recorder()?;
    let folded = handle.clone();
    std::thread::Builder::new()
        .name("metrics".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(UPKEEP);
                folded.run_upkeep();
            }
        })
        .map_err(|error| BuildError::FailedToCreateRuntime(error.to_string()))?;
    metrics::describe_counter!(
        REQUESTS,
        "Requests answered, by method, route pattern and status."
    );
    crate::alarms::describe();
    metrics::describe_histogram!(DURATION, metrics::Unit::Seconds, "How long answers took.");
    metrics::describe_counter!(ATTEMPTS, "Attempts to deliver events, by outcome.");
    metrics::describe_histogram!(
        POSTS,
        metrics::Unit::Seconds,
        "How long webhook receivers took to answer."
    );
    metrics::describe_counter!(
        "msgflash_inbox_applied_total",
        "Stored events that were applied, by kind."
    );
    metrics::describe_counter!(
        "msgflash_inbox_retried_total",
        "Stored events that were put off."
    );
    metrics::describe_counter!(
        "msgflash_unconfirmed_total",
        "Sent messages without any receipt after a while."
    );
    metrics::describe_counter!(
        "msgflash_held_new_contacts_total",
        "Messages put off because WhatsApp refuses the number's new contacts."
    );
    metrics::describe_histogram!(BATCH_SIZE, "Receipts applied in one transaction.");
    Ok(handle)
}

/// A handle that shows nothing, for servers that do not count.
pub fn idle() -> Result<PrometheusHandle, BuildError> {
    Ok(builder()?.build_recorder().handle())
}

fn builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Full(DURATION.to_owned()), BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(POSTS.to_owned()), BUCKETS)?
        .set_buckets_for_metric(Matcher::Full(BATCH_SIZE.to_owned()), BATCH_BUCKETS)
}

/// Notes how the database's connections are used.
#[expect(clippy::cast_precision_loss, reason = "a pool is small")]
pub fn pool(now: PoolStatus) {
    let states = [
        ("in_use", now.in_use),
        ("idle", now.open.saturating_sub(now.in_use)),
    ];
    for (state, count) in states {
        gauge!("msgflash_database_connections", "state" => state).set(count as f64);
    }
    gauge!("msgflash_database_waiting").set(now.waiting as f64);
}

/// Counts one answer.
pub fn answered(method: &Method, route: &str, status: StatusCode, took: Duration) {
    // Clients invent methods; label values must not follow them.
    let method = match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    };
    let status = status.as_u16().to_string();
    counter!(REQUESTS, "method" => method, "route" => route.to_owned(), "status" => status)
        .increment(1);
    histogram!(DURATION, "method" => method, "route" => route.to_owned())
        .record(took.as_secs_f64());
}

/// Counts one attempt to deliver an event.
pub fn posted(outcome: &'static str, took: Duration) {
    counter!(ATTEMPTS, "outcome" => outcome).increment(1);
    histogram!(POSTS).record(took.as_secs_f64());
}

/// Counts endpoints that were switched off.
pub fn switched_off(reason: &'static str) {
    counter!("msgflash_webhook_endpoints_switched_off_total", "reason" => reason).increment(1);
}

/// Counts an attempt whose outcome could not be recorded.
pub fn unrecorded() {
    counter!("msgflash_webhook_unrecorded_total").increment(1);
}
