//! Failures on demand.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path, Query};
use serde::Deserialize;
use serde_json::json;

use super::{Outcome, Refused, Shared, done, read_body};
use crate::fault::{Fault, Injection};

pub(super) async fn list(gateway: Shared) -> HttpResponse {
    HttpResponse::Ok().json(gateway.faults.all())
}

pub(super) async fn add(gateway: Shared, body: Bytes) -> Outcome {
    let injection: Injection = read_body(&body)?;
    if injection.times == Some(0) {
        return Err(Refused::invalid(
            "`times` starts at 1; leave it out for \"until cleared\"",
        ));
    }
    Ok(HttpResponse::Created().json(gateway.faults.add(injection)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    fault: Option<Fault>,
    instance: Option<String>,
}

pub(super) async fn clear(gateway: Shared, query: Query<Which>) -> HttpResponse {
    let cleared = gateway.faults.clear(|one| {
        query.fault.is_none_or(|fault| fault == one.fault)
            && query
                .instance
                .as_ref()
                .is_none_or(|name| one.instance.as_ref() == Some(name))
    });
    HttpResponse::Ok().json(json!({ "cleared": cleared }))
}

pub(super) async fn remove(gateway: Shared, id: Path<u64>) -> Outcome {
    match gateway.faults.clear(|one| one.id == *id) {
        0 => Err(Refused::missing("there is no such failure waiting")),
        _ => Ok(done()),
    }
}
