//! The address book: contacts of a workspace.
//!
//! Knows people by name and number within one workspace; refuses to know what is sent to them.

pub mod contact;
pub mod ports;

pub use contact::{Contact, ContactId};
pub use ports::ContactReader;

#[cfg(any(test, feature = "mocks"))]
pub use ports::MockContactReader;
