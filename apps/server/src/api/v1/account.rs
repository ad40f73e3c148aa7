//! `/api/v1/me` and `/api/v1/usage`.

use actix_web::{HttpResponse, web};
use msgflash_accounts::User;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::billing::usage_view;
use super::billing::view::UsageView;
use crate::api::policy::Caller;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// The person behind a personal key.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Profile)]
pub struct ProfileView {
    /// Their id.
    #[schema(format = Uuid)]
    pub id: String,
    /// Full name.
    #[schema(example = "Ada Lovelace")]
    pub full_name: String,
    /// E-mail address.
    #[schema(format = Email, example = "ada@example.com")]
    pub email: String,
    /// Phone number.
    #[schema(example = "+33612345678")]
    pub phone: Option<String>,
    /// The name they want to be shown by.
    pub display_name: Option<String>,
    /// Their picture.
    pub avatar_url: Option<String>,
    /// The code of their plan.
    #[schema(example = "free")]
    pub plan: String,
    /// When the account was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl ProfileView {
    fn new(user: &User, plan: &str) -> Self {
        Self {
            id: user.id.to_string(),
            full_name: user.full_name.clone(),
            email: user.email.clone(),
            phone: Some(user.phone.clone()).filter(|phone| !phone.is_empty()),
            display_name: user.display_name.clone(),
            avatar_url: user.avatar_url.clone(),
            plan: plan.to_owned(),
            created_at: timestamp(user.created_at),
        }
    }
}

/// Reads the profile of the key's owner.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Account", operation_id = "getProfile",
    responses((status = 200, description = "The profile", body = inline(crate::openapi::Data<ProfileView>)))
)]
pub(in crate::api) async fn me(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let user = services
        .accounts
        .find(caller.actor.workspace.owner())
        .await?;
    // The key was good a moment ago, so its owner can only be gone since.
    let user = user.ok_or_else(|| Problem::missing("Account not found"))?;
    Ok(envelope::ok(&ProfileView::new(
        &user,
        &caller.entitlement.plan.code,
    )))
}

/// Reads use, limits and features: the older name of `/billing/usage`.
#[utoipa::path(
    get, path = "/api/v1/usage", tag = "Account", operation_id = "getUsage",
    responses((status = 200, description = "Use this month", body = inline(crate::openapi::Data<UsageView>)))
)]
pub(in crate::api) async fn usage(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    Ok(envelope::ok(&usage_view(&caller, &services).await?))
}
