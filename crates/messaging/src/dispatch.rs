//! Sending: from a queue row to what the provider's answer proves.
//!
//! Claim, act, settle. A short unit marks the row as started; the call happens with no unit open;
//! a short unit records what the answer proves. A row that was marked and not settled is *unknown*
//! and is looked up, never sent again blindly.

mod brake;
mod caps;
pub mod dispatcher;
pub mod entry;
mod gateway;
mod lane;
pub mod ports;
pub mod reconcile;
pub mod scheduler;
pub mod settle;
pub mod settler;
pub mod stop;
pub mod trace;

pub use entry::{Class, QueueEntry, QueueState};
