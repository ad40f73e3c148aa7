//! Changing an endpoint and renewing its secret.

use std::sync::Arc;

use msgflash_kernel::{Clock, Once, Outcome, Problems, Random, Workspace, WorkspaceId};
use time::Duration;

use super::{check_events, check_url, claim_once};
use crate::endpoint::{Endpoint, EndpointId, PreviousSecret};
use crate::error::WebhookError;
use crate::ports::EndpointUnits;
use crate::signing;

/// What changes about an endpoint; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EndpointChange {
    /// Where deliveries go.
    pub url: Option<String>,
    /// The names of the events, as written.
    pub events: Option<Vec<String>>,
    /// Whether it hears anything. Switching on also ends a pause.
    pub active: Option<bool>,
}

/// Changes endpoints.
pub struct ChangeEndpoint {
    units: Arc<dyn EndpointUnits>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    overlap: Duration,
    allow_private: bool,
}

impl ChangeEndpoint {
    /// Wires the use case. `overlap` is how long a replaced secret still signs; `allow_private`
    /// opens private addresses and plain HTTP.
    pub fn new(
        units: Arc<dyn EndpointUnits>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        overlap: Duration,
        allow_private: bool,
    ) -> Self {
        Self {
            units,
            random,
            clock,
            overlap,
            allow_private,
        }
    }

    /// Changes what is given. `cap` is how many the account's plan allowed when it was read; `None` is
    /// unlimited, and a lower plan that holds since counts all the same. As many may be on: an account that has
    /// more since it had another plan chooses which.
    pub async fn change(
        &self,
        workspace: &Workspace,
        id: EndpointId,
        change: EndpointChange,
        cap: Option<u32>,
    ) -> Result<Endpoint, WebhookError> {
        let mut problems = Problems::default();
        if let Some(url) = &change.url {
            check_url(&mut problems, url, self.allow_private);
        }
        let events = change
            .events
            .map(|names| check_events(&mut problems, &names));
        problems.into_result()?;

        let mut unit = self.units.begin().await?;
        let mut is_full = false;
        if change.active == Some(true) {
            let account = workspace.account;
            let endpoints = unit.endpoints();
            let others = endpoints.count_active_locked(account, id, cap).await?;
            is_full = others.are_taken();
            endpoints.forget_trouble(workspace.id, id).await?;
        }
        let endpoint = unit.endpoints().lock(workspace.id, id).await?;
        let before = endpoint.ok_or(WebhookError::NoEndpoint(id))?;
        if is_full && !before.active {
            return Err(WebhookError::TooMany);
        }
        let mut after = before.clone();
        after.url = change.url.unwrap_or(after.url);
        after.events = events.unwrap_or(after.events);
        after.active = change.active.unwrap_or(after.active);
        if after.active {
            after.disabled_reason = None;
        }
        if after != before {
            after.updated_at = self.clock.now();
            unit.endpoints().update(&after).await?;
        }
        unit.commit().await?;
        Ok(after)
    }

    /// Gives it a new secret, shown in this answer alone. The one before signs too for a while; one
    /// that was replaced even earlier never again.
    pub async fn rotate(
        &self,
        workspace: WorkspaceId,
        id: EndpointId,
        once: Option<Once<'_, Endpoint>>,
    ) -> Result<Outcome<Endpoint>, WebhookError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        if let Some(answer) = claim_once(&mut *unit, once.as_ref(), now).await? {
            return Ok(Outcome::Replayed(answer));
        }
        let endpoint = unit.endpoints().lock(workspace, id).await?;
        let mut endpoint = endpoint.ok_or(WebhookError::NoEndpoint(id))?;
        let fresh = signing::new_secret(&*self.random);
        let secret = std::mem::replace(&mut endpoint.secret, fresh);
        endpoint.previous = Some(PreviousSecret {
            secret,
            until: now + self.overlap,
        });
        endpoint.updated_at = now;
        unit.endpoints().update(&endpoint).await?;
        if let Some(once) = once {
            let answer = (once.render)(&endpoint);
            unit.replays().keep(once.key, &answer, now).await?;
        }
        unit.commit().await?;
        Ok(Outcome::Done(endpoint))
    }
}
