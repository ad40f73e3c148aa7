//! Monthly allowances, the outbound ledger, API-request accounting and rate windows.
//!
//! Knows how much of what is left; refuses to know what is sent. Start at [`ledger`] for the
//! promise that `used + reserved` never passes the limit.
//!
//! A store brings [`LedgerStore`] within its own units of work, [`UsageReader`] and [`ApiUsageStore`]. Who may
//! send how much is [`AllowanceReader`]: [`PlanAllowances`] answers from plans, and a service without plans
//! answers by itself. [`SlidingWindows`] is a [`RateLimiter`] for one process. Mocks come with the feature
//! `mocks`.
//!
//! ```
//! use msgflash_kernel::Id;
//! use msgflash_quotas::{Period, SlidingWindows, Usage};
//! use time::macros::datetime;
//! use uuid::Uuid;
//!
//! let now = datetime!(2026-05-20 12:00 UTC);
//! assert_eq!(Period::of(now).to_string(), "2026-05");
//!
//! let usage = Usage { messages: 3, statuses: 1, reserved: 5 };
//! assert!(usage.leaves_room(Some(10)));
//! assert!(!usage.leaves_room(Some(9)));
//!
//! let windows = SlidingWindows::default();
//! let key = Id::new(Uuid::from_u128(1));
//! assert!(windows.decide(key, 1, now).allowed);
//! assert!(!windows.decide(key, 1, now).allowed);
//! ```

pub mod allowance;
pub mod api_meter;
pub mod drift;
pub mod error;
pub mod ledger;
pub mod period;
pub mod ports;
pub mod rate;

pub use allowance::PlanAllowances;
pub use api_meter::ApiMeter;
pub use drift::{ChargedIn, Drift, Recount};
pub use error::QuotaError;
pub use ledger::{Settlement, Usage, Want};
pub use period::Period;
pub use ports::{
    Allowance, AllowanceReader, ApiTotal, ApiUsageStore, ApiUse, Capacity, KeyId, KeyMark,
    LedgerAudit, LedgerStore, RateLimiter, UsageReader,
};
pub use rate::{RateDecision, SlidingWindows};

#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockAllowanceReader, MockApiUsageStore, MockLedgerAudit, MockLedgerStore, MockRateLimiter,
    MockUsageReader,
};
