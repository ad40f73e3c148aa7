//! What a call came to, and why a message ends as failed.

use msgflash_kernel::Phone;

use crate::error::OPTED_OUT;
use crate::provider::{Address, SendFailure};

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The provider took it; its id may have been lost on the way.
    Sent {
        /// WhatsApp's id.
        key_id: Option<String>,
        /// The address it went to, when that is another than the number's own.
        other: Option<Address>,
    },
    /// Nothing left, and the lane as a whole is the reason.
    LaneDown,
    /// Nothing left, because of this message, and it may pass.
    Missed,
    /// It will never be sent.
    Failed(Failure),
    /// It left, and its id was lost on the way.
    Left,
    /// It may have left or not.
    Unknown,
    /// It was marked and then not called.
    NotCalled,
    /// Nobody knew, and the provider proved to remember everything else and not this.
    NotLeft,
}

impl Verdict {
    /// A message to `to` left, and went to `address` as far as anybody said.
    pub(crate) fn sent(key_id: Option<String>, to: Phone, address: Option<Address>) -> Self {
        let other = address.filter(|it| *it != Address::Phone(to) && *it != Address::Other);
        Self::Sent { key_id, other }
    }

    /// A short word for the metrics.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Sent { .. } => "sent",
            Self::LaneDown => "lane_down",
            Self::Missed => "missed",
            Self::Failed(_) => "failed",
            Self::Left => "left",
            Self::Unknown => "unknown",
            Self::NotCalled => "not_called",
            Self::NotLeft => "not_left",
        }
    }
}

/// Why a message ends as failed: for people and for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// A sentence for people.
    pub reason: &'static str,
    /// The published code.
    pub code: &'static str,
}

impl Failure {
    /// The gateway was away for too long.
    pub const UNAVAILABLE: Self = Self {
        reason: "Provider unavailable",
        code: "PROVIDER_UNAVAILABLE",
    };
    /// The outcome stayed unknown.
    pub const TIMEOUT: Self = Self {
        reason: "Provider timeout",
        code: "PROVIDER_TIMEOUT",
    };
    /// The provider refused it.
    pub const REFUSED: Self = Self {
        reason: "The provider could not send this message",
        code: "PROVIDER_ERROR",
    };
    /// The upload it was to send is gone.
    pub const MEDIA_GONE: Self = Self {
        reason: "The uploaded file has expired or was deleted",
        code: "NOT_FOUND",
    };
    /// The number has no WhatsApp.
    pub const NO_WHATSAPP: Self = Self {
        reason: "The number is not on WhatsApp",
        code: "INVALID_DESTINATION",
    };
    /// The recipient asked not to be written to.
    pub const OPTED_OUT: Self = Self {
        reason: "The recipient is on the opt-out list",
        code: OPTED_OUT,
    };
    /// The instance is not linked.
    pub const NOT_CONNECTED: Self = Self {
        reason: "The instance is not connected",
        code: "INSTANCE_NOT_CONNECTED",
    };
    /// The month's messages are used up.
    pub const OUT_OF_QUOTA: Self = Self {
        reason: "Monthly outbound quota exceeded",
        code: "MONTHLY_OUTBOUND_QUOTA_EXCEEDED",
    };
    /// The subscription ended before the message was due.
    pub const NO_SUBSCRIPTION: Self = Self {
        reason: "The subscription does not allow sending",
        code: "SUBSCRIPTION_INACTIVE",
    };
    /// The stored message cannot be sent.
    pub const BROKEN: Self = Self {
        reason: "The message could not be read",
        code: "INTERNAL_ERROR",
    };
}

impl From<&SendFailure> for Verdict {
    fn from(failure: &SendFailure) -> Self {
        match failure {
            SendFailure::GatewayDown(_) | SendFailure::NotConnected(_) => Self::LaneDown,
            SendFailure::Transient(_) => Self::Missed,
            SendFailure::NoWhatsApp => Self::Failed(Failure::NO_WHATSAPP),
            SendFailure::Refused(_) => Self::Failed(Failure::REFUSED),
            SendFailure::Unknown(_) => Self::Unknown,
        }
    }
}
