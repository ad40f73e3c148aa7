//! A store in memory, for tests: a unit works on a copy that replaces the original when it is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use msgflash_kernel::{AccountId, FixedClock, NoAnnouncement, SequentialIds, StoreError, Unit};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::agreement::{Agreement, AgreementId, Wish};
use crate::catalogue::Catalogue;
use crate::checkout::Checkout;
use crate::effects::{Effects, EndpointState, Holdings, InstanceState};
use crate::event::{CheckoutId, PaymentEvent};
use crate::notice::{Meter, Notice, Threshold};
use crate::payment::{PaymentNews, PaymentStatus};
use crate::plan::{Plan, PlanId};
use crate::ports::{
    BillingQueue, BillingUnit, BillingUnits, CheckoutStore, EventStore, HoldingStore, NoticeStore,
    Standing, StandingStore, TeamLoad,
};
use crate::provider::CheckoutPage;
use crate::sample;
use crate::subscription::{BillingProvider, Subscription};
use crate::turn::BillingPorts;

/// When tests begin.
pub(crate) const START: OffsetDateTime = datetime!(2026-05-03 9:00 UTC);

/// What is stored. There is one account.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) subscription: Subscription,
    pub(crate) plans: Vec<Plan>,
    pub(crate) agreements: Vec<Agreement>,
    pub(crate) events: BTreeSet<(&'static str, String)>,
    pub(crate) payments: BTreeMap<String, PaymentNews>,
    pub(crate) refunds: BTreeSet<String>,
    pub(crate) checkouts: Vec<Checkout>,
    pub(crate) teams: Vec<TeamLoad>,
    pub(crate) holdings: Holdings,
    pub(crate) applied: Vec<Effects>,
    pub(crate) notices: Vec<Notice>,
    pub(crate) told: BTreeMap<(i32, Meter), Threshold>,
    /// Who could not be brought up.
    pub(crate) postponed: Vec<AccountId>,
    /// How often the subscription was written.
    pub(crate) saves: u32,
}

/// The store, and the ports made of it.
#[derive(Clone)]
pub(crate) struct Model {
    stored: Arc<Mutex<Stored>>,
    clock: Arc<FixedClock>,
    ids: Arc<SequentialIds>,
    catalogue: Arc<Catalogue>,
}

impl Model {
    /// An account on the plan of this code, active and without an end.
    pub(crate) fn on(code: &str) -> Self {
        let catalogue = sample::catalogue();
        let codes = catalogue.offers().iter();
        let plans: Vec<_> = codes.map(|it| sample::plan(&catalogue, &it.code)).collect();
        let sold = plans.iter().filter(|it| it.price > 0);
        let checkouts = sold.map(sample::checkout).collect();
        let stored = Stored {
            subscription: sample::subscription(&sample::plan(&catalogue, code)),
            plans,
            agreements: Vec::new(),
            events: BTreeSet::new(),
            payments: BTreeMap::new(),
            refunds: BTreeSet::new(),
            checkouts,
            teams: Vec::new(),
            holdings: Holdings::default(),
            applied: Vec::new(),
            notices: Vec::new(),
            told: BTreeMap::new(),
            postponed: Vec::new(),
            saves: 0,
        };
        Self {
            stored: Arc::new(Mutex::new(stored)),
            clock: Arc::new(FixedClock::at(START)),
            ids: Arc::default(),
            catalogue: Arc::new(catalogue),
        }
    }

    /// The same with another catalogue on top of the stored plans.
    pub(crate) fn offering(mut self, catalogue: Catalogue) -> Self {
        self.catalogue = Arc::new(catalogue);
        self
    }

    pub(crate) fn clock(&self) -> &FixedClock {
        &self.clock
    }

    pub(crate) fn ports(&self) -> BillingPorts {
        BillingPorts {
            units: Arc::new(self.clone()),
            catalogue: Arc::clone(&self.catalogue),
            announce: Arc::new(NoAnnouncement),
            clock: self.clock.clone(),
            ids: self.ids.clone(),
        }
    }

    pub(crate) fn queue(&self) -> Arc<dyn BillingQueue> {
        Arc::new(self.clone())
    }

    /// What is stored now.
    pub(crate) fn get(&self) -> Stored {
        self.lock().clone()
    }

    /// Changes what is stored.
    pub(crate) fn set(&self, change: impl FnOnce(&mut Stored)) {
        change(&mut self.lock());
    }

    /// The code of the plan that is held.
    pub(crate) fn code(&self) -> String {
        let stored = self.get();
        stored.plan(stored.subscription.plan).code
    }

    /// The kinds of all notices, in their order.
    pub(crate) fn told(&self) -> Vec<&'static str> {
        self.get()
            .notices
            .iter()
            .map(|it| it.kind.as_str())
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Stored> {
        self.stored
            .lock()
            .expect("no test panics while it holds the store")
    }
}

