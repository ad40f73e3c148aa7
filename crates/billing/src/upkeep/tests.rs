use std::sync::Mutex;

use msgflash_kernel::{Id, Unit};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::catalogue::{Catalogue, DEFAULT};
use crate::change::ChangePlan;
use crate::effects::{Effects, HeldInstance, InstanceState};
use crate::model::{Model, START};
use crate::ports::{MockBillingQueue, MockPlanStore, PlanStore, PlanUnit};
use crate::provider::MockPaymentProvider;
use crate::sample::{self, account, month, paid};
use crate::settle::HandleEvent;

async fn paying_for(code: &str) -> Model {
    let text = DEFAULT.replacen(
        "name = \"Pro\"\n",
        "name = \"Pro\"\nproducts = { stripe = \"price_pro_2\" }\n",
        1,
    );
    let model = Model::on("free").offering(Catalogue::parse(&text).unwrap());
    let events = HandleEvent::new(model.ports(), model.queue());
    events.handle(&paid("sub_1", code, 0)).await.unwrap();
    model
}

/// A provider that notes what it is told, and answers so.
fn stripe(
    answer: Result<(), ProviderError>,
) -> (Arc<dyn PaymentProvider>, Arc<Mutex<Vec<Instruction>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let mut provider = MockPaymentProvider::new();
    provider.expect_name().return_const(BillingProvider::Stripe);
    let noted = Arc::clone(&heard);
    provider
        .expect_instruct()
        .returning(move |reference, instruction| {
            assert!(reference.starts_with("sub_"));
            noted.lock().unwrap().push(instruction.clone());
            answer.clone()
        });
    (Arc::new(provider), heard)
}

async fn tell_all(model: &Model, provider: Arc<dyn PaymentProvider>) {
    let tell = TellProviders::new(model.ports(), model.queue(), [provider]);
    while tell.tick(&|_, _| ()).await.unwrap() != Tick::Idle {}
}

