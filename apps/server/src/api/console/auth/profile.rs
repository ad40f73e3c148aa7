//! `/api/auth/me`: the caller.

use actix_web::{HttpResponse, web};
use msgflash_accounts::{ProfileChange, User};
use msgflash_billing::BillingError;
use msgflash_kernel::{Id, Problems};
use serde::Deserialize;
use utoipa::ToSchema;

use super::body::together;
use super::view::{MeView, TeamView, UserView};
use crate::api::policy::Person;
use crate::http::check::Need;
use crate::http::{Check, Field, Problem, RawJson, envelope};
use crate::services::Services;

/// What changes about the caller; at least one member. What is left out stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ProfileChange)]
pub struct ProfileBody {
    /// Full name, 2 to 100 characters.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 2, max_length = 100, example = "Lea Roy")]
    pub full_name: Field<String>,
    /// Phone number in international form.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "+33612345678")]
    pub phone: Field<String>,
    /// The name to be shown by, up to 60 characters; `null` clears it.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 60, example = "Lea")]
    pub display_name: Field<String>,
}

impl ProfileBody {
    fn check(&self) -> Result<ProfileChange, Problems> {
        let mut check = Check::default();
        let mut text = |name: &str, field: &Field<String>| {
            check.given(name, field, Need::May, "text").cloned()
        };
        let change = ProfileChange {
            full_name: text("fullName", &self.full_name),
            phone: text("phone", &self.phone),
            display_name: match &self.display_name {
                Field::Null => Some(None),
                field => text("displayName", field).map(Some),
            },
        };
        together(check, change.check())?;
        Ok(change)
    }
}

/// Reads the caller: who they are, and the teams they are in.
#[utoipa::path(
    get, path = "/api/auth/me", tag = "Sign-in", operation_id = "consoleGetMe",
    responses((status = 200, description = "The caller", body = inline(crate::openapi::Data<MeView>)))
)]
pub(in crate::api) async fn read(
    person: Person,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let user = services.people.profiles.read(person.session.user).await?;
    let user = view(&services, &user).await?;
    let teams = services.teams.read.list(person.session.user).await?;
    let teams = teams.iter().map(TeamView::from).collect();
    Ok(envelope::ok(&MeView { user, teams }))
}

/// Changes what the caller says about themselves.
#[utoipa::path(
    patch, path = "/api/auth/me", tag = "Sign-in", operation_id = "consoleChangeMe",
    request_body = ProfileBody,
    responses((status = 200, description = "The caller as they are now", body = inline(crate::openapi::Data<UserView>)))
)]
pub(in crate::api) async fn change(
    person: Person,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ProfileBody = body.decode()?;
    let profiles = &services.people.profiles;
    let user = profiles.change(person.session.user, body.check()?).await?;
    Ok(envelope::ok(&view(&services, &user).await?))
}

/// A person with the plan they hold.
pub(super) async fn view(services: &Services, user: &User) -> Result<UserView, Problem> {
    let held = services
        .billing
        .entitlement(Id::new(user.id.uuid()))
        .await?;
    let held = held.ok_or(BillingError::NoSubscription)?;
    Ok(UserView::new(user, &held.plan.code))
}
