//! What comes back from the provider: stored at once, understood afterwards.
//!
//! Receipts, by far the most of it, are read at the door and folded in batches ([`batch`]);
//! everything else is stored as it came and applied event by event ([`apply`]).

pub mod apply;
pub mod batch;
mod brake;
pub mod confirm;
mod fold;
mod inbound;
mod known;
mod link;
mod opt_out;
pub mod ports;
pub mod receive;
mod retry;
mod sent;
