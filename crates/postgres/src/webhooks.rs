//! Endpoints, events and deliveries.

mod delivery;
mod endpoint;
mod fan_out;
mod log;
mod outbox;
mod record;
mod store;
