use std::sync::Mutex;

use msgflash_contacts::MockContactReader;
use msgflash_kernel::{FixedClock, NoNudge, ReplayKey, SequentialIds, StoreError, StoredAnswer};
use msgflash_quotas::{MockUsageReader, Usage};
use time::Duration;

use super::*;
use crate::instance::ports::MockInstanceReader;
use crate::message::content::{Button, ButtonAction, Buttons};
use crate::message::ports::AcceptUnit;
use crate::safety::Window;
use crate::testing::{FakeUnit, NOW, actor, instance, phone};

/// Hands out one prepared unit.
struct Units(Mutex<Option<FakeUnit>>);

#[async_trait::async_trait]
impl AcceptUnits for Units {
    async fn begin(&self) -> Result<Box<dyn AcceptUnit>, StoreError> {
        let unit = self
            .0
            .lock()
            .expect("unpoisoned")
            .take()
            .expect("one unit per test");
        Ok(Box::new(unit))
    }
}

fn order(content: Content) -> SendOrder {
    SendOrder {
        actor: actor(),
        outbound_limit: Some(500),
        instance: instance().id,
        to: "+33 6 12 34 56 78".into(),
        content: Wanted::Direct(content),
        contact: None,
        scheduled_at: None,
        request_id: Some("req-1".into()),
    }
}

fn text() -> Content {
    Content::Text("Hello".into())
}

fn use_case(instance: Option<Instance>, unit: FakeUnit, usage: Usage) -> SendMessage {
    let mut instances = MockInstanceReader::new();
    instances
        .expect_find()
        .returning(move |_, _| Ok(instance.clone()));
    instances
        .expect_window()
        .returning(|_, _| Ok(Window::default()));
    let mut contacts = MockContactReader::new();
    contacts.expect_find().returning(|_, _| Ok(None));
    let mut reader = MockUsageReader::new();
    reader.expect_usage().returning(move |_, _| Ok(usage));
    SendMessage::new(SendPorts {
        units: Arc::new(Units(Mutex::new(Some(unit)))),
        instances: Arc::new(instances),
        contacts: Arc::new(contacts),
        usage: Arc::new(reader),
        clock: Arc::new(FixedClock::at(NOW)),
        ids: Arc::new(SequentialIds::default()),
        nudge: Arc::new(NoNudge),
    })
}

/// A unit that grants `granted` and expects the writes of one acceptance.
fn granting(granted: u32, pushed: Option<QueueState>) -> FakeUnit {
    let mut unit = FakeUnit::default();
    unit.ledger.expect_reserve().returning(move |wants| {
        assert_eq!(
            (wants.len(), wants[0].count, wants[0].limit),
            (1, 1, Some(500))
        );
        Ok(vec![granted])
    });
    if let Some(state) = pushed {
        unit.messages.expect_insert().times(1).returning(|new| {
            assert_eq!((new.len(), new[0].status), (1, MessageStatus::Queued));
            assert_eq!(new[0].peer, Some(phone()));
            Ok(())
        });
        unit.queue.expect_push().times(1).returning(move |entries| {
            assert_eq!((entries.len(), entries[0].state), (1, state));
            assert_eq!(entries[0].period.is_some(), state == QueueState::Ready);
            Ok(())
        });
    }
    unit
}

