//! Units of statuses, made beforehand and used in their order.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{
    FixedClock, Id, MockReplayStore, ReplayKey, ReplayStore, SequentialIds, StoreError,
    StoredAnswer, Unit,
};
use msgflash_quotas::{LedgerStore, MockLedgerStore, Period};
use time::Duration;
use uuid::Uuid;

use super::ports::{Facts, Membership, MockStatusStore, StatusStore, StatusUnit, StatusUnits};
use super::{
    Answers, PublishPorts, PublishStatus, SettlePorts, SettleStatuses, Settled, Status,
    StatusOrder, StatusState,
};
use crate::instance::ports::MockInstanceReader;
use crate::message::ports::Standing;
use crate::provider::{MockWhatsAppProvider, StatusContent};
use crate::testing::{NOW, actor, instance, workspace};
use crate::{Instance, InstanceStatus};

pub(super) const PATIENCE: Duration = Duration::minutes(10);
pub(super) const LEASE: Duration = Duration::minutes(2);

/// One unit: what is expected of it.
#[derive(Default)]
pub(super) struct Expected {
    pub(super) statuses: MockStatusStore,
    pub(super) ledger: MockLedgerStore,
    pub(super) replays: MockReplayStore,
    commits: Arc<AtomicU32>,
}

#[async_trait]
impl Unit for Expected {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.commits.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

impl StatusUnit for Expected {
    fn statuses(&mut self) -> &mut dyn StatusStore {
        &mut self.statuses
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        &mut self.ledger
    }
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
}

struct Units(Mutex<VecDeque<Expected>>);

#[async_trait]
impl StatusUnits for Units {
    async fn begin(&self) -> Result<Box<dyn StatusUnit>, StoreError> {
        let next = self.0.lock().expect("no panic").pop_front();
        Ok(Box::new(next.expect("no unit was expected")))
    }
}

/// Everything a status touches.
pub(super) struct Scene {
    pub(super) instance: Instance,
    pub(super) provider: MockWhatsAppProvider,
    units: VecDeque<Expected>,
    pub(super) commits: Arc<AtomicU32>,
    pub(super) clock: Arc<FixedClock>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            instance: instance(),
            provider: MockWhatsAppProvider::new(),
            units: VecDeque::new(),
            commits: Arc::default(),
            clock: Arc::new(FixedClock::at(NOW)),
        }
    }
}

impl Scene {
    /// The next unit, of which this is expected.
    pub(super) fn unit(mut self, expect: impl FnOnce(&mut Expected)) -> Self {
        let mut unit = Expected {
            commits: Arc::clone(&self.commits),
            ..Expected::default()
        };
        expect(&mut unit);
        self.units.push_back(unit);
        self
    }

    /// A unit that starts a status of which these facts are true.
    pub(super) fn starts(self, facts: Facts, granted: u32) -> Self {
        self.unit(|it| {
            it.statuses
                .expect_look()
                .return_once(move |_, _, _| Ok(facts));
            it.ledger.expect_reserve().return_once(move |wants| {
                assert_eq!((wants.len(), wants[0].count), (1, 1));
                Ok(vec![granted])
            });
            it.statuses.expect_insert().returning(|status| {
                assert_eq!(status.state, StatusState::Pending);
                assert_eq!(status.look_at, Some(NOW + LEASE));
                Ok(())
            });
        })
    }

    /// A unit that settles: messages are never counted, and this many statuses and releases.
    pub(super) fn settles(self, found: Status, statuses: u32, released: u32) -> Self {
        self.unit(|it| {
            it.statuses
                .expect_lock()
                .return_once(|_, _| Ok(Some(found)));
            it.statuses.expect_update().returning(|_| Ok(()));
            expect_settlement(&mut it.ledger, statuses, released);
        })
    }

    fn settled(units: Arc<Units>, clock: Arc<FixedClock>) -> Settled {
        Settled::new(units, clock, ANSWERS)
    }

    pub(super) fn publish(self) -> PublishStatus {
        let units = Arc::new(Units(Mutex::new(self.units)));
        let mut instances = MockInstanceReader::new();
        let found = self.instance;
        instances
            .expect_find()
            .returning(move |_, id| Ok(Some(found.clone()).filter(|it| it.id == id)));
        PublishStatus::new(PublishPorts {
            units: units.clone(),
            instances: Arc::new(instances),
            provider: Arc::new(self.provider),
            files: None,
            settled: Self::settled(units, self.clock.clone()),
            clock: self.clock,
            ids: Arc::new(SequentialIds::default()),
            lease: LEASE,
        })
    }

    pub(super) fn reconcile(self) -> SettleStatuses {
        let units = Arc::new(Units(Mutex::new(self.units)));
        let mut instances = MockInstanceReader::new();
        let found = self.instance;
        instances
            .expect_get()
            .returning(move |id| Ok(Some(found.clone()).filter(|it| it.id == id)));
        let ports = SettlePorts {
            units: units.clone(),
            instances: Arc::new(instances),
            provider: Arc::new(self.provider),
            settled: Self::settled(units, self.clock.clone()),
            clock: self.clock,
        };
        SettleStatuses::new(ports, PATIENCE)
    }
}

pub(super) fn expect_settlement(ledger: &mut MockLedgerStore, statuses: u32, released: u32) {
    let times = usize::from(statuses + released > 0);
    ledger.expect_settle().times(times).returning(move |all| {
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].period, Period::of(NOW));
        let counts = (all[0].messages, all[0].statuses, all[0].released);
        assert_eq!(counts, (0, statuses, released));
        Ok(())
    });
}

/// Answers that show what they were made of.
pub(super) const ANSWERS: Answers = Answers {
    route: "POST /api/v1/statuses",
    render: |status| StoredAnswer {
        status: 201,
        body: format!("{:?}", status.provider_message_id),
    },
};

pub(super) fn able() -> Facts {
    Facts {
        standing: Some(Standing {
            usable: true,
            outbound_limit: Some(10),
        }),
        member: Membership::Able,
        instance: Some(InstanceStatus::Connected),
    }
}

pub(super) fn content() -> StatusContent {
    StatusContent::Text {
        text: "Open".into(),
        background: "#000000".into(),
    }
}

pub(super) fn order() -> StatusOrder {
    StatusOrder {
        actor: actor(),
        key: None,
        instance: instance().id,
        content: content(),
        request_id: None,
    }
}

pub(super) fn once() -> ReplayKey {
    ReplayKey {
        workspace: workspace().id,
        route: ANSWERS.route,
        key: [1; 32],
        request: [2; 32],
    }
}

/// A status whose call is under way since [`NOW`].
pub(super) fn pending() -> Status {
    Status {
        id: Id::new(Uuid::from_u128(0x5)),
        workspace: workspace(),
        acting_user: workspace().owner(),
        instance: instance().id,
        content: content(),
        state: StatusState::Pending,
        error: None,
        code: None,
        provider_message_id: None,
        period: Period::of(NOW),
        repeat: Some((&once()).into()),
        request_id: None,
        waited_since: NOW,
        lease_until: Some(NOW + LEASE),
        look_at: Some(NOW + LEASE),
        looks: 0,
        created_at: NOW,
        updated_at: NOW,
    }
}
