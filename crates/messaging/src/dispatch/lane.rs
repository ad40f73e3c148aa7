//! One lane in the memory of its owner: what goes out next, and when. No row is written for its
//! pace.

use std::collections::{HashSet, VecDeque};

use msgflash_kernel::Phone;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::caps::CallLog;
use super::entry::Class;
use super::ports::{Mark, OwnedLane, Planned};
use crate::instance::{Instance, InstanceId, InstanceStatus};
use crate::message::MessageId;

/// Entries that were committed late may be due before what was read already: whenever something came
/// in, and on each regular look, reading goes on from this much before.
const OVERLAP: Duration = Duration::seconds(2);
/// How often a lane is read from its beginning, for whatever went past its marks.
const FULL_LOOK: Duration = Duration::seconds(10);
/// One call in so many is a campaign's, however much else waits.
const CAMPAIGN_TURN: u32 = 20;

/// Calls of a lane without a pace. Each waits for two commits besides the gateway, and what waits together is
/// committed together. More of them are faster still, and take more memory than a server is meant to have.
const ABREAST: usize = 128;

/// How fast a lane calls, and how far it looks ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// The least time between the starts of two calls of a lane. Without one, several calls run
    /// side by side, never two to one recipient.
    pub gap: Duration,
    /// Past this, a started call that nobody settled counts as unknown. Longer than the provider
    /// adapter's own limit on a send.
    pub lease: Duration,
    /// A worker that was silent for so long has lost its lanes.
    pub silence: Duration,
    /// Whether lanes keep to the caps of the safety guidance, instead of only being told of them.
    pub enforces_caps: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            gap: Duration::SECOND,
            lease: Duration::seconds(120),
            silence: Duration::seconds(30),
            enforces_caps: false,
        }
    }
}

impl Pace {
    /// Calls of one lane at once.
    fn side_by_side(self) -> usize {
        if self.gap.is_positive() { 1 } else { ABREAST }
    }

    /// Entries kept ready in memory.
    fn ahead(self) -> usize {
        if self.gap.is_positive() {
            4
        } else {
            4 * ABREAST
        }
    }
}

/// What a link looked like.
type Link = (InstanceStatus, Option<OffsetDateTime>);

/// A lane this worker owns.
#[derive(Debug)]
pub(super) struct Lane {
    id: InstanceId,
    pub(super) epoch: i64,
    /// Since when its calls prove that nothing can leave.
    pub(super) down_since: Option<OffsetDateTime>,
    link: Option<Link>,
    /// By class, each in its order.
    ahead: [VecDeque<Planned>; 3],
    /// The last entry read, by class.
    last: [Option<(OffsetDateTime, MessageId)>; 3],
    /// Read ahead or under way.
    known: HashSet<MessageId>,
    /// Recipients of calls under way.
    open: HashSet<Phone>,
    next_call: OffsetDateTime,
    held_until: Option<OffsetDateTime>,
    /// Whether it is held for its link, so that a change of the link ends it.
    waits_for_link: bool,
    /// After a restriction: when the next new contact may hear.
    pub(super) next_probe: Option<OffsetDateTime>,
    /// The calls of the last day, where caps are kept to; `None` until they are read.
    pub(super) calls: Option<CallLog>,
    since_campaign: u32,
    /// How often it forgot what was read ahead.
    pub(super) generation: u32,
    is_hungry: bool,
    /// Whether something came in that may be due before what was read already.
    is_woken: bool,
    full_look_at: OffsetDateTime,
}

impl Lane {
    /// A lane that has just become ours. Whoever had it before may have called a moment ago.
    pub(super) fn new(owned: OwnedLane, pace: Pace, now: OffsetDateTime) -> Self {
        let is_first = owned.epoch <= 1;
        Self {
            id: owned.lane,
            epoch: owned.epoch,
            down_since: owned.down_since,
            link: None,
            ahead: Default::default(),
            last: [None; 3],
            known: HashSet::new(),
            open: HashSet::new(),
            next_call: if is_first { now } else { now + pace.gap },
            held_until: None,
            waits_for_link: false,
            next_probe: None,
            calls: None,
            since_campaign: 0,
            generation: 0,
            is_hungry: true,
            is_woken: false,
            full_look_at: now,
        }
    }

