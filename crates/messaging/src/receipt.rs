//! What comes back from the provider: stored at once, understood afterwards.

pub mod apply;
mod inbound;
pub mod ports;
pub mod receive;