impl Stored {
    pub(crate) fn plan(&self, id: PlanId) -> Plan {
        let found = self.plans.iter().find(|it| it.id == id);
        found.expect("a plan that is held is stored").clone()
    }

    pub(crate) fn current(&self) -> Option<&Agreement> {
        self.agreements.iter().find(|it| it.is_current)
    }
}

impl Holdings {
    fn become_so(&mut self, effects: &Effects) {
        for it in &mut self.instances {
            if effects.suspend.contains(&it.id) {
                it.state = InstanceState::SuspendedByPlan;
            } else if effects.release.contains(&it.id) {
                it.state = InstanceState::Loose;
            }
        }
        self.keys.retain(|it| !effects.revoke.contains(&it.id));
        for it in &mut self.endpoints {
            if effects.disable.contains(&it.id) {
                it.state = EndpointState::OffByPlan;
            } else if effects.enable.contains(&it.id) {
                it.state = EndpointState::Active;
            }
        }
    }
}

struct ModelUnit {
    copy: Stored,
    model: Model,
}

#[async_trait]
impl BillingUnits for Model {
    async fn begin(&self) -> Result<Box<dyn BillingUnit>, StoreError> {
        let (copy, model) = (self.get(), self.clone());
        Ok(Box::new(ModelUnit { copy, model }))
    }
}

#[async_trait]
impl Unit for ModelUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        let current = self.copy.agreements.iter().filter(|it| it.is_current);
        assert!(
            current.count() <= 1,
            "the database has a unique index for this"
        );
        *self.model.lock() = self.copy;
        Ok(())
    }
}

impl BillingUnit for ModelUnit {
    fn standings(&mut self) -> &mut dyn StandingStore {
        self
    }
    fn events(&mut self) -> &mut dyn EventStore {
        self
    }
    fn checkouts(&mut self) -> &mut dyn CheckoutStore {
        self
    }
    fn holdings(&mut self) -> &mut dyn HoldingStore {
        self
    }
    fn notices(&mut self) -> &mut dyn NoticeStore {
        self
    }
}

#[async_trait]
impl StandingStore for ModelUnit {
    async fn lock(&mut self, account: AccountId) -> Result<Option<Standing>, StoreError> {
        let subscription = self.copy.subscription.clone();
        Ok((subscription.account == account).then(|| Standing {
            plan: self.copy.plan(subscription.plan),
            agreement: self.copy.current().cloned(),
            subscription,
        }))
    }
    async fn save(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.copy.subscription = subscription.clone();
        self.copy.saves += 1;
        Ok(())
    }
    async fn newest_plan(&mut self, code: &str) -> Result<Option<Plan>, StoreError> {
        let found = self.copy.plans.iter().rfind(|it| it.code == code);
        Ok(found.cloned())
    }
    async fn plan(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        Ok(self.copy.plans.iter().find(|it| it.id == id).cloned())
    }
    async fn agreement(
        &mut self,
        _: AccountId,
        provider: BillingProvider,
        reference: &str,
    ) -> Result<Option<Agreement>, StoreError> {
        let mut all = self.copy.agreements.iter();
        let found = all.find(|it| it.provider == provider && it.reference == reference);
        Ok(found.cloned())
    }
    async fn save_agreement(&mut self, agreement: &Agreement) -> Result<(), StoreError> {
        self.copy.agreements.retain(|it| it.id != agreement.id);
        self.copy.agreements.push(agreement.clone());
        Ok(())
    }
    async fn teams(
        &mut self,
        _: AccountId,
        _: OffsetDateTime,
    ) -> Result<Vec<TeamLoad>, StoreError> {
        Ok(self.copy.teams.clone())
    }
}

