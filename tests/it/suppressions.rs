//! Who must not be written to.

mod files;
mod lists;
mod sending;
mod stopping;
mod words;

use blackbox::Client;
use serde_json::Value;

const LIST: &str = "/api/v1/suppressions";

/// The first page of a list.
async fn listed(client: &Client, query: &str) -> Vec<Value> {
    let reply = client.get(&format!("{LIST}{query}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    let numbers = reply.data()["suppressions"].as_array();
    numbers.cloned().unwrap_or_default()
}
