//! Templates, and what their placeholders may name.

mod context;
mod store;
