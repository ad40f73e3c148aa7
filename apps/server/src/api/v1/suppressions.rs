//! `/api/v1/suppressions`: who must not be written to.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_contacts::suppression::{AddOrder, Added, Source, SuppressionFilter};
use msgflash_kernel::{Once, Phone, StoredAnswer};

pub mod body;
pub mod view;

use self::body::{OptOutSettingsBody, SuppressionsBody};
use self::view::{AddedView, OptOutSettingsView, SuppressionPageView, SuppressionView};
use super::contacts::refusal;
use super::webhooks::view::DeletedView;
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Check, Problem, Query, RawJson};
use crate::services::Services;

/// Lists the numbers that are not to be written to, newest first.
#[utoipa::path(
    get, path = "/api/v1/suppressions", tag = "Opt-out", operation_id = "listSuppressions",
    params(
        ("limit" = Option<u32>, Query, description = "Numbers per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before, with the same filters"),
        ("phone" = Option<String>, Query, description = "This number alone"),
        ("source" = Option<String>, Query, description = "`manual`, `import` or `stop_word`", example = "stop_word"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<SuppressionPageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = query.limit(&mut check);
    let words = Source::ALL.map(Source::as_str).join(", ");
    let source = query.field("source");
    let filter = SuppressionFilter {
        phone: check.phone("phone", &query.field("phone"), Need::May),
        source: check.word("source", &source, Need::May, &words, Source::parse),
    };
    check.finish()?;
    let cursor = query.cursor();
    let workspace = caller.actor.workspace.id;
    let read = &services.suppressions.read;
    let page = read.page(workspace, &filter, limit, cursor).await?;
    Ok(envelope::ok(&SuppressionPageView::from(&page)))
}

/// Puts one number on the list, or up to 10,000. Those on it stay as they are. Once this answered, no
/// message to them goes out, also none that was accepted before.
#[utoipa::path(
    post, path = "/api/v1/suppressions", tag = "Opt-out", operation_id = "addSuppressions",
    request_body(content = SuppressionsBody, examples(
        ("One" = (value = json!({ "phone": "+33698765432", "reason": "Asked by phone" }))),
        ("Many" = (value = json!({ "phones": ["+33698765432", "+33698765433"] })))
    )),
    responses((status = 201, description = "What became of them", body = inline(crate::openapi::Data<AddedView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn add(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: SuppressionsBody = body.decode()?;
    let (numbers, reason) = body.check(caller.check())?;
    let order = AddOrder::of_numbers(caller.actor.workspace, &numbers, reason.as_deref());
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &added,
    });
    let adding = services.suppressions.add.add(order, once);
    let outcome = adding.await.map_err(refusal)?;
    Ok(envelope::outcome(outcome, added))
}

fn added(added: &Added) -> StoredAnswer {
    render(StatusCode::CREATED, &AddedView::from(added))
}

/// Reads one number.
#[utoipa::path(
    get, path = "/api/v1/suppressions/{phone}", tag = "Opt-out", operation_id = "getSuppression",
    params(("phone" = String, Path, description = "The number, its plus sign as it is or as `%2B`", pattern = "^\\+?[1-9][0-9]{6,14}$", example = "+33698765432")),
    responses((status = 200, description = "The number", body = inline(crate::openapi::Data<SuppressionView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let phone = phone_of(&path)?;
    let workspace = caller.actor.workspace.id;
    let found = services.suppressions.read.find(workspace, phone).await?;
    Ok(envelope::ok(&SuppressionView::from(&found)))
}

/// Takes a number off the list. Messages that failed meanwhile stay failed.
#[utoipa::path(
    delete, path = "/api/v1/suppressions/{phone}", tag = "Opt-out", operation_id = "removeSuppression",
    params(("phone" = String, Path, description = "The number, its plus sign as it is or as `%2B`", pattern = "^\\+?[1-9][0-9]{6,14}$", example = "+33698765432")),
    responses((status = 200, description = "It is gone", body = inline(crate::openapi::Data<DeletedView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn remove(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let phone = phone_of(&path)?;
    let workspace = caller.actor.workspace.id;
    services
        .suppressions
        .remove
        .remove(workspace, phone)
        .await?;
    Ok(envelope::ok(&DeletedView { deleted: true }))
}

/// Reads what is done about messages that ask for no more.
#[utoipa::path(
    get, path = "/api/v1/suppressions/settings", tag = "Opt-out", operation_id = "getOptOutSettings",
    responses((status = 200, description = "The settings", body = inline(crate::openapi::Data<OptOutSettingsView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn settings(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let workspace = caller.actor.workspace.id;
    let settings = services.suppressions.read.settings(workspace).await?;
    Ok(envelope::ok(&OptOutSettingsView::from(&settings)))
}

/// Changes what is given. `null` clears the confirmation; an empty list of words hears none.
#[utoipa::path(
    put, path = "/api/v1/suppressions/settings", tag = "Opt-out", operation_id = "changeOptOutSettings",
    request_body(content = OptOutSettingsBody, example = json!({
        "stopWords": ["stop", "unsubscribe"], "confirmation": "You will not hear from us any more."
    })),
    responses((status = 200, description = "The settings as they are now", body = inline(crate::openapi::Data<OptOutSettingsView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn change_settings(
    caller: Caller,
    services: web::Data<Services>,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: OptOutSettingsBody = body.decode()?;
    let change = body.check(caller.check())?;
    let workspace = caller.actor.workspace.id;
    let changing = &services.suppressions.change_settings;
    let settings = changing.change(workspace, &change).await?;
    Ok(envelope::ok(&OptOutSettingsView::from(&settings)))
}

/// The number in a path. Whether it is possible does not matter: it is on the list or not.
fn phone_of(path: &str) -> Result<Phone, Problem> {
    let missing = || Problem::missing("This number is not on the opt-out list");
    Phone::from_e164(path).map_err(|_| missing())
}
