//! One person.

use msgflash_kernel::{Secret, UserId};
use time::OffsetDateTime;

/// A person with an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their address, as they wrote it; unique whatever its capitals.
    pub email: String,
    /// Full name.
    pub full_name: String,
    /// The name they want to be shown by.
    pub display_name: Option<String>,
    /// Their number in international form, or empty.
    pub phone: String,
    /// Their picture.
    pub avatar_url: Option<String>,
    /// The hash of their password; `None` for whoever signs in elsewhere.
    pub password_hash: Option<Secret<String>>,
    /// When they proved that the address is theirs.
    pub email_verified_at: Option<OffsetDateTime>,
    /// Since when they are shut out.
    pub suspended_at: Option<OffsetDateTime>,
    /// When the account was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
}
