use super::*;
use crate::testing::{NOW, entry, instance, message};

fn judged(instance: Option<&Instance>, entry: &QueueEntry) -> Gate {
    gate(instance, entry, Patience::default(), NOW)
}

#[test]
fn only_a_connected_instance_calls() {
    let is_call = |it: &Instance| matches!(judged(Some(it), &entry()), Gate::Call);
    assert!(is_call(&instance()));
    for status in [
        InstanceStatus::Disconnected,
        InstanceStatus::Connecting,
        InstanceStatus::Suspended,
    ] {
        let gate = judged(
            Some(&Instance {
                status,
                ..instance()
            }),
            &entry(),
        );
        assert_eq!(gate, Gate::Fail(Failure::NOT_CONNECTED), "{status:?}");
    }
    let gone = judged(None, &entry());
    assert_eq!(gone, Gate::Fail(Failure::NOT_CONNECTED));
}

#[test]
fn a_reconnecting_instance_is_waited_for_a_minute() {
    let broken = |seconds| Instance {
        reconnecting_since: Some(NOW - Duration::seconds(seconds)),
        ..instance()
    };
    let due = |seconds| QueueEntry {
        ready_since: Some(NOW - Duration::seconds(seconds)),
        ..entry()
    };
    assert!(matches!(judged(Some(&broken(59)), &due(59)), Gate::Wait(_)));
    let late = judged(Some(&broken(60)), &due(60));
    assert_eq!(late, Gate::Fail(Failure::NOT_CONNECTED));
    // A message that waited long for its turn has only just begun to wait for the link.
    assert!(matches!(judged(Some(&broken(1)), &due(600)), Gate::Wait(_)));
}

#[test]
fn a_campaign_waits_for_its_instance_and_loses_nobody() {
    let lost = Instance {
        status: InstanceStatus::Disconnected,
        ..instance()
    };
    let campaign = QueueEntry {
        class: Class::Campaign,
        ..entry()
    };
    assert!(matches!(judged(Some(&lost), &campaign), Gate::Wait(_)));
}

#[test]
fn a_stored_message_becomes_what_is_sent() {
    let outbound = outbound_of(&message(), &instance()).expect("sendable");
    assert_eq!(outbound.content, Content::Text("Hello".into()));
    let mut broken = message();
    broken.body = None;
    assert_eq!(outbound_of(&broken, &instance()), None);
}
