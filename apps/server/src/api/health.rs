//! What operators and orchestrators ask: alive, ready, and numbers.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use metrics::gauge;
use serde_json::{Map, Value, json};

use super::v1::routes::refuse_method;
use crate::http::envelope::JSON;
use crate::http::shield::shield;
use crate::services::Services;

/// The type Prometheus reads.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Adds `/healthz`, `/readyz` and `/metrics`. They need no key.
pub fn configure(config: &mut web::ServiceConfig) {
    let allow = || refuse_method("GET, HEAD".to_owned());
    let probe = |path: &str, handler: fn() -> actix_web::Route| {
        web::resource(path.to_owned())
            .route(
                handler()
                    .method(actix_web::http::Method::GET)
                    .wrap(from_fn(shield)),
            )
            .route(
                handler()
                    .method(actix_web::http::Method::HEAD)
                    .wrap(from_fn(shield)),
            )
            .default_service(allow())
    };
    config
        .service(probe("/healthz", || web::route().to(healthz)))
        .service(probe("/readyz", || web::route().to(readyz)))
        .service(probe("/metrics", || web::route().to(metrics)));
}

/// The process lives.
async fn healthz() -> HttpResponse {
    status(StatusCode::OK, &json!({ "status": "ok" }))
}

/// The process can serve: what it depends on answers, and no shutdown is under way.
async fn readyz(services: web::Data<Services>) -> HttpResponse {
    let mut ready = !services.draining.is_cancelled();
    let mut checks = Map::new();
    checks.insert(
        "shutdown".to_owned(),
        if ready { "ok" } else { "under way" }.into(),
    );
    for probe in &services.probes {
        let works = probe.check().await.inspect_err(|error| {
            tracing::warn!(check = probe.name(), %error, "not ready");
        });
        ready &= works.is_ok();
        let word: Value = if works.is_ok() { "ok" } else { "failed" }.into();
        checks.insert(probe.name().to_owned(), word);
    }
    let (code, word) = if ready {
        (StatusCode::OK, "ok")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "unavailable")
    };
    status(code, &json!({ "status": word, "checks": checks }))
}

fn status(code: StatusCode, body: &Value) -> HttpResponse {
    let mut response = HttpResponse::build(code);
    response
        .content_type(JSON)
        .insert_header((CACHE_CONTROL, "no-store"));
    if code == StatusCode::SERVICE_UNAVAILABLE {
        response.insert_header((RETRY_AFTER, 1));
    }
    response.body(body.to_string())
}

/// What was counted, and how full the queues are right now.
async fn metrics(services: web::Data<Services>) -> HttpResponse {
    sample(&services).await;
    HttpResponse::Ok()
        .content_type(EXPOSITION)
        .body(services.metrics.render())
}

/// Depths are looked up when somebody looks, so that nobody pays when nobody does. One that
/// cannot be looked up keeps its last value.
#[expect(clippy::cast_precision_loss, reason = "depths stay far below 2^52")]
async fn sample(services: &Services) {
    match services.queue.depth().await {
        Ok(depth) => {
            let states = [
                ("waiting", depth.waiting),
                ("ready", depth.ready),
                ("started", depth.started),
                ("unknown", depth.unknown),
            ];
            for (state, count) in states {
                gauge!("msgflash_queue_entries", "state" => state).set(count as f64);
            }
            let now = services.clock.now();
            let age = depth
                .oldest_ready
                .map_or(0.0, |since| (now - since).as_seconds_f64());
            gauge!("msgflash_queue_oldest_ready_seconds").set(age.max(0.0));
        }
        Err(error) => tracing::warn!(%error, "the queue's depth is unknown"),
    }
    match services.inbox.depth().await {
        Ok(depth) => gauge!("msgflash_inbox_events").set(depth as f64),
        Err(error) => tracing::warn!(%error, "the inbox's depth is unknown"),
    }
    let now = services.clock.now();
    match services.deliveries.backlog(now).await {
        Ok(backlog) => {
            gauge!("msgflash_webhook_backlog").set(backlog.waiting as f64);
            let age = backlog
                .oldest
                .map_or(0.0, |made| (now - made).as_seconds_f64());
            gauge!("msgflash_webhook_backlog_oldest_seconds").set(age.max(0.0));
            gauge!("msgflash_webhook_endpoints_disabled").set(backlog.disabled as f64);
            let states = [("open", backlog.paused), ("half_open", backlog.probed)];
            for (state, count) in states {
                gauge!("msgflash_webhook_breakers", "state" => state).set(count as f64);
            }
        }
        Err(error) => tracing::warn!(%error, "the backlog of deliveries is unknown"),
    }
}
