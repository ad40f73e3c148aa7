//! What operators and orchestrators ask: alive, ready, and numbers.

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value, json};

use super::routes::refuse_method;
use crate::http::envelope::JSON;
use crate::http::shield::shield;
use crate::services::Ops;

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
async fn readyz(ops: web::Data<Ops>) -> HttpResponse {
    let mut ready = !ops.draining.is_cancelled();
    let mut checks = Map::new();
    checks.insert(
        "shutdown".to_owned(),
        if ready { "ok" } else { "under way" }.into(),
    );
    for probe in &ops.probes {
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

/// What was counted and sampled. Nobody is asked for it: however many scrape, nothing is slower.
async fn metrics(ops: web::Data<Ops>) -> HttpResponse {
    (ops.note)();
    HttpResponse::Ok()
        .content_type(EXPOSITION)
        .body(ops.metrics.render())
}
