//! The console's operations: those that the public API has too are described once.

use utoipa::openapi::OpenApi as Document;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::SecurityRequirement;

use super::responses::operation;
use crate::api::console::routes;
use crate::api::policy::Access;
use crate::api::routes::Route;

/// Describes what the document does not know yet, and says how callers prove who they are.
pub(super) fn describe(document: &mut Document) {
    for route in routes::table() {
        if let Some(twin) = twin(document, &route) {
            let item = document
                .paths
                .paths
                .entry(route.path.to_owned())
                .or_default();
            add(item, &route, twin);
        }
        let item = document.paths.paths.get_mut(route.path);
        if let Some(described) = item.and_then(|item| operation(item, &route.method)) {
            described.security = Some(security(route.policy.access));
        }
    }
}

/// The public operation under the console's name; `None` where the console's is described itself.
fn twin(document: &mut Document, route: &Route) -> Option<Operation> {
    let own = document.paths.paths.get_mut(route.path);
    if own
        .and_then(|item| operation(item, &route.method))
        .is_some()
    {
        return None;
    }
    let (path, method) = routes::twin(route)?;
    let item = document.paths.paths.get_mut(&path)?;
    let mut twin = operation(item, &method)?.clone();
    twin.operation_id = twin.operation_id.map(|id| routes::name(&id, route.path));
    Some(twin)
}

fn add(item: &mut PathItem, route: &Route, operation: Operation) {
    let place = match route.method.as_str() {
        "GET" => &mut item.get,
        "POST" => &mut item.post,
        "PUT" => &mut item.put,
        "PATCH" => &mut item.patch,
        _ => &mut item.delete,
    };
    *place = Some(operation);
}

fn security(access: Access) -> Vec<SecurityRequirement> {
    let none = Vec::<String>::new;
    let session = SecurityRequirement::new("session", none());
    match access {
        Access::Session => {
            let in_team = SecurityRequirement::new("session", none()).add("teamId", none());
            vec![session, in_team]
        }
        Access::Person | Access::Team => vec![session],
        // An operation without one would have the document's.
        Access::Anyone | Access::Key => vec![SecurityRequirement::default()],
    }
}
