use msgflash_contacts::suppression::{Source, Suppression};
use msgflash_contacts::{MockContactReader, MockSuppressionReader};
use msgflash_kernel::{FixedClock, ReplayKey, SequentialIds, StoredAnswer};
use msgflash_templates::{MockContextSource, MockTemplateReader, TemplateError};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::dispatch::ports::NoWake;
use crate::instance::ports::MockInstanceReader;
use crate::message::accept::{AcceptPorts, acceptor};
use crate::message::content::{Button, ButtonAction, Buttons};
use crate::message::ports::FakeAcceptance;
use crate::safety::Window;
use crate::testing::{NOW, actor, instance, phone};

pub(super) fn order(content: Content) -> SendOrder {
    SendOrder {
        actor: actor(),
        key: Some(Id::new(Uuid::from_u128(0xC0))),
        instance: instance().id,
        to: "+33 6 12 34 56 78".into(),
        content: Wanted::Direct(content),
        contact: None,
        scheduled_at: None,
        ignore_suppression: false,
        request_id: Some("req-1".into()),
    }
}

fn text() -> Content {
    Content::Text("Hello".into())
}

fn use_case(instance: Option<Instance>, desk: &FakeAcceptance) -> SendMessage {
    let mut templates = MockTemplateReader::new();
    templates.expect_find().returning(|_, _| Ok(None));
    let context = MockContextSource::new();
    let render = RenderTemplate::new(Arc::new(templates), Arc::new(context));
    use_case_over(instance, desk, render)
}

/// Who is on the list of every workspace.
pub(super) const UNWILLING: &str = "+33612345699";

fn suppressions() -> MockSuppressionReader {
    let mut suppressions = MockSuppressionReader::new();
    suppressions.expect_find().returning(|_, phone| {
        Ok((phone.to_string() == UNWILLING).then_some(Suppression {
            phone,
            source: Source::Manual,
            reason: None,
            instance: None,
            created_at: NOW,
        }))
    });
    suppressions
}

pub(super) fn use_case_over(
    instance: Option<Instance>,
    desk: &FakeAcceptance,
    templates: RenderTemplate,
) -> SendMessage {
    let mut instances = MockInstanceReader::new();
    instances
        .expect_find()
        .returning(move |_, _| Ok(instance.clone()));
    instances
        .expect_window()
        .returning(|_, _| Ok(Window::default()));
    let mut contacts = MockContactReader::new();
    contacts.expect_find().returning(|_, _| Ok(None));
    let clock = Arc::new(FixedClock::at(NOW));
    let (acceptor, workers) = acceptor(1);
    for worker in workers {
        tokio::spawn(worker.run(AcceptPorts {
            units: Arc::new(desk.clone()),
            clock: clock.clone(),
            wake: Arc::new(NoWake),
        }));
    }
    SendMessage::new(SendPorts {
        acceptor,
        instances: Arc::new(RecentInstances::new(Arc::new(instances), clock.clone())),
        contacts: Arc::new(contacts),
        suppressions: Arc::new(suppressions()),
        templates: Arc::new(templates),
        clock,
        ids: Arc::new(SequentialIds::default()),
    })
}

#[tokio::test]
async fn a_message_for_now_is_queued_and_charged_to_this_month() {
    let desk = FakeAcceptance::default();
    let outcome = use_case(Some(instance()), &desk)
        .accept(order(text()), None)
        .await;
    let Ok(Outcome::Done(sent)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(sent.message.peer, Some(phone()));
    assert_eq!(sent.safety.decision(), "allow");
    assert!(sent.warnings.is_empty());
    let recorded = desk.accepted();
    assert_eq!(recorded.len(), 1);
    assert_eq!(recorded[0].message, sent.message);
    assert_eq!(recorded[0].message.status, MessageStatus::Queued);
    let entry = &recorded[0].entry;
    assert_eq!(
        (entry.state, entry.period),
        (QueueState::Ready, Some(Period::of(NOW)))
    );
}

#[tokio::test]
async fn only_a_time_that_is_still_to_come_is_waited_for() {
    for (shift, state) in [(1, QueueState::Waiting), (-1, QueueState::Ready)] {
        let desk = FakeAcceptance::default();
        let mut timed = order(text());
        timed.scheduled_at = Some(NOW + Duration::hours(shift));
        let outcome = use_case(Some(instance()), &desk).accept(timed, None).await;
        assert!(matches!(outcome, Ok(Outcome::Done(_))), "{outcome:?}");
        let entry = &desk.accepted()[0].entry;
        assert_eq!(entry.state, state);
        assert_eq!(entry.period.is_some(), state == QueueState::Ready);
    }
}

#[tokio::test]
async fn what_is_missing_comes_before_what_is_impossible() {
    let mut wrong = order(text());
    wrong.to = "0612".into();
    let sender = use_case(None, &FakeAcceptance::default());
    let refused = sender.accept(wrong.clone(), None).await;
    assert!(matches!(refused, Err(MessagingError::NoInstance(_))));

    let sender = use_case(Some(instance()), &FakeAcceptance::default());
    let mut linked = wrong.clone();
    linked.contact = Some(Id::new(Uuid::from_u128(9)));
    assert!(matches!(
        sender.accept(linked, None).await,
        Err(MessagingError::NoContact(_))
    ));
    let mut templated = wrong.clone();
    templated.content = Wanted::Template {
        template: Id::new(Uuid::from_u128(9)),
        variables: Map::new(),
    };
    assert!(matches!(
        sender.accept(templated, None).await,
        Err(MessagingError::Template(TemplateError::NoTemplate(_)))
    ));
    let refused = sender.accept(wrong, None).await;
    assert!(matches!(
        refused,
        Err(MessagingError::InvalidDestination(..))
    ));
}

#[tokio::test]
async fn a_suspended_instance_accepts_nothing() {
    let suspended = Instance {
        status: InstanceStatus::Suspended,
        ..instance()
    };
    let sender = use_case(Some(suspended), &FakeAcceptance::default());
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
    let sender = use_case(Some(personal), &FakeAcceptance::default());
    let refused = sender.accept(order(choice.clone()), None).await;
    assert!(matches!(refused, Err(MessagingError::ButtonsNeedBusiness)));

    let sender = use_case(Some(instance()), &FakeAcceptance::default());
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
    let sender = use_case(Some(native), &FakeAcceptance::default());
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
async fn the_answer_is_kept_with_the_message_and_a_repeated_request_gets_it() {
    let render = |sent: &SentMessage| StoredAnswer {
        status: 201,
        body: sent.message.body.clone().unwrap_or_default(),
    };
    let key = key();
    let once = || {
        Some(Once {
            key: &key,
            render: &render,
        })
    };
    let desk = FakeAcceptance::default();
    let sender = use_case(Some(instance()), &desk);
    assert!(sender.accept(order(text()), once()).await.is_ok());
    let (kept_key, answer) = desk.accepted()[0].once.clone().expect("a kept answer");
    assert_eq!((kept_key, answer.body.as_str()), (key.clone(), "Hello"));

    let sender = use_case(Some(instance()), &desk);
    let outcome = sender.accept(order(text()), once()).await;
    let Ok(Outcome::Replayed(replayed)) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(replayed, answer);
    assert_eq!(desk.accepted().len(), 1);
}
