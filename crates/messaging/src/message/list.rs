//! Reading messages.

use std::sync::Arc;

use msgflash_kernel::{Cursor, Page, PageRequest, Problems, WorkspaceId};

use super::ports::{MessageFilter, MessageReader};
use super::{Message, MessageId};
use crate::error::MessagingError;

/// Reads the messages of a workspace.
pub struct ReadMessages {
    messages: Arc<dyn MessageReader>,
}

impl ReadMessages {
    /// Wires the use case.
    pub fn new(messages: Arc<dyn MessageReader>) -> Self {
        Self { messages }
    }

    /// One message.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        id: MessageId,
    ) -> Result<Message, MessagingError> {
        self.messages.find(workspace, id).await?.ok_or(MessagingError::NoMessage(id))
    }

    /// A page, newest first. A cursor belongs to the filter it was made with.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &MessageFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<Message>, MessagingError> {
        let scope = filter.scope();
        let after = cursor
            .map(|text| {
                let after = Cursor::decode(text, &scope).ok();
                after.filter(|after| MessageId::parse(after.key()).is_some()).ok_or_else(|| {
                    Problems::one("cursor", "invalid_cursor", "The cursor is not of this list")
                })
            })
            .transpose()?;
        Ok(self.messages.page(workspace, filter, &PageRequest { limit, after }).await?)
    }
}

impl MessageFilter {
    /// Names the list this filter makes, for its cursors.
    pub fn scope(&self) -> String {
        format!("messages {self:?}")
    }
}
