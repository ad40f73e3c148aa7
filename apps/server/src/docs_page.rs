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

/// Adds both. `public_url` is the server named in the document.
pub(crate) fn configure(config: &mut web::ServiceConfig, public_url: &str) {
    let mut document = document();
    document.servers = Some(vec![
        ServerBuilder::new()
            .url(public_url.trim_end_matches('/'))
            .build(),
    ]);
    let text = web::Bytes::from(document.to_json().expect("the document has text keys only"));
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
                        .to(move || {
                            let text = text.clone();
                            async move {
                                HttpResponse::Ok()
                                    .content_type("application/json")
                                    .body(text)
                            }
                        })
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
