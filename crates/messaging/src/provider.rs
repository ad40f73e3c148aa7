//! The WhatsApp provider, as the domain sees it.

use std::fmt;

use async_trait::async_trait;
use bytes::Bytes;
use msgflash_kernel::{Fault, Kind, Phone, Secret};
use serde_json::Value;
use time::OffsetDateTime;

use crate::message::content::Content;

/// What the provider says about a session's link, live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Linked.
    Open,
    /// A code waits, or the link is being re-established.
    Connecting,
    /// Not linked.
    Close,
}

impl LinkState {
    /// The published `providerState`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Connecting => "connecting",
            Self::Close => "close",
        }
    }
}

/// A session to make at the provider.
#[derive(Clone, Debug)]
pub struct NewSession {
    /// The name we choose: `[a-z0-9-]`.
    pub session: String,
    /// Where the provider posts its events.
    pub webhook_url: String,
    /// What it shows with each event.
    pub webhook_secret: Secret<String>,
}

/// What links a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairing {
    /// Show this QR code (its text), or type the pairing code when one was asked for.
    Code {
        /// The text inside the QR code.
        qr: String,
        /// Eight characters, without hyphen.
        pairing: Option<String>,
    },
    /// The provider has no code yet: ask again in a moment.
    NotYet,
    /// Linked already.
    AlreadyOpen,
}

/// What the provider stores about a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// Its name.
    pub session: String,
    /// The stored link state; may lag behind the live one.
    pub state: LinkState,
    /// The number that is linked.
    pub owner: Option<Phone>,
    /// Why it was cut last (401, 402, 403, 406), kept by the provider after a later reconnect.
    pub disconnection_code: Option<u16>,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Outbound {
    /// The recipient.
    pub to: Phone,
    /// The content. A card is filled in.
    pub content: Content,
    /// Send buttons natively instead of as numbered text.
    pub native_buttons: bool,
    /// The bytes to send instead of the address of media: an upload.
    pub file: Option<OutboundFile>,
}

/// A file that is sent as it is, not fetched.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboundFile {
    /// What it is called, with the ending of its type.
    pub name: String,
    /// Its MIME type.
    pub mime: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for OutboundFile {
    /// Without what is in it, and what people called it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutboundFile")
            .field("mime", &self.mime)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// What a status shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatusContent {
    /// Words on a colour.
    Text {
        /// The words.
        text: String,
        /// The colour, `#RRGGBB`.
        background: String,
    },
    /// A picture.
    Image {
        /// Where it is.
        url: String,
        /// The words under it.
        caption: Option<String>,
    },
}

/// A status as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboundStatus {
    /// What it shows.
    pub content: StatusContent,
    /// The bytes to send instead of the address of the picture: an upload.
    pub file: Option<OutboundFile>,
}

/// The provider took the message.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// WhatsApp's id. `None` when the message left and its id was lost on the way.
    pub key_id: Option<String>,
    /// The address it went to, which may have other digits than asked.
    pub address: Option<Address>,
}

/// An address at the provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Address {
    /// A phone number.
    Phone(Phone),
    /// An opaque address.
    Lid(String),
    /// A group, a broadcast, or anything else we do not speak to.
    Other,
}

/// What a failed call proves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFailure {
    /// Nothing left, and the gateway as a whole is the reason: unreachable, 503, no licence.
    #[error("provider unavailable: {0}")]
    GatewayDown(String),
    /// Nothing left: this session is not linked or its socket is dead.
    #[error("session not connected: {0}")]
    NotConnected(String),
    /// Nothing left: something about this message that may pass.
    #[error("not sent: {0}")]
    Transient(String),
    /// Nothing left and never will: the number has no WhatsApp.
    #[error("number not on WhatsApp")]
    NoWhatsApp,
    /// Nothing left and never will: the provider refuses the message.
    #[error("refused: {0}")]
    Refused(String),
    /// It may have left or not.
    #[error("outcome unknown: {0}")]
    Unknown(String),
}

/// What a failed call other than a send means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// No answer in time.
    #[error("WhatsApp provider timeout")]
    Timeout,
    /// It cannot be reached or says that it cannot serve.
    #[error("Provider temporarily unavailable")]
    Unavailable,
    /// The operator must activate the provider's licence first.
    #[error("Provider temporarily unavailable")]
    LicenceRequired,
    /// It does not know this session.
    #[error("the provider does not know this session")]
    UnknownSession,
    /// Our key was refused.
    #[error("the provider refused our key")]
    Unauthorized,
    /// The name is taken.
    #[error("the provider has a session of this name")]
    NameTaken,
    /// Anything else; the text is for the log, never for users.
    #[error("Provider error")]
    Failed(String),
}

impl Fault for ProviderError {
    fn kind(&self) -> Kind {
        Kind::Upstream
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Timeout => "PROVIDER_TIMEOUT",
            Self::Unavailable | Self::LicenceRequired => "PROVIDER_UNAVAILABLE",
            _ => "PROVIDER_ERROR",
        }
    }
}

/// Whether a number has WhatsApp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberCheck {
    /// The number asked for.
    pub asked: String,
    /// The address to use, when it has.
    pub address: Option<Address>,
}

/// What the provider stored about something it sent.
#[derive(Clone, Debug, PartialEq)]
pub struct SentRecord {
    /// WhatsApp's id.
    pub key_id: String,
    /// Where it went.
    pub address: Address,
    /// What it echoes of the content.
    pub echo: Echo,
    /// When the provider says it was, in whole seconds.
    pub at: OffsetDateTime,
    /// The furthest receipt it knows of.
    pub receipt: Option<ReceiptRank>,
}

