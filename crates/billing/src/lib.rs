//! Plans, subscriptions and payments: what an account may do and what it paid.
//!
//! Knows no plan by name: every gate reads the plan row that the account's subscription holds.
//! Start at [`plan`] for what a plan grants and at [`subscription`] for when it is usable.

pub mod error;
pub mod payment;
pub mod plan;
pub mod ports;
pub mod subscription;

pub use error::BillingError;
pub use payment::{Payment, PaymentId, PaymentPage, PaymentStatus};
pub use plan::{Features, Limits, Plan, PlanId};
pub use ports::{BillingReader, SubscriptionStore, SubscriptionUnit, SubscriptionUnits};
pub use subscription::{
    BillingProvider, Entitlement, ScheduledAction, SetPlan, Subscription, SubscriptionId,
    SubscriptionStatus,
};

#[cfg(any(test, feature = "mocks"))]
pub use ports::{MockBillingReader, MockSubscriptionStore};
