//! Instances, messages, the lanes that send them and the receipts that come back.
//!
//! Knows what may be sent, in which order, what an answer of the provider proves, and that a
//! message is never sent twice; refuses to know how the provider or the database speak. Start at
//! [`message::send`] for acceptance, at [`dispatch`] for the call and at [`receipt`] for what
//! comes back. Stories, which are called for while their client waits, are in [`status`].

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
