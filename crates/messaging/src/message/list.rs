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
        self.messages
            .find(workspace, id)
            .await?
            .ok_or(MessagingError::NoMessage(id))
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
        let is_key = |key: &str| MessageId::parse(key).is_some();
        let after = cursor.map(|text| Cursor::given(text, &scope, is_key));
        let after = after.transpose().map_err(Problems::from)?;
        Ok(self
            .messages
            .page(workspace, filter, &PageRequest { limit, after })
            .await?)
    }
}

impl MessageFilter {
    /// Names the list this filter makes, for its cursors.
    pub fn scope(&self) -> String {
        let mut scope = "messages".to_owned();
        let mut add = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                scope.extend(["|", name, "=", &value]);
            }
        };
        add("instance", self.instance.map(|id| id.to_string()));
        add(
            "status",
            self.status.map(|status| status.as_str().to_owned()),
        );
        add("campaign", self.campaign.map(|id| id.to_string()));
        add("to", self.to.map(|to| to.to_string()));
        add("inbound", self.inbound.map(|inbound| inbound.to_string()));
        add(
            "from",
            self.from.map(|at| at.unix_timestamp_nanos().to_string()),
        );
        add(
            "until",
            self.until.map(|at| at.unix_timestamp_nanos().to_string()),
        );
        scope
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Phone;

    use super::*;

    #[test]
    fn filters_that_differ_in_one_digit_make_different_lists() {
        let to = |raw| MessageFilter {
            to: Phone::parse(raw).ok(),
            ..MessageFilter::default()
        };
        assert_ne!(to("+33612345678").scope(), to("+33699995678").scope());
        assert_eq!(MessageFilter::default().scope(), "messages");
    }
}
