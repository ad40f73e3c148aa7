//! `/api/teams/{teamId}/api-keys`: the keys of a team, by a path of their own. `/api/api-keys` with
//! `X-Team-Id` does the same.

use actix_web::{HttpResponse, web};

use crate::api::console::auth::view::SuccessView;
use crate::api::console::keys::{
    self, KeyBody,
    view::{KeyView, MonthView, NewKeyView},
};
use crate::api::policy::Caller;
use crate::http::{Problem, Query, RawJson};
use crate::services::Services;

/// Lists the active keys of the team, newest first.
#[utoipa::path(
    get, path = "/api/teams/{teamId}/api-keys", tag = "API keys", operation_id = "consoleListTeamApiKeys",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    responses((status = 200, description = "The keys", body = inline(crate::openapi::Data<Vec<KeyView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    keys::list(caller, services).await
}

/// Makes a key of the team. Its secret is shown only now.
#[utoipa::path(
    post, path = "/api/teams/{teamId}/api-keys", tag = "API keys", operation_id = "consoleCreateTeamApiKey",
    params(("teamId" = uuid::Uuid, Path, description = "The team")),
    request_body = KeyBody,
    responses((status = 201, description = "The key, with its secret", body = inline(crate::openapi::Data<NewKeyView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    keys::create(caller, services, body).await
}

/// Ends a key of the team, at once and for good.
#[utoipa::path(
    delete, path = "/api/teams/{teamId}/api-keys/{keyId}", tag = "API keys", operation_id = "consoleRevokeTeamApiKey",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("keyId" = uuid::Uuid, Path, description = "The key"),
    ),
    responses((status = 200, description = "It opens nothing any more", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn revoke(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    keys::end(&caller, &services, &path.1).await
}

/// Tells how much each key of the team was used in a month, also those that were revoked since.
#[utoipa::path(
    get, path = "/api/teams/{teamId}/api-keys/usage", tag = "API keys", operation_id = "consoleTeamApiKeyUsage",
    params(
        ("teamId" = uuid::Uuid, Path, description = "The team"),
        ("periodKey" = Option<String>, Query, description = "A month of UTC from 2000 on, `YYYY-MM`; this month when left out", pattern = "^[2-9][0-9]{3}-(0[1-9]|1[0-2])$", example = "2026-05"),
    ),
    responses((status = 200, description = "Requests by key, seconds behind", body = inline(crate::openapi::Data<MonthView>)))
)]
pub(in crate::api) async fn usage(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    keys::usage(caller, services, query).await
}
