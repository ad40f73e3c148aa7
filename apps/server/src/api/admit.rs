//! What every call passes before its handler: caller, workspace, rate, quota, replay, plan.
//!
//! The order is part of the contract. The body is read by the handler, after all of this; only a
//! call with an `Idempotency-Key` has it read early, because a replay is known by its body.

use actix_web::dev::ServiceRequest;
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpResponse, web};
use msgflash_billing::{BillingError, Entitlement};
use msgflash_kernel::{AccountId, Claim, Id, ReplayKey, Workspace};
use msgflash_messaging::MessagingError;
use msgflash_teams::{Entry, permission, require_personal};
use time::OffsetDateTime;

use super::policy::{Access, Caller, Gate, Policy};
use crate::http::body::{BodyLimit, EarlyBody, JSON_LIMIT, Unreadable, read};
use crate::http::idempotency::{self, Header, Wish};
use crate::http::{Problem, Query, RequestId, envelope};
use crate::services::Services;

mod identify;

/// The largest body of a route that takes a small one.
const SMALL_LIMIT: usize = 16 << 10;

/// What the policy decided.
pub(super) enum Passage {
    /// The handler runs, with the caller in the request.
    Go,
    /// This was answered before.
    Answer(HttpResponse),
}

/// Passes a request through the policy of its route.
pub(super) async fn admit(
    policy: Policy,
    services: &Services,
    request: &mut ServiceRequest,
) -> Result<Passage, Problem> {
    let now = services.clock.now();
    if policy.small_body {
        request.extensions_mut().insert(BodyLimit(SMALL_LIMIT));
    }
    let (entry, key) = match policy.access {
        Access::Anyone => return Ok(Passage::Go),
        Access::Person => {
            let person = identify::person(services, request, now).await?;
            if policy.usable || policy.gate.is_some() {
                let account = Id::new(person.session.user.uuid());
                entitled(policy, &held(services, account).await?, now)?;
            }
            return Ok(Passage::Go);
        }
        Access::Session => (identify::member(services, request, now).await?, None),
        Access::Team => (identify::of_team(services, request, now).await?, None),
        Access::Key => {
            let (entry, key) = identify::key(services, request, now).await?;
            (entry, Some(key))
        }
    };
    require(policy, &entry)?;
    let workspace = entry.actor.workspace;
    if policy.personal && key.is_some() {
        require_personal(&workspace)?;
    }
    let entitlement = held(services, workspace.account).await?;
    if let Some(key) = key {
        let quota = entitlement.plan.limits.monthly_api_request_quota;
        services
            .meter
            .count(key, workspace.account, quota, now)
            .await?;
    }

    let is_rehearsal = || policy.rehearsed && is_dry_run(&Query::parse(request.query_string()));
    let wish = if policy.once && !is_rehearsal() {
        wish(policy, &workspace, request).await
    } else {
        Wish::None
    };
    if let Err(refusal) = entitled(policy, &entitlement, now) {
        let written = match &wish {
            Wish::Key(key) => replayed(services, key).await?,
            Wish::None | Wish::Malformed => None,
        };
        return written.map_or_else(|| Err(refusal.into()), |it| Ok(Passage::Answer(it)));
    }
    // A body may take its time to arrive, and its sender be sent away meanwhile.
    let entry = if policy.body && entry.role.is_some() && key.is_none() {
        if request.extensions().get::<EarlyBody>().is_none() {
            drop(arrive(request).await);
        }
        let entry = services.enter.again(entry).await?;
        require(policy, &entry)?;
        entry
    } else {
        entry
    };
    let Entry { actor, role } = entry;
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone());
    let request_id = request_id.unwrap_or_default();
    request.extensions_mut().insert(Caller {
        key,
        actor,
        role,
        entitlement,
        request_id,
        wish,
    });
    Ok(Passage::Go)
}

/// Whether a query asks what would happen, and not that it does.
pub(super) fn is_dry_run(query: &Query) -> bool {
    query.field("dryRun").valid().is_some_and(|it| it == "true")
}

/// What the table of who may do what says about this route.
fn require(policy: Policy, entry: &Entry) -> Result<(), Problem> {
    match policy.does {
        Some(action) => Ok(permission::require(action, entry.role)?),
        None => Ok(()),
    }
}

/// Waits for the whole body. What is wrong with it is told by the handler.
async fn arrive(request: &mut ServiceRequest) -> Result<Bytes, Unreadable> {
    let payload = request.take_payload();
    let body = read(request.headers(), payload, JSON_LIMIT).await;
    request.extensions_mut().insert(EarlyBody(body.clone()));
    body
}

/// What an account holds: everyone has a subscription, if a free one.
async fn held(services: &Services, account: AccountId) -> Result<Entitlement, Problem> {
    let found = services.billing.entitlement(account).await?;
    Ok(found.ok_or(BillingError::NoSubscription)?)
}

/// What the plan and the subscription say about this route.
fn entitled(
    policy: Policy,
    entitlement: &Entitlement,
    now: OffsetDateTime,
) -> Result<(), BillingError> {
    if policy.usable {
        entitlement.require_usable(now)?;
    }
    let plan = &entitlement.plan;
    match policy.gate {
        Some(Gate::Webhooks) => plan.allow_webhooks(),
        Some(Gate::Statuses) => plan.allow_statuses(),
        Some(Gate::Campaigns) => plan.allow_campaigns(),
        Some(Gate::ApiKeys) => plan.allow_api_keys(),
        Some(Gate::NumberLookups) => plan.allow_number_lookups(),
        Some(Gate::Teams) => plan.allow_teams(),
        None => Ok(()),
    }
}

/// The answer a refused request gets when it was accepted before.
///
/// A repeated request is answered like the first one, whatever has changed since. Only refusals
/// need the look: a request that is accepted meets the stored answer where it is recorded.
pub(super) async fn replayed(
    services: &Services,
    key: &ReplayKey,
) -> Result<Option<HttpResponse>, Problem> {
    match services.replays.look(key, services.clock.now()).await? {
        Claim::Fresh | Claim::Busy => Ok(None),
        Claim::Replay(written) => Ok(Some(envelope::replay(written))),
        Claim::Mismatch => Err(MessagingError::ReplayMismatch.into()),
    }
}

async fn wish(policy: Policy, workspace: &Workspace, request: &mut ServiceRequest) -> Wish {
    let key = match idempotency::header(request.headers()) {
        Header::None => return Wish::None,
        Header::Malformed => return Wish::Malformed,
        Header::Key(key) => key.to_owned(),
    };
    if !policy.body {
        return Wish::Key(replay_key(policy, workspace, request, &key, b""));
    }
    let body = arrive(request).await;
    // A body that cannot be read was never accepted, so there is no answer to look for.
    body.map_or(Wish::None, |body| {
        Wish::Key(replay_key(policy, workspace, request, &key, &body))
    })
}

/// The same key for another thing is a mistake, as it is with another body: what a path names is
/// part of the request.
fn replay_key(
    policy: Policy,
    workspace: &Workspace,
    request: &ServiceRequest,
    key: &str,
    body: &[u8],
) -> ReplayKey {
    let mut asked = body.to_vec();
    if policy.route.contains('{') {
        asked.push(0);
        asked.extend_from_slice(request.path().as_bytes());
    }
    idempotency::replay_key(workspace.id, policy.route, key, &asked)
}

/// The services of a request.
pub(super) fn services(request: &ServiceRequest) -> Result<web::Data<Services>, Problem> {
    request
        .app_data::<web::Data<Services>>()
        .cloned()
        .ok_or_else(Problem::internal)
}
