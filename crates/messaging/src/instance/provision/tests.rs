use std::sync::Arc;

use mockall::Sequence;
use msgflash_kernel::{
    CountingRandom, Fault as _, FixedClock, Phone, SequentialIds, StoreError, Tick, Workspace,
};
use time::{Duration, OffsetDateTime};

use super::*;
use crate::instance::Suspension;
use crate::instance::connection::Change;
use crate::instance::shelf::Shelf;
use crate::provider::{LinkState, MockWhatsAppProvider, Pairing, ProviderError, SessionInfo};
use crate::testing::{NOW, actor, instance};

fn record(shelf: &Shelf) -> Arc<RecordConnection> {
    let clock = Arc::new(FixedClock::at(NOW));
    let ids = Arc::new(SequentialIds::default());
    Arc::new(RecordConnection::new(Arc::new(shelf.clone()), clock, ids))
}

fn provision(shelf: &Shelf, provider: MockWhatsAppProvider) -> ProvisionInstance {
    ProvisionInstance::new(ProvisionPorts {
        units: Arc::new(shelf.clone()),
        instances: Arc::new(shelf.clone()),
        provider: Arc::new(provider),
        record: record(shelf),
        clock: Arc::new(FixedClock::at(NOW)),
        ids: Arc::new(SequentialIds::default()),
        random: Arc::new(CountingRandom::default()),
        callback_base: "http://us".into(),
    })
}

fn in_state(status: InstanceStatus) -> Instance {
    Instance {
        status,
        ..instance()
    }
}

fn number(text: &str) -> Phone {
    Phone::parse(text).expect("valid")
}

fn code(pairing: Option<&str>) -> Pairing {
    Pairing::Code {
        qr: "2@x".into(),
        pairing: pairing.map(str::to_owned),
    }
}

/// A gateway that stores this of the session.
fn storing(state: Option<LinkState>) -> MockWhatsAppProvider {
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_fetch().returning(move |name| {
        let stored = state.map(|state| SessionInfo {
            session: name.to_owned(),
            state,
            owner: Some(number("+33611112222")),
            disconnection_code: None,
        });
        Ok(stored)
    });
    provider
}

fn order(cap: Option<u32>) -> NewInstance {
    NewInstance {
        actor: actor(),
        name: " Main shop ".into(),
        cap,
    }
}

#[tokio::test]
async fn what_the_provider_did_not_make_is_out_of_sight_and_removed_there_in_case_it_did() {
    let shelf = Shelf::default();
    let mut provider = MockWhatsAppProvider::new();
    let late = |_: &NewSession| Err(ProviderError::Timeout);
    provider.expect_create().once().returning(late);
    let refused = provision(&shelf, provider).create(order(None)).await;
    assert_eq!(refused.expect_err("timed out").code(), "PROVIDER_TIMEOUT");
    assert!(shelf.held().is_deleted);
    assert_eq!(shelf.held().session_due, Some(NOW));
}

#[tokio::test]
async fn a_full_plan_is_refused_before_the_provider_hears_of_it() {
    let shelf = Shelf::with(instance());
    let full = provision(&shelf, MockWhatsAppProvider::new());
    let refused = full.create(order(Some(1))).await;
    let code = refused.expect_err("full").code();
    assert_eq!(code, "MAX_INSTANCES_REACHED");
    assert_eq!(shelf.instance(), instance());
}

#[tokio::test]
async fn an_instance_deleted_while_it_was_made_leaves_no_session() {
    let shelf = Shelf::default();
    let mut provider = MockWhatsAppProvider::new();
    let other = shelf.clone();
    provider.expect_create().once().returning(move |_| {
        other.held().is_deleted = true;
        Ok(())
    });
    let gone = provision(&shelf, provider).create(order(None)).await;
    assert_eq!(gone.expect_err("deleted").code(), "NOT_FOUND");
    assert_eq!(shelf.held().session_due, Some(NOW));
}

