//! `/api/search`, `/api/onboarding` and `/api/dashboard/stats`: what a screen begins with.

use actix_web::{HttpResponse, web};
use msgflash_contacts::{ContactQuery, Search};
use msgflash_messaging::message::overview::SEARCH;
use time::Date;
use time::macros::format_description;

pub mod view;

use self::view::{
    CampaignCountsView, HitView, InstanceCountsView, OnboardingView, SearchView, SectionsView,
    StatsView,
};
use crate::api::policy::Caller;
use crate::http::check::Need;
use crate::http::{Check, Problem, Query, envelope};
use crate::services::Services;

const DEFAULT_LIMIT: u32 = 5;
const MAX_LIMIT: u32 = 20;

/// Finds contacts, groups, messages, campaigns and instances by what people remember of them.
///
/// Messages are searched by their text and their number, the newest 5,000 of the workspace.
#[utoipa::path(
    get, path = "/api/search", tag = "Workspace", operation_id = "consoleSearch",
    params(
        ("q" = String, Query, description = "2 to 100 characters; letter case does not matter", min_length = 2, max_length = 100, example = "lina"),
        ("limit" = Option<u32>, Query, description = "Most of each kind", minimum = 1, maximum = 20),
    ),
    responses((status = 200, description = "What was found, by kind and together", body = inline(crate::openapi::Data<SearchView>)))
)]
pub(in crate::api) async fn search(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = caller.check();
    let limit = check.count("limit", &query.field("limit"), DEFAULT_LIMIT, MAX_LIMIT);
    let asked = asked(&mut check, &query);
    check.finish()?;
    let (text, wanted) = asked.unwrap_or_default();
    let workspace = caller.actor.workspace;
    let book = &services.address_book;
    let term = wanted.search.clone();
    let (contacts, groups, messages, campaigns, instances) = tokio::join!(
        book.read_contacts.page(workspace.id, &wanted, limit, None),
        book.read_groups.page(workspace.id, term, limit, None),
        services.overview.search(workspace.id, &text, limit),
        services.campaigns.read.named(workspace.id, &text, limit),
        services.read_instances.list(&caller.actor),
    );
    let (contacts, groups, messages) = (contacts?, groups?, messages?);
    let instances: Vec<_> = instances?
        .iter()
        .filter(|it| view::is_meant(it, &text))
        .take(limit as usize)
        .map(HitView::from)
        .collect();
    let sections = SectionsView {
        contacts: contacts.items.iter().map(HitView::from).collect(),
        groups: groups.items.iter().map(HitView::from).collect(),
        messages: messages.iter().map(HitView::from).collect(),
        campaigns: campaigns?.iter().map(HitView::from).collect(),
        instances,
    };
    Ok(envelope::ok(&SearchView {
        query: text,
        limit,
        results: sections.together(),
        sections,
    }))
}

/// What is searched for, and the same for an address book.
fn asked(check: &mut Check, query: &Query) -> Option<(String, ContactQuery)> {
    let text = check.text("q", &query.field("q"), Need::Must, *SEARCH.end() as u64)?;
    let text = text.trim().to_owned();
    let term = Search::parse(&text).ok();
    if text.chars().count() < *SEARCH.start() || term.is_none() {
        check.refuse(
            "q",
            "too_short",
            "Must have at least 2 characters to search for",
        );
        return None;
    }
    let wanted = ContactQuery {
        search: term,
        ..ContactQuery::default()
    };
    Some((text, wanted))
}

/// Tells which first steps are done. Nothing is remembered: each answer is what is true now.
#[utoipa::path(
    get, path = "/api/onboarding", tag = "Workspace", operation_id = "consoleGetOnboarding",
    responses((status = 200, description = "The first steps", body = inline(crate::openapi::Data<OnboardingView>)))
)]
pub(in crate::api) async fn onboarding(
    caller: Caller,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let workspace = caller.actor.workspace;
    let (instances, keys, endpoints, has_sent, campaigns) = tokio::join!(
        services.read_instances.list(&caller.actor),
        services.keys.list.list(&workspace),
        services.read_endpoints.list(workspace.id),
        services.overview.has_sent(workspace.id),
        services.campaigns.read.counts(workspace.id),
    );
    let instances = InstanceCountsView::of(&instances?);
    let plan = &caller.entitlement.plan;
    Ok(envelope::ok(&OnboardingView {
        has_instance: instances.any(),
        has_connected_instance: instances.connected > 0,
        has_api_key: !keys?.is_empty(),
        has_webhook: !endpoints?.is_empty(),
        has_sent_message: has_sent?,
        has_campaign: !campaigns?.is_empty(),
        current_plan: plan.code.clone(),
        can_use_campaigns: plan.features.campaigns,
    }))
}

/// Counts the messages of some days by how far they came, and the instances by their state.
///
/// A message counts on the day it was made, with the state it has now. What was read counts as
/// delivered and sent too.
#[utoipa::path(
    get, path = "/api/dashboard/stats", tag = "Workspace", operation_id = "consoleGetDashboard",
    params(
        ("from" = Option<String>, Query, description = "The first day of UTC; six days before `to` when left out", example = "2026-05-01", format = Date),
        ("to" = Option<String>, Query, description = "The last day, at most 90 days in all; today when left out", example = "2026-05-07", format = Date),
    ),
    responses((status = 200, description = "The numbers", body = inline(crate::openapi::Data<StatsView>)))
)]
pub(in crate::api) async fn stats(
    caller: Caller,
    services: web::Data<Services>,
    query: Query,
) -> Result<HttpResponse, Problem> {
    let mut check = caller.check();
    let from = day(&mut check, &query, "from");
    let to = day(&mut check, &query, "to");
    check.finish()?;
    let workspace = caller.actor.workspace;
    let turn = services.counting.acquire().await;
    let _turn = turn.map_err(|_| Problem::internal())?;
    let (statistics, campaigns, instances) = tokio::join!(
        services.overview.statistics(workspace.id, from, to),
        services.campaigns.read.counts(workspace.id),
        services.read_instances.list(&caller.actor),
    );
    let instances = InstanceCountsView::of(&instances?);
    let campaigns = CampaignCountsView::of(&campaigns?);
    let view = StatsView::of(&statistics?, instances, campaigns);
    Ok(envelope::ok(&view))
}

fn day(check: &mut Check, query: &Query, name: &str) -> Option<Date> {
    let field = query.field(name);
    let written = field.valid()?;
    // Years have four digits and no sign: what lies elsewhere is no time of ours.
    let day = Date::parse(written, format_description!("[year]-[month]-[day]"));
    let day = day.ok().filter(|it| (1970..=9999).contains(&it.year()));
    if day.is_none() {
        check.refuse(name, "invalid_date", "Must be a day such as 2026-05-01");
    }
    day
}
