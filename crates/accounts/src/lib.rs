//! People and their API keys: who somebody is, and how they prove it.
//!
//! Knows users, passwords and keys; refuses to know what a caller may do, which workspace they act
//! in or how a request reaches us. Start at [`authenticate`] for what a key must survive and at
//! [`key`] for what a key is.

pub mod authenticate;
pub mod create_user;
pub mod error;
pub mod key;
pub mod key_use;
pub mod manage_keys;
pub mod password;
pub mod ports;
pub mod user;

#[cfg(test)]
mod fake;

pub use authenticate::Authenticate;
pub use create_user::{CreateUser, UserOrder};
pub use error::{AccountsError, AuthError};
pub use key::{ApiKey, ApiKeyId, InvalidKey, KeyKind, KeySecret};
pub use key_use::{KeyUse, KeyUseReader, ReadKeyUse};
pub use manage_keys::{CreateKey, KeyOrder, ListKeys, RevokeKey};
pub use password::{InlineHasher, PasswordHasher};
pub use ports::{
    AccountReader, AccountUnit, AccountUnits, Credential, CredentialReader, KeyReader, KeyStore,
    Registration, UserStore,
};
pub use user::User;

#[cfg(any(test, feature = "mocks"))]
pub use key_use::MockKeyUseReader;
#[cfg(any(test, feature = "mocks"))]
pub use password::MockPasswordHasher;
#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockAccountReader, MockCredentialReader, MockKeyReader, MockKeyStore, MockUserStore,
};
