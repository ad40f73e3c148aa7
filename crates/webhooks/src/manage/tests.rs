use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use msgflash_kernel::{
    CountingRandom, Fault as _, FixedClock, Kind, MockReplayStore, Places, ReplayKey, ReplayStore,
    SequentialIds, StoreError, StoredAnswer, Unit, Workspace,
};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::endpoint::PreviousSecret;
use crate::ports::{
    DeliveryStore, EndpointStore, EndpointUnit, MockDeliveryStore, MockEndpointStore,
};

#[derive(Default)]
struct FakeUnit {
    replays: MockReplayStore,
    endpoints: MockEndpointStore,
    deliveries: MockDeliveryStore,
    committed: Arc<AtomicBool>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl EndpointUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn endpoints(&mut self) -> &mut dyn EndpointStore {
        &mut self.endpoints
    }
    fn deliveries(&mut self) -> &mut dyn DeliveryStore {
        &mut self.deliveries
    }
}

struct Units(Mutex<Option<FakeUnit>>);

#[async_trait]
impl EndpointUnits for Units {
    async fn begin(&self) -> Result<Box<dyn EndpointUnit>, StoreError> {
        Ok(Box::new(
            self.0.lock().unwrap().take().expect("one unit per test"),
        ))
    }
}

fn order(url: &str, events: &[&str]) -> EndpointOrder {
    let owner = Id::new(Uuid::from_u128(1));
    EndpointOrder {
        actor: Actor::new(Workspace::personal(owner), owner),
        url: url.into(),
        events: events.iter().map(|name| (*name).to_owned()).collect(),
        cap: Some(3),
    }
}

fn create(unit: FakeUnit) -> CreateEndpoint {
    CreateEndpoint::new(
        Arc::new(Units(Mutex::new(Some(unit)))),
        Arc::new(CountingRandom::default()),
        Arc::new(FixedClock::at(NOW)),
        Arc::new(SequentialIds::default()),
        false,
    )
}

fn holding(taken: u32) -> FakeUnit {
    let mut unit = FakeUnit::default();
    unit.endpoints
        .expect_count_locked()
        .returning(move |_, cap| Ok(Places { taken, cap }));
    unit.endpoints.expect_insert().returning(|_| Ok(()));
    unit
}

#[tokio::test]
async fn repeated_events_are_kept_once() {
    let unit = holding(2);
    let committed = Arc::clone(&unit.committed);
    let order = order(
        "https://example.com/",
        &["message.sent", "message.read", "message.sent"],
    );
    let made = create(unit).create(order, None).await;
    let Ok(Outcome::Done(endpoint)) = made else {
        panic!("{made:?}")
    };
    assert_eq!(
        endpoint.events,
        [EventName::MessageSent, EventName::MessageRead]
    );
    assert!(endpoint.secret.reveal().starts_with("whsec_"));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn the_plan_caps_the_number_of_endpoints() {
    let unit = holding(3);
    let committed = Arc::clone(&unit.committed);
    let refused = create(unit)
        .create(order("https://example.com/", &["message.sent"]), None)
        .await;
    assert!(matches!(refused, Err(WebhookError::TooMany)));
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let refused = create(FakeUnit::default())
        .create(
            order("http://127.0.0.1/", &["message.sent", "message.lost"]),
            None,
        )
        .await;
    let Err(WebhookError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems
        .0
        .iter()
        .map(|problem| problem.field.as_str())
        .collect();
    assert_eq!(fields, ["url", "events.1"]);
}

#[tokio::test]
async fn an_endpoint_of_another_workspace_is_not_found() {
    let mut unit = FakeUnit::default();
    unit.endpoints.expect_delete().returning(|_, _| Ok(false));
    let committed = Arc::clone(&unit.committed);
    let delete = DeleteEndpoint::new(Arc::new(Units(Mutex::new(Some(unit)))));
    let refused = delete
        .delete(Id::new(Uuid::nil()), Id::new(Uuid::nil()))
        .await;
    assert!(matches!(refused, Err(WebhookError::NoEndpoint(_))));
    assert!(!committed.load(Ordering::SeqCst));
}

fn key() -> ReplayKey {
    ReplayKey {
        workspace: Id::new(Uuid::from_u128(1)),
        route: "POST /api/v1/webhooks",
        key: [1; 32],
        request: [2; 32],
    }
}

fn render(endpoint: &Endpoint) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        body: endpoint.url.clone(),
    }
}

/// Creates once per key when this is known about the key.
async fn create_once(mut unit: FakeUnit, claim: Claim) -> Result<Outcome<Endpoint>, WebhookError> {
    unit.replays
        .expect_claim()
        .times(1)
        .returning(move |_, _| Ok(claim.clone()));
    let key = key();
    let once = Once {
        key: &key,
        render: &render,
    };
    let order = order("https://example.com/", &["message.sent"]);
    create(unit).create(order, Some(once)).await
}

