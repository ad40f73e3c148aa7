//! Instances, messages, the lanes that send them and the receipts that come back.
//!
//! Knows what may be sent, in which order, what an answer of the provider proves, and that a
//! message is never sent twice; refuses to know how the provider or the database speak. Start at
//! [`message::send`] for acceptance, at [`dispatch`] for the call and at [`receipt`] for what
//! comes back. Stories, which are called for while their client waits, are in [`status`].
//!
//! Ports and use cases stand side by side in each module; with the feature `mocks` a port has its mock beside it.
//! Accepting messages asks for [`AcceptUnits`](message::ports::AcceptUnits), sending them for a
//! [`WhatsAppProvider`](provider::WhatsAppProvider) and the ports of [`dispatch`], reading them for one:
//!
//! ```
//! use std::sync::Arc;
//!
//! use async_trait::async_trait;
//! use msgflash_kernel::{Id, Page, PageRequest, StoreError, WorkspaceId};
//! use msgflash_messaging::message::list::ReadMessages;
//! use msgflash_messaging::message::ports::{MessageFilter, MessageReader};
//! use msgflash_messaging::{Message, MessageId, MessagingError};
//! use uuid::Uuid;
//!
//! /// A store without any message.
//! struct Nothing;
//!
//! #[async_trait]
//! impl MessageReader for Nothing {
//!     async fn find(&self, _: WorkspaceId, _: MessageId) -> Result<Option<Message>, StoreError> {
//!         Ok(None)
//!     }
//!
//!     async fn page(
//!         &self,
//!         _: WorkspaceId,
//!         _: &MessageFilter,
//!         _: &PageRequest,
//!     ) -> Result<Page<Message>, StoreError> {
//!         Ok(Page { items: Vec::new(), next: None })
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
//! let messages = ReadMessages::new(Arc::new(Nothing));
//! let (workspace, id) = (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)));
//! let refusal = messages.find(workspace, id).await;
//! assert!(matches!(refusal, Err(MessagingError::NoMessage(missing)) if missing == id));
//! # });
//! ```
//!
//! The repository's `examples/embed` is a whole service that accepts and sends.

pub mod alarm;
pub mod campaign;
pub mod dispatch;
pub mod error;
pub mod events;
pub mod instance;
pub mod lookup;
pub mod media;
pub mod message;
pub mod provider;
pub mod receipt;
pub mod safety;
pub mod status;
#[cfg(test)]
mod testing;

pub use campaign::{Campaign, CampaignId, CampaignStatus};
pub use error::MessagingError;
pub use instance::{Instance, InstanceId, InstanceStatus};
pub use media::{Media, MediaError, MediaId};
pub use message::{Message, MessageId, MessageKind, MessageStatus};
