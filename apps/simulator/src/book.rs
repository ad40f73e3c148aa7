//! The messages of one instance, by id and by address.

use std::collections::HashMap;

use actix_web::web::Bytes;
use time::OffsetDateTime;

/// A message as the gateway's database holds it.
pub(crate) struct Row {
    /// The database's id, which is not `WhatsApp`'s.
    pub(crate) db_id: String,
    pub(crate) key: String,
    pub(crate) jid: String,
    pub(crate) from_me: bool,
    pub(crate) kind: &'static str,
    pub(crate) text: Option<String>,
    pub(crate) at: OffsetDateTime,
    /// The whole message, written once: it is the answer, the webhook and the record.
    pub(crate) data: Bytes,
    pub(crate) acks: Vec<Ack>,
    /// It was asked for over the API and really went to `WhatsApp`.
    pub(crate) left: bool,
    /// The number as the caller wrote it.
    pub(crate) asked: String,
}

/// One acknowledgement row.
pub(crate) struct Ack {
    pub(crate) row_id: String,
    pub(crate) jid: String,
    pub(crate) status: &'static str,
}

/// All messages of an instance, oldest first.
#[derive(Default)]
pub(crate) struct Book {
    rows: Vec<Row>,
    by_key: HashMap<String, usize>,
    by_jid: HashMap<String, Vec<usize>>,
}

impl Book {
    pub(crate) fn add(&mut self, row: Row) {
        let at = self.rows.len();
        self.by_key.insert(row.key.clone(), at);
        self.by_jid.entry(row.jid.clone()).or_default().push(at);
        self.rows.push(row);
    }

    pub(crate) fn by_key(&self, key: &str) -> Option<&Row> {
        self.by_key.get(key).map(|at| &self.rows[*at])
    }

    /// Notes an ack. Only messages in the book can be acknowledged.
    pub(crate) fn acknowledge(&mut self, key: &str, ack: Ack) {
        if let Some(at) = self.by_key.get(key) {
            self.rows[*at].acks.push(ack);
        }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Row> {
        self.rows.iter()
    }

    pub(crate) fn with_address(&self, jid: &str) -> impl Iterator<Item = &Row> {
        self.by_jid
            .get(jid)
            .into_iter()
            .flatten()
            .map(|at| &self.rows[*at])
    }

    pub(crate) fn has_address(&self, jid: &str) -> bool {
        self.by_jid.contains_key(jid)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn addresses(&self) -> usize {
        self.by_jid.len()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}
