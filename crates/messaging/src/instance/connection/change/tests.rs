//! Changes of a link, one after the other.

use msgflash_kernel::{Id, Secret};
use time::macros::datetime;
use uuid::Uuid;

use super::*;

const NOW: OffsetDateTime = datetime!(2026-05-20 12:00 UTC);

fn instance(status: InstanceStatus) -> Instance {
    Instance {
        id: Id::new(Uuid::from_u128(1)),
        account: Id::new(Uuid::from_u128(2)),
        name: "Shop".into(),
        session: "mf-1".into(),
        webhook_secret: Secret::new("s".into()),
        wa_number: None,
        status,
        native_buttons: false,
        is_business: None,
        meta: None,
        first_connected_at: None,
        connecting_since: None,
        reconnecting_since: None,
        expected_number: None,
        takes_any_number: false,
        suspended_for: None,
        unlink_since: None,
        standing: crate::instance::Standing::default(),
        created_at: NOW,
        updated_at: NOW,
    }
}

#[test]
fn opening_is_told_once() {
    let mut it = instance(InstanceStatus::Connecting);
    let number = Phone::parse("+33611112222").ok();
    assert_eq!(
        it.apply(Change::Opened { number }, NOW),
        (true, Some(News::Connected))
    );
    assert_eq!(it.apply(Change::Opened { number }, NOW), (false, None));
    assert_eq!(
        (it.status, it.wa_number),
        (InstanceStatus::Connected, number)
    );
    assert_eq!(it.first_connected_at, Some(NOW));
}

#[test]
fn a_short_reconnection_is_not_told() {
    let mut it = instance(InstanceStatus::Connected);
    assert_eq!(it.apply(Change::Connecting, NOW), (true, None));
    assert_eq!(it.apply(Change::Opened { number: None }, NOW), (true, None));
    assert_eq!(it.apply(Change::Lost, NOW), (false, None));
}

#[test]
fn a_long_one_is_told_as_lost_and_its_end_as_connected() {
    let mut it = instance(InstanceStatus::Connected);
    it.apply(Change::Connecting, NOW);
    let (_, news) = it.apply(Change::Lost, NOW);
    assert!(matches!(news, Some(News::Disconnected(Some(_)))));
    let (_, news) = it.apply(Change::Opened { number: None }, NOW);
    assert_eq!(news, Some(News::Connected));
}

#[test]
fn finding_the_link_open_ends_a_reconnection_and_nothing_else() {
    let mut it = instance(InstanceStatus::Connected);
    it.apply(Change::Connecting, NOW);
    assert_eq!(it.apply(Change::FoundOpen, NOW), (true, None));
    assert_eq!(it.reconnecting_since, None);
    for status in [InstanceStatus::Connected, InstanceStatus::Disconnected] {
        assert_eq!(
            instance(status).apply(Change::FoundOpen, NOW),
            (false, None)
        );
    }
}

#[test]
fn three_events_of_one_logout_are_told_once() {
    let mut it = instance(InstanceStatus::Connected);
    let (_, news) = it.apply(Change::Closed { code: Some(401) }, NOW);
    assert_eq!(
        news,
        Some(News::Disconnected(Some("The phone logged the device out")))
    );
    assert_eq!(it.apply(Change::Closed { code: None }, NOW), (false, None));
}

#[test]
fn a_suspended_instance_stays_so_whatever_the_provider_says() {
    let mut it = instance(InstanceStatus::Suspended);
    assert_eq!(
        it.apply(Change::Opened { number: None }, NOW),
        (false, None)
    );
    assert_eq!(it.apply(Change::Closed { code: None }, NOW), (false, None));
}

fn linked(number: &str) -> Change {
    Change::Opened {
        number: Phone::parse(number).ok(),
    }
}

fn named(number: &str) -> Change {
    Change::PairingStarted {
        number: Phone::parse(number).ok(),
    }
}

#[test]
fn another_phone_than_the_named_one_is_refused_and_told_once() {
    let mut it = instance(InstanceStatus::Disconnected);
    it.apply(named("+33611112222"), NOW);
    let (_, news) = it.apply(linked("+33699999999"), NOW);
    assert!(matches!(news, Some(News::Disconnected(Some(_)))));
    assert_eq!(it.status, InstanceStatus::Disconnected);
    assert_eq!((it.unlink_since, it.wa_number), (Some(NOW), None));
    // Nor is it taken when its link is seen again, by an event or by somebody who looks.
    assert_eq!(it.apply(linked("+33699999999"), NOW), (false, None));
}

#[test]
fn another_phone_than_the_earlier_one_is_refused_until_it_is_named() {
    let mut it = instance(InstanceStatus::Disconnected);
    it.wa_number = Phone::parse("+33611112222").ok();
    it.apply(linked("+33699999999"), NOW);
    assert_eq!(it.apply(linked("+33699999999"), NOW), (false, None));
    assert_eq!(it.status, InstanceStatus::Disconnected);
    it.apply(Change::FoundClosed { code: None }, NOW);
    assert_eq!(it.unlink_since, None);
    it.apply(named("+33699999999"), NOW);
    let (_, news) = it.apply(linked("+33699999999"), NOW);
    assert_eq!(news, Some(News::Connected));
    assert_eq!(it.wa_number, Phone::parse("+33699999999").ok());
}

