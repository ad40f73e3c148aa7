//! The stores that sending rests on.

mod accepting;
mod attacks;
mod audit;
mod by_key;
mod campaigns;
mod charged;
mod inbox;
mod keys;
mod lanes;
mod long_reader;
mod lookups;
mod media;
mod messages;
mod picks;
mod places;
mod queue;
mod receipts;
mod restored;
mod restricted;
mod statuses;

pub(crate) mod sample;
mod throughput;
mod traces;
mod window;
