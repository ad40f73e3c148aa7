//! How the link of an instance changes, and who hears of it.

use std::sync::Arc;

use msgflash_kernel::{Clock, Event, Id, Ids, Outbox, Phone, StoreError};
use time::{Duration, OffsetDateTime};

use super::ports::{InstanceStore, InstanceUnits};
use super::{Instance, InstanceId, InstanceStatus};
use crate::events;

/// A re-connection that takes longer than this counts as lost.
pub const RECONNECT_PATIENCE: Duration = Duration::seconds(60);
/// A code that nobody scanned for this long is given up.
pub const PAIRING_PATIENCE: Duration = Duration::minutes(2);

/// What happened to the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It opened.
    Opened {
        /// The number that was linked.
        number: Option<Phone>,
    },
    /// It is being opened or re-opened.
    Connecting,
    /// We looked, and the link is open. Means nothing unless it was thought to be re-opening, or
    /// was given up as lost.
    FoundOpen,
    /// A code was asked for.
    PairingStarted {
        /// The number it is for, when one was named.
        number: Option<Phone>,
    },
    /// It is gone for good.
    Closed {
        /// The provider's cause.
        code: Option<u16>,
    },
    /// Re-opening took too long.
    Lost,
    /// Nobody scanned the code.
    PairingExpired,
    /// The provider does not have the session any more.
    Gone,
}

/// What a change of the link means to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    Connected,
    Disconnected(Option<&'static str>),
}

impl Instance {
    /// Applies a change. The answer says whether it changed anything, and what to tell.
    fn apply(&mut self, change: Change, now: OffsetDateTime) -> (bool, Option<News>) {
        let before = self.clone();
        let was_connected = self.status == InstanceStatus::Connected;
        let suspended = self.status == InstanceStatus::Suspended;
        let news = match change {
            _ if suspended => None,
            Change::Opened {
                number: Some(other),
            } if self.expects_another_than(other) => {
                let is_news = self.unlink_since.is_none();
                self.status = InstanceStatus::Disconnected;
                self.connecting_since = None;
                self.reconnecting_since = None;
                self.expected_number = None;
                self.unlink_since.get_or_insert(now);
                is_news.then_some(News::Disconnected(Some(
                    "Another number was linked than the expected one",
                )))
            }
            Change::Opened { number } => {
                self.status = InstanceStatus::Connected;
                self.wa_number = number.or(self.wa_number);
                self.first_connected_at.get_or_insert(now);
                self.connecting_since = None;
                self.reconnecting_since = None;
                self.expected_number = None;
                self.unlink_since = None;
                (!was_connected).then_some(News::Connected)
            }
            Change::Connecting => {
                if was_connected {
                    self.reconnecting_since.get_or_insert(now);
                }
                None
            }
            Change::FoundOpen => {
                // A link that was given up as lost has neither time; one that was never linked has.
                let lost =
                    self.status == InstanceStatus::Connecting && self.connecting_since.is_none();
                if was_connected || lost {
                    self.status = InstanceStatus::Connected;
                    self.reconnecting_since = None;
                }
                lost.then_some(News::Connected)
            }
            Change::PairingStarted { number } => {
                if !was_connected {
                    self.status = InstanceStatus::Connecting;
                    self.connecting_since = Some(now);
                    self.expected_number = number;
                }
                None
            }
            Change::Lost => {
                // A link that re-opened meanwhile is not lost.
                let lost = was_connected && self.reconnecting_since.is_some();
                if lost {
                    self.status = InstanceStatus::Connecting;
                    self.reconnecting_since = None;
                }
                lost.then_some(News::Disconnected(Some("The connection was lost")))
            }
            Change::PairingExpired => {
                if self.status == InstanceStatus::Connecting {
                    self.status = InstanceStatus::Disconnected;
                    self.connecting_since = None;
                }
                None
            }
            Change::Closed { code } => {
                self.cut();
                was_connected.then_some(News::Disconnected(reason_of(code)))
            }
            Change::Gone => {
                self.cut();
                was_connected.then_some(News::Disconnected(Some(
                    "The session was lost: link the phone again",
                )))
            }
        };
        let changed = *self != before;
        if changed {
            self.updated_at = now;
        }
        (changed, news)
    }

