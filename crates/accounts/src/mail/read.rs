//! The mailbox of whoever develops.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::StoreError;
use time::OffsetDateTime;

use super::OutgoingMail;

/// A mail and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMail {
    /// The mail; its body is empty where it was sent and not kept.
    pub mail: OutgoingMail,
    /// When it was sent.
    pub sent_at: Option<OffsetDateTime>,
    /// When it was given up.
    pub failed_at: Option<OffsetDateTime>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// Lists mail.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait MailReader: Send + Sync {
    /// The newest mails, newest first.
    async fn newest(&self, limit: u32) -> Result<Vec<KeptMail>, StoreError>;
}

/// Reads the mail that was written, newest first. For development: the mails have links that open
/// accounts.
pub struct ReadMails {
    mails: Arc<dyn MailReader>,
}

impl ReadMails {
    /// Wires the use case.
    pub fn new(mails: Arc<dyn MailReader>) -> Self {
        Self { mails }
    }

    /// The newest mails, newest first, a hundred at most.
    pub async fn newest(&self, limit: u32) -> Result<Vec<KeptMail>, StoreError> {
        self.mails.newest(limit.min(100)).await
    }
}
