//! Recording what became of attempts, many in one transaction.

use std::collections::HashMap;
use std::sync::Arc;

use msgflash_kernel::{Clock, Id, Ids, StoreError};
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::delivery::{Attempt, SwitchedOff};
use crate::endpoint::EndpointId;
use crate::health::Notice;
use crate::ports::RecordUnits;

/// Records attempts, follows how their endpoints fare and switches off those that are gone.
pub struct Recorder {
    units: Arc<dyn RecordUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
    patience: Duration,
}

/// What recording one attempt came to.
#[derive(Debug)]
pub enum Recorded {
    /// It is written down.
    Kept,
    /// It is, and it was the last straw for its endpoint.
    SwitchedOff(SwitchedOff),
    /// It is not: the delivery is posted again when its claim runs out.
    Lost(String),
}

impl Recorder {
    /// Wires it. `patience` is how long everything may fail before an endpoint is switched off.
    pub fn new(
        units: Arc<dyn RecordUnits>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
        patience: Duration,
    ) -> Self {
        Self {
            units,
            clock,
            ids,
            patience,
        }
    }

    /// Records a group; answers each, in order. Bad data halves the group until the bad one stands
    /// alone.
    pub async fn record(&self, attempts: &[Attempt]) -> Vec<Recorded> {
        let mut answers: Vec<_> = attempts.iter().map(|_| Recorded::Kept).collect();
        let mut groups = Vec::new();
        groups.push(0..attempts.len());
        while let Some(group) = groups.pop() {
            match self.together(&attempts[group.clone()]).await {
                Ok(off) => {
                    for it in off {
                        let of = |at: &usize| attempts[*at].endpoint == it.endpoint;
                        if let Some(at) = group.clone().rfind(of) {
                            answers[at] = Recorded::SwitchedOff(it);
                        }
                    }
                }
                Err(cause) if group.len() > 1 && !matches!(cause, StoreError::Unavailable(_)) => {
                    let middle = group.start + group.len() / 2;
                    // The earlier half goes first: a last-in, first-out list.
                    groups.extend([middle..group.end, group.start..middle]);
                }
                Err(cause) => {
                    let source = std::error::Error::source(&cause);
                    let why = source.map_or_else(|| cause.to_string(), ToString::to_string);
                    for at in group {
                        answers[at] = Recorded::Lost(why.clone());
                    }
                }
            }
        }
        answers
    }

    /// One transaction.
    async fn together(&self, attempts: &[Attempt]) -> Result<Vec<SwitchedOff>, StoreError> {
        if attempts.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let mut by_endpoint: HashMap<EndpointId, Vec<&Attempt>> = HashMap::new();
        for attempt in attempts {
            by_endpoint
                .entry(attempt.endpoint)
                .or_default()
                .push(attempt);
        }
        let mut endpoints: Vec<_> = by_endpoint.keys().copied().collect();
        endpoints.sort();

        let mut unit = self.units.begin().await?;
        let known: HashMap<_, _> = unit.health().lock(&endpoints).await?.into_iter().collect();
        let (mut changed, mut ends) = (Vec::new(), Vec::new());
        for endpoint in endpoints {
            let before = known.get(&endpoint).copied().unwrap_or_default();
            let made = by_endpoint.remove(&endpoint).unwrap_or_default();
            let (after, end) = before.after(made, now, self.patience);
            if after != before {
                changed.push((endpoint, after));
            }
            ends.extend(end.map(|reason| (endpoint, reason)));
        }
        if !changed.is_empty() {
            unit.health().save(&changed).await?;
        }
        let mut off = Vec::new();
        if !ends.is_empty() {
            off = unit.health().switch_off(&ends, now).await?;
            let notices: Vec<_> = off.iter().map(|it| self.notice(it, now)).collect();
            unit.health().tell(&notices).await?;
        }
        unit.attempts().record(attempts, now).await?;
        unit.commit().await?;
        Ok(off)
    }

    fn notice(&self, off: &SwitchedOff, now: OffsetDateTime) -> Notice {
        Notice {
            id: Id::new(self.ids.next()),
            account: off.account,
            workspace: off.workspace,
            kind: off.reason.kind(),
            subject: "A webhook was switched off".to_owned(),
            data: json!({
                "webhookId": off.endpoint.to_string(), "url": off.url, "reason": off.reason.text(),
            }),
            at: now,
        }
    }
}

#[cfg(test)]
mod tests;
