//! Operations that have a second verb: they are described once.

use utoipa::openapi::OpenApi as Document;

use super::responses::operation;
use crate::api::v1::routes;

/// Describes `PATCH` like the `POST` of the same path, where it is not described itself.
pub(super) fn describe(document: &mut Document) {
    for route in routes::table() {
        if route.method.as_str() != "PATCH" {
            continue;
        }
        let Some(item) = document.paths.paths.get_mut(route.path) else {
            continue;
        };
        if item.patch.is_some() {
            continue;
        }
        let mut same = operation(item, &actix_web::http::Method::POST).cloned();
        if let Some(same) = &mut same {
            same.operation_id = same.operation_id.take().map(|id| format!("{id}ByPatch"));
        }
        item.patch = same;
    }
}
