//! What every surface shares: refusals, envelopes, bodies, queries, headers and observation.
//!
//! Nothing here knows a route or a rule of the product.

pub mod body;
pub mod check;
pub mod envelope;
pub mod field;
pub mod idempotency;
pub mod metrics;
pub mod moment;
pub mod observe;
pub mod problem;
pub mod qr;
pub mod query;
pub mod request_id;
pub mod shield;
pub mod upload;

pub use body::RawJson;
pub use check::Check;
pub use field::Field;
pub use problem::Problem;
pub use query::Query;
pub use request_id::RequestId;
