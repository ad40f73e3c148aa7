//! Every store and reader port, on diesel-async and deadpool.
//!
//! Mechanical and private: the domains say what they need, this crate says it in SQL. [`Postgres`]
//! implements the readers and begins the units; `unit::PgUnit` is the one transaction type and
//! implements every store. One folder per domain holds rows, readers and stores; start reading at
//! `unit`.

mod account;
mod accounts;
mod backup;
mod billing;
mod clock;
mod columns;
mod connect;
mod contacts;
mod error;
mod marks;
mod messaging;
mod migrate;
mod notify;
mod pool;
mod quotas;
mod replay;
mod schema;
mod sql;
mod teams;
mod templates;
mod unit;
mod upkeep;
mod watch;
mod webhooks;

pub use backup::{BackedUp, BackupError, Restored, back_up, restore};
pub use clock::DatabaseClock;
pub use connect::Limits;
pub use contacts::{SearchIndex, ensure_search_index};
pub use migrate::{MigrateError, migrate, migrations_hash, pending_migrations, revert_all};
pub use notify::{CHANGED, Heard, Listening};
pub use pool::{ConnectError, PoolStatus, Postgres};
