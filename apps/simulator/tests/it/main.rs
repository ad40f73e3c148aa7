//! The simulator from outside: against the recordings, through its controls, under failures.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod bench;
mod controls;
mod failures;
mod normal;
mod receipts;
mod receiver;
mod recording;
mod replay;
mod replies;
mod restarts;
mod retries;
mod stage;
mod webhooks;
