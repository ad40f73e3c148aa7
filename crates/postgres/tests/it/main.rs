//! What the stores promise, on a real PostgreSQL.

mod accounts;
mod backup;
mod billing;
mod clock;
mod contacts;
mod keys;
mod ledger;
mod messaging;
mod notify;
mod outage;
mod replay;
mod stage;
mod suppressions;
mod teams;
mod templates;
mod unit;
mod usage;
mod webhooks;
