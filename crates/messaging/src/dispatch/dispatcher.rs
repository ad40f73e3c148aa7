//! The calls themselves: lanes side by side, each in its order and at its pace.
//!
//! A worker owns lanes. It reads ahead for them, marks what goes out next as started, many lanes
//! in one transaction, and makes the calls with no transaction open. Whoever is not the owner any
//! more finds that out before a call, not after.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use metrics::{counter, gauge, histogram};
use msgflash_kernel::{Clock, Random, StoreError, Tick};
use time::{Duration, OffsetDateTime};
use tracing::{Instrument as _, error, info, info_span, warn};
use uuid::Uuid;

use super::brake;
use super::entry::{Class, QueueEntry};
use super::gateway::Gateway;
use super::lane::Lane;
use super::ports::{EntryKey, LaneStore, Lease, Mark, Planned, StartUnits};
use super::settle::{Failure, Patience, Verdict};
use super::settler::{Outcome, Settler};
use crate::instance::recent::RecentInstances;
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::message::Message;
use crate::message::content::Content;
use crate::provider::{LinkState, Outbound, SendFailure, WhatsAppProvider};
use crate::safety::{self, Safety};

pub use super::lane::Pace;

/// How often the heart beats and ownership is looked at.
const BEAT: Duration = Duration::seconds(5);
const CLAIM: Duration = Duration::SECOND;
/// The most calls begun in one transaction.
const MOST_STARTS: usize = 512;
/// A mark that is not on the wire after so long is taken back: whoever stops a lane waits for this
/// and no longer.
const WIRE: std::time::Duration = std::time::Duration::from_secs(1);

/// The ports the dispatcher needs.
#[derive(Clone)]
pub struct DispatchPorts {
    /// Who owns which lane, and what waits there.
    pub lanes: Arc<dyn LaneStore>,
    /// Transactions that start calls.
    pub starts: Arc<dyn StartUnits>,
    /// Records what calls came to.
    pub settler: Settler,
    /// What numbers did lately.
    pub recent: Arc<RecentInstances>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Chance, for the gaps of campaigns.
    pub random: Arc<dyn Random>,
}

/// Sends what is ready.
pub struct Dispatcher {
    ports: DispatchPorts,
    pace: Pace,
    patience: Patience,
    worker: Uuid,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    lanes: HashMap<InstanceId, Lane>,
    gateway: Gateway,
    beat_at: Option<OffsetDateTime>,
    claim_at: Option<OffsetDateTime>,
    poll_at: Option<OffsetDateTime>,
    /// What is known and could not be recorded while the database was away.
    kept: Vec<Outcome>,
}

/// What one step of dispatching came to.
pub struct Step {
    /// Calls to make, each with [`Dispatcher::call`], side by side.
    pub calls: Vec<Call>,
    /// When there is something to do next; `None` when only a nudge or time tells.
    pub next: Option<OffsetDateTime>,
}

/// One call to make, marked as started.
pub struct Call {
    instance: Instance,
    entry: QueueEntry,
    outbound: Outbound,
    safety: Safety,
    message: Box<Message>,
    /// Before the mark was made.
    marked: Instant,
}

impl Dispatcher {
    /// Wires it. `worker` names this process among the owners of lanes.
    pub fn new(ports: DispatchPorts, pace: Pace, patience: Patience, worker: Uuid) -> Self {
        Self {
            ports,
            pace,
            patience,
            worker,
            state: Mutex::default(),
        }
    }

    /// Something was put into these lanes; answers whether all of them are this worker's.
    pub fn wake(&self, lanes: &[InstanceId]) -> bool {
        let mut state = self.state();
        let mut all_ours = true;
        for lane in lanes {
            if let Some(lane) = state.lanes.get_mut(lane) {
                lane.wake();
            } else {
                // It may be new, and nobody's.
                all_ours = false;
                state.claim_at = None;
            }
        }
        all_ours
    }

    /// Something was put into some lanes, nobody said which.
    pub fn wake_all(&self) {
        self.state().poll_at = None;
    }

