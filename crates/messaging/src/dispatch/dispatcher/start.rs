//! Choosing what goes out now, and marking it as started.

use std::collections::HashMap;
use std::time::Instant;

use metrics::{counter, histogram};
use msgflash_kernel::StoreError;
use time::{Duration, OffsetDateTime};
use tracing::warn;

use super::gate::{Gate, gate};
use super::{Call, Dispatcher, State, name, outbound_of};
use crate::dispatch::brake;
use crate::dispatch::entry::Class;
use crate::dispatch::ports::{EntryKey, Lease, Planned};
use crate::dispatch::settle::{Failure, Verdict};
use crate::dispatch::settler::Outcome;
use crate::instance::{Instance, InstanceId};
use crate::provider::Outbound;
use crate::safety;

impl Dispatcher {
    /// What goes out now, the longest waiting lane first, and what has waited too long for a
    /// gateway that is away.
    pub(super) fn pick(&self, most: usize, now: OffsetDateTime) -> (Vec<Planned>, Vec<Planned>) {
        let mut state = self.state();
        let State { lanes, gateway, .. } = &mut *state;
        let mut overdue = Vec::new();
        let away = gateway.down_since();
        for lane in lanes.values_mut().filter(|it| it.has_next()) {
            let dead = lane.down_since;
            let down = away.map_or(dead, |away| Some(dead.map_or(away, |dead| dead.min(away))));
            if let Some(down) = down {
                overdue.extend(lane.overdue(down, self.patience.gateway, now));
            }
        }
        let mut room = most.min(gateway.room(now));
        let mut ready: Vec<(OffsetDateTime, InstanceId)> = lanes
            .iter()
            .filter_map(|(id, lane)| Some((lane.next_at()?, *id)))
            .filter(|(at, _)| *at <= now)
            .collect();
        ready.sort_unstable_by_key(|(at, id)| (*at, id.uuid()));
        let mut picked = Vec::new();
        for (_, id) in ready {
            if room == 0 {
                break;
            }
            let lane = lanes.get_mut(&id).expect("listed above");
            let more = lane.pick(self.pace, room, now);
            room -= more.len();
            picked.extend(more);
        }
        if !picked.is_empty() {
            gateway.called();
        }
        (picked, overdue)
    }

    /// Marks what was picked, in one transaction.
    pub(super) async fn start(
        &self,
        picked: Vec<Planned>,
        now: OffsetDateTime,
    ) -> Result<Vec<Call>, StoreError> {
        match self.mark(&picked, now).await {
            Ok(Marked {
                calls,
                failed,
                waits,
                crowded,
            }) => {
                let mut lost: HashMap<EntryKey, &Planned> =
                    picked.iter().map(|it| (it.entry.key(), it)).collect();
                for call in &calls {
                    lost.remove(&call.entry.key());
                }
                for (planned, _) in &failed {
                    lost.remove(&planned.entry.key());
                }
                self.settle_picks(lost.into_values(), &waits, calls.is_empty(), now);
                self.rest(&crowded, now);
                if let Err(cause) = self.fail(failed).await {
                    // They are looked at again. The calls are marked, and must be made.
                    warn!(%cause, "messages that will not be sent could not be ended");
                }
                #[expect(clippy::cast_precision_loss, reason = "at most 512")]
                histogram!("msgflash_start_group_size").record(calls.len() as f64);
                Ok(calls)
            }
            Err(error) => {
                let mut state = self.state();
                for planned in &picked {
                    if let Some(lane) = state.lanes.get_mut(&planned.entry.instance) {
                        lane.landed(&name(&planned.entry));
                        lane.start_over();
                    }
                }
                state.gateway.passed(now);
                // The marks may have been made all the same: nobody makes these calls, and that
                // is known, so they must not be looked up in vain.
                let marks = picked.iter();
                let marks = marks.map(|it| (it.entry.key(), it.entry.attempt + 1));
                state.doubtful.extend(marks);
                Err(error)
            }
        }
    }

