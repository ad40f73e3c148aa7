//! Keeping lanes to the caps of the safety guidance.

use std::collections::HashMap;

use metrics::counter;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};

use super::Dispatcher;
use crate::dispatch::caps::CallLog;
use crate::dispatch::ports::Planned;
use crate::instance::{Instance, InstanceId};
use crate::safety::{self, SafetyState, Window};

/// A lane that waits for its caps is looked at again after so long: with its age they grow.
const LOOK: Duration = Duration::MINUTE;

impl Dispatcher {
    /// Reads which calls lanes made within a day, where caps are kept to and that is not known yet: a lane
    /// may have had another owner.
    pub(super) async fn know_calls(
        &self,
        lanes: &[(InstanceId, i64)],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        if !self.pace.enforces_caps {
            return Ok(());
        }
        let unknown: Vec<InstanceId> = {
            let state = self.state();
            let unknown = lanes.iter().map(|(id, _)| *id);
            unknown
                .filter(|id| state.lanes.get(id).is_some_and(|it| it.calls.is_none()))
                .collect()
        };
        if unknown.is_empty() {
            return Ok(());
        }
        let since = now - Duration::DAY;
        let made = self.ports.lanes.calls_since(&unknown, since).await?;
        let mut by_lane: HashMap<InstanceId, Vec<OffsetDateTime>> = HashMap::new();
        for (lane, at) in made {
            by_lane.entry(lane).or_default().push(at);
        }
        let mut state = self.state();
        for id in unknown {
            if let Some(lane) = state.lanes.get_mut(&id) {
                lane.calls = Some(CallLog::new(by_lane.remove(&id).unwrap_or_default()));
            }
        }
        Ok(())
    }

    /// Takes out of `going` what would pass the caps of its number now, and answers which lanes wait until
    /// when.
    pub(super) fn keep_to_caps(
        &self,
        going: &mut Vec<&Planned>,
        instances: &HashMap<InstanceId, Instance>,
        windows: &HashMap<InstanceId, Window>,
        now: OffsetDateTime,
    ) -> Vec<(InstanceId, OffsetDateTime)> {
        if !self.pace.enforces_caps {
            return Vec::new();
        }
        let mut state = self.state();
        let mut left: HashMap<InstanceId, usize> = HashMap::new();
        let mut waits: HashMap<InstanceId, OffsetDateTime> = HashMap::new();
        going.retain(|it| {
            let id = it.entry.instance;
            let Some(calls) = state.lanes.get_mut(&id).and_then(|it| it.calls.as_mut()) else {
                return true;
            };
            let left = left.entry(id).or_insert_with(|| {
                let policy = caps(&instances[&id], windows.get(&id), calls, now).policy();
                let room = calls.room(&policy, now);
                waits.insert(id, room.next_at);
                room.calls
            });
            let goes = *left > 0;
            *left = left.saturating_sub(1);
            if goes {
                return true;
            }
            counter!("msgflash_held_by_caps_total").increment(1);
            false
        });
        let full = left.into_iter().filter(|(_, left)| *left == 0);
        full.map(|(id, _)| (id, waits[&id].min(now + LOOK)))
            .collect()
    }
}

/// The state whose caps count. What waits in the queue was not sent, so the calls themselves are counted.
fn caps(
    instance: &Instance,
    window: Option<&Window>,
    calls: &mut CallLog,
    now: OffsetDateTime,
) -> SafetyState {
    if instance.standing.is_restricted(now) {
        return SafetyState::Restricted;
    }
    let day = calls.day(now);
    let made = Window {
        outbound_24h: day,
        sent_1h: calls.hour(now),
        sent_24h: day,
        ..window.copied().unwrap_or_default()
    };
    safety::state(instance.first_connected_at, &made, now)
}