#[async_trait]
impl EventStore for ModelUnit {
    async fn record(
        &mut self,
        event: &PaymentEvent,
        _: AccountId,
        _: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let key = (event.provider.as_str(), event.id.clone());
        Ok(self.copy.events.insert(key))
    }
    async fn account_of(&mut self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError> {
        let key = (event.provider.as_str(), event.id.clone());
        let is_known = self.copy.events.contains(&key);
        Ok(is_known.then_some(self.copy.subscription.account))
    }
    async fn note_payment(&mut self, news: &PaymentNews) -> Result<(), StoreError> {
        let mut news = news.clone();
        if self.copy.refunds.contains(&news.reference) {
            news.status = PaymentStatus::Refunded;
        }
        let known = self.copy.payments.get_mut(&news.reference);
        match known {
            Some(it) if it.status.may_become(news.status) => it.status = news.status,
            Some(_) => {}
            None => drop(self.copy.payments.insert(news.reference.clone(), news)),
        }
        Ok(())
    }
    async fn note_refund(
        &mut self,
        _: BillingProvider,
        payment: &str,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.copy.refunds.insert(payment.to_owned());
        if let Some(it) = self.copy.payments.get_mut(payment) {
            it.status = PaymentStatus::Refunded;
        }
        Ok(())
    }
}

#[async_trait]
impl CheckoutStore for ModelUnit {
    async fn insert(&mut self, checkout: &Checkout) -> Result<(), StoreError> {
        self.copy.checkouts.push(checkout.clone());
        Ok(())
    }
    async fn find(&mut self, id: CheckoutId) -> Result<Option<Checkout>, StoreError> {
        Ok(self.copy.checkouts.iter().find(|it| it.id == id).cloned())
    }
    async fn open(
        &mut self,
        _: AccountId,
        plan: &str,
        provider: BillingProvider,
        since: OffsetDateTime,
    ) -> Result<Option<Checkout>, StoreError> {
        let mut all = self.copy.checkouts.iter();
        let found = all.rfind(|it| {
            self.copy.plan(it.plan).code == plan
                && it.provider == provider
                && it.paid_at.is_none()
                && it.created_at > since
        });
        Ok(found.cloned())
    }
    async fn set_page(
        &mut self,
        id: CheckoutId,
        page: &CheckoutPage,
    ) -> Result<CheckoutPage, StoreError> {
        let mut all = self.copy.checkouts.iter_mut();
        let it = all.find(|it| it.id == id).expect("it was begun");
        Ok(it.page.get_or_insert_with(|| page.clone()).clone())
    }
    async fn set_paid(&mut self, id: CheckoutId, at: OffsetDateTime) -> Result<(), StoreError> {
        for it in self.copy.checkouts.iter_mut().filter(|it| it.id == id) {
            it.paid_at.get_or_insert(at);
        }
        Ok(())
    }
}

#[async_trait]
impl HoldingStore for ModelUnit {
    async fn held(&mut self, _: AccountId) -> Result<Holdings, StoreError> {
        Ok(self.copy.holdings.clone())
    }
    async fn apply(
        &mut self,
        _: AccountId,
        effects: &Effects,
        _: OffsetDateTime,
    ) -> Result<(), StoreError> {
        self.copy.applied.push(effects.clone());
        self.copy.holdings.become_so(effects);
        Ok(())
    }
}

#[async_trait]
impl NoticeStore for ModelUnit {
    async fn append(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        self.copy.notices.extend_from_slice(notices);
        Ok(())
    }
    async fn told(
        &mut self,
        _: AccountId,
        period: i32,
        meter: Meter,
    ) -> Result<Option<Threshold>, StoreError> {
        Ok(self.copy.told.get(&(period, meter)).copied())
    }
    async fn set_told(
        &mut self,
        _: AccountId,
        period: i32,
        meter: Meter,
        threshold: Threshold,
    ) -> Result<(), StoreError> {
        self.copy.told.insert((period, meter), threshold);
        Ok(())
    }
}

#[async_trait]
impl BillingQueue for Model {
    async fn due(&self, now: OffsetDateTime, _: u32) -> Result<Vec<AccountId>, StoreError> {
        let it = self.get().subscription;
        let is_due = it.due_at().is_some_and(|at| at <= now);
        Ok(is_due.then_some(it.account).into_iter().collect())
    }
    async fn postpone(&self, account: AccountId, _: OffsetDateTime) -> Result<(), StoreError> {
        self.set(|stored| stored.postponed.push(account));
        Ok(())
    }
    async fn outdated(&self, newest: PlanId, _: u32) -> Result<Vec<AccountId>, StoreError> {
        let stored = self.get();
        let held = stored.plan(stored.subscription.plan);
        let is_old = held.id != newest && held.code == stored.plan(newest).code;
        Ok(is_old
            .then_some(stored.subscription.account)
            .into_iter()
            .collect())
    }
    async fn payer(&self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError> {
        let stored = self.get();
        let reference = event.agreement.as_ref();
        let known = stored
            .agreements
            .iter()
            .any(|it| Some(&it.reference) == reference);
        let account = stored.subscription.account;
        let named = event.origin.account == Some(account);
        Ok((known || named).then_some(account))
    }
    async fn claim_untold(
        &self,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<Option<Agreement>, StoreError> {
        Ok(self.get().agreements.into_iter().find(Agreement::is_untold))
    }
    async fn set_told(&self, id: AgreementId, told: &Wish) -> Result<(), StoreError> {
        self.set(|stored| {
            for it in stored.agreements.iter_mut().filter(|it| it.id == id) {
                it.told = told.clone();
            }
        });
        Ok(())
    }
    async fn put_off(&self, _: AgreementId, _: OffsetDateTime) -> Result<(), StoreError> {
        Ok(())
    }
}