    /// What was picked and is not called now goes back to where it came from.
    fn settle_picks<'a>(
        &self,
        left: impl Iterator<Item = &'a Planned>,
        waits: &[(InstanceId, OffsetDateTime)],
        none_called: bool,
        now: OffsetDateTime,
    ) {
        let mut state = self.state();
        for planned in left {
            if let Some(lane) = state.lanes.get_mut(&planned.entry.instance) {
                lane.landed(&name(&planned.entry));
                lane.start_over();
            }
        }
        counter!("msgflash_lane_waits_total").increment(waits.len() as u64);
        for (id, until) in waits {
            if let Some(lane) = state.lanes.get_mut(id) {
                lane.await_link(*until);
                lane.look_again(*until);
            }
        }
        if none_called {
            state.gateway.passed(now);
        }
    }

    async fn mark(&self, picked: &[Planned], now: OffsetDateTime) -> Result<Marked, StoreError> {
        let mut lanes: Vec<(InstanceId, i64)> = {
            let state = self.state();
            picked
                .iter()
                .filter_map(|it| {
                    let lane = state.lanes.get(&it.entry.instance)?;
                    Some((it.entry.instance, lane.epoch))
                })
                .collect()
        };
        lanes.sort_unstable_by_key(|(id, _)| id.uuid());
        lanes.dedup();
        // Guidance is read before the calls are marked: between mark and call nothing may wait.
        let mut safety: HashMap<InstanceId, safety::Window> = HashMap::new();
        for (id, _) in &lanes {
            safety.insert(*id, self.ports.recent.window(*id).await?);
        }
        self.know_calls(&lanes, now).await?;
        let marked = Instant::now();
        let mut unit = self.ports.starts.begin().await?;
        let held = unit.starts().hold_lanes(self.worker, &lanes).await?;
        let instances: HashMap<InstanceId, Instance> =
            held.instances.into_iter().map(|it| (it.id, it)).collect();
        self.note_lanes(&lanes, &held.lanes, &instances);

        let mut found = Marked::default();
        let mut going: Vec<&Planned> = Vec::new();
        for planned in picked {
            if !held.lanes.contains(&planned.entry.instance) {
                continue;
            }
            let instance = instances.get(&planned.entry.instance);
            match gate(instance, &planned.entry, self.patience, now) {
                Gate::Call => going.push(planned),
                Gate::Wait(until) => found.waits.push((planned.entry.instance, until)),
                Gate::Fail(failure) => found.failed.push((planned.clone(), failure)),
            }
        }
        let full = self.keep_to_caps(&mut going, &instances, &safety, now);
        found.waits.extend(full);
        let mut outbound: HashMap<EntryKey, Outbound> = HashMap::new();
        going.retain(|it| {
            let instance = &instances[&it.entry.instance];
            let Some(out) = outbound_of(&it.message, instance) else {
                found.failed.push(((*it).clone(), Failure::BROKEN));
                return false;
            };
            outbound.insert(it.entry.key(), out);
            true
        });
        let mut uploads = self.place_uploads(&mut going);
        found.crowded = std::mem::take(&mut uploads.crowded);
        let next_probe = |lane| self.state().lanes.get(&lane)?.next_probe;
        let starts = unit.starts();
        let braked = brake::apply(starts, &mut going, &instances, next_probe, now).await?;
        if going.is_empty() {
            if !braked.held.is_empty() {
                unit.commit().await?;
                self.note_brake(&braked, now);
            }
            return Ok(found);
        }
        let lease = Lease {
            owner: self.worker,
            until: now + self.pace.lease,
        };
        let read = going.iter().map(|it| (it.entry.key(), it.entry.due_at));
        let read: Vec<(EntryKey, OffsetDateTime)> = read.collect();
        // Reading took its time: what may not begin any more is decided by the clock of this moment.
        let at = self.ports.clock.now();
        let started = unit.starts().start(&read, lease, at).await?;
        let attempts: HashMap<EntryKey, u32> = started.into_iter().collect();
        let left: Vec<EntryKey> = read
            .into_iter()
            .map(|(key, _)| key)
            .filter(|it| !attempts.contains_key(it))
            .collect();
        if !left.is_empty() {
            let unwanted = unit.starts().opted_out(&left).await?;
            let unwanted = going.iter().filter(|it| unwanted.contains(&it.entry.key()));
            let unwanted = unwanted.map(|it| ((*it).clone(), Failure::OPTED_OUT));
            found.failed.extend(unwanted);
        }
        unit.commit().await?;
        self.note_brake(&braked, now);
        let mut state = self.state();
        for planned in going {
            let key = planned.entry.key();
            let Some(attempt) = attempts.get(&key) else {
                continue;
            };
            let instance = instances[&planned.entry.instance].clone();
            if let Some(lane) = state.lanes.get_mut(&instance.id) {
                lane.called(self.gap(planned.entry.class), now);
            }
            let window = &safety[&instance.id];
            let mut entry = planned.entry.clone();
            entry.attempt = *attempt;
            found.calls.push(Call {
                safety: instance.safety(window, now),
                outbound: outbound.remove(&key).expect("made above"),
                place: uploads.places.remove(&key),
                message: Box::new(planned.message.clone()),
                instance,
                entry,
                marked,
            });
        }
        Ok(found)
    }

    /// Forgets what the brake put off, and remembers when the next new contact may hear.
    fn note_brake(&self, braked: &brake::Braked, now: OffsetDateTime) {
        if braked.held.is_empty() && braked.probes.is_empty() {
            return;
        }
        counter!("msgflash_held_new_contacts_total").increment(braked.held.len() as u64);
        let mut state = self.state();
        for (lane, message) in &braked.held {
            if let Some(lane) = state.lanes.get_mut(lane) {
                lane.forget(*message);
            }
        }
        for lane in &braked.probes {
            if let Some(lane) = state.lanes.get_mut(lane) {
                lane.next_probe = Some(now + brake::PROBE_GAP);
            }
        }
    }

    /// Forgets lanes that are somebody else's now, and sees what the links of the others are like.
    fn note_lanes(
        &self,
        asked: &[(InstanceId, i64)],
        held: &[InstanceId],
        instances: &HashMap<InstanceId, Instance>,
    ) {
        let mut state = self.state();
        for (id, _) in asked {
            if !held.contains(id) {
                warn!(instance.id = %id, "the lane has another owner");
                state.lanes.remove(id);
            } else if let (Some(lane), Some(instance)) =
                (state.lanes.get_mut(id), instances.get(id))
            {
                lane.see(instance);
            }
        }
    }

    /// The wait before the lane's next call: a campaign's is never regular.
    fn gap(&self, class: Class) -> Duration {
        if class != Class::Campaign {
            return self.pace.gap;
        }
        let mut byte = [0; 1];
        self.ports.random.fill(&mut byte);
        self.pace.gap + self.pace.gap * 3.0 * (f64::from(byte[0]) / 255.0)
    }

    /// Ends entries without a call.
    pub(super) async fn fail(&self, failed: Vec<(Planned, Failure)>) -> Result<(), StoreError> {
        let outcomes = failed.into_iter().map(|(it, failure)| async move {
            let outcome = Outcome {
                key: it.entry.key(),
                account: it.entry.account,
                attempt: it.entry.attempt,
                verdict: Verdict::Failed(failure),
                safety: None,
                message: None,
            };
            let done = self.ports.settler.record(outcome).await;
            let now = self.ports.clock.now();
            if let Some(lane) = self.state().lanes.get_mut(&it.entry.instance) {
                lane.landed(&name(&it.entry));
                if done.is_err() {
                    lane.look_again(now + Duration::SECOND);
                }
            }
            done
        });
        // Side by side, so that they are settled in one group.
        let done = futures_util::future::join_all(outcomes).await;
        done.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }
}

/// What marking came to.
#[derive(Default)]
struct Marked {
    calls: Vec<Call>,
    failed: Vec<(Planned, Failure)>,
    waits: Vec<(InstanceId, OffsetDateTime)>,
    /// Lanes whose next upload has no room in memory.
    crowded: Vec<InstanceId>,
}
