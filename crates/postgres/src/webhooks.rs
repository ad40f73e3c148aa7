//! Endpoints, events and deliveries.

mod delivery;
mod endpoint;
mod outbox;
