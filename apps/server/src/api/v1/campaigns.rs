//! `/api/v1/campaigns`: one content for many contacts.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use msgflash_kernel::{Cursor, Id, Once, PageRequest, Problems, StoredAnswer};
use msgflash_messaging::campaign::create::{CampaignOrder, NewCampaign};
use msgflash_messaging::campaign::error::CampaignError;
use msgflash_messaging::campaign::ports::list_scope;
use msgflash_messaging::campaign::{CampaignContent, estimate};
use msgflash_messaging::{CampaignId, CampaignStatus, MessageKind, MessagingError};

pub mod audience;
pub mod body;
pub mod control;
pub mod guidance;
pub mod hours;
pub mod parts;
pub mod recipients;
pub mod rehearsal;
pub mod stats;
#[cfg(test)]
mod tests;
pub mod view;

use self::body::CampaignBody;
use self::rehearsal::RehearsalView;
use self::stats::StatsView;
use self::view::{CampaignPageView, CampaignView, GuidedCampaignView};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::envelope::{self, render};
use crate::http::{Check, Field, Problem, Query, RawJson};
use crate::services::Services;

const DEFAULT_LIMIT: u32 = 20;
const MAX_LIMIT: u32 = 100;
/// How long an equal request that is still at work is worth waiting for, in seconds.
const BUSY_FOR: u64 = 1;

/// Makes a campaign. Its audience is found out when it starts, and its messages are made a little
/// ahead of sending, so that changes of contacts and templates count for everybody who was not
/// written to yet.
///
/// With `dryRun=true` nothing is kept: the answer, with status 200, tells what it would do.
#[utoipa::path(
    post, path = "/api/v1/campaigns", tag = "Campaigns", operation_id = "createCampaign",
    params(("dryRun" = Option<bool>, Query, description = "Extension: tell what it would do, and keep nothing. `Idempotency-Key` is not looked at then")),
    request_body(content = CampaignBody, examples(
        ("Text" = (value = json!({
            "name": "Opening hours", "instanceId": "0197b3c0-1111-7000-8000-000000000001",
            "schedule": "2026-04-15T09:00:00.000Z", "recipients": { "type": "tags", "value": ["vip"] },
            "type": "text", "body": "We are open on Monday."
        }))),
        ("Template" = (value = json!({
            "name": "April offer", "instanceId": "0197b3c0-1111-7000-8000-000000000001",
            "schedule": "2026-04-15T09:00:00.000Z", "repeat": "weekly", "recipients": { "type": "all", "value": [] },
            "templateId": "0197b3c0-1111-7000-8000-000000000002", "variables": { "code": "APRIL" }
        }))),
        ("Image in office hours" = (value = json!({
            "name": "New shop", "instanceId": "0197b3c0-1111-7000-8000-000000000001",
            "schedule": "2026-04-15T09:00:00.000Z", "recipients": { "type": "tags", "value": ["lyon", "paris"] },
            "type": "image", "mediaUrl": "https://files.example.com/shop.jpg", "body": "Come and see",
            "window": { "start": "09:00", "end": "18:00", "timezone": "Europe/Paris", "days": ["mon", "tue", "wed", "thu", "fri"] }
        }))),
        ("Buttons" = (value = json!({
            "name": "Appointments", "instanceId": "0197b3c0-1111-7000-8000-000000000001",
            "schedule": "2026-04-15T09:00:00.000Z", "recipients": { "type": "tags", "value": ["monday"] },
            "type": "buttons", "title": "Appointment", "description": "Can you come on Monday?",
            "footer": "Reply before noon",
            "buttons": [
                { "type": "reply", "displayText": "Yes", "id": "yes" },
                { "type": "reply", "displayText": "No", "id": "no" }
            ]
        })))
    )),
    responses(
        (status = 201, description = "The campaign, with the guidance for it", body = inline(crate::openapi::Data<GuidedCampaignView>)),
        (status = 200, description = "With `dryRun=true`: what it would do", body = inline(crate::openapi::Data<RehearsalView>)),
    )
)]
pub(in crate::api) async fn create(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
    body: RawJson,
) -> Result<HttpResponse, Problem> {
    let body: CampaignBody = body.decode()?;
    let mut check = caller.check();
    let is_rehearsal = is_rehearsal(&mut check, &query);
    let targets = services.media_targets(&caller.actor.workspace);
    let checked = body.check(check, targets, services.clock.now())?;
    require_on_plan(&caller, &checked.content)?;
    let order = CampaignOrder {
        actor: caller.actor,
        key: caller.key,
        instance: checked.instance,
        name: checked.name,
        content: checked.content,
        audience: checked.audience,
        schedule: checked.times.schedule,
        repeat: checked.times.repeat,
        send_by: checked.times.send_by,
        window: checked.times.window,
    };
    if is_rehearsal {
        return rehearse(&services, order).await;
    }
    let once = caller.replay_key().map(|key| Once {
        key,
        render: &created,
    });
    let outcome = services.campaigns.create.create(order, once).await;
    let outcome = outcome.map_err(refusal)?;
    services.campaigns.wake.nudge();
    Ok(envelope::outcome(outcome, created))
}

