//! `/api/v1/templates`: messages with gaps.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Id, Once, StoredAnswer};
use msgflash_templates::{
    PageNumber, PreviewOrder, Template, TemplateError, TemplateId, TemplateOrder,
};

pub mod body;
#[cfg(test)]
mod tests;
pub mod view;

use self::body::{PreviewBody, RevisionBody, TemplateBody};
use self::view::{PreviewView, TemplatePageView, TemplateView};
use super::webhooks::view::DeletedView;
use crate::api::policy::Caller;
use crate::http::envelope::{self, render};
use crate::http::problem::whole_seconds;
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Lists the templates of the workspace, newest first.
#[utoipa::path(
    get, path = "/api/v1/templates", tag = "Templates", operation_id = "listTemplates",
    params(
        ("page" = Option<u32>, Query, description = "The page, from 1", minimum = 1, example = 1),
        ("limit" = Option<u32>, Query, description = "Templates per page", minimum = 1, maximum = 100, example = 20),
    ),
    responses((status = 200, description = "A page; empty past the end", body = inline(crate::openapi::Data<TemplatePageView>)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let page = PageNumber {
        page: check.count("page", &query.field("page"), 1, u32::MAX),
        limit: query.limit(&mut check),
    };
    check.finish()?;
    let found = services
        .read_templates
        .page(caller.actor.workspace.id, page)
        .await?;
    Ok(envelope::ok(&TemplatePageView {
        templates: found.templates.iter().map(TemplateView::from).collect(),
        total: found.total,
    }))
}

/// Makes a template: a text, or media with a caption. `{{contact.firstName}}` and the like are
/// filled in when a message is made of it.
#[utoipa::path(
    post, path = "/api/v1/templates", tag = "Templates", operation_id = "createTemplate",
    request_body(content = TemplateBody, examples(
        ("Text" = (value = json!({
            "name": "Cart reminder", "type": "text",
            "body": "Hello {{contact.firstName}}, use {{custom.code}} today."
        }))),
        ("Image" = (value = json!({
            "name": "New shop", "type": "image", "mediaUrl": "https://files.example.com/shop.jpg",
            "body": "{{user.fullName}} has moved."
        })))
    )),
    responses((status = 201, description = "The template", body = inline(crate::openapi::Data<TemplateView>)))
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: TemplateBody = body.decode()?;
    let order = TemplateOrder {
        actor: caller.actor,
        draft: body.check(
            caller.check(),
            services.media_targets(&caller.actor.workspace),
        )?,
    };
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let outcome = services
        .create_template
        .create(order, once)
        .await
        .map_err(refusal)?;
    Ok(envelope::outcome(outcome, created))
}

fn created(template: &Template) -> StoredAnswer {
    render(StatusCode::CREATED, &TemplateView::from(template))
}

fn refusal(error: TemplateError) -> Problem {
    let wait = error.retry_after();
    let problem = Problem::from(error);
    match wait {
        Some(wait) => problem.retry_after(whole_seconds(wait)),
        None => problem,
    }
}

/// Reads one template.
#[utoipa::path(
    get, path = "/api/v1/templates/{id}", tag = "Templates", operation_id = "getTemplate",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    responses((status = 200, description = "The template", body = inline(crate::openapi::Data<TemplateView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let template = services
        .read_templates
        .find(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&TemplateView::from(&template)))
}

/// Changes what is given: name, body, or media. Messages that were made before keep their text.
#[utoipa::path(
    put, path = "/api/v1/templates/{id}", tag = "Templates", operation_id = "updateTemplate",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body(content = RevisionBody, example = json!({
        "body": "Hello {{contact.firstName}}, use {{custom.code}} until Sunday."
    })),
    responses((status = 200, description = "The template as it is now", body = inline(crate::openapi::Data<TemplateView>)))
)]
pub(in crate::api) async fn revise(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: RevisionBody = body.decode_or_default()?;
    let revision = body.check(
        caller.check(),
        services.media_targets(&caller.actor.workspace),
    )?;
    let template = services
        .revise_template
        .revise(caller.actor.workspace.id, id_of(&path)?, revision)
        .await?;
    Ok(envelope::ok(&TemplateView::from(&template)))
}

/// Deletes a template. Messages that were made before keep their text.
#[utoipa::path(
    delete, path = "/api/v1/templates/{id}", tag = "Templates", operation_id = "deleteTemplate",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>)))
)]
pub(in crate::api) async fn delete(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    services
        .delete_template
        .delete(caller.actor.workspace.id, id)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// Shows what a template becomes. Sends nothing and costs no message.
#[utoipa::path(
    post, path = "/api/v1/templates/{id}/preview", tag = "Templates", operation_id = "previewTemplate",
    params(("id" = uuid::Uuid, Path, description = "The template")),
    request_body(content = PreviewBody, example = json!({ "variables": { "code": "SPRING" } })),
    responses((status = 200, description = "What it becomes, and what is missing", body = inline(crate::openapi::Data<PreviewView>)))
)]
pub(in crate::api) async fn preview(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: PreviewBody = body.decode_or_default()?;
    let context = body.check(caller.check())?;
    let order = PreviewOrder {
        actor: caller.actor,
        template: id_of(&path)?,
        contact: context.contact,
        instance: context.instance,
        variables: context.variables,
    };
    let preview = services.preview_template.preview(order).await?;
    Ok(envelope::ok(&PreviewView::from(&preview)))
}

fn id_of(path: &str) -> Result<TemplateId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Template not found"))
}
