//! The stores that sending rests on.

mod inbox;
mod lanes;
mod messages;
mod queue;
mod receipts;
mod restricted;
mod sample;
mod throughput;
