//! Whether an instance may call now.

use time::{Duration, OffsetDateTime};

use crate::dispatch::entry::{Class, QueueEntry};
use crate::dispatch::settle::{Failure, Patience};
use crate::instance::{Instance, InstanceStatus};

/// Whether the instance may call for this entry.
#[derive(Debug, PartialEq)]
pub(super) enum Gate {
    Call,
    Wait(OffsetDateTime),
    Fail(Failure),
}

pub(super) fn gate(
    instance: Option<&Instance>,
    entry: &QueueEntry,
    patience: Patience,
    now: OffsetDateTime,
) -> Gate {
    let lost = match instance.map(|it| (it.status, it.reconnecting_since)) {
        Some((InstanceStatus::Connected, None)) => return Gate::Call,
        Some((InstanceStatus::Connected, Some(broken))) => {
            // A message that waited for its turn before the link broke has not waited for it.
            let since = entry.ready_since.unwrap_or(entry.due_at).max(broken);
            now - since >= patience.reconnect
        }
        _ => true,
    };
    // A campaign never loses a recipient because its sender was ill.
    if lost && entry.class != Class::Campaign {
        Gate::Fail(Failure::NOT_CONNECTED)
    } else {
        Gate::Wait(now + Duration::SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NOW, entry, instance};

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
}
