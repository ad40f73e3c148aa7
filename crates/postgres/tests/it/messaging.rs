//! The stores that sending rests on.

mod accepting;
mod attacks;
mod audit;
mod charged;
mod inbox;
mod lanes;
mod lookups;
mod media;
mod messages;
mod queue;
mod receipts;
mod restored;
mod restricted;

pub(crate) mod sample;
mod throughput;
mod traces;
