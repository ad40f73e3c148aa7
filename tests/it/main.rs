//! The server as its clients see it, one module per resource.

mod architecture;
mod messages;
