//! What an operator must hear of: things that no repetition mends.

use crate::instance::InstanceId;

/// Why a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Alarm {
    /// The provider refuses our key.
    KeyRefused,
    /// The provider serves nothing until its licence is activated.
    LicenceRequired,
    /// The provider no longer has a session that was linked.
    SessionLost,
    /// A link did not come back in time.
    ConnectionLost,
    /// A call showed that a link that says it is open is dead; it is being restarted.
    DeadLink,
    /// A link that says it is open carries nothing, and restarts do not cure it.
    SocketDead,
    /// Another phone than the expected one was linked.
    WrongNumber,
    /// WhatsApp refuses messages to new contacts.
    Restricted,
}

impl Alarm {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::KeyRefused,
        Self::LicenceRequired,
        Self::SessionLost,
        Self::ConnectionLost,
        Self::DeadLink,
        Self::SocketDead,
        Self::WrongNumber,
        Self::Restricted,
    ];

    /// The word that metrics and logs carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeyRefused => "key_refused",
            Self::LicenceRequired => "license_required",
            Self::SessionLost => "session_lost",
            Self::ConnectionLost => "connection_lost",
            Self::DeadLink => "dead_link",
            Self::SocketDead => "socket_dead",
            Self::WrongNumber => "wrong_number",
            Self::Restricted => "restricted",
        }
    }

    /// What to do about it, in a sentence.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::KeyRefused => "the gateway refuses the key: compare it with the gateway's own",
            Self::LicenceRequired => "the gateway waits for its licence to be activated",
            Self::SessionLost => {
                "the gateway lost a linked session: the phone must be linked again"
            }
            Self::ConnectionLost => "a link did not come back: look at the gateway and the phone",
            Self::DeadLink => "a link is open but dead, and is restarted",
            Self::SocketDead => "a link says open and carries nothing: link the phone again",
            Self::WrongNumber => {
                "another phone than the expected one was linked and unlinked again"
            }
            Self::Restricted => "WhatsApp refuses a number's messages to new people: they wait",
        }
    }
}

/// Tells the operator.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Alarms: Send + Sync {
    /// Tells of one, for an instance or for all.
    fn raise(&self, alarm: Alarm, instance: Option<InstanceId>);
}
