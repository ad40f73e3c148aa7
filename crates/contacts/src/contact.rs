//! One person in the address book.

use msgflash_kernel::{Id, Phone, Workspace};
use serde_json::Value;
use time::OffsetDateTime;

use crate::fold;
use crate::temperature::{Temperature, Traces};

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
    /// Free labels, each once.
    pub tags: Vec<String>,
    /// Free fields.
    pub meta: Option<Value>,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}

impl Contact {
    /// What lists by name sort it by.
    pub fn sort_key(&self) -> String {
        fold::sort_key(&self.name)
    }

    /// What searches look into: name and number, parted by a line break no search contains.
    pub fn needle(&self) -> String {
        format!("{}\n{}", fold::fold(&self.name), self.phone)
    }
}

/// A contact as people look at it.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactEntry {
    /// The contact.
    pub contact: Contact,
    /// How well messages go down there; unknown until one went or came.
    pub temperature: Option<Temperature>,
}

impl ContactEntry {
    /// The contact with what its traces say at `now`.
    pub fn of(contact: Contact, traces: &Traces, now: OffsetDateTime) -> Self {
        Self {
            contact,
            temperature: Temperature::of(traces, now),
        }
    }
}