/// Refuses what the plan does not have.
fn require_on_plan(caller: &Caller, content: &CampaignContent) -> Result<(), Problem> {
    if let CampaignContent::Direct(content) = content
        && content.kind() == MessageKind::VoiceNote
    {
        caller.entitlement.plan.allow_voice_notes()?;
    }
    Ok(())
}

fn is_rehearsal(check: &mut Check, query: &Query) -> bool {
    let field = query.field("dryRun");
    let known = |word: &str| match word {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    check
        .word("dryRun", &field, Need::May, "true, false", known)
        .unwrap_or(false)
}

async fn rehearse(services: &Services, order: CampaignOrder) -> Result<HttpResponse, Problem> {
    let campaigns = &services.campaigns;
    let account = order.actor.workspace.account;
    let turn = campaigns.rehearsing.turn(account).await;
    let _turn = turn.ok_or_else(Problem::unavailable)?;
    let (gap, enforces_caps) = (campaigns.gap, campaigns.enforces_caps);
    let preview = campaigns.create.preview(order, gap, enforces_caps);
    let preview = preview.await.map_err(refusal)?;
    Ok(envelope::ok(&RehearsalView::from(&preview)))
}

fn created(new: &NewCampaign) -> StoredAnswer {
    render(StatusCode::CREATED, &GuidedCampaignView::from(new))
}

/// An equal request at work is the one conflict that passes by itself.
fn refusal(error: CampaignError) -> Problem {
    let passes = matches!(error, CampaignError::Sending(MessagingError::ReplayBusy));
    let problem = Problem::from(error);
    if passes {
        problem.retry_after(BUSY_FOR)
    } else {
        problem
    }
}

/// Lists campaigns, newest first.
#[utoipa::path(
    get, path = "/api/v1/campaigns", tag = "Campaigns", operation_id = "listCampaigns",
    params(
        ("limit" = Option<u32>, Query, description = "Campaigns per page", minimum = 1, maximum = 100, example = 20),
        ("cursor" = Option<String>, Query, description = "The `nextCursor` of the page before"),
        ("status" = Option<String>, Query, description = "In this state", example = "running"),
    ),
    responses((status = 200, description = "A page", body = inline(crate::openapi::Data<CampaignPageView>))),
    extensions(("x-extension" = json!(true)))
)]
pub(in crate::api) async fn list(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = Check::default();
    let limit = check.count("limit", &query.field("limit"), DEFAULT_LIMIT, MAX_LIMIT);
    let words = CampaignStatus::ALL.map(CampaignStatus::as_str).join(", ");
    let status = query.field("status");
    let status = check.word("status", &status, Need::May, &words, CampaignStatus::parse);
    let is_key = |key: &str| CampaignId::parse(key).is_some();
    let after = after(&mut check, &query, &list_scope(status), is_key);
    check.finish()?;
    let workspace = caller.actor.workspace.id;
    let page = PageRequest { limit, after };
    let page = services
        .campaigns
        .read
        .page(workspace, status, &page)
        .await?;
    let next_cursor = page.next.map(|cursor| cursor.encode());
    Ok(envelope::ok(&CampaignPageView {
        campaigns: page.items.iter().map(CampaignView::from).collect(),
        has_more: next_cursor.is_some(),
        next_cursor,
    }))
}

/// The place a page begins behind. A cursor belongs to the list it was made for.
fn after(
    check: &mut Check,
    query: &Query,
    scope: &str,
    is_key: impl Fn(&str) -> bool,
) -> Option<Cursor> {
    let Field::Valid(text) = query.field("cursor") else {
        return None;
    };
    match Cursor::given(&text, scope, is_key) {
        Ok(after) => Some(after),
        Err(foreign) => {
            check.also(|all| all.0.extend(Problems::from(foreign).0));
            None
        }
    }
}

/// Reads one campaign.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}", tag = "Campaigns", operation_id = "getCampaign",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "The campaign", body = inline(crate::openapi::Data<CampaignView>)))
)]
pub(in crate::api) async fn read(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let workspace = caller.actor.workspace.id;
    let campaign = services.campaigns.read.find(workspace, id).await?;
    Ok(envelope::ok(&CampaignView::from(&campaign)))
}

/// Tells how far a campaign is, and when it will be done.
#[utoipa::path(
    get, path = "/api/v1/campaigns/{id}/stats", tag = "Campaigns", operation_id = "getCampaignStats",
    params(("id" = uuid::Uuid, Path, description = "The campaign")),
    responses((status = 200, description = "The numbers", body = inline(crate::openapi::Data<StatsView>)))
)]
pub(in crate::api) async fn stats(
    caller: Caller,
    services: web::Data<Services>,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let id = id_of(&path)?;
    let workspace = caller.actor.workspace.id;
    let campaigns = &services.campaigns;
    let campaign = campaigns.read.find(workspace, id).await?;
    let now = services.clock.now();
    let speed = campaigns.speed(&campaign, now).await?;
    let ends_at = estimate::of(&campaign, speed, now);
    Ok(envelope::ok(&StatsView::new(&campaign, ends_at)))
}

fn id_of(path: &str) -> Result<CampaignId, Problem> {
    Id::parse(path).ok_or_else(|| Problem::missing("Campaign not found"))
}
