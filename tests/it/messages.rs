//! Messages as clients make, find and receive them, one module per topic.

mod accepted;
mod cancel;
mod content;
mod inbound;
mod list;
mod schedule;
