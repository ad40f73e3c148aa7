//! Instances, messages, the queue and the inbox.

mod accepting;
mod inbox;
mod instance;
mod message;
mod queue;
mod queue_reader;
mod units;
