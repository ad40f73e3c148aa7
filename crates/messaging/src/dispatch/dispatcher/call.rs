//! One call, and what its answer says of the message, the lane and the gateway.

use std::time::Instant;

use metrics::{counter, histogram};
use msgflash_kernel::StoreError;
use tracing::{Instrument as _, error, info, info_span, warn};

use super::{Dispatcher, Kept, name};
use crate::alarm::Alarm;
use crate::dispatch::entry::QueueEntry;
use crate::dispatch::gateway;
use crate::dispatch::ports::EntryKey;
use crate::dispatch::settle::Verdict;
use crate::dispatch::settler::Outcome;
use crate::instance::Instance;
use crate::media::send::Place;
use crate::message::Message;
use crate::provider::{Accepted, LinkState, Outbound, SendFailure};
use crate::safety::Safety;

/// A mark that is not on the wire after so long is taken back: whoever stops a lane waits for this
/// and no longer.
pub(crate) const WIRE: std::time::Duration = std::time::Duration::from_secs(1);

/// So often an outcome is recorded again that the database refuses.
const MOST_REFUSALS: u32 = 5;

/// One call to make, marked as started.
pub struct Call {
    pub(super) instance: Instance,
    pub(super) entry: QueueEntry,
    pub(super) outbound: Outbound,
    /// Room for the upload it sends.
    pub(super) place: Option<Place>,
    pub(super) safety: Safety,
    pub(super) message: Box<Message>,
    /// Before the mark was made.
    pub(super) marked: Instant,
}

impl Dispatcher {
    /// Makes one call, with no transaction open, and records what it proved.
    pub async fn call(&self, call: Call) -> Result<(), StoreError> {
        let span = info_span!(
            "dispatch",
            message.id = %call.entry.message,
            instance.id = %call.entry.instance,
            request.id = call.message.request_id.as_deref().unwrap_or(""),
        );
        self.make(call).instrument(span).await
    }

    async fn make(&self, call: Call) -> Result<(), StoreError> {
        let Call {
            instance,
            entry,
            mut outbound,
            place,
            safety,
            message,
            marked,
        } = call;
        let loaded = self.load(place.as_ref(), &mut outbound).await;
        let began = Instant::now();
        let answer = if loaded.is_err() || marked.elapsed() > WIRE {
            None
        } else {
            Some(self.ports.provider.send(&instance.session, &outbound).await)
        };
        match (place, outbound.file) {
            (Some(place), Some(file)) if answer.is_none() => self.park(place, file),
            // Others may use its room.
            sent => drop(sent),
        }
        let verdict = match &answer {
            None => loaded.err().unwrap_or(Verdict::NotCalled),
            Some(Ok(accepted)) if accepted.key_id.is_none() => Verdict::Left,
            Some(Ok(accepted)) => {
                let address = accepted.address.clone();
                Verdict::sent(accepted.key_id.clone(), entry.phone, address)
            }
            Some(Err(failure)) => {
                // The text is the provider's: it goes to the operator's log and nowhere else.
                warn!(failure = %failure, "the provider did not take the message");
                Verdict::from(failure)
            }
        };
        histogram!("msgflash_provider_seconds", "call" => "send").record(began.elapsed());
        counter!("msgflash_calls_total", "outcome" => verdict.word()).increment(1);
        self.judge_gateway(answer.as_ref());
        let settled = self
            .record(
                0,
                Outcome {
                    key: entry.key(),
                    account: entry.account,
                    attempt: entry.attempt,
                    verdict: verdict.clone(),
                    safety: Some(safety),
                    message: Some(message),
                },
            )
            .await;
        self.landed(&entry, &verdict);
        let settled = settled?;
        info!(?verdict, settled, "call settled");
        if let Some(Err(SendFailure::NotConnected(_))) = answer
            && settled
        {
            self.revive(&instance).await;
        }
        Ok(())
    }