    /// Owns, reads ahead and starts up to `most` calls.
    pub async fn step(&self, most: usize) -> Result<Step, StoreError> {
        self.record_kept().await?;
        self.own().await?;
        let most = most.min(MOST_STARTS);
        // What is at hand is started while more is read.
        let (read, begun) = futures_util::future::join(self.read_ahead(), self.begin(most)).await;
        let mut calls = begun?;
        // Calls that were started are made, whatever became of reading.
        if calls.is_empty() && read? {
            calls = self.begin(most).await?;
        }
        Ok(Step {
            calls,
            next: self.next_at(),
        })
    }

    /// Starts what is at hand and may go out now.
    async fn begin(&self, most: usize) -> Result<Vec<Call>, StoreError> {
        let now = self.ports.clock.now();
        let (picked, overdue) = self.pick(most, now);
        if !overdue.is_empty() {
            self.fail(overdue, Failure::UNAVAILABLE).await?;
        }
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        self.start(picked, now).await
    }

    /// One step, with its calls made: for tests and for those who have no loop.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let Step { calls, .. } = self.step(MOST_STARTS).await?;
        let count = calls.len();
        let made = futures_util::future::join_all(calls.into_iter().map(|it| self.call(it))).await;
        made.into_iter().collect::<Result<(), _>>()?;
        Ok(Tick::of(count))
    }

    /// Gives the lanes back: others may have them at once.
    pub async fn retire(&self) -> Result<(), StoreError> {
        self.state().lanes.clear();
        self.ports.lanes.retire(self.worker).await
    }

    /// Keeps the heart beating, and takes and gives back lanes.
    async fn own(&self) -> Result<(), StoreError> {
        let now = self.ports.clock.now();
        let due =
            |at: Option<OffsetDateTime>, every| at.is_none_or(|at| now < at || now >= at + every);
        let (beats, claims, held) = {
            let state = self.state();
            (
                due(state.beat_at, BEAT),
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
        Ok(())
    }

    /// Reads on for the lanes that want more; answers whether anything came.
    async fn read_ahead(&self) -> Result<bool, StoreError> {
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

    /// What goes out now, the longest waiting lane first, and what has waited too long for a
    /// gateway that is away.
    fn pick(&self, most: usize, now: OffsetDateTime) -> (Vec<Planned>, Vec<Planned>) {
        let mut state = self.state();
        let State { lanes, gateway, .. } = &mut *state;
        let mut overdue = Vec::new();
        if let Some(down) = gateway.down_since() {
            for lane in lanes.values_mut().filter(|it| it.has_next()) {
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

    fn next_at(&self) -> Option<OffsetDateTime> {
        let state = self.state();
        let next = state.lanes.values().filter_map(Lane::next_at).min()?;
        match state.gateway.down_since() {
            None => Some(next),
            Some(_) => state.gateway.probe_at().map(|at| at.max(next)),
        }
    }

    /// Marks what was picked, in one transaction.
    async fn start(
        &self,
        picked: Vec<Planned>,
        now: OffsetDateTime,
    ) -> Result<Vec<Call>, StoreError> {
        match self.mark(&picked, now).await {
            Ok(Marked {
                calls,
                failed,
                waits,
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
                for (planned, failure) in failed {
                    self.fail(vec![planned], failure).await?;
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
                state.kept.extend(picked.into_iter().map(|it| Outcome {
                    key: it.entry.key(),
                    attempt: it.entry.attempt + 1,
                    verdict: Verdict::NotCalled,
                    safety: None,
                    message: None,
                }));
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
        let keys: Vec<EntryKey> = going.iter().map(|it| it.entry.key()).collect();
        let started = unit.starts().start(&keys, lease, now).await?;
        unit.commit().await?;
        self.note_brake(&braked, now);
        let attempts: HashMap<EntryKey, u32> = started.into_iter().collect();
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
            outbound,
            safety,
            message,
            marked,
        } = call;
        let began = Instant::now();
        let answer = if marked.elapsed() > WIRE {
            None
        } else {
            Some(self.ports.provider.send(&instance.session, &outbound).await)
        };
        let verdict = match &answer {
            None => Verdict::NotCalled,
            Some(Ok(accepted)) if accepted.key_id.is_none() => Verdict::Left,
            Some(Ok(accepted)) => Verdict::Sent {
                key_id: accepted.key_id.clone(),
            },
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
            .record(Outcome {
                key: entry.key(),
                attempt: entry.attempt,
                verdict: verdict.clone(),
                safety: Some(safety),
                message: Some(message),
            })
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
    fn judge_gateway(&self, answer: Option<&Result<crate::provider::Accepted, SendFailure>>) {
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
        match verdict {
            Verdict::LaneDown => {
                if lane.down_since.is_none() {
                    counter!("msgflash_breaker_trips_total", "breaker" => "lane").increment(1);
                }
                let since = *lane.down_since.get_or_insert(now);
                if !is_gateway_down {
                    lane.back_off(now + super::gateway::probe_wait(now - since));
                }
                lane.start_over();
            }
            Verdict::Sent { .. } | Verdict::Left => lane.down_since = None,
            Verdict::Missed => lane.look_again(now + self.patience.back_off),
            Verdict::NotCalled | Verdict::NotLeft => lane.start_over(),
            Verdict::Failed(_) | Verdict::Unknown => {}
        }
    }

    /// Records an outcome; while the database is away it is kept.
    async fn record(&self, outcome: Outcome) -> Result<bool, StoreError> {
        let again = outcome.clone();
        let settled = self.ports.settler.record(outcome).await;
        if settled.is_err() {
            // What a call proved must not be forgotten because the database is away.
            self.state().kept.push(again);
        }
        settled
    }

    /// Records what could not be recorded before. Recording twice changes nothing.
    async fn record_kept(&self) -> Result<(), StoreError> {
        let kept = std::mem::take(&mut self.state().kept);
        if kept.is_empty() {
            return Ok(());
        }
        let done = futures_util::future::join_all(kept.into_iter().map(|it| self.record(it))).await;
        done.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// Ends entries without a call.
    async fn fail(&self, planned: Vec<Planned>, failure: Failure) -> Result<(), StoreError> {
        let outcomes = planned.into_iter().map(|it| async move {
            let outcome = Outcome {
                key: it.entry.key(),
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
        let done = futures_util::future::join_all(outcomes).await;
        done.into_iter().collect::<Result<Vec<_>, _>>().map(drop)
    }

    /// A socket can be dead under a link that looks open; a restart is the cure. Best effort.
    async fn revive(&self, instance: &Instance) {
        if self.ports.provider.state(&instance.session).await == Ok(LinkState::Open) {
            error!(instance.id = %instance.id, "the link is open but dead: restarting it");
            counter!("msgflash_alarms_total", "kind" => "dead_link").increment(1);
            if let Err(error) = self.ports.provider.restart(&instance.session).await {
                warn!(instance.id = %instance.id, %error, "the restart failed");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("the lock is never held across a panic")
    }
}

/// What marking came to.
#[derive(Default)]
struct Marked {
    calls: Vec<Call>,
    failed: Vec<(Planned, Failure)>,
    waits: Vec<(InstanceId, OffsetDateTime)>,
}

fn name(entry: &QueueEntry) -> super::lane::QueueKey {
    (entry.message, entry.phone)
}

/// Whether the instance may call for this entry.
#[derive(Debug, PartialEq)]
enum Gate {
    Call,
    Wait(OffsetDateTime),
    Fail(Failure),
}

fn gate(
    instance: Option<&Instance>,
    entry: &QueueEntry,
    patience: Patience,
    now: OffsetDateTime,
) -> Gate {
    let lost = match instance.map(|it| (it.status, it.reconnecting_since)) {
        Some((InstanceStatus::Connected, None)) => return Gate::Call,
        Some((InstanceStatus::Connected, Some(broken))) => {
            // A message that waited for its turn before the link broke has not waited for it.
            let since = entry.ready_since.unwrap_or(entry.due_at).max(broken);
            now - since >= patience.reconnect
        }
        _ => true,
    };
    // A campaign never loses a recipient because its sender was ill.
    if lost && entry.class != Class::Campaign {
        Gate::Fail(Failure::NOT_CONNECTED)
    } else {
        Gate::Wait(now + Duration::SECOND)
    }
}

/// What is sent for a stored message; `None` when the row does not hold a sendable one.
pub(crate) fn outbound_of(message: &Message, instance: &Instance) -> Option<Outbound> {
    Some(Outbound {
        to: message.peer?,
        content: Content::of(message)?,
        native_buttons: instance.native_buttons,
    })
}

#[cfg(test)]
mod tests;
