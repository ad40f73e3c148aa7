//! What is known about the people and numbers a template may name, as their keepers tell it.

use msgflash_kernel::Phone;
use serde_json::Value;
use uuid::Uuid;

use crate::engine::{ContactValues, InstanceValues, UserValues};

/// A contact of the workspace.
#[derive(Clone, Debug, PartialEq)]
pub struct ContactFacts {
    /// Its id.
    pub id: Uuid,
    /// Full name.
    pub name: String,
    /// Number.
    pub phone: Phone,
    /// Free labels.
    pub tags: Vec<String>,
    /// Free fields.
    pub meta: Option<Value>,
}

impl ContactFacts {
    /// What placeholders see of it.
    pub fn values(&self) -> ContactValues<'_> {
        ContactValues {
            name: Some(&self.name),
            phone: Some(self.phone),
            tags: Some(&self.tags),
            meta: self.meta.as_ref(),
        }
    }
}

/// An instance the workspace may use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstanceFacts {
    /// Its label.
    pub name: String,
    /// Its number; none before a phone was linked.
    pub wa_number: Option<Phone>,
}

impl InstanceFacts {
    /// What placeholders see of it.
    pub fn values(&self) -> InstanceValues<'_> {
        InstanceValues {
            name: Some(&self.name),
            wa_number: self.wa_number,
        }
    }
}

/// The account that pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFacts {
    /// Full name.
    pub full_name: String,
    /// Address.
    pub email: String,
    /// Number, as they wrote it; none when they gave none.
    pub phone: Option<String>,
}

impl UserFacts {
    /// What placeholders see of them.
    pub fn values(&self) -> UserValues<'_> {
        UserValues {
            full_name: Some(&self.full_name),
            email: Some(&self.email),
            phone: self.phone.as_deref(),
        }
    }
}
