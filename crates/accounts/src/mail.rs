//! Mail to people: what it says, and how it leaves.
//!
//! Mail is written where the reason for it becomes true, in the same transaction, and leaves later:
//! [`send`]. Bodies carry one-time links, of which only hashes are kept elsewhere. So a mail that was
//! sent or given up loses its body; only in development, where the mailbox is read here, it stays.

use async_trait::async_trait;
use msgflash_kernel::{Id, StoreError, UserId};
use time::{Duration, OffsetDateTime};

pub mod letter;
pub mod read;
pub mod render;
pub mod send;

pub use letter::{Letter, PortalLinks};
pub use read::{KeptMail, MailReader, ReadMails};
pub use render::{Draft, Rendered};
pub use send::{MailError, MailQueue, Mailer, NoMailer, SendMails};

#[cfg(any(test, feature = "mocks"))]
pub use read::MockMailReader;
#[cfg(any(test, feature = "mocks"))]
pub use send::{MockMailQueue, MockMailer};

/// For how long a mail is tried.
pub const PATIENCE: Duration = Duration::hours(24);

/// Marker of [`MailId`].
pub enum MailMark {}
/// The id of a mail.
pub type MailId = Id<MailMark>;

/// A mail on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingMail {
    /// Its id.
    pub id: MailId,
    /// The account it is about, if any.
    pub user: Option<UserId>,
    /// The address it goes to.
    pub recipient: String,
    /// What sort of mail it is, such as `verify_email`.
    pub kind: String,
    /// Its subject and its body.
    pub content: Rendered,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// From when on there is no sense in sending it.
    pub give_up_at: OffsetDateTime,
    /// How often it was tried.
    pub tries: u32,
}

impl OutgoingMail {
    /// A mail that was just written.
    pub fn new(
        id: MailId,
        user: Option<UserId>,
        recipient: impl Into<String>,
        draft: &Draft,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            user,
            recipient: recipient.into(),
            kind: draft.kind.to_owned(),
            content: draft.render(),
            created_at: now,
            give_up_at: now + draft.counts_for.unwrap_or(PATIENCE).min(PATIENCE),
            tries: 0,
        }
    }
}

/// Keeps mail in the transaction that is its reason. Reached through a unit of work only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MailStore: Send {
    /// Puts a mail on its way. One with an id that is there already was put on its way before: nothing
    /// changes.
    async fn queue(&mut self, mail: &OutgoingMail) -> Result<(), StoreError>;
}
