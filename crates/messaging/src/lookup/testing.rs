//! A memory of look-ups, with what was asked and what was recorded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use msgflash_kernel::{
    AccountId, Clock, FixedClock, NoNudge, Phone, SequentialIds, StoreError, Unit,
};
use time::OffsetDateTime;

use super::ports::{CheckReader, LookupStore, LookupUnit, LookupUnits, MockLookupStore};
use super::{AskNumbers, LookUpNumbers, LookUpPorts, LookupOrder, RunLookups, RunPorts, Verdict};
use crate::instance::ports::MockInstanceReader;
use crate::provider::MockWhatsAppProvider;
use crate::provider::{Address, NumberCheck, ProviderError, WhatsAppProvider};
use crate::testing::{NOW, actor, instance};
use crate::{Instance, InstanceStatus};

/// What the provider and the stores were told.
#[derive(Default)]
pub(super) struct Told {
    pub(super) asked: Vec<Vec<Phone>>,
    pub(super) commits: u32,
}

/// Everything a look-up touches. Units are made beforehand, and used in their order.
pub(super) struct Scene {
    pub(super) clock: Arc<FixedClock>,
    pub(super) instance: Option<Instance>,
    pub(super) known: Vec<Verdict>,
    /// What the provider answers; by itself everybody has WhatsApp.
    pub(super) answers: HashMap<Phone, Option<Address>>,
    /// Numbers it leaves out.
    pub(super) silent: Vec<Phone>,
    pub(super) failure: Option<ProviderError>,
    pub(super) units: Vec<MockLookupStore>,
    pub(super) told: Arc<Mutex<Told>>,
}

impl Default for Scene {
    fn default() -> Self {
        Self {
            clock: Arc::new(FixedClock::at(NOW)),
            instance: Some(instance()),
            known: Vec::new(),
            answers: HashMap::new(),
            silent: Vec::new(),
            failure: None,
            units: Vec::new(),
            told: Arc::default(),
        }
    }
}

impl Scene {
    pub(super) fn told(&self) -> Arc<Mutex<Told>> {
        Arc::clone(&self.told)
    }

    /// The next unit, of which this is expected.
    pub(super) fn unit(mut self, expect: impl FnOnce(&mut MockLookupStore)) -> Self {
        let mut store = MockLookupStore::new();
        expect(&mut store);
        self.units.push(store);
        self
    }

    pub(super) fn with_status(mut self, status: InstanceStatus) -> Self {
        self.instance = Some(Instance {
            status,
            ..instance()
        });
        self
    }

    pub(super) fn start(self) -> LookUpNumbers {
        let clock = self.clock.clone();
        self.start_by(clock)
    }

    /// The same by another clock.
    pub(super) fn start_by(self, clock: Arc<dyn Clock>) -> LookUpNumbers {
        let (units, instances, ask) = self.ports(Arc::clone(&clock));
        LookUpNumbers::new(LookUpPorts {
            units,
            instances,
            ask,
            clock,
            ids: Arc::new(SequentialIds::default()),
            wake: Arc::new(NoNudge),
        })
    }

    pub(super) fn run(self) -> RunLookups {
        let clock = self.clock.clone();
        let (units, instances, ask) = self.ports(clock.clone());
        RunLookups::new(RunPorts {
            units,
            instances,
            ask,
            clock,
        })
    }

    fn ports(
        self,
        clock: Arc<dyn Clock>,
    ) -> (Arc<Units>, Arc<MockInstanceReader>, Arc<AskNumbers>) {
        let told = self.told();
        let mut instances = MockInstanceReader::new();
        let found = self.instance;
        instances
            .expect_find()
            .returning(move |_, id| Ok(found.clone().filter(|it| it.id == id)));
        let mut provider = MockWhatsAppProvider::new();
        let (answers, silent, failure) = (self.answers, self.silent, self.failure);
        let asked = Arc::clone(&told);
        provider.expect_check_numbers().returning(move |_, phones| {
            lock(&asked).asked.push(phones.to_vec());
            if let Some(failure) = &failure {
                return Err(failure.clone());
            }
            // Backwards: nobody may rely on the order.
            let told = phones.iter().rev().filter(|it| !silent.contains(it));
            let checks = told.map(|phone| NumberCheck {
                asked: phone.digits(),
                address: answers
                    .get(phone)
                    .cloned()
                    .unwrap_or(Some(Address::Phone(*phone))),
            });
            Ok(checks.collect())
        });
        let provider: Arc<dyn WhatsAppProvider> = Arc::new(provider);
        let known = Arc::new(Known(self.known));
        let ask = Arc::new(AskNumbers::new(known, provider, clock));
        let mut units = self.units;
        units.reverse();
        let units = Units {
            left: Mutex::new(units),
            told,
        };
        (Arc::new(units), Arc::new(instances), ask)
    }
}

pub(super) fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().expect("no test panics under it")
}

pub(super) fn order(numbers: &[&str]) -> LookupOrder {
    LookupOrder {
        actor: actor(),
        instance: instance().id,
        numbers: numbers.iter().map(|it| (*it).to_owned()).collect(),
    }
}

pub(super) fn phone(digits: &str) -> Phone {
    Phone::from_e164(digits).expect("valid")
}

/// So many numbers that follow each other, as people write them.
pub(super) fn many(count: usize) -> Vec<String> {
    let first = 33_612_000_000_usize;
    (first..first + count).map(|it| format!("+{it}")).collect()
}

/// A clock that a call of the provider takes half a minute by.
pub(super) struct SlowClock(pub(super) Arc<Mutex<Told>>);

impl Clock for SlowClock {
    fn now(&self) -> OffsetDateTime {
        let calls = i32::try_from(lock(&self.0).asked.len()).expect("few");
        NOW + time::Duration::seconds(30) * calls
    }
}

struct Known(Vec<Verdict>);

#[async_trait]
impl CheckReader for Known {
    async fn known(
        &self,
        _: AccountId,
        phones: &[Phone],
        _: OffsetDateTime,
    ) -> Result<Vec<Verdict>, StoreError> {
        let known = self.0.iter().filter(|it| phones.contains(&it.asked));
        Ok(known.copied().collect())
    }
}

struct Units {
    left: Mutex<Vec<MockLookupStore>>,
    told: Arc<Mutex<Told>>,
}

#[async_trait]
impl LookupUnits for Units {
    async fn begin(&self) -> Result<Box<dyn LookupUnit>, StoreError> {
        let store = self.left.lock().expect("no test panics under it").pop();
        Ok(Box::new(FakeUnit {
            store: store.expect("a unit was made beforehand"),
            told: Arc::clone(&self.told),
        }))
    }
}

struct FakeUnit {
    store: MockLookupStore,
    told: Arc<Mutex<Told>>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        lock(&self.told).commits += 1;
        Ok(())
    }
}

impl LookupUnit for FakeUnit {
    fn lookups(&mut self) -> &mut dyn LookupStore {
        &mut self.store
    }
}