#[tokio::test]
async fn accepts_reserves_and_commits_together() {
    let unit = granting(1, Some(QueueState::Ready));
    let committed = unit.watch();
    let outcome = use_case(Some(instance()), unit, Usage::default())
        .accept(order(text()), None)
        .await;
    let Ok(Outcome::Done(sent)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(sent.message.peer, Some(phone()));
    assert_eq!(sent.safety.decision(), "allow");
    assert!(sent.warnings.is_empty());
    assert!(committed());
}

#[tokio::test]
async fn keeps_nothing_when_the_quota_is_spent() {
    let unit = granting(0, None);
    let committed = unit.watch();
    let refused = use_case(Some(instance()), unit, Usage::default())
        .accept(order(text()), None)
        .await;
    assert!(matches!(
        refused,
        Err(MessagingError::Quota(QuotaError::Outbound(_)))
    ));
    assert!(!committed());
}

#[tokio::test]
async fn schedules_without_reserving() {
    let unit = granting(99, Some(QueueState::Waiting));
    let mut later = order(text());
    later.scheduled_at = Some(NOW + Duration::HOUR);
    let outcome = use_case(Some(instance()), unit, Usage::default())
        .accept(later, None)
        .await;
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
}

#[tokio::test]
async fn a_past_time_means_now() {
    let unit = granting(1, Some(QueueState::Ready));
    let mut past = order(text());
    past.scheduled_at = Some(NOW - Duration::HOUR);
    let outcome = use_case(Some(instance()), unit, Usage::default())
        .accept(past, None)
        .await;
    assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
}

#[tokio::test]
async fn refuses_to_schedule_on_a_spent_month() {
    let spent = Usage {
        messages: 400,
        statuses: 0,
        reserved: 100,
    };
    let mut later = order(text());
    later.scheduled_at = Some(NOW + Duration::HOUR);
    let refused = use_case(Some(instance()), FakeUnit::default(), spent)
        .accept(later, None)
        .await;
    assert!(matches!(refused, Err(MessagingError::Quota(_))));
}

#[tokio::test]
async fn what_is_missing_comes_before_what_is_impossible() {
    let mut wrong = order(text());
    wrong.to = "0612".into();
    let sender = use_case(None, FakeUnit::default(), Usage::default());
    let refused = sender.accept(wrong.clone(), None).await;
    assert!(matches!(refused, Err(MessagingError::NoInstance(_))));

    let sender = use_case(Some(instance()), FakeUnit::default(), Usage::default());
    let mut linked = wrong.clone();
    linked.contact = Some(Id::new(Uuid::from_u128(9)));
    assert!(matches!(
        sender.accept(linked, None).await,
        Err(MessagingError::NoContact(_))
    ));
    let mut templated = wrong.clone();
    templated.content = Wanted::Template(Uuid::from_u128(9));
    assert!(matches!(
        sender.accept(templated, None).await,
        Err(MessagingError::NoTemplate)
    ));
    let refused = sender.accept(wrong, None).await;
    assert!(matches!(
        refused,
        Err(MessagingError::InvalidDestination(_))
    ));
}

#[tokio::test]
async fn a_suspended_instance_accepts_nothing() {
    let suspended = Instance {
        status: InstanceStatus::Suspended,
        ..instance()
    };
    let sender = use_case(Some(suspended), FakeUnit::default(), Usage::default());
    let refused = sender.accept(order(text()), None).await;
    assert!(matches!(refused, Err(MessagingError::Suspended)));
}

fn buttons(actions: &[ButtonAction]) -> Content {
    let buttons = actions.iter().map(|action| Button {
        text: "Go".into(),
        action: action.clone(),
    });
    Content::Buttons(Buttons {
        title: "T".into(),
        description: "D".into(),
        footer: None,
        buttons: buttons.collect(),
    })
}

#[tokio::test]
async fn buttons_are_refused_only_for_numbers_known_not_to_be_business() {
    let choice = buttons(&[ButtonAction::Reply("yes".into())]);
    let personal = Instance {
        is_business: Some(false),
        ..instance()
    };
    let sender = use_case(Some(personal), FakeUnit::default(), Usage::default());
    let refused = sender.accept(order(choice.clone()), None).await;
    assert!(matches!(refused, Err(MessagingError::ButtonsNeedBusiness)));

    let sender = use_case(
        Some(instance()),
        granting(1, Some(QueueState::Ready)),
        Usage::default(),
    );
    assert!(sender.accept(order(choice), None).await.is_ok());
}

#[tokio::test]
async fn a_mix_that_whatsapp_refuses_is_warned_about_where_it_goes_out_natively() {
    let mixed = buttons(&[
        ButtonAction::Reply("a".into()),
        ButtonAction::Url("https://x.test".into()),
    ]);
    let native = Instance {
        native_buttons: true,
        ..instance()
    };
    let sender = use_case(
        Some(native),
        granting(1, Some(QueueState::Ready)),
        Usage::default(),
    );
    let outcome = sender.accept(order(mixed), None).await;
    let Ok(Outcome::Done(sent)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(sent.warnings.len(), 1);
}

fn key() -> ReplayKey {
    ReplayKey {
        workspace: actor().workspace.id,
        route: "r",
        key: [1; 32],
        request: [2; 32],
    }
}

#[tokio::test]
async fn a_repeated_request_gets_the_first_answer_and_writes_nothing() {
    let answer = StoredAnswer {
        status: 201,
        body: "{}".into(),
    };
    let mut unit = FakeUnit::default();
    let stored = answer.clone();
    unit.replays
        .expect_claim()
        .returning(move |_, _| Ok(Claim::Replay(stored.clone())));
    let committed = unit.watch();
    let sender = use_case(Some(instance()), unit, Usage::default());
    let render = |_: &SentMessage| StoredAnswer {
        status: 201,
        body: "new".into(),
    };
    let once = Once {
        key: &key(),
        render: &render,
    };
    let outcome = sender.accept(order(text()), Some(once)).await;
    let Ok(Outcome::Replayed(replayed)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(replayed, answer);
    assert!(!committed());
}

#[tokio::test]
async fn the_answer_is_kept_in_the_same_transaction() {
    let mut unit = granting(1, Some(QueueState::Ready));
    unit.replays
        .expect_claim()
        .returning(|_, _| Ok(Claim::Fresh));
    unit.replays
        .expect_keep()
        .times(1)
        .returning(|_, answer, _| {
            assert_eq!(answer.body, "Hello");
            Ok(())
        });
    let committed = unit.watch();
    let sender = use_case(Some(instance()), unit, Usage::default());
    let render = |sent: &SentMessage| StoredAnswer {
        status: 201,
        body: sent.message.body.clone().unwrap_or_default(),
    };
    let once = Once {
        key: &key(),
        render: &render,
    };
    assert!(sender.accept(order(text()), Some(once)).await.is_ok());
    assert!(committed());
}

#[tokio::test]
async fn a_key_with_another_body_or_still_at_work_is_a_conflict() {
    for (claim, expected) in [(Claim::Mismatch, "another"), (Claim::Busy, "still")] {
        let mut unit = FakeUnit::default();
        unit.replays
            .expect_claim()
            .return_once(move |_, _| Ok(claim));
        let sender = use_case(Some(instance()), unit, Usage::default());
        let render = |_: &SentMessage| StoredAnswer {
            status: 201,
            body: String::new(),
        };
        let once = Once {
            key: &key(),
            render: &render,
        };
        let error = sender
            .accept(order(text()), Some(once))
            .await
            .expect_err("a conflict");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
