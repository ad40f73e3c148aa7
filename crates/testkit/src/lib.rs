//! A database of its own for every test.
//!
//! [`TestDatabase::create`] clones a template that holds all migrations, which takes some tens of
//! milliseconds; dropping it drops the database, whoever is still connected. Tests may therefore
//! commit for real, run side by side and be killed.
//!
//! The server is the one `MSGFLASH_TEST_DATABASE_URL` names. `./run test` sets that to one
//! cluster for the whole run. Without it, each test process starts a private one, so a plain
//! `cargo test -p <crate>` needs nothing prepared.
//!
//! Linked by tests alone. It knows no domain: builders of messages or contacts belong to the
//! crates whose tests need them.

mod database;
mod own;
mod redis;
mod server;
mod template;
mod wait;

pub use database::TestDatabase;
pub use own::OwnServer;
pub use redis::RedisServer;
pub use server::{SERVER_VARIABLE, ThrowawayCluster};
pub use wait::{PATIENCE, eventually, until, within};
