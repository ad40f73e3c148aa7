//! The gateway's JSON, private to the crate.

pub(crate) mod outbound;
pub(crate) mod record;
pub(crate) mod refusal;
pub(crate) mod session;