/// What a look for messages to one recipient came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FoundSent {
    /// The messages, oldest first.
    pub records: Vec<SentRecord>,
    /// Whether everything was looked at. Half a look proves nothing by what it does not show.
    pub is_whole: bool,
}

/// What of a message can be recognised again: its type at the provider and its text, if any.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Echo {
    /// `text`, `image`, `video`, `audio`, `document`, `location`, `contact` or `buttons`.
    pub kind: &'static str,
    /// Text, caption, coordinates or card name; `None` where the type has none.
    pub text: Option<String>,
}

/// How far a message came, as receipts tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ReceiptRank {
    /// Changes nothing: waiting, or seen by another device of the sender.
    Nothing,
    /// WhatsApp refused it.
    Error,
    /// On the recipient's device.
    Delivered,
    /// Opened, or played.
    Read,
}

/// The WhatsApp gateway.
///
/// Implementations never retry a send, never follow redirects, and never put the provider's text,
/// key or URL into anything a user sees.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait WhatsAppProvider: Send + Sync {
    /// Makes a session.
    async fn create(&self, session: &NewSession) -> Result<(), ProviderError>;
    /// Starts linking, or answers the code of a linking under way.
    async fn connect(&self, session: &str, phone: Option<Phone>) -> Result<Pairing, ProviderError>;
    /// The live link state. A session that exists but is not loaded is [`LinkState::Close`].
    async fn state(&self, session: &str) -> Result<LinkState, ProviderError>;
    /// What is stored about one session; `None` when there is no such session.
    async fn fetch(&self, session: &str) -> Result<Option<SessionInfo>, ProviderError>;
    /// What is stored about all sessions.
    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError>;
    /// Closes and reopens the socket.
    async fn restart(&self, session: &str) -> Result<(), ProviderError>;
    /// Unlinks the phone. Not being linked is success.
    async fn logout(&self, session: &str) -> Result<(), ProviderError>;
    /// Removes the session. Its absence is success.
    async fn delete(&self, session: &str) -> Result<(), ProviderError>;
    /// Sends one message: one call, no repetition.
    async fn send(&self, session: &str, outbound: &Outbound) -> Result<Accepted, SendFailure>;
    /// What the provider would echo of this, so that a send can be recognised afterwards.
    fn expected_echo(&self, outbound: &Outbound) -> Echo;
    /// Publishes a status for all contacts of the number: one call, no repetition.
    async fn publish_status(
        &self,
        session: &str,
        status: &OutboundStatus,
    ) -> Result<Accepted, SendFailure>;
    /// What the provider would echo of a status.
    fn status_echo(&self, status: &StatusContent) -> Echo;
    /// The statuses that were published between two moments, oldest first.
    async fn find_statuses(
        &self,
        session: &str,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError>;
    /// Whether numbers have WhatsApp.
    async fn check_numbers(
        &self,
        session: &str,
        numbers: &[Phone],
    ) -> Result<Vec<NumberCheck>, ProviderError>;
    /// What was sent to `to` between two moments, oldest first, whatever address it went to.
    async fn find_sent(
        &self,
        session: &str,
        to: Phone,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError>;
    /// What is stored under one of WhatsApp's ids.
    async fn find_by_key(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<SentRecord>, ProviderError>;
    /// The receipts stored for one of WhatsApp's ids: the furthest of them.
    async fn receipts_of(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<ReceiptRank>, ProviderError>;
    /// The provider's version, such as `2.3.7`.
    async fn version(&self) -> Result<String, ProviderError>;
}

/// Something the provider told us.
#[derive(Clone, Debug, PartialEq)]
pub enum ProviderEvent {
    /// A message left, sent by our call.
    Sent(SentRecord),
    /// A receipt for a message of ours.
    Receipt {
        /// WhatsApp's id.
        key_id: String,
        /// How far it came.
        rank: ReceiptRank,
    },
    /// A message came in from one person.
    Inbound(Box<InboundMessage>),
    /// The link opened.
    Opened {
        /// The number that was linked.
        number: Option<Phone>,
    },
    /// The link is being opened or re-opened.
    Connecting,
    /// The link is gone for good: a new code is needed.
    Closed {
        /// The provider's cause, such as 401 (logged out) or 403 (banned).
        code: Option<u16>,
    },
    /// No code was scanned in time.
    PairingExpired,
    /// The session was removed.
    Removed,
    /// Nothing we act on.
    Ignored,
}

/// A message from one person.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    /// WhatsApp's id.
    pub key_id: String,
    /// The sender's number, when known.
    pub from: Option<Phone>,
    /// The sender's opaque address, when told.
    pub lid: Option<String>,
    /// The name the sender goes by.
    pub push_name: Option<String>,
    /// Its type.
    pub kind: crate::message::MessageKind,
    /// Text or caption.
    pub body: Option<String>,
    /// The choice that was pressed.
    pub button_id: Option<String>,
    /// The message it answers.
    pub quoted_key_id: Option<String>,
    /// Where it is, on locations: latitude, longitude.
    pub location: Option<(f64, f64)>,
}

/// Understands what the provider posts.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait EventDecoder: Send + Sync {
    /// Turns one event into what it means. Unknown and malformed events are
    /// [`ProviderEvent::Ignored`]; it never panics.
    fn decode(&self, event: &str, data: &Value) -> ProviderEvent;
}
