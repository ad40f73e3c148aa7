//! Webhooks: one POST per event, retried as the gateway retries.

mod delivery;
mod envelope;
mod event;
mod token;

pub(crate) use delivery::{ORDER_PATIENCE, Receipt, emit, post_rogue};
pub(crate) use event::{Event, NAMES};