#[tokio::test]
async fn a_provider_is_told_of_each_change_once() {
    let model = paying_for("max").await;
    let change = ChangePlan::new(model.ports());
    let (provider, heard) = stripe(Ok(()));
    tell_all(&model, Arc::clone(&provider)).await;
    assert!(heard.lock().unwrap().is_empty());
    change.lower(account(), "pro").await.unwrap();
    tell_all(&model, Arc::clone(&provider)).await;
    change.keep(account()).await.unwrap();
    tell_all(&model, Arc::clone(&provider)).await;
    change.cancel(account()).await.unwrap();
    tell_all(&model, Arc::clone(&provider)).await;
    tell_all(&model, provider).await;
    let product = |product: &str| Instruction::Charge {
        product: product.to_owned(),
    };
    // What was bought keeps its price, whatever the catalogue says by now.
    let expected = [
        product("price_pro_2"),
        product("price_max"),
        Instruction::Stop,
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test]
async fn a_provider_that_fails_is_asked_again() {
    let model = paying_for("max").await;
    ChangePlan::new(model.ports())
        .cancel(account())
        .await
        .unwrap();
    let (provider, heard) = stripe(Err(ProviderError::Unavailable));
    let tell = TellProviders::new(model.ports(), model.queue(), [provider]);
    let failures = Mutex::new(0);
    let count = |_: &Agreement, _: &ProviderError| *failures.lock().unwrap() += 1;
    assert_eq!(tell.tick(&count).await.unwrap(), Tick::Did(1));
    assert_eq!(tell.tick(&count).await.unwrap(), Tick::Did(1));
    assert_eq!(
        (heard.lock().unwrap().len(), *failures.lock().unwrap()),
        (2, 2)
    );
    assert!(model.get().current().unwrap().is_untold());
}

#[tokio::test]
async fn an_agreement_that_was_let_go_is_ended() {
    let model = paying_for("pro").await;
    ChangePlan::new(model.ports())
        .cancel(account())
        .await
        .unwrap();
    model.clock().advance(month(0).end - START);
    let calendar = TurnCalendar::new(model.ports(), model.queue());
    assert_eq!(calendar.tick().await.unwrap(), Tick::Did(1));
    assert_eq!(calendar.tick().await.unwrap(), Tick::Idle);
    assert_eq!(
        (model.code().as_str(), model.get().current()),
        ("free", None)
    );
    let (provider, heard) = stripe(Ok(()));
    tell_all(&model, provider).await;
    assert_eq!(*heard.lock().unwrap(), [Instruction::End]);
}

#[tokio::test]
async fn a_calendar_that_stood_still_for_months_is_brought_up_once() {
    let model = paying_for("pro").await;
    model.clock().advance(Duration::days(300));
    let calendar = TurnCalendar::new(model.ports(), model.queue());
    calendar.tick().await.unwrap();
    calendar.tick().await.unwrap();
    assert_eq!(
        model.told(),
        ["plan_changed", "payment_failed", "subscription_expired"]
    );
    assert_eq!(model.code(), "pro", "nothing is taken away");
    assert!(model.get().applied.is_empty());
}

#[tokio::test]
async fn whoever_is_found_by_a_wrong_date_gets_the_right_one() {
    let model = paying_for("pro").await;
    let stranger = Id::new(Uuid::from_u128(0xbad));
    let mut queue = MockBillingQueue::new();
    queue
        .expect_due()
        .returning(move |_, _| Ok(vec![stranger, account()]));
    let before = model.get();
    let calendar = TurnCalendar::new(model.ports(), Arc::new(queue));
    assert_eq!(calendar.tick().await.unwrap(), Tick::Did(2));
    let after = model.get();
    assert_eq!(after.subscription, before.subscription);
    assert_eq!(after.saves, before.saves + 1);
}

#[tokio::test]
async fn whoever_is_found_gets_the_places_that_became_free() {
    let model = paying_for("pro").await;
    let suspended = HeldInstance {
        id: Id::new(Uuid::from_u128(0x1)),
        state: InstanceState::SuspendedByPlan,
        created_at: START,
    };
    model.set(|stored| stored.holdings.instances = vec![suspended]);
    let mut queue = MockBillingQueue::new();
    queue.expect_due().returning(|_, _| Ok(vec![account()]));
    let told = model.told();
    let calendar = TurnCalendar::new(model.ports(), Arc::new(queue));
    calendar.tick().await.unwrap();
    let expected = Effects {
        release: vec![suspended.id],
        ..Effects::default()
    };
    assert_eq!(model.get().applied, [expected]);
    assert_eq!(model.told(), told, "the plan is as before");
}

/// Adds dearer terms of Pro to the stored plans.
fn dearer(model: &Model) {
    let mut plan = sample::plan(&Catalogue::default(), "pro");
    plan.id = Id::new(Uuid::from_u128(0xdea));
    plan.price = 29;
    plan.limits.max_instances = Some(3);
    model.set(|stored| stored.plans.push(plan));
}

struct Plans(Mutex<Option<MockPlanStore>>);
struct Unused(MockPlanStore);

#[async_trait::async_trait]
impl PlanUnits for Plans {
    async fn begin(&self) -> Result<Box<dyn PlanUnit>, StoreError> {
        let plans = self.0.lock().unwrap().take().expect("asked once");
        Ok(Box::new(Unused(plans)))
    }
}
#[async_trait::async_trait]
impl Unit for Unused {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}
impl PlanUnit for Unused {
    fn plans(&mut self) -> &mut dyn PlanStore {
        &mut self.0
    }
}

fn sync(model: &Model, store: MockPlanStore) -> SyncCatalogue {
    let plans = Arc::new(Plans(Mutex::new(Some(store))));
    SyncCatalogue::new(model.ports(), plans, model.queue())
}

#[tokio::test]
async fn subscribers_keep_their_terms_unless_the_catalogue_says_otherwise() {
    let model = paying_for("pro").await;
    dearer(&model);
    let kept = sync(&model, MockPlanStore::new());
    assert_eq!(kept.tick().await.unwrap(), Tick::Idle);
    assert_eq!(model.get().plan(model.get().subscription.plan).price, 19);
    let moved = DEFAULT.replacen("\"grandfathered\"", "\"moved\"", 1);
    // Another process has other terms, and wrote them: they are not ours to give.
    let model = model.offering(Catalogue::parse(&moved).unwrap());
    let others = sync(&model, MockPlanStore::new());
    assert_eq!(others.tick().await.unwrap(), Tick::Idle);
    assert_eq!(model.get().plan(model.get().subscription.plan).price, 19);
    let own = moved.replacen("price = 19", "price = 29", 1);
    let own = own.replacen("max_instances = 5", "max_instances = 3", 1);
    let model = model.offering(Catalogue::parse(&own).unwrap());
    let moved = sync(&model, MockPlanStore::new());
    assert_eq!(moved.tick().await.unwrap(), Tick::Did(1));
    assert_eq!(moved.tick().await.unwrap(), Tick::Idle);
    assert_eq!(model.get().plan(model.get().subscription.plan).price, 29);
}

/// A store that cannot begin.
struct Away;

#[async_trait::async_trait]
impl crate::ports::BillingUnits for Away {
    async fn begin(&self) -> Result<Box<dyn crate::ports::BillingUnit>, StoreError> {
        Err(StoreError::Stale("plans"))
    }
}

#[tokio::test]
async fn who_cannot_be_brought_up_lets_others_go_first() {
    let stranger = |n| Id::new(Uuid::from_u128(n));
    let mut queue = MockBillingQueue::new();
    let due = move |_, _| Ok(vec![stranger(1), stranger(2)]);
    queue.expect_due().returning(due);
    let postponed = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&postponed);
    queue.expect_postpone().returning(move |account, until| {
        noted.lock().unwrap().push((account, until));
        Ok(())
    });
    let mut ports = Model::on("free").ports();
    ports.units = Arc::new(Away);
    let calendar = TurnCalendar::new(ports, Arc::new(queue));
    calendar.tick().await.unwrap_err();
    let until = START + Duration::minutes(5);
    let expected = [(stranger(1), until), (stranger(2), until)];
    assert_eq!(*postponed.lock().unwrap(), expected);
}

#[tokio::test]
async fn the_stored_plans_become_those_of_the_catalogue() {
    let model = Model::on("free");
    let mut store = MockPlanStore::new();
    store.expect_lock_newest().returning(|| Ok(Vec::new()));
    let written = store.expect_change().times(1);
    written.returning(|changes, ids| {
        assert_eq!((changes.len(), ids.len()), (5, 5));
        Ok(())
    });
    assert_eq!(sync(&model, store).write().await.unwrap(), 5);
    let mut store = MockPlanStore::new();
    let plans = model.get().plans;
    store
        .expect_lock_newest()
        .returning(move || Ok(plans.clone()));
    assert_eq!(sync(&model, store).write().await.unwrap(), 0);
}
