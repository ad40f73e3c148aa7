//! Which claimed delivery is posted next, and how many more each endpoint may have.
//!
//! Endpoints take turns, a few posts of each side by side. How much is claimed ahead follows how
//! fast the endpoint answers: a quick one is read in large batches, a slow or failing one holds a
//! handful, so that it takes room from nobody.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use crate::delivery::{DueDelivery, Room};
use crate::endpoint::EndpointId;

/// Posts to one endpoint at once.
pub const SIDE_BY_SIDE: u32 = 16;
/// How many deliveries of an endpoint nobody knows yet are claimed.
pub const FIRST: u32 = 8;
/// The most that are claimed of one endpoint: few enough to be posted within their lease.
const MOST: u32 = 256;
/// The least.
const LEAST: u32 = 2;
/// An answer within this time is quick.
const QUICK: Duration = Duration::from_millis(500);

/// What was claimed and is not done with.
#[derive(Debug, Default)]
pub struct Flows {
    endpoints: HashMap<EndpointId, Flow>,
    /// Endpoints that may post, each once.
    turns: VecDeque<EndpointId>,
    held: usize,
    posting: usize,
}

#[derive(Debug)]
struct Flow {
    waiting: VecDeque<DueDelivery>,
    posting: u32,
    unrecorded: u32,
    window: u32,
    has_turn: bool,
    /// The last claim brought something, so there may be more.
    more: bool,
}

impl Flow {
    fn held(&self) -> u32 {
        u32::try_from(self.waiting.len()).unwrap_or(u32::MAX) + self.posting + self.unrecorded
    }

    fn may_post(&self) -> bool {
        !self.waiting.is_empty() && self.posting < SIDE_BY_SIDE.min(self.window)
    }
}

impl Flows {
    /// How many deliveries are held, until what became of them is recorded.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many posts are under way.
    pub fn posting(&self) -> usize {
        self.posting
    }

    /// How many of each known endpoint may be held.
    pub fn rooms(&self) -> Vec<Room> {
        let room = |(endpoint, flow): (&EndpointId, &Flow)| Room {
            endpoint: *endpoint,
            most: flow.window,
        };
        self.endpoints.iter().map(room).collect()
    }

    /// Whether claiming now would keep somebody busy who is nearly done.
    pub fn wants_more(&self) -> bool {
        self.endpoints
            .values()
            .any(|flow| flow.more && flow.held() * 2 <= flow.window)
    }

    /// Takes what a claim brought. Endpoints it brought nothing of, and that have nothing left, are
    /// forgotten.
    pub fn take_in(&mut self, claimed: Vec<DueDelivery>) {
        for flow in self.endpoints.values_mut() {
            flow.more = false;
        }
        for due in claimed {
            let endpoint = due.endpoint;
            let flow = self.endpoints.entry(endpoint).or_insert_with(|| Flow {
                waiting: VecDeque::new(),
                posting: 0,
                unrecorded: 0,
                window: FIRST,
                has_turn: false,
                more: false,
            });
            flow.waiting.push_back(due);
            flow.more = true;
            self.held += 1;
            self.give_turn(endpoint);
        }
        self.endpoints
            .retain(|_, flow| flow.more || flow.held() > 0);
    }

    /// The next to post; [`Self::posted`] must follow.
    pub fn start_next(&mut self) -> Option<DueDelivery> {
        while let Some(endpoint) = self.turns.pop_front() {
            let Some(flow) = self.endpoints.get_mut(&endpoint) else {
                continue;
            };
            flow.has_turn = false;
            if !flow.may_post() {
                continue;
            }
            let due = flow.waiting.pop_front();
            flow.posting += 1;
            self.posting += 1;
            self.give_turn(endpoint);
            return due;
        }
        None
    }

    /// A post ended; [`Self::recorded`] must follow. `quickly` is how long it took when it arrived.
    pub fn posted(&mut self, endpoint: EndpointId, quickly: Option<Duration>) {
        let Some(flow) = self.endpoints.get_mut(&endpoint) else {
            return;
        };
        flow.posting -= 1;
        flow.unrecorded += 1;
        self.posting -= 1;
        flow.window = match quickly {
            Some(took) if took <= QUICK => (flow.window + 1).min(MOST),
            Some(_) if flow.window > FIRST => flow.window - 1,
            Some(_) => (flow.window + 1).min(FIRST),
            None => (flow.window / 2).max(LEAST),
        };
        self.give_turn(endpoint);
    }

