//! The outbound ledger and the count of API requests.

mod api_usage;
mod ledger;
mod usage;
