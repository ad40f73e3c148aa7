//! The server as its clients see it, one module per resource.

mod architecture;
mod idempotency;
mod messages;
mod quotas;
mod surface;
mod tenancy;
mod openapi;
mod cli;