    /// Something may have come in.
    pub(super) fn wake(&mut self) {
        self.is_hungry = true;
        self.is_woken = true;
    }

    /// Something known will be ready at `at`, or was passed by.
    pub(super) fn look_again(&mut self, at: OffsetDateTime) {
        self.full_look_at = self.full_look_at.min(at);
    }

    /// Whether calls are under way.
    pub(super) fn is_busy(&self) -> bool {
        !self.open.is_empty()
    }

    /// Whether anything is ready in memory.
    pub(super) fn has_next(&self) -> bool {
        self.ahead.iter().any(|it| !it.is_empty())
    }

    fn waiting(&self) -> usize {
        self.ahead.iter().map(VecDeque::len).sum()
    }

    /// Where to read on, if it is time to. `poll` is the regular look of a lane nobody woke.
    pub(super) fn marks(&mut self, pace: Pace, poll: bool, now: OffsetDateTime) -> Vec<Mark> {
        let is_full_look = now >= self.full_look_at;
        let wanted = pace.ahead();
        // Half empty is early enough, and spares a read per call.
        let has_room = self.waiting() <= wanted / 2;
        if !has_room || !(self.is_hungry || is_full_look || poll) {
            return vec![];
        }
        if is_full_look {
            self.full_look_at = now + FULL_LOOK;
            self.last = [None; 3];
        }
        let goes_back = self.is_woken || poll;
        self.is_hungry = false;
        self.is_woken = false;
        let known = if goes_back { self.known.len() } else { 0 };
        let limit = u32::try_from(wanted + known).unwrap_or(u32::MAX);
        let first = MessageId::new(Uuid::nil());
        [Class::Single, Class::Scheduled, Class::Campaign]
            .into_iter()
            .map(|class| Mark {
                lane: self.id,
                class,
                after: self.last[class as usize].map(|(due, message)| {
                    if goes_back {
                        (due - OVERLAP, first)
                    } else {
                        (due, message)
                    }
                }),
                limit,
            })
            .collect()
    }

    /// Keeps what was read; answers whether it was new.
    pub(super) fn take_in(&mut self, planned: Planned) -> bool {
        let entry = &planned.entry;
        let class = entry.class as usize;
        let last = Some((entry.due_at, entry.message));
        let place = |it: Option<(OffsetDateTime, MessageId)>| it.map(|(due, id)| (due, id.uuid()));
        if place(self.last[class]) < place(last) {
            self.last[class] = last;
        }
        if !self.known.insert(entry.message) {
            return false;
        }
        let order = |it: &Planned| (it.entry.due_at, it.entry.message.uuid());
        let place = self.ahead[class].partition_point(|it| order(it) < order(&planned));
        self.ahead[class].insert(place, planned);
        // There may be more behind it.
        self.is_hungry = true;
        true
    }

    /// When it may call next, if it has something to say.
    pub(super) fn next_at(&self) -> Option<OffsetDateTime> {
        self.has_next().then(|| {
            self.held_until
                .unwrap_or(self.next_call)
                .max(self.next_call)
        })
    }

    /// Takes up to `most` entries that may be called for now, each to another recipient.
    pub(super) fn pick(&mut self, pace: Pace, most: usize, now: OffsetDateTime) -> Vec<Planned> {
        // A clock that stepped back must not silence the lane.
        if self.next_call > now + pace.gap * 4 {
            self.next_call = now;
        }
        if self.next_at().is_none_or(|at| at > now) {
            return vec![];
        }
        self.held_until = None;
        // What a lost link fails makes no call, so it needs no order and no pace.
        let is_lost = self
            .link
            .is_some_and(|(status, _)| status != InstanceStatus::Connected);
        let abreast = if is_lost {
            ABREAST
        } else {
            pace.side_by_side()
        };
        let free = abreast.saturating_sub(self.open.len()).min(most);
        let mut picked = Vec::new();
        while picked.len() < free {
            let Some(next) = self.next() else { break };
            self.open.insert(next.entry.phone);
            picked.push(next);
        }
        picked
    }

