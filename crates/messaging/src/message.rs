//! One message and its life.

use msgflash_contacts::ContactId;
use msgflash_kernel::{Id, Phone, UserId, Workspace};
use msgflash_quotas::Period;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use crate::events::timestamp;
use crate::instance::InstanceId;

pub mod accept;
pub mod cancel;
pub mod content;
pub mod list;
pub mod overview;
pub mod ports;
pub mod send;

/// The member of `meta` that marks the confirmation of an opt-out.
pub const OPT_OUT_CONFIRMATION: &str = "optOutConfirmation";

/// Marker of [`MessageId`].
pub enum MessageMark {}
/// The id of a message.
pub type MessageId = Id<MessageMark>;

/// Marker of [`CampaignId`].
pub enum CampaignMark {}
/// The id of a campaign.
pub type CampaignId = Id<CampaignMark>;

/// The published types of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    /// Plain text.
    Text,
    /// A picture.
    Image,
    /// A film.
    Video,
    /// A sound file.
    Audio,
    /// A recorded voice.
    VoiceNote,
    /// A file.
    Document,
    /// A place.
    Location,
    /// A contact card.
    Contact,
    /// Text with choices.
    Buttons,
}

impl MessageKind {
    /// Every type, in the order the documentation lists them.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Image,
        Self::Video,
        Self::Audio,
        Self::Document,
        Self::VoiceNote,
        Self::Location,
        Self::Contact,
        Self::Buttons,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::Audio => "audio",
            Self::VoiceNote => "voice_note",
            Self::Document => "document",
            Self::Location => "location",
            Self::Contact => "contact",
            Self::Buttons => "buttons",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// The published states of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageStatus {
    /// Accepted and waiting, also for its time.
    Queued,
    /// Handed to WhatsApp.
    Sent,
    /// On the recipient's device.
    Delivered,
    /// Opened by the recipient.
    Read,
    /// Will not be sent, or was refused.
    Failed,
    /// Withdrawn before it was sent.
    Cancelled,
    /// Came in.
    Received,
}

impl MessageStatus {
    /// Every state, by its stored number.
    pub const ALL: [Self; 7] = [
        Self::Queued,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Cancelled,
        Self::Received,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Received => "received",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// The stored number.
    pub const fn to_i16(self) -> i16 {
        self as i16
    }

    /// Reads the stored number.
    pub fn from_i16(stored: i16) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|status| status.to_i16() == stored)
    }

    /// Whether a message in this state may go to `next`. States only move forward; a failure
    /// reported late counts unless the message was seen on a device.
    pub const fn may_become(self, next: Self) -> bool {
        match self {
            Self::Queued => !matches!(next, Self::Queued | Self::Received),
            Self::Sent => matches!(next, Self::Delivered | Self::Read | Self::Failed),
            Self::Delivered => matches!(next, Self::Read),
            Self::Read | Self::Failed | Self::Cancelled | Self::Received => false,
        }
    }
}

/// One message, sent or received.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who sent it; the workspace's owner for inbound ones.
    pub acting_user: UserId,
    /// The number it goes out from or came in through.
    pub instance: InstanceId,
    /// The linked contact.
    pub contact: Option<ContactId>,
    /// The campaign it belongs to.
    pub campaign: Option<CampaignId>,
    /// Whether it came in.
    pub inbound: bool,
    /// Its type.
    pub kind: MessageKind,
    /// The other side: recipient of an outbound message, sender of an inbound one. `None` when the
    /// provider knows only an opaque address.
    pub peer: Option<Phone>,
    /// Our own number, on inbound messages.
    pub own_number: Option<Phone>,
    /// Text, caption, or description of buttons.
    pub body: Option<String>,
    /// Where the media lies.
    pub media_url: Option<String>,
    /// Its state.
    pub status: MessageStatus,
    /// Why it failed, for people.
    pub error: Option<String>,
    /// Everything else that is published: location, buttons, failure code, what the provider said.
    pub meta: Map<String, Value>,
    /// WhatsApp's id.
    pub provider_message_id: Option<String>,
    /// The month it was charged to; `None` while the provider has not taken it.
    pub charged_to: Option<Period>,
    /// When it is to be sent.
    pub scheduled_at: Option<OffsetDateTime>,
    /// The request that made it.
    pub request_id: Option<String>,
    /// When it was accepted or came in.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Message {
    /// Moves to `next` if that is forward; answers whether it did.
    pub fn advance(&mut self, next: MessageStatus, at: OffsetDateTime) -> bool {
        let moves = self.status.may_become(next);
        if moves {
            self.status = next;
            self.updated_at = at;
        }
        moves
    }

    /// Ends the message with a reason for people and a code for machines.
    pub fn fail(&mut self, reason: &str, code: &str, at: OffsetDateTime) -> bool {
        let moves = self.advance(MessageStatus::Failed, at);
        if moves {
            self.error = Some(reason.to_owned());
            self.meta.insert("code".into(), code.into());
        }
        moves
    }

    /// Notes that a message which counts as failed proved to have left. Its state stays: it was
    /// told, and the quota given back.
    pub fn note_late_proof(&mut self, key_id: &str, at: OffsetDateTime) {
        let proof = json!({ "providerMessageId": key_id, "at": timestamp(at) });
        self.meta.insert("lateProof".into(), proof);
        self.updated_at = at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_only_move_forward() {
        use MessageStatus::{Cancelled, Delivered, Failed, Queued, Read, Received, Sent};
        let forward = [
            (Queued, Sent),
            (Queued, Delivered),
            (Queued, Read),
            (Queued, Failed),
            (Queued, Cancelled),
            (Sent, Delivered),
            (Sent, Read),
            (Sent, Failed),
            (Delivered, Read),
        ];
        for from in MessageStatus::ALL {
            for to in MessageStatus::ALL {
                assert_eq!(
                    from.may_become(to),
                    forward.contains(&(from, to)),
                    "{from:?} {to:?}"
                );
            }
        }
        assert!(!Received.may_become(Read));
    }

    #[test]
    fn words_and_numbers_read_back() {
        for status in MessageStatus::ALL {
            assert_eq!(MessageStatus::parse(status.as_str()), Some(status));
            assert_eq!(MessageStatus::from_i16(status.to_i16()), Some(status));
        }
        for kind in MessageKind::ALL {
            assert_eq!(MessageKind::parse(kind.as_str()), Some(kind));
        }
    }
}
