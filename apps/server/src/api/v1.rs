//! The public API: `/api/v1`, used with an API key.
//!
//! Start at [`routes`] for what there is.

pub mod account;
pub mod billing;
pub mod campaigns;
pub mod contacts;
pub mod instances;
pub mod messages;
pub mod routes;
pub mod statuses;
pub mod suppressions;
pub mod templates;
#[cfg(test)]
mod tests;
pub mod webhooks;
