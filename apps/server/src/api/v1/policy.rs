//! What every call passes before its handler: key, workspace, rate, quota, replay, plan.
//!
//! The order is part of the contract. The body is read by the handler, after all of this; only a
//! call with an `Idempotency-Key` has it read early, because a replay is known by its body.

use std::future::{Ready, ready};

use actix_web::dev::{Payload, ServiceRequest};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, web};
use msgflash_accounts::ApiKey;
use msgflash_billing::{BillingError, Entitlement};
use msgflash_kernel::{Actor, Claim, Fault as _, Id, Kind, ReplayKey, Workspace};
use msgflash_messaging::MessagingError;
use msgflash_quotas::{KeyId, QuotaError};
use msgflash_teams::{require_personal, workspace_for_key};
use time::OffsetDateTime;

use crate::http::body::{EarlyBody, JSON_LIMIT, read};
use crate::http::idempotency::{self, Header, Wish};
use crate::http::observe::ShownRate;
use crate::http::{Check, Problem, RequestId, envelope};
use crate::services::Services;

/// What a route asks of its callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent conditions, read as a table"
)]
pub struct Policy {
    /// The route, such as `POST /api/v1/messages/send`.
    pub route: &'static str,
    /// Team keys are refused.
    pub personal: bool,
    /// It creates, changes or sends, so the subscription must be usable.
    pub usable: bool,
    /// What the plan must have.
    pub gate: Option<Gate>,
    /// It takes a JSON body.
    pub body: bool,
    /// That body may be left out.
    pub spare_body: bool,
    /// It answers an equal request with the first answer.
    pub once: bool,
}

/// Something a plan may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Outgoing webhooks.
    Webhooks,
}

/// Who calls, and what was found out on the way.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The key it calls with.
    pub key: KeyId,
    /// Who acts, and in which workspace.
    pub actor: Actor,
    /// The plan and subscription of the workspace's owner.
    pub entitlement: Entitlement,
    /// The request.
    pub request_id: String,
    /// Whether the work is to be done once.
    pub wish: Wish,
}

impl Caller {
    /// The key under which the answer is kept.
    pub fn replay_key(&self) -> Option<&ReplayKey> {
        match &self.wish {
            Wish::Key(key) => Some(key),
            Wish::None | Wish::Malformed => None,
        }
    }

    /// Checks of the body, begun with what is wrong about the headers.
    pub fn check(&self) -> Check {
        let mut check = Check::default();
        if self.wish == Wish::Malformed {
            check.refuse(
                "Idempotency-Key",
                "invalid_header",
                "Must be 1 to 255 printable ASCII characters",
            );
        }
        check
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(Problem::internal),
        )
    }
}

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
    let (key, workspace) = identify(services, request, now).await?;
    if policy.personal {
        require_personal(&workspace)?;
    }
    let entitlement = services
        .billing
        .entitlement(workspace.account)
        .await?
        .ok_or(BillingError::NoSubscription)?;
    let quota = entitlement.plan.limits.monthly_api_request_quota;
    services
        .meter
        .count(Id::new(key.id.uuid()), workspace.account, quota, now)
        .await?;

    let wish = if policy.once {
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
    let actor = Actor {
        workspace,
        user: key.created_by,
    };
    let request_id = request
        .extensions()
        .get::<RequestId>()
        .map(|id| id.0.clone());
    let request_id = request_id.unwrap_or_default();
    request.extensions_mut().insert(Caller {
        key: Id::new(key.id.uuid()),
        actor,
        entitlement,
        request_id,
        wish,
    });
    Ok(Passage::Go)
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
    match policy.gate {
        Some(Gate::Webhooks) => entitlement.plan.allow_webhooks(),
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

/// Key, workspace and rate. The window is noted as soon as the key is known, so that every later
/// answer shows it, and a key without its workspace cannot knock for free.
async fn identify(
    services: &Services,
    request: &ServiceRequest,
    now: OffsetDateTime,
) -> Result<(ApiKey, Workspace), Problem> {
    let key = services
        .authenticate
        .key(header(request, "x-api-key"))
        .await?;
    let limit = services.settings.rate_per_second;
    let rate = services.rates.hit(Id::new(key.id.uuid()), limit, now).await;
    let workspace = match workspace_for_key(&key, header(request, "x-team-id")) {
        Ok(workspace) => workspace,
        // This must look like any other bad key.
        Err(refusal) if refusal.kind() == Kind::Unauthenticated => return Err(refusal.into()),
        Err(refusal) => {
            request.extensions_mut().insert(ShownRate(rate));
            return Err(refusal.into());
        }
    };
    request.extensions_mut().insert(ShownRate(rate));
    if !rate.allowed {
        let wait = rate.reset.try_into().unwrap_or_default();
        return Err(QuotaError::RateLimited(wait).into());
    }
    Ok((key, workspace))
}

/// A header's text. One that is no text is there all the same, and equals nothing.
fn header<'a>(request: &'a ServiceRequest, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
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
    let payload = request.take_payload();
    let body = read(request.headers(), payload, JSON_LIMIT).await;
    request.extensions_mut().insert(EarlyBody(body.clone()));
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
