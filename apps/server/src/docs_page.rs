//! The document for people and machines: `/openapi.json`, and a page that reads it.
//!
//! Everything the page needs is inside this program; it asks nobody else for anything.

use actix_web::http::header::LOCATION;
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use utoipa::openapi::ServerBuilder;
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::api::routes::refuse_method;
use crate::http::shield::shield;
use crate::openapi::document;
use crate::services::Services;

/// The document's text. `public_url` is the server named in it.
fn text(public_url: &str) -> web::Bytes {
    let mut document = document();
    document.servers = Some(vec![
        ServerBuilder::new()
            .url(public_url.trim_end_matches('/'))
            .build(),
    ]);
    web::Bytes::from(document.to_json().expect("the document has text keys only"))
}

/// The document, made when somebody first asks: making it takes tens of megabytes, which a process does
/// not give back.
async fn told(services: web::Data<Services>) -> HttpResponse {
    let text = services
        .document
        .get_or_init(|| text(&services.settings.public_url));
    HttpResponse::Ok()
        .content_type("application/json")
        .body(text.clone())
}

/// Adds both.
pub(crate) fn configure(config: &mut web::ServiceConfig) {
    let page = SwaggerUi::new("/docs/{_:.*}").config(
        Config::from("/openapi.json")
            // The default one sends the document's address to a server on the internet.
            .validator_url("none")
            .try_it_out_enabled(true)
            .persist_authorization(false),
    );
    config
        .service(
            web::resource("/openapi.json")
                .route(
                    web::route()
                        .method(Method::GET)
                        .to(told)
                        .wrap(from_fn(shield)),
                )
                .default_service(refuse_method("GET".to_owned())),
        )
        .service(
            web::resource("/docs")
                .route(web::get().to(async || {
                    HttpResponse::build(StatusCode::PERMANENT_REDIRECT)
                        .insert_header((LOCATION, "/docs/"))
                        .finish()
                }))
                .default_service(refuse_method("GET".to_owned())),
        )
        .service(page);
}