    /// What became of a post is recorded, or never will be.
    pub fn recorded(&mut self, endpoint: EndpointId) {
        if let Some(flow) = self.endpoints.get_mut(&endpoint) {
            flow.unrecorded -= 1;
            self.held -= 1;
        }
    }

    /// Everything that was claimed and not posted.
    pub fn give_back(self) -> Vec<DueDelivery> {
        let waiting = self.endpoints.into_values().flat_map(|flow| flow.waiting);
        waiting.collect()
    }

    fn give_turn(&mut self, endpoint: EndpointId) {
        if let Some(flow) = self.endpoints.get_mut(&endpoint)
            && !flow.has_turn
            && flow.may_post()
        {
            flow.has_turn = true;
            self.turns.push_back(endpoint);
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Id, Secret};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    fn due(endpoint: u128, id: u128) -> DueDelivery {
        DueDelivery {
            id: Id::new(Uuid::from_u128(id)),
            endpoint: Id::new(Uuid::from_u128(endpoint)),
            url: String::new(),
            secret: Secret::new(String::new()),
            previous_secret: None,
            event: Id::new(Uuid::nil()),
            name: String::new(),
            request: None,
            body: None,
            attempts: 0,
            spent: 0,
            lease: datetime!(2026-05-01 0:00 UTC),
        }
    }

    fn many(endpoint: u128, count: u128) -> Vec<DueDelivery> {
        (0..count).map(|id| due(endpoint, id)).collect()
    }

    fn started(flows: &mut Flows) -> Vec<u128> {
        std::iter::from_fn(|| flows.start_next())
            .map(|due| due.endpoint.uuid().as_u128())
            .collect()
    }

    fn endpoint(id: u128) -> EndpointId {
        Id::new(Uuid::from_u128(id))
    }

    #[test]
    fn endpoints_take_turns_and_none_takes_more_than_its_places() {
        let mut flows = Flows::default();
        flows.take_in([many(1, 20), many(2, 2)].concat());
        let order = started(&mut flows);
        assert_eq!(order[..4], [1, 2, 1, 2]);
        assert_eq!(order.iter().filter(|it| **it == 1).count(), 8);
        assert_eq!((flows.posting(), flows.held()), (10, 22));
        flows.posted(endpoint(1), Some(Duration::ZERO));
        assert_eq!(
            started(&mut flows),
            [1, 1],
            "a place is free and one is new"
        );
    }

    #[test]
    fn a_quick_endpoint_is_read_further_ahead_and_a_failing_one_less() {
        let mut flows = Flows::default();
        flows.take_in(many(1, 1));
        let mut window = |quickly, times| {
            for _ in 0..times {
                flows.take_in(many(1, 1));
                flows.start_next();
                flows.posted(endpoint(1), quickly);
                flows.recorded(endpoint(1));
            }
            flows.rooms()[0].most
        };
        assert_eq!(window(Some(Duration::ZERO), 500), MOST);
        assert_eq!(window(Some(Duration::from_secs(2)), 500), FIRST);
        assert_eq!(window(None, 3), LEAST);
    }

    #[test]
    fn more_is_wanted_when_half_is_done_and_the_last_claim_brought_something() {
        let mut flows = Flows::default();
        flows.take_in(many(1, 8));
        assert!(!flows.wants_more());
        for _ in 0..4 {
            flows.start_next();
            flows.posted(endpoint(1), Some(Duration::ZERO));
            flows.recorded(endpoint(1));
        }
        assert!(flows.wants_more());
        flows.take_in(Vec::new());
        assert!(!flows.wants_more());
    }

    #[test]
    fn what_is_done_with_is_forgotten_and_what_was_not_posted_is_given_back() {
        let mut flows = Flows::default();
        flows.take_in([many(1, 1), many(2, 3)].concat());
        flows.start_next();
        flows.posted(endpoint(1), None);
        flows.recorded(endpoint(1));
        flows.take_in(Vec::new());
        assert_eq!((flows.rooms().len(), flows.held()), (1, 3));
        flows.start_next();
        assert_eq!(flows.give_back().len(), 2);
    }
}
