//! What a path names. It is found out when a body is parsed, so that rendering only looks values
//! up.

use super::json;
use super::program::Sink;
use super::values::Values;

/// The first name of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    /// The recipient.
    Contact,
    /// The account that pays.
    User,
    /// The number the message goes out from.
    Instance,
    /// What the call brings along.
    Custom,
}

impl Namespace {
    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "contact" => Some(Self::Contact),
            "user" => Some(Self::User),
            "instance" => Some(Self::Instance),
            "custom" => Some(Self::Custom),
            _ => None,
        }
    }
}

/// Where a placeholder's value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    ContactName,
    ContactFirstName,
    ContactPhone,
    ContactTags,
    /// The path below `meta`.
    ContactMeta(Box<[String]>),
    UserFullName,
    UserEmail,
    UserPhone,
    InstanceName,
    InstanceNumber,
    /// The key in the call's variables, which are flat.
    Custom(String),
    /// Well written, and always missing.
    Nothing(Namespace),
}

impl Source {
    /// What `rest`, the path below a namespace, names.
    pub(super) fn find(namespace: Namespace, rest: &str) -> Self {
        match (namespace, rest) {
            (Namespace::Contact, "name") => Self::ContactName,
            (Namespace::Contact, "firstName") => Self::ContactFirstName,
            (Namespace::Contact, "phone") => Self::ContactPhone,
            (Namespace::Contact, "tags") => Self::ContactTags,
            (Namespace::Contact, _) => match rest.strip_prefix("meta.") {
                Some(keys) => Self::ContactMeta(keys.split('.').map(str::to_owned).collect()),
                None => Self::Nothing(namespace),
            },
            (Namespace::User, "fullName") => Self::UserFullName,
            (Namespace::User, "email") => Self::UserEmail,
            (Namespace::User, "phone") => Self::UserPhone,
            (Namespace::Instance, "name") => Self::InstanceName,
            (Namespace::Instance, "waNumber") => Self::InstanceNumber,
            (Namespace::Custom, key) if !key.contains('.') => Self::Custom(key.to_owned()),
            _ => Self::Nothing(namespace),
        }
    }

    /// The namespace it belongs to.
    pub(super) fn namespace(&self) -> Namespace {
        match self {
            Self::ContactName
            | Self::ContactFirstName
            | Self::ContactPhone
            | Self::ContactTags
            | Self::ContactMeta(_) => Namespace::Contact,
            Self::UserFullName | Self::UserEmail | Self::UserPhone => Namespace::User,
            Self::InstanceName | Self::InstanceNumber => Namespace::Instance,
            Self::Custom(_) => Namespace::Custom,
            Self::Nothing(namespace) => *namespace,
        }
    }

    /// Appends the value; `None`, and nothing appended, when it is missing.
    pub(super) fn write(&self, values: &Values<'_>, sink: &mut Sink<'_>) -> Option<()> {
        match self {
            Self::ContactName => sink.push(values.contact.name?),
            // A name without any word has an empty first one.
            Self::ContactFirstName => sink.push(
                values
                    .contact
                    .name?
                    .split_whitespace()
                    .next()
                    .unwrap_or_default(),
            ),
            Self::ContactPhone => sink.display(values.contact.phone?),
            Self::ContactTags => sink.join(values.contact.tags?.iter().map(String::as_str)),
            Self::ContactMeta(keys) => {
                let found = keys.iter().try_fold(values.contact.meta?, json::step)?;
                json::write(found, sink)?;
            }
            Self::UserFullName => sink.push(values.user.full_name?),
            Self::UserEmail => sink.push(values.user.email?),
            Self::UserPhone => sink.push(values.user.phone?),
            Self::InstanceName => sink.push(values.instance.name?),
            Self::InstanceNumber => sink.display(values.instance.wa_number?),
            Self::Custom(key) => json::write(values.custom?.get(key)?, sink)?,
            Self::Nothing(_) => return None,
        }
        Some(())
    }
}
