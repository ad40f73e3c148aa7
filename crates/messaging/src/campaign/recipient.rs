//! One recipient of a campaign: what happened, and why.

use msgflash_contacts::{Contact, ContactId};
use msgflash_kernel::Phone;
use time::OffsetDateTime;

use super::RunId;
use crate::message::{MessageId, MessageKind, MessageStatus};

/// Why a recipient is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// On the workspace's suppression list.
    OptedOut,
    /// The contact was deleted after the run had started.
    ContactGone,
    /// Another recipient of the run has the number that the contact was given meanwhile.
    Duplicate,
}

impl Skip {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::OptedOut, Self::ContactGone, Self::Duplicate];

    /// The published code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::OptedOut => "RECIPIENT_OPTED_OUT",
            Self::ContactGone => "CONTACT_DELETED",
            Self::Duplicate => "DUPLICATE_RECIPIENT",
        }
    }

    /// The reason for people.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::OptedOut => "The recipient does not want messages",
            Self::ContactGone => "The contact was deleted",
            Self::Duplicate => "Another recipient has the same number",
        }
    }

    /// The stored number; 0 is nobody left out.
    pub const fn to_i16(self) -> i16 {
        self as i16 + 1
    }

    /// Reads the stored number.
    pub fn from_i16(stored: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.to_i16() == stored)
    }
}

/// What became of a recipient, as it is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientStatus {
    /// Its message is in this state; queued also while it is not made yet.
    Message(MessageStatus),
    /// Left out.
    Skipped,
}

impl RecipientStatus {
    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Message(status) => status.as_str(),
            Self::Skipped => "skipped",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        if word == "skipped" {
            return Some(Self::Skipped);
        }
        let status = MessageStatus::parse(word)?;
        (status != MessageStatus::Received).then_some(Self::Message(status))
    }
}

/// A recipient as lists show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The id of its message, also before that is made.
    pub message: MessageId,
    /// In which run.
    pub run: RunId,
    /// The contact; `None` when it was deleted since.
    pub contact: Option<ContactId>,
    /// Its name.
    pub contact_name: Option<String>,
    /// The number.
    pub phone: Phone,
    /// What happened.
    pub status: RecipientStatus,
    /// A code for machines: why it failed, or was left out.
    pub code: Option<String>,
    /// The same for people.
    pub error: Option<String>,
    /// The type of the message; `None` before it is made.
    pub kind: Option<MessageKind>,
    /// The text; `None` before it is made.
    pub body: Option<String>,
    /// When the recipient was written down, or the message made.
    pub created_at: OffsetDateTime,
    /// When that last changed.
    pub updated_at: OffsetDateTime,
}

/// A recipient whose message is to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    /// The id its message will have.
    pub message: MessageId,
    /// The number that was written down.
    pub phone: Phone,
    /// The contact as it is now; `None` when it is gone.
    pub contact: Option<Contact>,
    /// Whether it is on the suppression list.
    pub is_suppressed: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_numbers_read_back() {
        for skip in Skip::ALL {
            assert_eq!(Skip::from_i16(skip.to_i16()), Some(skip));
        }
        assert_eq!(Skip::from_i16(0), None);
        for word in [
            "queued",
            "sent",
            "delivered",
            "read",
            "failed",
            "cancelled",
            "skipped",
        ] {
            let parsed = RecipientStatus::parse(word).map(RecipientStatus::as_str);
            assert_eq!(parsed, Some(word));
        }
        assert_eq!(RecipientStatus::parse("received"), None);
    }
}
