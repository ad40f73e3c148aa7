//! What placeholders may name, as far as it is known for one message.

use msgflash_kernel::Phone;
use serde_json::{Map, Value};

/// The values of one message. What is `None` is missing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Values<'a> {
    /// The recipient.
    pub contact: ContactValues<'a>,
    /// The account that pays.
    pub user: UserValues<'a>,
    /// The number the message goes out from.
    pub instance: InstanceValues<'a>,
    /// What the call brought along.
    pub custom: Option<&'a Map<String, Value>>,
}

/// The recipient.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContactValues<'a> {
    /// Full name; its first word is `contact.firstName`.
    pub name: Option<&'a str>,
    /// Number.
    pub phone: Option<Phone>,
    /// Free labels. A contact without any has an empty text, which is not missing.
    pub tags: Option<&'a [String]>,
    /// Free fields.
    pub meta: Option<&'a Value>,
}

/// The account that pays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserValues<'a> {
    /// Full name.
    pub full_name: Option<&'a str>,
    /// Address.
    pub email: Option<&'a str>,
    /// Number.
    pub phone: Option<&'a str>,
}

/// The number the message goes out from.
#[derive(Clone, Copy, Debug, Default)]
pub struct InstanceValues<'a> {
    /// Its label.
    pub name: Option<&'a str>,
    /// The number itself; none before a phone was linked.
    pub wa_number: Option<Phone>,
}
