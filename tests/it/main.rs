//! The server as its clients see it, one module per resource.

mod architecture;
mod cli;
mod contacts;
mod crash;
mod database;
mod failures;
mod fleet;
mod idempotency;
mod lifecycle;
mod messages;
mod metrics;
mod openapi;
mod quotas;
mod surface;
mod tenancy;
mod webhooks;