    /// The next entry by class and turn whose recipient has no call under way.
    fn next(&mut self) -> Option<Planned> {
        let campaign = Class::Campaign as usize;
        let mut order = [0, 1, 2];
        if self.since_campaign + 1 >= CAMPAIGN_TURN && !self.ahead[campaign].is_empty() {
            order = [2, 0, 1];
        }
        for class in order {
            let free = |it: &Planned| !self.open.contains(&it.entry.phone);
            if let Some(place) = self.ahead[class].iter().position(free) {
                self.since_campaign = if class == campaign {
                    0
                } else {
                    self.since_campaign + 1
                };
                return self.ahead[class].remove(place);
            }
        }
        None
    }

    /// A call begins now.
    pub(super) fn called(&mut self, gap: Duration, now: OffsetDateTime) {
        if let Some(calls) = &mut self.calls {
            calls.called(now);
        }
        self.next_call = now + gap;
    }

    /// A call proved to have had no effect: it does not count.
    pub(super) fn uncalled(&mut self) {
        if let Some(calls) = &mut self.calls {
            calls.uncalled();
        }
    }

    /// What was picked is not under way any more, whatever became of it.
    pub(super) fn landed(&mut self, planned: &QueueKey) {
        self.known.remove(&planned.0);
        self.open.remove(&planned.1);
    }

    /// Something that was under way goes out again, before what was read ahead since: forgets that
    /// and reads from the beginning.
    pub(super) fn start_over(&mut self) {
        for class in &mut self.ahead {
            for waiting in class.drain(..) {
                self.known.remove(&waiting.entry.message);
            }
        }
        self.generation += 1;
        self.last = [None; 3];
        self.is_hungry = true;
    }

    /// Forgets what was read ahead and put off meanwhile.
    pub(super) fn forget(&mut self, message: MessageId) {
        for class in &mut self.ahead {
            let before = class.len();
            class.retain(|it| it.entry.message != message);
            if class.len() < before {
                self.known.remove(&message);
            }
        }
    }

    /// Makes no call before `until`, unless the link changes.
    pub(super) fn await_link(&mut self, until: OffsetDateTime) {
        if self.held_until.is_none_or(|held| held <= until) {
            self.held_until = Some(until);
            self.waits_for_link = true;
        }
    }

    /// Makes no call before `until`, whatever the link says: it looked well when the last call
    /// failed, and the restart that followed changes how it looks.
    pub(super) fn back_off(&mut self, until: OffsetDateTime) {
        self.held_until = self.held_until.max(Some(until));
        self.waits_for_link = false;
    }

    /// Whether it waits for something other than its turn.
    pub(super) fn is_held(&self, now: OffsetDateTime) -> bool {
        self.held_until.is_some_and(|until| until > now)
    }

    /// Notes what the link looks like; a change lets a lane that waits for it call at once.
    pub(super) fn see(&mut self, instance: &Instance) {
        let link = (instance.status, instance.reconnecting_since);
        let has_changed = self.link.replace(link).is_some_and(|seen| seen != link);
        if has_changed && self.waits_for_link {
            self.held_until = None;
        }
    }

    /// Takes out what must not wait any longer: nothing can leave since `down`.
    pub(super) fn overdue(
        &mut self,
        down: OffsetDateTime,
        patience: Duration,
        now: OffsetDateTime,
    ) -> Vec<Planned> {
        let mut overdue = Vec::new();
        for class in [Class::Single, Class::Scheduled] {
            let waits = &mut self.ahead[class as usize];
            while let Some(first) = waits.front() {
                let since = first
                    .entry
                    .ready_since
                    .unwrap_or(first.entry.due_at)
                    .max(down);
                if now - since < patience || self.open.contains(&first.entry.phone) {
                    break;
                }
                let first = waits.pop_front().expect("looked at");
                self.open.insert(first.entry.phone);
                overdue.push(first);
            }
        }
        overdue
    }
}

/// What names an entry within its lane, and its recipient.
pub(super) type QueueKey = (MessageId, Phone);

#[cfg(test)]
mod tests;
