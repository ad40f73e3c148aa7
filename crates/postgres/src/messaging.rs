//! Instances, messages, the queue and the inbox.

mod inbox;
mod instance;
mod message;
mod queue;
mod queue_reader;
mod receipt;
mod units;
