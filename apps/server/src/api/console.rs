//! The console's API: `/api`, used by people who signed in.
//!
//! What both surfaces offer has one handler, which lives with the public API; start at [`routes`] for
//! what there is.

pub mod auth;
pub mod billing;
pub mod campaigns;
pub mod files;
pub mod instances;
pub mod keys;
pub mod lookups;
pub mod media;
pub mod messages;
pub mod notifications;
pub mod overview;
pub mod payments;
pub mod routes;
pub mod statuses;
pub mod suppressions;
pub mod teams;
pub mod workspace;