    /// What an answer says about the gateway as a whole.
    fn judge_gateway(&self, answer: Option<&Result<Accepted, SendFailure>>) {
        let now = self.ports.clock.now();
        let gateway = &mut self.state().gateway;
        match answer {
            Some(Err(SendFailure::GatewayDown(_))) => gateway.failed(now),
            None | Some(Err(SendFailure::Unknown(_))) => gateway.passed(now),
            Some(_) => gateway.answered(),
        }
    }

    /// The call is over: the lane may go on.
    fn landed(&self, entry: &QueueEntry, verdict: &Verdict) {
        let now = self.ports.clock.now();
        let mut state = self.state();
        let is_gateway_down = state.gateway.down_since().is_some();
        let Some(lane) = state.lanes.get_mut(&entry.instance) else {
            return;
        };
        lane.landed(&name(entry));
        if matches!(
            verdict,
            Verdict::LaneDown | Verdict::Missed | Verdict::NotCalled
        ) {
            lane.uncalled();
        }
        match verdict {
            Verdict::LaneDown => {
                if lane.down_since.is_none() {
                    counter!("msgflash_breaker_trips_total", "breaker" => "lane").increment(1);
                }
                let since = *lane.down_since.get_or_insert(now);
                if !is_gateway_down {
                    lane.back_off(now + gateway::probe_wait(now - since));
                }
                lane.start_over();
            }
            Verdict::Sent { .. } | Verdict::Left => lane.down_since = None,
            Verdict::Missed => lane.look_again(now + self.patience.back_off),
            Verdict::NotCalled | Verdict::NotLeft => lane.start_over(),
            Verdict::Failed(_) | Verdict::Unknown => {}
        }
    }

    /// Records an outcome; what a call proved must not be forgotten because the database is away.
    async fn record(&self, refusals: u32, outcome: Outcome) -> Result<bool, StoreError> {
        let again = outcome.clone();
        let settled = self.ports.settler.record(outcome).await;
        let Err(cause) = &settled else {
            return settled;
        };
        let refusals = refusals + u32::from(!matches!(cause, StoreError::Unavailable(_)));
        if refusals >= MOST_REFUSALS {
            // Its lease ends, and then it is looked up.
            error!(message.id = %again.key.1, "an outcome cannot be recorded: it is given up");
        } else {
            self.state().kept.push(Kept {
                outcome: again,
                refusals,
            });
        }
        settled
    }

    /// Records what could not be recorded before, and takes back what was marked for nothing.
    /// Recording twice changes nothing. Only a database that is away is a reason to wait.
    pub(super) async fn record_kept(&self) -> Result<(), StoreError> {
        let (kept, doubtful) = {
            let mut state = self.state();
            (
                std::mem::take(&mut state.kept),
                std::mem::take(&mut state.doubtful),
            )
        };
        if !doubtful.is_empty() {
            let taken = self.take_back(&doubtful).await;
            if taken.is_err() {
                let mut state = self.state();
                state.doubtful.extend(doubtful);
                state.kept.extend(kept);
                return taken;
            }
        }
        let again = kept
            .into_iter()
            .map(|it| self.record(it.refusals, it.outcome));
        for done in futures_util::future::join_all(again).await {
            match done {
                Err(cause @ StoreError::Unavailable(_)) => return Err(cause),
                Err(cause) => warn!(%cause, "an outcome could not be recorded"),
                Ok(_) => {}
            }
        }
        Ok(())
    }

    async fn take_back(&self, marks: &[(EntryKey, u32)]) -> Result<(), StoreError> {
        let mut unit = self.ports.starts.begin().await?;
        unit.starts().take_back(self.worker, marks).await?;
        unit.commit().await
    }

    /// A socket can be dead under a link that looks open; a restart is the cure. Best effort.
    async fn revive(&self, instance: &Instance) {
        if self.ports.provider.state(&instance.session).await == Ok(LinkState::Open) {
            self.ports.alarms.raise(Alarm::DeadLink, Some(instance.id));
            if let Err(error) = self.ports.provider.restart(&instance.session).await {
                warn!(instance.id = %instance.id, %error, "the restart failed");
            }
        }
    }
}
