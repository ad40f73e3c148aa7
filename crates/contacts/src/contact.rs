//! One person in the address book.

use msgflash_kernel::{Id, Phone, Workspace};
use serde_json::Value;
use time::OffsetDateTime;

/// Marker of [`ContactId`].
pub enum ContactMark {}
/// The id of a contact.
pub type ContactId = Id<ContactMark>;

/// One person in a workspace's address book; the number is unique there.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    /// Its id.
    pub id: ContactId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Full name.
    pub name: String,
    /// Number.
    pub phone: Phone,
    /// Free labels.
    pub tags: Vec<String>,
    /// Free fields.
    pub meta: Option<Value>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}
