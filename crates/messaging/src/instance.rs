//! A connected WhatsApp number.

use msgflash_kernel::{AccountId, Id, Phone, Secret};
use serde_json::Value;
use time::OffsetDateTime;

use crate::safety::{self, Safety, Window};

pub mod compare;
pub mod connection;
pub mod ports;
pub mod provision;
pub mod reach;
pub mod read;
pub mod recent;
#[cfg(test)]
pub(crate) mod shelf;
pub mod signs;
pub mod standing;
pub mod watch;

pub use standing::Standing;

/// Marker of [`InstanceId`].
pub enum InstanceMark {}
/// The id of an instance.
pub type InstanceId = Id<InstanceMark>;

/// The name an instance has at the provider.
pub type Session = String;

/// The published states of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceStatus {
    /// Not linked, or the link is gone.
    Disconnected,
    /// A code waits to be scanned, or the provider is re-establishing the link.
    Connecting,
    /// Linked and able to send.
    Connected,
    /// Switched off by the plan or the operator.
    Suspended,
}

impl InstanceStatus {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnected => "disconnected",
            Self::Connecting => "connecting",
            Self::Connected => "connected",
            Self::Suspended => "suspended",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Disconnected,
            Self::Connecting,
            Self::Connected,
            Self::Suspended,
        ]
        .into_iter()
        .find(|status| status.as_str() == word)
    }
}

/// Who suspended an instance, and so who may end that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suspension {
    /// The plan has no place for it; one that has ends it.
    Plan,
    /// The operator; no plan ends it.
    Operator,
}

impl Suspension {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Operator => "operator",
        }
    }

    /// Reads the stored word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Plan, Self::Operator]
            .into_iter()
            .find(|it| it.as_str() == word)
    }
}

/// One WhatsApp number. It belongs to the account and serves all its workspaces.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// Its id, `instanceId` in API calls.
    pub id: InstanceId,
    /// Whose it is, and who pays for what it sends.
    pub account: AccountId,
    /// A label for people.
    pub name: String,
    /// The name it has at the provider.
    pub session: Session,
    /// What the provider shows with each event to prove that it is the provider.
    pub webhook_secret: Secret<String>,
    /// The linked number; kept for display after the link is gone.
    pub wa_number: Option<Phone>,
    /// Its state.
    pub status: InstanceStatus,
    /// Who suspended it, while it is suspended. Where nobody is named it was the operator.
    pub suspended_for: Option<Suspension>,
    /// Buttons go out natively instead of as numbered text.
    pub native_buttons: bool,
    /// Whether the number is a WhatsApp Business account, when known.
    pub is_business: Option<bool>,
    /// Reserved.
    pub meta: Option<Value>,
    /// When it was linked for the first time.
    pub first_connected_at: Option<OffsetDateTime>,
    /// Since when a code waits to be scanned.
    pub connecting_since: Option<OffsetDateTime>,
    /// Since when the provider is re-establishing a link that was open.
    pub reconnecting_since: Option<OffsetDateTime>,
    /// The number the linking under way was asked for.
    pub expected_number: Option<Phone>,
    /// The linking that was asked for last named no number, and no phone was linked since: any is
    /// taken.
    pub takes_any_number: bool,
    /// Since when a phone that was refused waits to be unlinked at the provider.
    pub unlink_since: Option<OffsetDateTime>,
    /// What WhatsApp thinks of the number.
    pub standing: Standing,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Instance {
    /// The guidance for one more message.
    pub fn safety(&self, window: &Window, now: OffsetDateTime) -> Safety {
        let is_restricted = self.standing.is_restricted(now);
        safety::assess(self.first_connected_at, is_restricted, window, now)
    }
}