#[test]
fn the_other_spelling_of_a_number_is_the_same_phone() {
    for (asked, told) in [
        ("+5531987654321", "+553187654321"),
        ("+5215512345678", "+525512345678"),
        ("+5491123456789", "+541123456789"),
    ] {
        let mut it = instance(InstanceStatus::Disconnected);
        it.apply(named(asked), NOW);
        it.apply(linked(told), NOW);
        assert_eq!(it.status, InstanceStatus::Connected, "{asked}");
    }
}

#[test]
fn a_session_that_is_gone_is_told_once_and_only_of_a_linked_one() {
    let mut it = instance(InstanceStatus::Connected);
    let (_, news) = it.apply(Change::Gone, NOW);
    assert!(matches!(news, Some(News::Disconnected(Some(_)))));
    assert_eq!(it.apply(Change::Gone, NOW), (false, None));
}

#[test]
fn the_reason_of_a_disconnection_is_shown_until_it_is_connected() {
    let mut it = instance(InstanceStatus::Connected);
    it.apply(Change::Closed { code: Some(403) }, NOW);
    let reason = "WhatsApp banned or blocked the number";
    assert_eq!(it.meta, Some(json!({ "disconnectReason": reason })));
    it.apply(Change::Opened { number: None }, NOW);
    assert_eq!(it.meta, None);
}

#[test]
fn a_logout_that_was_asked_for_is_not_blamed_on_the_phone() {
    let mut it = instance(InstanceStatus::Connected);
    it.apply(Change::LogoutAsked, NOW);
    let (_, news) = it.apply(Change::Closed { code: Some(401) }, NOW);
    assert_eq!(news, Some(News::Disconnected(Some("Logged out"))));
    assert_eq!(it.unlink_since, None);
}

#[test]
fn a_logout_that_failed_leaves_a_refused_phone_to_be_unlinked() {
    let mut it = instance(InstanceStatus::Disconnected);
    it.apply(named("+33611112222"), NOW);
    it.apply(linked("+33699999999"), NOW);
    it.apply(Change::LogoutAsked, NOW);
    it.apply(Change::LogoutFailed, NOW);
    assert_eq!(it.unlink_since, Some(NOW));
}

#[test]
fn late_news_of_an_earlier_link_ends_no_linking() {
    let mut it = instance(InstanceStatus::Disconnected);
    it.apply(Change::PairingStarted { number: None }, NOW);
    assert_eq!(
        it.apply(Change::Closed { code: Some(401) }, NOW),
        (false, None)
    );
    it.apply(Change::FoundClosed { code: None }, NOW);
    assert_eq!(it.status, InstanceStatus::Disconnected);
}

#[test]
fn a_suspended_instance_is_not_waited_for() {
    let mut it = instance(InstanceStatus::Suspended);
    it.connecting_since = Some(NOW);
    it.unlink_since = Some(NOW);
    assert_eq!(
        it.apply(Change::FoundClosed { code: None }, NOW),
        (true, None)
    );
    assert_eq!((it.connecting_since, it.unlink_since), (None, None));
    assert_eq!(it.status, InstanceStatus::Suspended);
}

#[test]
fn who_asked_for_any_phone_gets_it_also_when_it_is_late() {
    let mut it = instance(InstanceStatus::Disconnected);
    it.wa_number = Phone::parse("+33611112222").ok();
    it.apply(Change::PairingStarted { number: None }, NOW);
    it.apply(Change::PairingExpired, NOW);
    let (_, news) = it.apply(linked("+33699999999"), NOW);
    assert_eq!(news, Some(News::Connected));
    // Once: the next one is another matter.
    it.apply(linked("+33688888888"), NOW);
    assert_eq!(it.status, InstanceStatus::Disconnected);
}

#[test]
fn what_the_plan_suspends_is_told_unlinked_and_comes_back_disconnected() {
    let mut it = instance(InstanceStatus::Connected);
    let (_, news) = it.apply(Change::Suspended(Suspension::Plan), NOW);
    let reason = Some("The plan has no place for this number");
    assert_eq!(news, Some(News::Disconnected(reason)));
    assert_eq!(it.status, InstanceStatus::Suspended);
    assert_eq!(it.unlink_since, Some(NOW));
    let again = it.apply(Change::Suspended(Suspension::Plan), NOW);
    assert_eq!(again, (false, None), "told once");
    it.apply(Change::FoundClosed { code: None }, NOW);
    assert_eq!(it.apply(Change::Released, NOW), (true, None));
    assert_eq!(
        (it.status, it.suspended_for, it.unlink_since),
        (InstanceStatus::Disconnected, None, None)
    );
}

#[test]
fn one_that_was_not_connected_is_suspended_in_silence() {
    let mut it = instance(InstanceStatus::Disconnected);
    let (changed, news) = it.apply(Change::Suspended(Suspension::Plan), NOW);
    assert_eq!((changed, news), (true, None));
}

#[test]
fn no_plan_frees_what_the_operator_suspended() {
    for by in [Some(Suspension::Operator), None] {
        let mut it = instance(InstanceStatus::Suspended);
        it.suspended_for = by;
        assert_eq!(it.apply(Change::Released, NOW), (false, None));
    }
}
