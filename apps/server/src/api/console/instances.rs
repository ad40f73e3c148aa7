//! `/api/instances`: the numbers of the account, as people manage them.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::Id;
use msgflash_messaging::InstanceId;
use msgflash_messaging::instance::provision::NewInstance;
use serde::Deserialize;
use utoipa::ToSchema;

pub mod linking;
pub mod view;

use self::view::OwnInstanceView;
use crate::api::policy::Caller;
use crate::api::v1::webhooks::view::DeletedView;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Field, Problem, RawJson};
use crate::services::Services;

const MAX_NAME: u64 = 100;

/// What an instance is called.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[schema(as = InstanceName)]
pub struct NameBody {
    /// A label for people, 1 to 100 characters on one line; blanks around it are dropped.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 100, example = "Main shop")]
    pub name: Field<String>,
}

impl NameBody {
    fn check(&self, caller: &Caller) -> Result<String, Problem> {
        let mut check = caller.check();
        let name = match &self.name {
            Field::Valid(name) => Field::Valid(name.trim().to_owned()),
            other => other.clone(),
        };
        let name = check.text("name", &name, Need::Must, MAX_NAME);
        check.finish()?;
        Ok(name.unwrap_or_default())
    }
}

/// Lists the instances, newest first.
#[utoipa::path(
    get, path = "/api/instances", tag = "Instances", operation_id = "consoleListInstances",
    responses((status = 200, description = "The instances", body = inline(crate::openapi::Data<Vec<OwnInstanceView>>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let instances = services.read_instances.list(&caller.actor).await?;
    let views: Vec<_> = instances.iter().map(OwnInstanceView::from).collect();
    Ok(envelope::ok(&views))
}

/// Makes an instance. It is linked to a phone with `connect`.
#[utoipa::path(
    post, path = "/api/instances", tag = "Instances", operation_id = "consoleCreateInstance",
    request_body = NameBody,
    responses((status = 201, description = "The instance, `disconnected`", body = inline(crate::openapi::Data<OwnInstanceView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: NameBody = body.decode()?;
    let name = body.check(&caller)?;
    let order = NewInstance {
        actor: caller.actor,
        name,
        cap: caller.entitlement.plan.limits.max_instances,
    };
    let instance = services.provision.create(order).await?;
    let view = OwnInstanceView::from(&instance);
    Ok(envelope::answer(render(StatusCode::CREATED, &view)))
}

/// Reads one instance, with its stored state.
#[utoipa::path(
    get, path = "/api/instances/{id}", tag = "Instances", operation_id = "consoleGetInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "The instance", body = inline(crate::openapi::Data<OwnInstanceView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let instance = services.read_instances.get(&caller.actor, id).await?;
    Ok(envelope::ok(&OwnInstanceView::from(&instance)))
}

/// Gives an instance another name.
#[utoipa::path(
    patch, path = "/api/instances/{id}", tag = "Instances", operation_id = "consoleRenameInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    request_body = NameBody,
    responses((status = 200, description = "The instance", body = inline(crate::openapi::Data<OwnInstanceView>)))
)]
pub(in crate::api) async fn rename(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: NameBody = body.decode()?;
    let name = body.check(&caller)?;
    let id = id_of(&path)?;
    let provision = &services.provision;
    let instance = provision.rename(&caller.actor, id, &name).await?;
    Ok(envelope::ok(&OwnInstanceView::from(&instance)))
}

/// Removes an instance and unlinks its phone. Its messages stay; scheduled ones fail when due.
#[utoipa::path(
    delete, path = "/api/instances/{id}", tag = "Instances", operation_id = "consoleDeleteInstance",
    params(("id" = uuid::Uuid, Path, description = "The instance")),
    responses((status = 200, description = "It is gone, and its slot is free", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let (id, account) = (id_of(&path)?, caller.actor.workspace.account);
    services.provision.delete(account, id).await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

fn id_of(path: &str) -> Result<InstanceId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Instance not found"))
}
