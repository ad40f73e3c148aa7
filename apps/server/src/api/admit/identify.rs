//! Who calls.

use actix_web::HttpMessage as _;
use actix_web::dev::ServiceRequest;
use msgflash_kernel::{Fault as _, Id, Kind, TeamId};
use msgflash_quotas::{KeyId, QuotaError, RateDecision};
use msgflash_teams::{Entry, enter_by_key};
use time::OffsetDateTime;

use crate::api::policy::Person;
use crate::http::Problem;
use crate::http::observe::ShownRate;
use crate::services::Services;

/// Key, workspace and rate. The window is noted as soon as the key is known, so that every later
/// answer shows it, and a key without its workspace cannot knock for free.
pub(super) async fn key(
    services: &Services,
    request: &ServiceRequest,
    now: OffsetDateTime,
) -> Result<(Entry, KeyId), Problem> {
    let key = services
        .authenticate
        .key(header(request, "x-api-key"))
        .await?;
    let id: KeyId = Id::new(key.id.uuid());
    let limit = services.settings.rate_per_second;
    let rate = services.rates.hit(id, limit, now).await;
    let entry = match enter_by_key(&key, header(request, "x-team-id")) {
        Ok(entry) => entry,
        // This must look like any other bad key.
        Err(refusal) if refusal.kind() == Kind::Unauthenticated => return Err(refusal.into()),
        Err(refusal) => {
            request.extensions_mut().insert(ShownRate(rate));
            return Err(refusal.into());
        }
    };
    note(request, rate, QuotaError::RateLimited)?;
    Ok((entry, id))
}

/// A person, and the workspace they act in.
pub(super) async fn member(
    services: &Services,
    request: &ServiceRequest,
    now: OffsetDateTime,
) -> Result<Entry, Problem> {
    let user = person(services, request, now).await?.session.user;
    let named = header(request, "x-team-id");
    Ok(services.enter.by_header(user, named).await?)
}

/// A person, and the team that the path names; whatever the header says is about something else.
pub(super) async fn of_team(
    services: &Services,
    request: &ServiceRequest,
    now: OffsetDateTime,
) -> Result<Entry, Problem> {
    let user = person(services, request, now).await?.session.user;
    let named = request.match_info().get("teamId").and_then(TeamId::parse);
    let team = named.ok_or_else(|| Problem::missing("Team not found"))?;
    Ok(services.enter.team(user, team).await?)
}

/// A person, whatever the workspace.
pub(super) async fn person(
    services: &Services,
    request: &ServiceRequest,
    now: OffsetDateTime,
) -> Result<Person, Problem> {
    let session = services
        .people
        .authenticate
        .session(bearer(request))
        .await?;
    // A person's window and those of keys have nothing to do with each other: ids differ.
    let limit = services.settings.console_rate_per_second;
    let window = Id::new(session.user.uuid());
    let rate = services.rates.hit(window, limit, now).await;
    note(request, rate, QuotaError::ConsoleRate)?;
    let person = Person { session };
    request.extensions_mut().insert(person.clone());
    Ok(person)
}

/// The token of `Authorization: Bearer …`.
fn bearer(request: &ServiceRequest) -> Option<&str> {
    let (scheme, token) = header(request, "authorization")?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn note(
    request: &ServiceRequest,
    rate: RateDecision,
    refusal: fn(std::time::Duration) -> QuotaError,
) -> Result<(), Problem> {
    request.extensions_mut().insert(ShownRate(rate));
    if rate.allowed {
        return Ok(());
    }
    let wait = rate.reset.try_into().unwrap_or_default();
    Err(refusal(wait).into())
}

/// A header's text. One that is no text is there all the same, and equals nothing.
fn header<'a>(request: &'a ServiceRequest, name: &str) -> Option<&'a str> {
    request
        .headers()
        .get(name)
        .map(|value| value.to_str().unwrap_or_default())
}