    fn cut(&mut self) {
        self.status = InstanceStatus::Disconnected;
        self.connecting_since = None;
        self.reconnecting_since = None;
        self.unlink_since = None;
    }

    /// Whether this number is not the one this instance is for: the one that was named when the
    /// linking began, or else the one it had before. A number that changed without anybody saying
    /// so would speak in another's name.
    fn expects_another_than(&self, number: Phone) -> bool {
        self.expected_number
            .or(self.wa_number)
            .is_some_and(|expected| line(expected) != line(number))
    }
}

/// The digits of a number without those that some countries have or lack on mobiles: the same
/// line is announced either way.
fn line(number: Phone) -> String {
    let digits = number.digits();
    let (country, rest) = digits.split_at(2);
    match (country, digits.len()) {
        ("55", 13) if rest[2..].starts_with('9') => format!("55{}{}", &rest[..2], &rest[3..]),
        ("52", 13) if rest.starts_with('1') => format!("52{}", &rest[1..]),
        ("54", 13) if rest.starts_with('9') => format!("54{}", &rest[1..]),
        _ => digits,
    }
}

fn reason_of(code: Option<u16>) -> Option<&'static str> {
    match code? {
        401 => Some("The phone logged the device out"),
        403 => Some("WhatsApp banned or blocked the number"),
        402 | 406 => Some("WhatsApp restricted the number"),
        _ => Some("The connection was closed"),
    }
}

/// Applies a change to a stored instance within the caller's transaction and answers what to tell
/// every workspace it serves; `None` when the instance is gone. Exactly one event per change: the
/// row is locked, and a change that changes nothing tells nothing.
pub(crate) async fn apply(
    instances: &mut dyn InstanceStore,
    id: InstanceId,
    change: Change,
    now: OffsetDateTime,
    ids: &dyn Ids,
) -> Result<Option<(InstanceStatus, Vec<Event>)>, StoreError> {
    let Some(mut instance) = instances.lock(id).await? else {
        return Ok(None);
    };
    let (changed, news) = instance.apply(change, now);
    if changed {
        instances.update(&instance).await?;
    }
    let mut told = Vec::new();
    if let Some(news) = news {
        let (name, reason) = match news {
            News::Connected => (events::INSTANCE_CONNECTED, None),
            News::Disconnected(reason) => (events::INSTANCE_DISCONNECTED, reason),
        };
        for workspace in instances.workspaces(instance.account).await? {
            let id = Id::new(ids.next());
            told.push(events::instance_changed(
                id, workspace, &instance, name, reason, now,
            ));
        }
    }
    Ok(Some((instance.status, told)))
}

/// Records changes of links.
pub struct RecordConnection {
    units: Arc<dyn InstanceUnits>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl RecordConnection {
    /// Wires the use case.
    pub fn new(units: Arc<dyn InstanceUnits>, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { units, clock, ids }
    }

    /// Records one change and answers the state after it; `None` when the instance is gone.
    pub async fn record(
        &self,
        id: InstanceId,
        change: Change,
    ) -> Result<Option<InstanceStatus>, StoreError> {
        let now = self.clock.now();
        let mut unit = self.units.begin().await?;
        let applied = apply(unit.instances(), id, change, now, &*self.ids).await?;
        let Some((status, told)) = applied else {
            return Ok(None);
        };
        tell(unit.outbox(), &told).await?;
        unit.commit().await?;
        Ok(Some(status))
    }
}

/// Appends events if there are any.
pub(crate) async fn tell(outbox: &mut dyn Outbox, events: &[Event]) -> Result<(), StoreError> {
    if events.is_empty() {
        Ok(())
    } else {
        outbox.append(events).await
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Secret;
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
    }

    #[test]
    fn another_phone_than_the_earlier_one_is_refused_until_it_is_named() {
        let mut it = instance(InstanceStatus::Disconnected);
        it.wa_number = Phone::parse("+33611112222").ok();
        it.apply(linked("+33699999999"), NOW);
        assert_eq!(it.apply(linked("+33699999999"), NOW), (false, None));
        assert_eq!(it.status, InstanceStatus::Disconnected);
        it.apply(Change::Closed { code: None }, NOW);
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
}
