//! `/api/api-keys`: keys of the workspace.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_accounts::{ApiKeyId, KeyOrder};
use msgflash_kernel::Problems;
use msgflash_quotas::Period;
use serde::Deserialize;
use utoipa::ToSchema;

pub mod view;

use self::view::{KeyUseView, KeyView, MonthView, NewKeyView};
use super::auth::view::SuccessView;
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Field, Problem, Query, RawJson};
use crate::services::Services;

const MAX_NAME: u64 = 100;

/// A key to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = NewApiKey)]
pub struct KeyBody {
    /// What to call it, 1 to 100 characters.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100, example = "CRM")]
    pub name: Field<String>,
}

/// Lists the active keys of the workspace, newest first.
#[utoipa::path(
    get, path = "/api/api-keys", tag = "API keys", operation_id = "consoleListApiKeys",
    responses((status = 200, description = "The keys", body = inline(crate::openapi::Data<Vec<KeyView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let keys = services.keys.list.list(&caller.actor.workspace).await?;
    Ok(envelope::ok(
        &keys.iter().map(KeyView::from).collect::<Vec<_>>(),
    ))
}

/// Makes a key. Its secret is shown only now.
#[utoipa::path(
    post, path = "/api/api-keys", tag = "API keys", operation_id = "consoleCreateApiKey",
    request_body = KeyBody,
    responses((status = 201, description = "The key, with its secret", body = inline(crate::openapi::Data<NewKeyView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: KeyBody = body.decode()?;
    let mut check = caller.check();
    let name = check.text("name", &body.name, Need::Must, MAX_NAME);
    check.finish()?;
    let order = KeyOrder {
        actor: caller.actor,
        name: name.unwrap_or_default(),
        cap: caller.entitlement.plan.limits.max_api_keys,
    };
    let (key, secret) = services.keys.create.create(order).await?;
    let view = NewKeyView {
        key: KeyView::from(&key),
        secret: secret.reveal().to_owned(),
    };
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Ends a key, at once and for good.
#[utoipa::path(
    delete, path = "/api/api-keys/{id}", tag = "API keys", operation_id = "consoleRevokeApiKey",
    params(("id" = uuid::Uuid, Path, description = "The key")),
    responses((status = 200, description = "It opens nothing any more", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn revoke(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    end(&caller, &services, &path).await
}

/// Ends a key of the workspace that somebody acts in.
pub(super) async fn end(
    caller: &Caller,
    services: &Services,
    named: &str,
) -> Result<HttpResponse, Problem> {
    let id = ApiKeyId::parse(named).ok_or_else(|| Problem::missing("API key not found"))?;
    services.keys.revoke.revoke_in(&caller.actor, id).await?;
    Ok(envelope::ok(&SuccessView { success: true }))
}

/// Tells how much each key was used in a month, also those that were revoked since.
#[utoipa::path(
    get, path = "/api/api-keys/usage", tag = "API keys", operation_id = "consoleApiKeyUsage",
    params(("periodKey" = Option<String>, Query, description = "A month of UTC from 2000 on, `YYYY-MM`; this month when left out", pattern = "^[2-9][0-9]{3}-(0[1-9]|1[0-2])$", example = "2026-05")),
    responses((status = 200, description = "Requests by key, seconds behind", body = inline(crate::openapi::Data<MonthView>)))
)]
pub(in crate::api) async fn usage(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let period = match query.field("periodKey").valid() {
        Some(written) => month(written)?,
        None => Period::of(services.clock.now()),
    };
    let workspace = &caller.actor.workspace;
    let used = services
        .keys
        .uses
        .of_month(workspace, period.to_i32())
        .await?;
    Ok(envelope::ok(&MonthView {
        period_key: key_of(period),
        total_requests: used.iter().map(|it| it.requests).sum(),
        api_keys: used.iter().map(KeyUseView::from).collect(),
    }))
}

/// Reads `YYYY-MM`.
fn month(written: &str) -> Result<Period, Problems> {
    let read = || {
        let (year, month) = written.split_once('-')?;
        let digits =
            |text: &str, count| text.len() == count && text.bytes().all(|it| it.is_ascii_digit());
        if !digits(year, 4) || !digits(month, 2) {
            return None;
        }
        Period::from_i32(year.parse::<i32>().ok()? * 100 + month.parse::<i32>().ok()?)
    };
    read().ok_or_else(|| Problems::one("periodKey", "invalid_period", "Must be a month, YYYY-MM"))
}

fn key_of(period: Period) -> String {
    let stored = period.to_i32();
    format!("{:04}-{:02}", stored / 100, stored % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_read_and_written_alike() {
        for good in ["2026-05", "2026-12", "2000-01"] {
            assert_eq!(month(good).map(key_of).ok().as_deref(), Some(good));
        }
        for bad in [
            "",
            "2026",
            "2026-5",
            "2026-13",
            "2026-00",
            "+026-05",
            "2026-05-01",
            "1999-12",
        ] {
            let problems = month(bad).expect_err(bad);
            assert_eq!(problems.0[0].code, "invalid_period", "{bad}");
        }
    }
}
