//! The application: every surface over one set of services.

use std::sync::Arc;

use actix_cors::Cors;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_TYPE, RETRY_AFTER};
use actix_web::http::{ConnectionType, Method};
use actix_web::middleware::{Condition, from_fn};
use actix_web::{App, Error, HttpResponse, web};
use msgflash_kernel::Ids;
use url::Url;

use crate::api::{health, mailbox, media, provider, routes};
use crate::docs_page;
use crate::http::Problem;
use crate::http::observe::observe;
use crate::services::{Ops, Services};

#[cfg(test)]
mod tests;

/// How long browsers remember that a call is allowed, in seconds.
const PREFLIGHT: usize = 3600;

/// Builds the application, once per worker thread:
///
/// ```ignore
/// HttpServer::new(move || app(Arc::clone(&services))).bind(address)?.run().await
/// ```
pub fn app(
    services: Arc<Services>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    let ids = Arc::clone(&services.ids);
    let draining = services.ops.draining.clone();
    let portal = services.settings.portal.clone();
    App::new()
        .configure(move |config| configure(config, services))
        .default_service(web::to(nothing))
        .wrap(Condition::new(portal.is_some(), cors(portal.as_ref())))
        .wrap(from_fn(move |request, next| {
            let (ids, draining) = (Arc::clone(&ids), draining.clone());
            async move {
                let mut response = observe(&*ids, request, next).await?;
                if draining.is_cancelled() {
                    // Clients come back over a new connection, which leads to somebody else.
                    response
                        .response_mut()
                        .head_mut()
                        .set_connection_type(ConnectionType::Close);
                }
                Ok::<_, Error>(response)
            }
        }))
}

/// Lets the console's pages call the API from where they are, and no other page.
fn cors(portal: Option<&Url>) -> Cors {
    let mut cors = Cors::default()
        .allowed_methods([
            Method::GET,
            Method::POST,
            Method::PUT,
            Method::PATCH,
            Method::DELETE,
        ])
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE])
        .allowed_header("x-team-id")
        .expose_headers([CONTENT_DISPOSITION, RETRY_AFTER])
        .expose_headers([
            "x-request-id",
            "ratelimit-limit",
            "ratelimit-remaining",
            "ratelimit-reset",
        ])
        .max_age(PREFLIGHT);
    if let Some(portal) = portal {
        cors = cors.allowed_origin(&portal.origin().ascii_serialization());
    }
    cors
}

/// What a process without the API shows its operators.
pub fn operations(
    ops: Arc<Ops>,
    ids: Arc<dyn Ids>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(web::Data::from(ops))
        .configure(health::configure)
        .default_service(web::to(nothing))
        .wrap(from_fn(move |request, next| {
            let ids = Arc::clone(&ids);
            async move { observe(&*ids, request, next).await }
        }))
}

/// Adds every route and the services they use.
pub fn configure(config: &mut web::ServiceConfig, services: Arc<Services>) {
    docs_page::configure(config);
    if services.mailbox.is_some() {
        mailbox::configure(config);
    }
    config
        .app_data(web::Data::from(Arc::clone(&services.ops)))
        .app_data(web::Data::from(services))
        // Paths are tried one after the other, and nobody asks as often as the gateway, four times for each
        // message.
        .configure(provider::configure)
        .configure(routes::configure)
        .configure(media::configure)
        .configure(health::configure);
}

/// The answer for a path nobody knows.
async fn nothing() -> Result<HttpResponse, Problem> {
    Err(Problem::missing("There is nothing at this path"))
}
