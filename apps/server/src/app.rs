//! The application: every surface over one set of services.

use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::http::ConnectionType;
use actix_web::middleware::from_fn;
use actix_web::{App, Error, HttpResponse, web};
use msgflash_kernel::Ids;

use crate::api::{health, provider, routes};
use crate::docs_page;
use crate::http::Problem;
use crate::http::observe::observe;
use crate::services::{Ops, Services};

#[cfg(test)]
mod tests;

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
    App::new()
        .configure(move |config| configure(config, services))
        .default_service(web::to(nothing))
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
    docs_page::configure(config, &services.settings.public_url);
    config
        .app_data(web::Data::from(Arc::clone(&services.ops)))
        .app_data(web::Data::from(services))
        .configure(routes::configure)
        .configure(provider::configure)
        .configure(health::configure);
}

/// The answer for a path nobody knows.
async fn nothing() -> Result<HttpResponse, Problem> {
    Err(Problem::missing("There is nothing at this path"))
}
