//! The control API: what a phone, an operator or bad luck would do to the gateway.

mod connection;
mod fault;
mod gateway;
mod inbound;
mod observe;
mod receipt;
mod recipient;
mod rogue;

use std::fmt;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpResponse, ResponseError};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::gateway::Gateway;
use crate::instance::Instance;

type Shared = Data<Arc<Gateway>>;
type Outcome = Result<HttpResponse, Refused>;

/// All routes at a glance.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(
        web::scope("/simulator")
            .route("/instances", web::get().to(observe::instances))
            .route("/instances/{name}", web::get().to(observe::instance))
            .route("/instances/{name}/scan", web::post().to(connection::scan))
            .route("/instances/{name}/open", web::post().to(connection::open))
            .route("/instances/{name}/drop", web::post().to(connection::drop))
            .route("/instances/{name}/ban", web::post().to(connection::ban))
            .route("/instances/{name}/dead", web::post().to(connection::dead))
            .route(
                "/instances/{name}/unload",
                web::post().to(connection::unload),
            )
            .route("/instances/{name}/load", web::post().to(connection::load))
            .route(
                "/instances/{name}/next-qr",
                web::post().to(connection::next_qr),
            )
            .route(
                "/instances/{name}/qr-limit",
                web::post().to(connection::qr_limit),
            )
            .route("/instances/{name}/storm", web::post().to(connection::storm))
            .route(
                "/instances/{name}/inbound",
                web::post().to(inbound::inbound),
            )
            .route("/instances/{name}/ack", web::post().to(receipt::ack))
            .route("/instances/{name}/rogue", web::post().to(rogue::rogue))
            .route("/messages", web::get().to(observe::messages))
            .route("/requests", web::get().to(observe::requests))
            .route("/webhooks", web::get().to(observe::webhooks))
            .route("/faults", web::get().to(fault::list))
            .route("/faults", web::post().to(fault::add))
            .route("/faults", web::delete().to(fault::clear))
            .route("/faults/{id}", web::delete().to(fault::remove))
            .route("/recipients", web::get().to(recipient::list))
            .route("/recipients", web::delete().to(recipient::clear))
            .route("/recipients/{number}", web::put().to(recipient::set))
            .route("/recipients/{number}", web::delete().to(recipient::forget))
            .route("/gateway", web::get().to(gateway::show))
            .route("/gateway", web::patch().to(gateway::change))
            .route("/restart", web::post().to(gateway::restart))
            .route("/down", web::post().to(gateway::down))
            .route("/up", web::post().to(gateway::up))
            .route("/reset", web::post().to(gateway::reset))
            .default_service(web::to(unknown)),
    );
}

async fn unknown() -> Outcome {
    Err(Refused::missing("there is no such control route"))
}

/// Why a control call does nothing.
#[derive(Debug)]
struct Refused {
    status: StatusCode,
    reason: String,
}

impl Refused {
    fn missing(reason: &str) -> Self {
        Self {
            status: StatusCode::NOT_FOUND,
            reason: reason.to_owned(),
        }
    }

    fn conflict(reason: &str) -> Self {
        Self {
            status: StatusCode::CONFLICT,
            reason: reason.to_owned(),
        }
    }

    fn invalid(reason: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.reason)
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.status
    }

    fn error_response(&self) -> HttpResponse {
        HttpResponse::build(self.status).json(json!({ "error": self.reason }))
    }
}

/// Reads a JSON body whatever its content type says; an empty one is an empty object.
fn read_body<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refused> {
    let bytes: &[u8] = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(bytes).map_err(|error| Refused::invalid(error.to_string()))
}

fn find(gateway: &Gateway, name: &str) -> Result<Arc<Instance>, Refused> {
    gateway
        .instance(name)
        .ok_or_else(|| Refused::missing(&format!("there is no instance \"{name}\"")))
}

fn done() -> HttpResponse {
    HttpResponse::Ok().json(json!({ "done": true }))
}
