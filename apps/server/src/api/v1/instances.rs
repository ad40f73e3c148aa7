//! `/api/v1/instances`: reading the numbers of the account.

use actix_web::{HttpResponse, web};
use msgflash_kernel::Id;
use msgflash_messaging::InstanceId;

pub mod view;

use self::view::{HealthView, InstanceView, StateView};
use crate::api::policy::Caller;
use crate::http::{Problem, envelope};
use crate::services::Services;

/// Lists the instances, newest first.
#[utoipa::path(
    get, path = "/api/v1/instances", tag = "Instances", operation_id = "listInstances",
    responses((status = 200, description = "The instances", body = inline(crate::openapi::Data<Vec<InstanceView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let instances = services.read_instances.list(&caller.actor).await?;
    Ok(envelope::ok(
        &instances.iter().map(InstanceView::from).collect::<Vec<_>>(),
    ))
}

/// Reads one instance, with its stored state.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}", tag = "Instances", operation_id = "getInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "The instance", body = inline(crate::openapi::Data<InstanceView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let instance = services.read_instances.get(&caller.actor, id).await?;
    Ok(envelope::ok(&InstanceView::from(&instance)))
}

/// Asks WhatsApp's side for the state of an instance and refreshes the stored one.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/state", tag = "Instances", operation_id = "getInstanceState",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "The live state", body = inline(crate::openapi::Data<StateView>)))
)]
pub(in crate::api) async fn state(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let reader = &services.read_instances;
    let (status, live) = reader.state(&caller.actor, id).await?;
    Ok(envelope::ok(&StateView {
        instance_id: id.to_string(),
        status: status.as_str(),
        provider_state: live.as_str(),
    }))
}

/// Tells how healthy a number is and how much it should send.
#[utoipa::path(
    get, path = "/api/v1/instances/{id}/health", tag = "Instances", operation_id = "getInstanceHealth",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "Its health", body = inline(crate::openapi::Data<HealthView>)))
)]
pub(in crate::api) async fn health(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let health = services.read_instances.health(&caller.actor, id).await?;
    Ok(envelope::ok(&HealthView::from(&health)))
}

fn id_of(path: &str) -> Result<InstanceId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Instance not found"))
}
