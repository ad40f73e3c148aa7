//! What becomes of a message, above all when something goes wrong; one module per kind of trouble.

mod connection;
mod outage;
mod receipts;
mod refused;
pub(crate) mod scene;
mod unknown;
