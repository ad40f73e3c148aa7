//! This surface over fake ports.

mod order;
mod reads;
