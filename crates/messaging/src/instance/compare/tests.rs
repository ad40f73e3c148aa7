use msgflash_kernel::{FixedClock, Phone, SequentialIds};
use time::Duration;

use super::*;
use crate::alarm::MockAlarms;
use crate::instance::shelf::Shelf;
use crate::provider::MockWhatsAppProvider;
use crate::testing::{NOW, instance};

fn in_state(status: InstanceStatus) -> Instance {
    Instance {
        status,
        wa_number: Phone::parse("+33611112222").ok(),
        updated_at: NOW - Duration::HOUR,
        ..instance()
    }
}

fn stored(state: LinkState) -> SessionInfo {
    SessionInfo {
        session: instance().session,
        state,
        owner: Phone::parse("+33611112222").ok(),
        disconnection_code: Some(403),
    }
}

/// Compares one instance and answers what it became and what was told.
async fn compared(
    it: Instance,
    rows: Vec<SessionInfo>,
    live: Option<Result<LinkState, ProviderError>>,
) -> (InstanceStatus, Vec<(&'static str, Option<String>)>) {
    let shelf = Shelf::with(it);
    let mut provider = MockWhatsAppProvider::new();
    let row = rows.first().cloned();
    provider.expect_fetch_all().return_once(|| Ok(rows));
    provider.expect_fetch().returning(move |_| Ok(row.clone()));
    if let Some(live) = live {
        provider.expect_state().once().return_once(|_| live);
    }
    let mut alarms = MockAlarms::new();
    alarms.expect_raise().return_const(());
    let (clock, ids) = (FixedClock::at(NOW), SequentialIds::default());
    let units = Arc::new(shelf.clone());
    let record = RecordConnection::new(units, Arc::new(clock), Arc::new(ids));
    let compare = CompareSessions::new(
        Arc::new(shelf.clone()),
        Arc::new(provider),
        Arc::new(record),
        Arc::new(alarms),
    );
    compare.tick().await.expect("compared");
    (shelf.instance().status, shelf.told())
}

#[tokio::test]
async fn a_link_that_opened_while_nobody_listened_is_told() {
    for before in [InstanceStatus::Disconnected, InstanceStatus::Connecting] {
        let rows = vec![stored(LinkState::Open)];
        let (after, told) = compared(in_state(before), rows, Some(Ok(LinkState::Open))).await;
        assert_eq!(after, InstanceStatus::Connected);
        assert_eq!(told, [("instance.connected", None)]);
    }
}

#[tokio::test]
async fn a_link_that_closed_while_nobody_listened_is_told_with_its_cause() {
    let rows = vec![stored(LinkState::Close)];
    let it = in_state(InstanceStatus::Connected);
    let (after, told) = compared(it, rows, Some(Ok(LinkState::Close))).await;
    assert_eq!(after, InstanceStatus::Disconnected);
    let reason = "WhatsApp banned or blocked the number";
    assert_eq!(told, [("instance.disconnected", Some(reason.to_owned()))]);
}

#[tokio::test]
async fn a_session_that_is_gone_is_told_and_one_that_was_only_not_listed_is_not() {
    let it = in_state(InstanceStatus::Connected);
    let gone = Some(Err(ProviderError::UnknownSession));
    let (after, told) = compared(it.clone(), vec![], gone).await;
    assert_eq!((after, told.len()), (InstanceStatus::Disconnected, 1));
    let (after, told) = compared(it, vec![], Some(Ok(LinkState::Open))).await;
    assert_eq!((after, told.len()), (InstanceStatus::Connected, 0));
}

#[tokio::test]
async fn a_gateway_that_is_still_loading_its_sessions_loses_none() {
    // It answers `close` for what it has not loaded, and stores that it was connecting.
    let rows = vec![stored(LinkState::Connecting)];
    let it = in_state(InstanceStatus::Connected);
    let (after, told) = compared(it, rows, Some(Ok(LinkState::Close))).await;
    assert_eq!((after, told), (InstanceStatus::Connected, vec![]));
}

#[tokio::test]
async fn another_phone_under_an_instance_is_refused() {
    let rows = vec![SessionInfo {
        owner: Phone::parse("+33699999999").ok(),
        ..stored(LinkState::Open)
    }];
    let it = in_state(InstanceStatus::Connected);
    let (after, told) = compared(it, rows, Some(Ok(LinkState::Open))).await;
    assert_eq!((after, told.len()), (InstanceStatus::Disconnected, 1));
}

#[tokio::test]
async fn what_agrees_or_is_looked_after_by_others_is_not_asked_about() {
    let broken = Instance {
        reconnecting_since: Some(NOW),
        ..in_state(InstanceStatus::Connected)
    };
    let cases = [
        (in_state(InstanceStatus::Connected), LinkState::Open),
        (
            in_state(InstanceStatus::Disconnected),
            LinkState::Connecting,
        ),
        (in_state(InstanceStatus::Suspended), LinkState::Open),
        (broken, LinkState::Close),
    ];
    for (it, state) in cases {
        let before = it.status;
        let (after, told) = compared(it, vec![stored(state)], None).await;
        assert_eq!((after, told), (before, vec![]));
    }
}

#[tokio::test]
async fn a_link_that_was_lost_and_then_closed_is_not_waited_for_any_longer() {
    let lost = Instance {
        connecting_since: None,
        ..in_state(InstanceStatus::Connecting)
    };
    let rows = vec![stored(LinkState::Close)];
    let (after, told) = compared(lost.clone(), rows, Some(Ok(LinkState::Close))).await;
    // That it was lost is told already.
    assert_eq!((after, told), (InstanceStatus::Disconnected, vec![]));
    let gone = Some(Err(ProviderError::UnknownSession));
    let (after, _) = compared(lost, vec![], gone).await;
    assert_eq!(after, InstanceStatus::Disconnected);
}

#[tokio::test]
async fn an_open_link_of_nobody_known_is_left_to_its_event() {
    let rows = vec![SessionInfo {
        owner: None,
        ..stored(LinkState::Open)
    }];
    let it = in_state(InstanceStatus::Disconnected);
    let (after, told) = compared(it, rows, Some(Ok(LinkState::Open))).await;
    assert_eq!((after, told), (InstanceStatus::Disconnected, vec![]));
}