#[tokio::test]
async fn a_fresh_key_keeps_the_answer_with_the_endpoint() {
    let mut unit = holding(0);
    unit.replays
        .expect_keep()
        .withf(|_, answer, _| answer.body == "https://example.com/")
        .times(1)
        .returning(|_, _, _| Ok(()));
    let committed = Arc::clone(&unit.committed);
    let made = create_once(unit, Claim::Fresh).await;
    assert!(matches!(made, Ok(Outcome::Done(_))));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_known_key_makes_nothing() {
    let answer = StoredAnswer {
        status: 201,
        body: "kept".into(),
    };
    let unit = FakeUnit::default();
    let committed = Arc::clone(&unit.committed);
    let again = create_once(unit, Claim::Replay(answer.clone())).await;
    assert!(matches!(again, Ok(Outcome::Replayed(kept)) if kept == answer));
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict_that_passes_and_a_misused_one_is_not() {
    for (claim, wait) in [(Claim::Busy, Some(1)), (Claim::Mismatch, None)] {
        let refused = create_once(FakeUnit::default(), claim)
            .await
            .expect_err("a conflict");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Conflict, "CONFLICT")
        );
        assert_eq!(refused.retry_after().map(|wait| wait.as_secs()), wait);
    }
}

const NOW: time::OffsetDateTime = datetime!(2026-05-01 0:00 UTC);

fn stored() -> Endpoint {
    let owner = Id::new(Uuid::from_u128(1));
    Endpoint {
        id: Id::new(Uuid::from_u128(9)),
        workspace: Workspace::personal(owner).id,
        account: Workspace::personal(owner).account,
        created_by: owner,
        url: "https://example.com/".into(),
        secret: msgflash_kernel::Secret::new("whsec_old".into()),
        previous: None,
        events: vec![EventName::MessageSent],
        active: false,
        disabled_reason: Some("The receiver answered 410 Gone".into()),
        created_at: datetime!(2026-04-01 0:00 UTC),
        updated_at: datetime!(2026-04-01 0:00 UTC),
    }
}

fn change(unit: FakeUnit) -> ChangeEndpoint {
    ChangeEndpoint::new(
        Arc::new(Units(Mutex::new(Some(unit)))),
        Arc::new(CountingRandom::default()),
        Arc::new(FixedClock::at(NOW)),
        time::Duration::hours(24),
        false,
    )
}

/// The workspace of the one that is stored.
fn personal() -> Workspace {
    Workspace::personal(Id::new(stored().workspace.uuid()))
}

fn with_others_on(taken: u32) -> FakeUnit {
    let mut unit = holding_one();
    unit.endpoints
        .expect_count_active_locked()
        .withf(|account, but, _| *account == personal().account && *but == stored().id)
        .returning(move |_, _, cap| Ok(Places { taken, cap }));
    unit
}

fn holding_one() -> FakeUnit {
    let mut unit = FakeUnit::default();
    unit.endpoints
        .expect_lock()
        .returning(|_, _| Ok(Some(stored())));
    unit
}

#[tokio::test]
async fn switching_on_forgets_the_reason_and_the_trouble() {
    let mut unit = with_others_on(2);
    unit.endpoints
        .expect_forget_trouble()
        .times(1)
        .returning(|_, _| Ok(()));
    unit.endpoints
        .expect_update()
        .withf(|it| it.active && it.disabled_reason.is_none() && it.updated_at == NOW)
        .times(1)
        .returning(|_| Ok(()));
    let committed = Arc::clone(&unit.committed);
    let on = EndpointChange {
        active: Some(true),
        ..EndpointChange::default()
    };
    let changed = change(unit)
        .change(&personal(), stored().id, on, Some(3))
        .await;
    assert!(changed.is_ok_and(|it| it.url == stored().url && it.events == stored().events));
    assert!(committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn no_more_are_switched_on_than_the_plan_allows() {
    let mut unit = with_others_on(3);
    unit.endpoints
        .expect_forget_trouble()
        .returning(|_, _| Ok(()));
    let committed = Arc::clone(&unit.committed);
    let on = EndpointChange {
        active: Some(true),
        ..EndpointChange::default()
    };
    let refused = change(unit)
        .change(&personal(), stored().id, on, Some(3))
        .await;
    assert!(matches!(refused, Err(WebhookError::TooMany)), "{refused:?}");
    assert!(!committed.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_change_of_nothing_writes_nothing() {
    let nothing = EndpointChange::default();
    let same = change(holding_one())
        .change(&personal(), stored().id, nothing, Some(0))
        .await;
    assert_eq!(same.expect("found"), stored());
}

#[tokio::test]
async fn a_change_is_checked_as_a_new_endpoint_is() {
    let wrong = EndpointChange {
        url: Some("http://127.0.0.1/".into()),
        events: Some(vec![]),
        active: None,
    };
    let refused = change(FakeUnit::default())
        .change(&personal(), stored().id, wrong, Some(3))
        .await;
    let Err(WebhookError::Invalid(problems)) = refused else {
        panic!("{refused:?}")
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["url", "events"]);
}

#[tokio::test]
async fn a_rotated_secret_signs_for_a_day_beside_the_new_one() {
    let mut unit = holding_one();
    unit.endpoints
        .expect_update()
        .times(1)
        .returning(|_| Ok(()));
    let rotated = change(unit)
        .rotate(stored().workspace, stored().id, None)
        .await;
    let Ok(Outcome::Done(endpoint)) = rotated else {
        panic!("{rotated:?}")
    };
    let previous = PreviousSecret {
        secret: stored().secret,
        until: NOW + time::Duration::hours(24),
    };
    assert_eq!(endpoint.previous, Some(previous));
    assert_ne!(endpoint.secret, stored().secret);
}
