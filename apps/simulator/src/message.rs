//! Sending: from a request body to a message in the book, its webhook and its acks.

pub(crate) mod draft;
pub(crate) mod interactive;
pub(crate) mod media;
pub(crate) mod mime;
pub(crate) mod rich;
pub(crate) mod send;
pub(crate) mod status;
pub(crate) mod text;
