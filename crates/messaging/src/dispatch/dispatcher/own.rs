//! Which lanes are this worker's, and what waits there.

use std::collections::HashMap;

use metrics::gauge;
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::Dispatcher;
use crate::dispatch::lane::Lane;
use crate::dispatch::ports::Mark;
use crate::instance::InstanceId;

/// How often the heart beats, at least this often and several times within the silence after which
/// others take its lanes.
const BEAT: Duration = Duration::seconds(5);
/// How often ownership is looked at, and lanes that nothing woke.
const CLAIM: Duration = Duration::SECOND;

impl Dispatcher {
    /// Keeps the heart beating, and takes and gives back lanes.
    pub(super) async fn own(&self) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let due =
            |at: Option<OffsetDateTime>, every| at.is_none_or(|at| now < at || now >= at + every);
        let (beats, claims, held) = {
            let state = self.state();
            (
                due(state.beat_at, BEAT.min(self.pace.silence / 6)),
                due(state.claim_at, CLAIM),
                state.lanes.keys().copied().collect::<Vec<_>>(),
            )
        };
        if beats {
            self.ports.lanes.beat(self.worker).await?;
            self.state().beat_at = Some(now);
        }
        if !claims {
            return Ok(());
        }
        let claimed = self
            .ports
            .lanes
            .claim(self.worker, self.pace.silence, &held, now)
            .await?;
        if claimed.orphans > 0 {
            warn!(
                calls = claimed.orphans,
                "a worker is gone; the outcome of its calls is looked up"
            );
        }
        let surplus: Vec<InstanceId> = {
            let mut state = self.state();
            state.claim_at = Some(now);
            for lane in &claimed.lost {
                warn!(instance.id = %lane, "the lane has another owner");
                state.lanes.remove(lane);
            }
            for owned in claimed.taken {
                let lane = Lane::new(owned, self.pace, now);
                state.lanes.insert(owned.lane, lane);
            }
            let more = state.lanes.len().saturating_sub(claimed.share.max(1));
            let idle = state.lanes.iter().filter(|(_, lane)| !lane.is_busy());
            idle.map(|(id, _)| *id).take(more).collect()
        };
        if !surplus.is_empty() {
            self.ports.lanes.release(self.worker, &surplus).await?;
        }
        let mut state = self.state();
        for lane in &surplus {
            state.lanes.remove(lane);
        }
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        gauge!("msgflash_lanes_owned").set(state.lanes.len() as f64);
        show_states(state.lanes.values());
        Ok(())
    }

    /// Reads on for the lanes that want more; answers whether anything came.
    pub(super) async fn read_ahead(&self) -> Result<bool, StoreError> {
        let now = self.ports.clock.now();
        let (marks, held, generations) = {
            let mut state = self.state();
            let polls = state.poll_at.is_none_or(|at| now < at || now >= at + CLAIM);
            if polls {
                state.poll_at = Some(now);
            }
            let pace = self.pace;
            let lanes = state.lanes.iter_mut();
            let held = lanes.filter(|(_, lane)| polls && lane.is_held(now));
            let held: Vec<InstanceId> = held.map(|(id, _)| *id).collect();
            let lanes = state.lanes.values_mut();
            let marks = lanes.flat_map(|lane| lane.marks(pace, polls, now));
            let marks: Vec<Mark> = marks.collect();
            let generation = |mark: &Mark| (mark.lane, state.lanes[&mark.lane].generation);
            let generations: HashMap<_, _> = marks.iter().map(generation).collect();
            (marks, held, generations)
        };
        if !held.is_empty() {
            // A link that came back ends whatever its lane was held for.
            for instance in self.ports.lanes.links(&held).await? {
                if let Some(lane) = self.state().lanes.get_mut(&instance.id) {
                    lane.see(&instance);
                }
            }
        }
        if marks.is_empty() {
            return Ok(!held.is_empty());
        }
        let read = match self.ports.lanes.ahead(&marks, now).await {
            Ok(read) => read,
            Err(error) => {
                let mut state = self.state();
                for mark in marks {
                    if let Some(lane) = state.lanes.get_mut(&mark.lane) {
                        lane.look_again(now);
                    }
                }
                return Err(error);
            }
        };
        let mut state = self.state();
        let mut any = !held.is_empty();
        for planned in read {
            let id = planned.entry.instance;
            let Some(lane) = state.lanes.get_mut(&id) else {
                continue;
            };
            // A lane that started over meanwhile reads again from its beginning.
            if generations.get(&id) == Some(&lane.generation) {
                any |= lane.take_in(planned);
            }
        }
        Ok(any)
    }
}

/// How the lanes of this worker are, each counted once.
fn show_states<'a>(lanes: impl Iterator<Item = &'a Lane>) {
    let (mut down, mut calling, mut idle) = (0u32, 0u32, 0u32);
    for lane in lanes {
        let count = match lane {
            lane if lane.down_since.is_some() => &mut down,
            lane if lane.is_busy() => &mut calling,
            _ => &mut idle,
        };
        *count += 1;
    }
    for (state, count) in [("down", down), ("calling", calling), ("idle", idle)] {
        gauge!("msgflash_lanes", "state" => state).set(f64::from(count));
    }
}
