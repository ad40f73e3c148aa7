//! Linking a phone to an instance, mending the link, and ending it.

use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

use super::id_of;
use super::view::LinkView;
use crate::api::console::auth::view::SuccessView;
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::{Field, Problem, RawJson, envelope};
use crate::services::Services;

/// How to link.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ConnectInstance)]
pub struct ConnectBody {
    /// The number of the phone, to link with a code that is typed there. Left out, a QR code is
    /// scanned.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "+33611112222")]
    pub phone_number: Field<String>,
}

/// A link that opens again.
#[derive(Clone, Debug, serde::Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = RestartedInstance)]
pub struct RestartedView {
    /// The instance.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// `connecting`: ask for the state to see it open.
    #[schema(example = "connecting")]
    pub state: &'static str,
}

/// Starts linking a phone: answers a QR code, or a pairing code when a number is named.
///
/// Codes live for less than a minute; asking again gives the one of now. Without a code the gateway
/// has none yet: ask again in a moment.
#[utoipa::path(
    post, path = "/api/instances/{id}/connect", tag = "Instances", operation_id = "consoleConnectInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    request_body = ConnectBody,
    responses((status = 200, description = "What to scan or to type", body = inline(crate::openapi::Data<LinkView>)))
)]
pub(in crate::api) async fn connect(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: ConnectBody = body.decode_or_default()?;
    let mut check = caller.check();
    let phone = check.phone("phoneNumber", &body.phone_number, Need::May);
    check.finish()?;
    let id = id_of(&path)?;
    let provision = &services.provision;
    let pairing = provision.connect(&caller.actor, id, phone).await?;
    let view = LinkView::new(&id.to_string(), &pairing, phone.is_some())?;
    Ok(envelope::ok(&view))
}

/// Unlinks the phone. The instance keeps its place, its name and the number it had.
#[utoipa::path(
    post, path = "/api/instances/{id}/logout", tag = "Instances", operation_id = "consoleLogOutInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "It is `disconnected`", body = inline(crate::openapi::Data<SuccessView>)))
)]
pub(in crate::api) async fn log_out(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    services.provision.log_out(&caller.actor, id).await?;
    Ok(envelope::ok(&SuccessView { success: true }))
}

/// Closes the link and opens it again: the cure for one that is open and does not send.
#[utoipa::path(
    post, path = "/api/instances/{id}/restart", tag = "Instances", operation_id = "consoleRestartInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "It opens again", body = inline(crate::openapi::Data<RestartedView>)))
)]
pub(in crate::api) async fn restart(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let state = services.provision.restart(&caller.actor, id).await?;
    Ok(envelope::ok(&RestartedView {
        instance_id: id.to_string(),
        state: state.as_str(),
    }))
}
