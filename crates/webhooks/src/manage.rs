//! Making, reading, changing and deleting endpoints.

use std::sync::Arc;

use msgflash_kernel::{
    Actor, Claim, Clock, Id, Ids, Once, Outcome, Problems, Random, StoredAnswer, WorkspaceId,
};
use time::OffsetDateTime;

use crate::endpoint::{Endpoint, EndpointId};
use crate::error::WebhookError;
use crate::event_name::EventName;
use crate::ports::{EndpointReader, EndpointUnit, EndpointUnits};
use crate::{signing, target};

mod change;

pub use change::{ChangeEndpoint, EndpointChange};

/// Most entries a subscription may have, repetitions included.
pub const MAX_EVENTS: usize = 50;

/// An order to make an endpoint.
#[derive(Clone, Debug)]
pub struct EndpointOrder {
    /// Who makes it, and for which workspace.
    pub actor: Actor,
    /// Where deliveries go.
    pub url: String,
    /// The names of the events, as written.
    pub events: Vec<String>,
    /// How many the account's plan allowed when it was read; `None` is unlimited. A lower plan that holds
    /// since counts all the same.
    pub cap: Option<u32>,
}

/// Makes endpoints.
pub struct CreateEndpoint {
    units: Arc<dyn EndpointUnits>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    allow_private: bool,
}

impl CreateEndpoint {
    /// Wires the use case. `allow_private` opens private addresses and plain HTTP.
    pub fn new(
        units: Arc<dyn EndpointUnits>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        allow_private: bool,
    ) -> Self {
        Self {
            units,
            random,
            clock,
            ids,
            allow_private,
        }
    }

    /// Makes an endpoint. Its secret exists in this answer and in nothing a user can read later.
    pub async fn create(
        &self,
        order: EndpointOrder,
        once: Option<Once<'_, Endpoint>>,
    ) -> Result<Outcome<Endpoint>, WebhookError> {
        let events = self.check(&order)?;
        let now = self.clock.now();
        let endpoint = Endpoint {
            id: Id::new(self.ids.next()),
            workspace: order.actor.workspace.id,
            account: order.actor.workspace.account,
            created_by: order.actor.user,
            url: order.url,
            secret: signing::new_secret(&*self.random),
            previous: None,
            events,
            active: true,
            disabled_reason: None,
            created_at: now,
            updated_at: now,
        };
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let (account, cap) = (endpoint.account, order.cap);
        let places = unit.endpoints().count_locked(account, cap).await?;
        if places.are_taken() {
            return Err(WebhookError::TooMany);
        }
        unit.endpoints().insert(&endpoint).await?;
        if let Some(once) = once {
            let answer = (once.render)(&endpoint);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        Ok(Outcome::Done(endpoint))
    }

    /// Everything wrong with the order at once; the events without repetitions.
    fn check(&self, order: &EndpointOrder) -> Result<Vec<EventName>, Problems> {
        let mut problems = Problems::default();
        check_url(&mut problems, &order.url, self.allow_private);
        let events = check_events(&mut problems, &order.events);
        problems.into_result().map(|()| events)
    }
}

fn check_url(problems: &mut Problems, url: &str, allow_private: bool) {
    if let Err(problem) = target::check("url", url, allow_private) {
        problems.0.push(problem);
    }
}

/// The events without repetitions.
fn check_events(problems: &mut Problems, names: &[String]) -> Vec<EventName> {
    if names.is_empty() || names.len() > MAX_EVENTS {
        problems.add("events", "length", "Give 1 to 50 events");
    }
    let mut events = Vec::new();
    for (index, name) in names.iter().enumerate() {
        match EventName::parse(name) {
            Some(event) if events.contains(&event) => {}
            Some(event) => events.push(event),
            None => problems.add(
                format!("events.{index}"),
                "unknown_event",
                format!("There is no event {name:?}"),
            ),
        }
    }
    events
}

/// Claims the key of a request that is to be done once; answers what was answered before.
pub(crate) async fn claim_once<T>(
    unit: &mut dyn EndpointUnit,
    once: Option<&Once<'_, T>>,
    now: OffsetDateTime,
) -> Result<Option<StoredAnswer>, WebhookError> {
    let Some(once) = once else {
        return Ok(None);
    };
    match unit.replays().claim(once.key, now).await? {
        Claim::Fresh => Ok(None),
        Claim::Replay(answer) => Ok(Some(answer)),
        Claim::Mismatch => Err(WebhookError::ReplayMismatch),
        Claim::Busy => Err(WebhookError::ReplayBusy),
    }
}

/// Reads endpoints.
pub struct ReadEndpoints {
    endpoints: Arc<dyn EndpointReader>,
}

impl ReadEndpoints {
    /// Wires the use case.
    pub fn new(endpoints: Arc<dyn EndpointReader>) -> Self {
        Self { endpoints }
    }

    /// All of a workspace, newest first.
    pub async fn list(&self, workspace: WorkspaceId) -> Result<Vec<Endpoint>, WebhookError> {
        Ok(self.endpoints.list(workspace).await?)
    }

    /// One of them.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: EndpointId,
    ) -> Result<Endpoint, WebhookError> {
        let found = self.endpoints.find(workspace, id).await?;
        found.ok_or(WebhookError::NoEndpoint(id))
    }
}

/// Deletes endpoints.
pub struct DeleteEndpoint {
    units: Arc<dyn EndpointUnits>,
}

impl DeleteEndpoint {
    /// Wires the use case.
    pub fn new(units: Arc<dyn EndpointUnits>) -> Self {
        Self { units }
    }

    /// Deletes one. Deliveries it still waited for are dropped.
    pub async fn delete(&self, workspace: WorkspaceId, id: EndpointId) -> Result<(), WebhookError> {
        let mut unit = self.units.begin().await?;
        if !unit.endpoints().delete(workspace, id).await? {
            return Err(WebhookError::NoEndpoint(id));
        }
        Ok(unit.commit().await?)
    }
}

#[cfg(test)]
mod tests;
