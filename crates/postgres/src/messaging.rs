//! Instances, messages, the queue and the inbox.

mod accepting;
mod campaign;
mod doubtful;
mod inbox;
mod instance;
mod lanes;
mod lookups;
mod media;
mod message;
mod overview;
mod queue;
mod queue_reader;
mod receipt;
mod starts;
mod status;
pub(crate) mod stop;
pub(crate) mod tally;
mod trace;
mod unconfirmed;
mod units;

pub(crate) use instance::phone;
