//! The outbound ledger and the count of API requests.

mod api_usage;
mod audit;
mod ledger;
mod usage;