#[tokio::test]
async fn names_lose_their_edges_and_keep_to_one_line() {
    let shelf = Shelf::with(instance());
    let it = provision(&shelf, MockWhatsAppProvider::new());
    let (by, id) = (actor(), instance().id);
    let renamed = it.rename(&by, id, "  Café  ").await.expect("renamed");
    assert_eq!(
        (renamed.name.as_str(), shelf.instance().name.as_str()),
        ("Café", "Café")
    );
    for bad in ["", "   ", "two\nlines", &"x".repeat(101)] {
        let refused = it.rename(&by, id, bad).await.expect_err("refused");
        assert_eq!(refused.code(), "VALIDATION_ERROR", "{bad:?}");
    }
    let stranger = Id::new(uuid::Uuid::from_u128(0xF));
    let other = Actor::new(Workspace::personal(stranger), stranger);
    let foreign = it.rename(&other, id, "Mine").await.expect_err("foreign");
    assert_eq!(foreign.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_number_named_while_another_code_is_shown_gets_a_session_of_its_own() {
    for before in [None, Some(number("+33699999999"))] {
        let (shelf, paired) = naming_a_number(Instance {
            expected_number: before,
            connecting_since: Some(NOW - Duration::SECOND),
            ..in_state(InstanceStatus::Connecting)
        })
        .await;
        assert_eq!(paired, code(Some("ABCD1234")));
        let it = shelf.instance();
        assert_eq!(it.status, InstanceStatus::Connecting);
        assert_eq!(
            (it.expected_number, it.connecting_since),
            (Some(number("+33611112222")), Some(NOW))
        );
        // What the gateway still tells of the session that went ends nothing.
        let late = Change::Closed { code: Some(401) };
        record(&shelf).record(it.id, late).await.expect("applied");
        assert_eq!(shelf.instance().status, InstanceStatus::Connecting);
    }
}

/// Names a number where the gateway shows a code for something else.
async fn naming_a_number(it: Instance) -> (Shelf, Pairing) {
    let shelf = Shelf::with(it);
    let mut provider = storing(Some(LinkState::Connecting));
    let mut answers = Sequence::new();
    provider
        .expect_state()
        .once()
        .in_sequence(&mut answers)
        .returning(|_| Ok(LinkState::Connecting));
    provider
        .expect_delete()
        .once()
        .in_sequence(&mut answers)
        .returning(|_| Ok(()));
    provider
        .expect_create()
        .once()
        .in_sequence(&mut answers)
        .returning(|_| Ok(()));
    provider
        .expect_connect()
        .once()
        .in_sequence(&mut answers)
        .returning(|_, _| Ok(code(Some("ABCD1234"))));
    let asked = number("+33611112222");
    let paired = provision(&shelf, provider)
        .connect(&actor(), instance().id, Some(asked))
        .await
        .expect("a code");
    (shelf, paired)
}

#[tokio::test]
async fn a_linking_that_names_no_number_takes_any_phone() {
    let shelf = Shelf::with(Instance {
        wa_number: Some(number("+33611112222")),
        expected_number: Some(number("+33611112222")),
        ..in_state(InstanceStatus::Disconnected)
    });
    let mut provider = storing(Some(LinkState::Close));
    provider.expect_connect().returning(|_, _| Ok(code(None)));
    let it = provision(&shelf, provider);
    it.connect(&actor(), instance().id, None)
        .await
        .expect("a code");
    // Also when the phone is slow, and the code was given up.
    let expired = Change::PairingExpired;
    record(&shelf)
        .record(instance().id, expired)
        .await
        .expect("applied");
    let opened = Change::Opened {
        number: Some(number("+33699999999")),
    };
    record(&shelf)
        .record(instance().id, opened)
        .await
        .expect("applied");
    assert_eq!(shelf.instance().status, InstanceStatus::Connected);
    assert_eq!(shelf.instance().wa_number, Some(number("+33699999999")));
}

#[tokio::test]
async fn a_link_that_is_coming_back_is_not_turned_into_a_linking() {
    // The code it shows is left from the linking that was, and a number changes nothing.
    for stored in [LinkState::Open, LinkState::Connecting] {
        let shelf = Shelf::with(in_state(InstanceStatus::Connected));
        let mut provider = storing(Some(stored));
        provider.expect_connect().returning(|_, _| Ok(code(None)));
        let it = provision(&shelf, provider);
        it.connect(&actor(), instance().id, Some(number("+33699999999")))
            .await
            .map(|it| assert_eq!(it, Pairing::NotYet))
            .expect("answered");
        let now = shelf.instance();
        assert_eq!(
            (now.status, now.connecting_since),
            (InstanceStatus::Connected, None)
        );
        assert_eq!(now.reconnecting_since, Some(NOW));
        assert_eq!(shelf.told(), []);
    }
}

#[tokio::test]
async fn a_code_for_a_linked_instance_says_that_the_link_is_gone() {
    let shelf = Shelf::with(in_state(InstanceStatus::Connected));
    let mut provider = storing(Some(LinkState::Close));
    provider.expect_connect().returning(|_, _| Ok(code(None)));
    let it = provision(&shelf, provider);
    it.connect(&actor(), instance().id, None)
        .await
        .expect("a code");
    assert_eq!(shelf.instance().status, InstanceStatus::Connecting);
    assert_eq!(shelf.told().len(), 1);
}

#[tokio::test]
async fn a_logout_is_told_once_with_its_reason_whoever_tells_it_first() {
    let shelf = Shelf::with(in_state(InstanceStatus::Connected));
    let mut provider = MockWhatsAppProvider::new();
    let events = record(&shelf);
    // The gateway posts its events before it answers.
    provider.expect_logout().once().returning(move |_| {
        let events = Arc::clone(&events);
        let told = async move {
            let change = Change::Closed { code: Some(401) };
            events.record(instance().id, change).await
        };
        futures_util::FutureExt::now_or_never(told)
            .expect("nothing waits")
            .map(drop)
            .map_err(|_| ProviderError::Unavailable)
    });
    let it = provision(&shelf, provider);
    it.log_out(&actor(), instance().id)
        .await
        .expect("logged out");
    let told = ("instance.disconnected", Some("Logged out".to_owned()));
    assert_eq!(shelf.told(), [told]);
    let now = shelf.instance();
    assert_eq!(
        (now.status, now.unlink_since),
        (InstanceStatus::Disconnected, None)
    );
    assert_eq!(
        now.meta,
        Some(serde_json::json!({ "disconnectReason": "Logged out" }))
    );
}

#[tokio::test]
async fn a_logout_that_failed_changes_nothing() {
    let before = in_state(InstanceStatus::Connected);
    let shelf = Shelf::with(before.clone());
    let mut provider = MockWhatsAppProvider::new();
    provider
        .expect_logout()
        .returning(|_| Err(ProviderError::Unavailable));
    let it = provision(&shelf, provider);
    let refused = it.log_out(&actor(), before.id).await;
    assert_eq!(refused.expect_err("away").code(), "PROVIDER_UNAVAILABLE");
    assert_eq!(shelf.instance(), before);
}

#[tokio::test]
async fn only_a_link_can_be_restarted() {
    let shelf = Shelf::with(in_state(InstanceStatus::Disconnected));
    for state in [Ok(LinkState::Close), Err(ProviderError::UnknownSession)] {
        let mut provider = MockWhatsAppProvider::new();
        provider.expect_state().return_once(|_| state);
        let it = provision(&shelf, provider);
        let refused = it.restart(&actor(), instance().id).await;
        assert_eq!(refused.expect_err("closed").code(), "BAD_REQUEST");
    }
}

#[tokio::test]
async fn deleting_tells_once_and_needs_no_provider() {
    let shelf = Shelf::with(in_state(InstanceStatus::Connected));
    let mut provider = MockWhatsAppProvider::new();
    provider
        .expect_delete()
        .once()
        .returning(|_| Err(ProviderError::Unavailable));
    let it = provision(&shelf, provider);
    let (account, id) = (instance().account, instance().id);
    it.delete(account, id).await.expect("deleted");
    assert_eq!(shelf.told().len(), 1);
    assert!(shelf.held().session_due.is_some_and(|due| due > NOW));
    let again = it.delete(account, id).await;
    assert_eq!(again.expect_err("gone").code(), "NOT_FOUND");
}

/// A shelf with a deleted instance, and what removing its session came to.
async fn removing(answer: Result<(), ProviderError>) -> (Shelf, Result<Tick, StoreError>) {
    let shelf = Shelf::with(Instance {
        updated_at: NOW - Duration::hours(1),
        ..instance()
    });
    shelf.held().is_deleted = true;
    shelf.held().session_due = Some(NOW);
    let mut provider = MockWhatsAppProvider::new();
    provider.expect_delete().once().return_once(|_| answer);
    let (units, reader) = (Arc::new(shelf.clone()), Arc::new(shelf.clone()));
    let clock = Arc::new(FixedClock::at(NOW));
    let remove = RemoveSessions::new(units, reader, Arc::new(provider), clock);
    let did = remove.tick().await;
    (shelf, did)
}

#[tokio::test]
async fn a_session_left_behind_is_removed_or_tried_again_later() {
    let due = async |answer| -> Option<OffsetDateTime> {
        let (shelf, did) = removing(answer).await;
        did.expect("looked");
        shelf.held().session_due
    };
    assert_eq!(due(Ok(())).await, None);
    // Whatever keeps it: one session that hangs must not stand before all others for ever.
    let later = Some(NOW + Duration::minutes(30));
    assert_eq!(due(Err(ProviderError::Unavailable)).await, later);
    let odd = ProviderError::Failed("odd".into());
    assert_eq!(due(Err(odd)).await, later);
}

#[tokio::test]
async fn an_instance_deleted_while_it_is_linked_leaves_no_session() {
    let shelf = Shelf::with(in_state(InstanceStatus::Disconnected));
    let mut provider = storing(None);
    let other = shelf.clone();
    provider.expect_connect().returning(move |_, _| {
        other.held().is_deleted = true;
        Ok(code(None))
    });
    let it = provision(&shelf, provider);
    let gone = it.connect(&actor(), instance().id, None).await;
    assert_eq!(gone.expect_err("deleted").code(), "NOT_FOUND");
    assert_eq!(shelf.held().session_due, Some(NOW));
}

#[tokio::test]
async fn an_open_link_is_believed_when_it_is_known_whose_it_is() {
    let asked = Some(number("+33611112222"));
    for (stored, status) in [
        // What is stored is of the link before.
        (Some(LinkState::Close), InstanceStatus::Connecting),
        (None, InstanceStatus::Connecting),
        (Some(LinkState::Open), InstanceStatus::Connected),
    ] {
        let shelf = Shelf::with(Instance {
            expected_number: asked,
            connecting_since: Some(NOW),
            ..in_state(InstanceStatus::Connecting)
        });
        let mut provider = storing(stored);
        provider
            .expect_connect()
            .returning(|_, _| Ok(Pairing::AlreadyOpen));
        let it = provision(&shelf, provider);
        it.connect(&actor(), instance().id, asked)
            .await
            .expect("answered");
        assert_eq!(shelf.instance().status, status, "{stored:?}");
        assert!(shelf.instance().expected_number.is_some() || status == InstanceStatus::Connected);
    }
}

#[tokio::test]
async fn whoever_links_or_restarts_a_suspended_instance_hears_who_suspended_it() {
    for (by, code) in [
        (Some(Suspension::Plan), "MAX_INSTANCES_REACHED"),
        (Some(Suspension::Operator), "FORBIDDEN"),
        (None, "FORBIDDEN"),
    ] {
        let shelf = Shelf::with(Instance {
            suspended_for: by,
            ..in_state(InstanceStatus::Suspended)
        });
        let it = provision(&shelf, MockWhatsAppProvider::new());
        let refused = it.connect(&actor(), instance().id, None).await;
        assert_eq!(refused.expect_err("refused").code(), code);
        let refused = it.restart(&actor(), instance().id).await;
        assert_eq!(refused.expect_err("refused").code(), code);
    }
}
