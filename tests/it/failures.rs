//! Every way in which the gateway is known to fail, and what the product makes of it. One test for
//! each row of the table in `docs/simulator.md` ("From a failure to the call that causes it"); the
//! number of the row is in the test's doc comment, beside what is expected. Variations of the same
//! troubles are in `lifecycle`.

mod gateway;
mod inbound;
mod links;
mod receipts;
mod recipients;
mod sends;
mod sessions;
