//! Monthly allowances, the outbound ledger, API-request accounting and rate windows.
//!
//! Knows how much of what is left; refuses to know what is sent. Start at [`ledger`] for the
//! promise that `used + reserved` never passes the limit.

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
