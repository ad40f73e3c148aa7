//! Sending on request: a test, one delivery again, everything that failed since a time.

use std::sync::Arc;

use msgflash_kernel::{
    Actor, Clock, Event, EventId, Id, Ids, Nudge, Once, Outcome, Problems, WorkspaceId,
};
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use crate::delivery::{Delivery, DeliveryEntry, DeliveryId, DeliveryStatus};
use crate::endpoint::{Endpoint, EndpointId};
use crate::error::WebhookError;
use crate::manage::claim_once;
use crate::ports::{DeliveryReader, EndpointUnit, EndpointUnits};

/// The name of a test's event. Nobody can ask for it.
pub const TEST_EVENT: &str = "webhook.test";
/// How many deliveries one recovery takes up.
pub const RECOVERED_AT_ONCE: u32 = 5000;

const TIMESTAMP: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// Sends on request. Everything goes the way of every delivery.
pub struct SendAgain {
    units: Arc<dyn EndpointUnits>,
    deliveries: Arc<dyn DeliveryReader>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    nudge: Arc<dyn Nudge>,
}

/// What a recovery took up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// How many deliveries are tried again.
    pub recovered: u32,
    /// Whether there may be more: ask again.
    pub has_more: bool,
}

impl SendAgain {
    /// Wires the use case.
    pub fn new(
        units: Arc<dyn EndpointUnits>,
        deliveries: Arc<dyn DeliveryReader>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        nudge: Arc<dyn Nudge>,
    ) -> Self {
        Self {
            units,
            deliveries,
            clock,
            ids,
            nudge,
        }
    }

    /// Sends an event of no meaning, whatever the endpoint asked for.
    pub async fn test(
        &self,
        actor: &Actor,
        endpoint: EndpointId,
        once: Option<Once<'_, DeliveryEntry>>,
    ) -> Result<Outcome<DeliveryEntry>, WebhookError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let endpoint = ready(&mut *unit, actor.workspace.id, endpoint).await?;
        let event = Event {
            id: Id::new(self.ids.next()),
            workspace: endpoint.workspace,
            account: endpoint.account,
            name: TEST_EVENT,
            payload: json!({
                "event": TEST_EVENT, "webhookId": endpoint.id.to_string(),
                "timestamp": now.format(TIMESTAMP).unwrap_or_default(),
            }),
            request: None,
            at: now,
        };
        unit.deliveries().keep_event(&event).await?;
        let payload = Some(event.payload.to_string());
        let made = self.made(&endpoint, event.id, TEST_EVENT, payload, now);
        self.send(unit, made, once, now).await
    }

    /// Sends the event of a delivery once more, as a new delivery.
    pub async fn redeliver(
        &self,
        actor: &Actor,
        endpoint: EndpointId,
        delivery: DeliveryId,
        once: Option<Once<'_, DeliveryEntry>>,
    ) -> Result<Outcome<DeliveryEntry>, WebhookError> {
        let now = self.clock.now();
        let workspace = actor.workspace.id;
        let first = self.deliveries.find(workspace, endpoint, delivery).await?;
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let first = first
            .filter(|it| it.payload.is_some())
            .ok_or(WebhookError::NoDelivery(delivery))?;
        let endpoint = ready(&mut *unit, workspace, endpoint).await?;
        let made = self.made(&endpoint, first.event, &first.name, first.payload, now);
        self.send(unit, made, once, now).await
    }

    /// Tries again what failed at or after `since`, a bounded number of deliveries.
    pub async fn recover(
        &self,
        actor: &Actor,
        endpoint: EndpointId,
        since: OffsetDateTime,
        once: Option<Once<'_, Recovery>>,
    ) -> Result<Outcome<Recovery>, WebhookError> {
        let now = self.clock.now();
        if since > now {
            let future = Problems::one("since", "out_of_range", "Must not be in the future");
            return Err(future.into());
        }
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let endpoint = ready(&mut *unit, actor.workspace.id, endpoint).await?;
        let recovered = unit
            .deliveries()
            .retry_failed(endpoint.id, since, RECOVERED_AT_ONCE, now)
            .await?;
        let recovery = Recovery {
            recovered,
            has_more: recovered >= RECOVERED_AT_ONCE,
        };
        if let Some(once) = once {
            let answer = (once.render)(&recovery);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        self.nudge.nudge();
        Ok(Outcome::Done(recovery))
    }

    fn made(
        &self,
        endpoint: &Endpoint,
        event: EventId,
        name: &str,
        payload: Option<String>,
        now: OffsetDateTime,
    ) -> (WorkspaceId, DeliveryEntry) {
        let entry = DeliveryEntry {
            id: Id::new(self.ids.next()),
            endpoint: endpoint.id,
            event,
            name: name.to_owned(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            response_status: None,
            excerpt: None,
            error: None,
            payload,
            next_attempt_at: Some(now),
            created_at: now,
            updated_at: now,
        };
        (endpoint.workspace, entry)
    }

    async fn send(
        &self,
        mut unit: Box<dyn EndpointUnit>,
        (workspace, entry): (WorkspaceId, DeliveryEntry),
        once: Option<Once<'_, DeliveryEntry>>,
        now: OffsetDateTime,
    ) -> Result<Outcome<DeliveryEntry>, WebhookError> {
        let delivery = Delivery {
            id: entry.id,
            endpoint: entry.endpoint,
            workspace,
            event: entry.event,
            name: entry.name.clone(),
            created_at: now,
        };
        unit.deliveries().insert(&[delivery]).await?;
        if let Some(once) = once {
            let answer = (once.render)(&entry);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        self.nudge.nudge();
        Ok(Outcome::Done(entry))
    }
}

/// The endpoint, held still, if it is switched on.
async fn ready(
    unit: &mut dyn EndpointUnit,
    workspace: WorkspaceId,
    id: EndpointId,
) -> Result<Endpoint, WebhookError> {
    let endpoint = unit.endpoints().lock(workspace, id).await?;
    let endpoint = endpoint.ok_or(WebhookError::NoEndpoint(id))?;
    if endpoint.active {
        Ok(endpoint)
    } else {
        Err(WebhookError::SwitchedOff)
    }
}
