//! Recording what became of a call.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError};
use msgflash_quotas::Settlement;
use time::Duration;
use tracing::warn;

use super::ports::{StatusUnit, StatusUnits};
use super::{Answers, Status, StatusState};
use crate::provider::{Accepted, ProviderError, SendFailure};

/// How soon after a call without an outcome the provider is asked.
const FIRST_LOOK: Duration = Duration::seconds(5);
/// How often recording is tried: whether a commit happened that nobody confirmed is seen the next time.
const TRIES: u32 = 3;

/// What a call proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is out; the id may have been lost on the way.
    Published(Option<String>),
    /// It is not.
    Failed(ProviderError),
    /// It may be out or not.
    Unknown,
}

impl Verdict {
    /// For the metrics.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Published(_) => "published",
            Self::Failed(_) => "failed",
            Self::Unknown => "unknown",
        }
    }
}

impl From<Result<Accepted, SendFailure>> for Verdict {
    fn from(answer: Result<Accepted, SendFailure>) -> Self {
        match answer {
            Ok(accepted) => Self::Published(accepted.key_id),
            Err(SendFailure::GatewayDown(_) | SendFailure::NotConnected(_)) => {
                Self::Failed(ProviderError::Unavailable)
            }
            Err(SendFailure::Transient(text) | SendFailure::Refused(text)) => {
                Self::Failed(ProviderError::Failed(text))
            }
            Err(cause @ SendFailure::NoWhatsApp) => {
                Self::Failed(ProviderError::Failed(cause.to_string()))
            }
            Err(SendFailure::Unknown(_)) => Self::Unknown,
        }
    }
}

/// Records outcomes: the row, the ledger and the answer for repeated requests, together. The first
/// final one counts; recording twice changes nothing.
#[derive(Clone)]
pub struct Settled {
    units: Arc<dyn StatusUnits>,
    clock: Arc<dyn Clock>,
    answers: Answers,
}

impl Settled {
    /// Wires it.
    pub fn new(units: Arc<dyn StatusUnits>, clock: Arc<dyn Clock>, answers: Answers) -> Self {
        Self {
            units,
            clock,
            answers,
        }
    }

    /// Records an outcome and answers the status as it is then.
    pub async fn record(&self, status: &Status, verdict: &Verdict) -> Result<Status, StoreError> {
        let mut tries = 1;
        loop {
            match self.once(status, verdict).await {
                Err(cause) if tries < TRIES => {
                    warn!(status.id = %status.id, %cause, "an outcome was not recorded: once more");
                    tries += 1;
                }
                done => return done,
            }
        }
    }

    async fn once(&self, status: &Status, verdict: &Verdict) -> Result<Status, StoreError> {
        let mut unit = self.units.begin().await?;
        let found = unit
            .statuses()
            .lock(status.workspace.id, status.id)
            .await?
            .ok_or(StoreError::Stale("statuses"))?;
        let changed = self.settle(unit.as_mut(), found, verdict).await?;
        unit.commit().await?;
        Ok(changed)
    }

    /// The same for one that is locked. What was settled before stays as it is: that a status is out
    /// which was given up is noted with it and changes nothing else.
    pub(super) async fn settle(
        &self,
        unit: &mut dyn StatusUnit,
        mut status: Status,
        verdict: &Verdict,
    ) -> Result<Status, StoreError> {
        let now = self.clock.now();
        if status.state != StatusState::Pending {
            if let Verdict::Published(Some(id)) = verdict
                && status.provider_message_id.is_none()
            {
                status.provider_message_id = Some(id.clone());
                status.updated_at = now;
                unit.statuses().update(&status).await?;
            }
            return Ok(status);
        }
        // Before it is forgotten under which key it was asked for.
        let key = self.answers.key(&status);
        let mut settlement = Settlement {
            account: status.workspace.account,
            period: status.period,
            messages: 0,
            statuses: 0,
            released: 0,
        };
        match verdict {
            Verdict::Published(id) => {
                status.publish(id.clone(), now);
                settlement.statuses = 1;
            }
            Verdict::Failed(why) => {
                status.fail(why, now);
                settlement.released = 1;
            }
            Verdict::Unknown => status.look_after(FIRST_LOOK, now),
        }
        unit.statuses().update(&status).await?;
        if status.state == StatusState::Pending {
            return Ok(status);
        }
        unit.ledger().settle(&[settlement]).await?;
        if let Some(key) = key.filter(|_| status.state == StatusState::Published) {
            let answer = (self.answers.render)(&status);
            unit.replays().keep(&key, &answer, now).await?;
        }
        Ok(status)
    }
}
