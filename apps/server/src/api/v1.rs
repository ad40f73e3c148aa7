//! The public API: `/api/v1`, used with an API key.
//!
//! Start at [`routes`] for what there is and at [`policy`] for what every call passes first.

pub mod account;
pub mod billing;
pub mod contacts;
pub mod errors;
pub mod instances;
pub mod messages;
pub mod policy;
pub mod routes;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod webhooks;

pub use policy::Caller;
