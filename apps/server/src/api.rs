//! The surfaces this server offers.
//!
//! Start at [`routes`] for how a table of routes becomes reachable, at [`policy`] for what a route
//! asks of its callers, and at `admit` for what every call passes first.

mod admit;
mod client_address;
pub mod console;
pub mod errors;
pub mod health;
pub mod mailbox;
pub mod media;
pub mod policy;
pub mod provider;
pub mod routes;
#[cfg(test)]
mod tests;
pub mod v1;
