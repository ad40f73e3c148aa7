//! The server as its clients see it, one module per resource.

mod architecture;
mod backup;
mod billing;
mod campaigns;
mod cli;
mod console;
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
mod safety;
mod security;
mod statuses;
mod suppressions;
mod surface;
mod teams;
mod templates;
mod tenancy;
mod webhooks;
