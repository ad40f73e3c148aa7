//! What may happen to a link, and what it makes of an instance.

use msgflash_kernel::Phone;
use serde_json::json;
use time::OffsetDateTime;

use crate::instance::{Instance, InstanceStatus, Suspension};

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
    /// It is gone for good, as an event says. Means nothing while a phone is being linked: what an
    /// earlier link left behind arrives late, and a linking that comes to nothing ends by itself.
    Closed {
        /// The provider's cause.
        code: Option<u16>,
    },
    /// We looked, and it is gone for good.
    FoundClosed {
        /// The provider's cause, when it stored one.
        code: Option<u16>,
    },
    /// Its owner wants it closed.
    LogoutAsked,
    /// It could not be closed.
    LogoutFailed,
    /// Re-opening took too long.
    Lost,
    /// Nobody scanned the code.
    PairingExpired,
    /// The provider does not have the session any more.
    Gone,
    /// Somebody switched it off. The phone is unlinked at the provider afterwards.
    Suspended(Suspension),
    /// The plan has a place for it again. Means nothing to what the operator suspended.
    Released,
}

/// What a change of the link means to the instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    Connected,
    Disconnected(Option<&'static str>),
}

impl Instance {
    /// Applies a change. The answer says whether it changed anything, and what to tell.
    pub(super) fn apply(&mut self, change: Change, now: OffsetDateTime) -> (bool, Option<News>) {
        let before = self.clone();
        let was_connected = self.status == InstanceStatus::Connected;
        let suspended = self.status == InstanceStatus::Suspended;
        let news = match change {
            Change::Released => {
                if suspended && self.suspended_for == Some(Suspension::Plan) {
                    self.status = InstanceStatus::Disconnected;
                    self.suspended_for = None;
                }
                None
            }
            _ if suspended => {
                // It stays so, and nobody waits for it any longer.
                if matches!(
                    change,
                    Change::FoundClosed { .. } | Change::PairingExpired | Change::Gone
                ) {
                    self.forget_link();
                }
                None
            }
            // A phone that was refused stays refused until it is unlinked, however often its link
            // is seen.
            Change::Opened { .. } if !was_connected && self.unlink_since.is_some() => None,
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
                self.takes_any_number = false;
                self.unlink_since = None;
                (!was_connected).then_some(News::Connected)
            }
            Change::LogoutAsked => {
                if was_connected {
                    self.unlink_since.get_or_insert(now);
                }
                None
            }
            Change::LogoutFailed => {
                if was_connected {
                    self.unlink_since = None;
                }
                None
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
                    self.takes_any_number = number.is_none();
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
            Change::Closed { .. } if self.is_pairing() => None,
            Change::Closed { code } | Change::FoundClosed { code } => {
                let reason = if self.unlink_since.is_some() {
                    Some("Logged out")
                } else {
                    reason_of(code)
                };
                self.cut();
                was_connected.then_some(News::Disconnected(reason))
            }
            Change::Suspended(by) => {
                self.forget_link();
                self.status = InstanceStatus::Suspended;
                self.suspended_for = Some(by);
                self.expected_number = None;
                // A phone that is being linked at this moment goes, too.
                self.unlink_since = Some(now);
                was_connected.then_some(News::Disconnected(Some(match by {
                    Suspension::Plan => "The plan has no place for this number",
                    Suspension::Operator => "The operator suspended this number",
                })))
            }
            Change::Gone => {
                self.cut();
                was_connected.then_some(News::Disconnected(Some(
                    "The session was lost: link the phone again",
                )))
            }
        };
        match news {
            Some(News::Connected) => self.show_reason(None),
            Some(News::Disconnected(reason)) => self.show_reason(reason),
            None => {}
        }
        let changed = *self != before;
        if changed {
            self.updated_at = now;
        }
        (changed, news)
    }

    /// Whether a code waits to be used.
    pub(in crate::instance) fn is_pairing(&self) -> bool {
        self.status == InstanceStatus::Connecting && self.connecting_since.is_some()
    }

    /// Shows people why it is not connected; nothing once it is.
    fn show_reason(&mut self, reason: Option<&str>) {
        self.meta = reason.map(|reason| json!({ "disconnectReason": reason }));
    }

    fn cut(&mut self) {
        self.status = InstanceStatus::Disconnected;
        self.forget_link();
    }

    fn forget_link(&mut self) {
        self.connecting_since = None;
        self.reconnecting_since = None;
        self.unlink_since = None;
    }

    /// Whether this number is not the one this instance is for: the one that was named when the
    /// linking began. A linking that named none takes any; a link that changes without a linking
    /// must stay with the number it had, or it would speak in another's name.
    fn expects_another_than(&self, number: Phone) -> bool {
        let known = self.wa_number.filter(|_| !self.takes_any_number);
        self.expected_number
            .or(known)
            .is_some_and(|expected| line(expected) != line(number))
    }

    /// Whether this is the number of another line than the one it had.
    pub(in crate::instance) fn is_of_another_line(&self, number: Phone) -> bool {
        self.wa_number
            .is_some_and(|known| line(known) != line(number))
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

#[cfg(test)]
mod tests;
