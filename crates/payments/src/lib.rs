//! Payment providers: Dodo Payments, Stripe, and the operator who confirms payments by hand.
//!
//! Knows how each is asked and how each proves and words what it tells; what that changes is for the
//! domain to say. Start at [`DodoPayments`], [`StripePayments`] and [`ManualPayments`], and at
//! [`signature`] for what is believed of a call.

mod dodo;
mod manual;
mod origin;
mod page;
pub mod signature;
mod stripe;
mod transport;

pub use dodo::{DodoConfig, DodoPayments};
pub use manual::ManualPayments;
pub use stripe::{StripeConfig, StripePayments};
pub use transport::InvalidConfig;
