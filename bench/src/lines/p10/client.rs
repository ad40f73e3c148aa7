//! Lists of contacts, as P10 walks them.

use std::collections::HashSet;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::books::Book;
use crate::api::Api;

/// What a list answered.
pub(super) struct Page {
    /// The contacts.
    pub(super) contacts: Vec<Value>,
    /// How many there are.
    pub(super) total: u64,
    /// Whether there are no more.
    pub(super) is_exact: bool,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

impl Api {
    async fn page(&mut self, book: Book, query: &str) -> Result<Page> {
        let (body, _) = self.get(book.tenant, &path(query)).await?;
        read(&body)
    }

    /// Walks a list from its beginning until `skip` contacts are behind, as a client that is in a
    /// hurry would, and answers where it goes on. On the way every contact comes once and in order.
    pub(super) async fn walk(&mut self, book: Book, sort: &str, skip: u32) -> Result<String> {
        let (mut cursor, mut left) = (None::<String>, skip);
        let (mut ids, mut before) = (HashSet::new(), None::<String>);
        while left > 0 {
            let limit = left.min(100);
            let at = cursor.map_or_else(String::new, |it| format!("&cursor={it}"));
            let page = self
                .page(book, &format!("sort={sort}&limit={limit}{at}"))
                .await?;
            ensure!(
                page.contacts.len() == limit as usize && page.total == u64::from(book.rows),
                "the line does not count: a page of {} instead of {limit} contacts of {} instead of {}",
                page.contacts.len(),
                page.total,
                book.rows
            );
            for contact in &page.contacts {
                let text = |member: &str| contact[member].as_str().unwrap_or_default().to_owned();
                let is_by_name = sort == "name_asc";
                let place = if is_by_name {
                    text("name").to_lowercase()
                } else {
                    text("id")
                };
                let is_behind = before.as_ref().is_none_or(|before| {
                    if is_by_name {
                        *before <= place
                    } else {
                        *before > place
                    }
                });
                ensure!(
                    is_behind,
                    "the line does not count: {before:?} came before {place}"
                );
                ensure!(
                    ids.insert(text("id")),
                    "the line does not count: a contact came twice"
                );
                before = Some(place);
            }
            left -= limit;
            cursor = page.next;
            ensure!(
                cursor.is_some(),
                "the line does not count: the list ended early"
            );
        }
        cursor.context("a walk has at least one page")
    }
}

/// A list's address.
pub(super) fn path(query: &str) -> String {
    format!("/api/v1/contacts?{query}")
}

/// Reads a list.
pub(super) fn read(body: &[u8]) -> Result<Page> {
    let mut body: Value = serde_json::from_slice(body).context("the answer is no JSON")?;
    let data = body["data"].take();
    let total = data["total"].as_u64().context("the answer has no total")?;
    Ok(Page {
        contacts: data["contacts"].as_array().cloned().unwrap_or_default(),
        total,
        is_exact: data["totalIsExact"] == Value::Bool(true),
        next: data["nextCursor"].as_str().map(str::to_owned),
    })
}
