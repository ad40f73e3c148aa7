//! Endpoints, events and deliveries.

mod delivery;
mod endpoint;
mod fan_out;
mod outbox;
mod settle;
