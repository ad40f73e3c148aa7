//! Changes of a link, as events tell them.
//!
//! One disconnection is told by three events in any order, and only some of them know the cause.
//! The first to be applied is the one whose cause is published, so one without a cause looks for
//! it among those that came after it, and waits a moment for them.

use msgflash_kernel::StoreError;
use time::Duration;

use super::apply::ApplyEvents;
use super::ports::{EventUnit, StoredEvent};
use crate::instance::InstanceStatus;
use crate::instance::connection::Change;
use crate::provider::ProviderEvent;

/// How long a disconnection without a cause waits for an event that knows it.
pub(super) const CAUSE_GRACE: Duration = Duration::seconds(2);

/// A change, and whether an event that comes later may know more about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LinkChange {
    pub(super) change: Change,
    lacks_cause: bool,
}

/// What the first of some events changes, knowing the others; `None` when it is about no link.
pub(super) fn change(events: &[ProviderEvent]) -> Option<LinkChange> {
    let (first, later) = events.split_first()?;
    let change = match first {
        ProviderEvent::Opened { number } => Change::Opened { number: *number },
        ProviderEvent::Connecting => Change::Connecting,
        ProviderEvent::Closed { code: None } => return Some(closed(later)),
        ProviderEvent::Closed { code } => Change::Closed { code: *code },
        ProviderEvent::Removed => Change::Closed { code: None },
        ProviderEvent::PairingExpired => Change::PairingExpired,
        ProviderEvent::Sent(_)
        | ProviderEvent::Receipt { .. }
        | ProviderEvent::Inbound(_)
        | ProviderEvent::Ignored => return None,
    };
    Some(LinkChange {
        change,
        lacks_cause: false,
    })
}

fn closed(later: &[ProviderEvent]) -> LinkChange {
    // What was closed before the link opened again has its cause before that, or nowhere.
    let told = later.iter().find_map(|event| match event {
        ProviderEvent::Closed { code: Some(code) } => Some(Some(*code)),
        ProviderEvent::Opened { .. } | ProviderEvent::Removed => Some(None),
        _ => None,
    });
    LinkChange {
        change: Change::Closed {
            code: told.flatten(),
        },
        lacks_cause: told.is_none(),
    }
}

impl ApplyEvents {
    /// Whether a disconnection is held back, because its cause may be on its way and somebody
    /// would hear of it without.
    pub(super) async fn waits_for_its_cause(
        &self,
        unit: &mut dyn EventUnit,
        item: &StoredEvent,
        change: &LinkChange,
        age: Duration,
    ) -> Result<bool, StoreError> {
        if !change.lacks_cause || age >= CAUSE_GRACE {
            return Ok(false);
        }
        let instance = unit.instances().lock(item.instance).await?;
        Ok(instance.is_some_and(|it| it.status == InstanceStatus::Connected))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: ProviderEvent = ProviderEvent::Closed { code: None };
    const BANNED: ProviderEvent = ProviderEvent::Closed { code: Some(403) };
    const OPENED: ProviderEvent = ProviderEvent::Opened { number: None };

    /// Whether some events disconnect with this cause, and wait for it.
    fn closed_with(events: &[ProviderEvent], code: Option<u16>, lacks_cause: bool) -> bool {
        let change = Change::Closed { code };
        super::change(events)
            == Some(LinkChange {
                change,
                lacks_cause,
            })
    }

    #[test]
    fn a_disconnection_takes_its_cause_from_what_came_after_it() {
        let connecting = ProviderEvent::Connecting;
        assert!(closed_with(
            &[UNKNOWN, connecting, BANNED],
            Some(403),
            false
        ));
        assert!(closed_with(&[UNKNOWN], None, true));
    }

    #[test]
    fn a_cause_from_after_the_next_opening_belongs_to_another_disconnection() {
        assert!(closed_with(&[UNKNOWN, OPENED, BANNED], None, false));
    }

    #[test]
    fn a_removal_and_a_known_cause_wait_for_nothing() {
        assert!(closed_with(&[ProviderEvent::Removed], None, false));
        assert!(closed_with(&[BANNED, UNKNOWN], Some(403), false));
    }
}
