//! What came in and what went out, the latest of each.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock};

use actix_web::web::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::clock;
use crate::lock;

/// Old entries go when there are more than this.
const KEPT: usize = 10_000;
/// Longer bodies are not kept: a picture per request would fill the memory.
const KEPT_BODY: usize = 16 * 1024;

/// A list that forgets its oldest entries.
pub(crate) struct Log<T> {
    entries: Mutex<VecDeque<T>>,
}

impl<T> Default for Log<T> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(VecDeque::new()),
        }
    }
}

/// A request the gateway received.
pub(crate) struct Received {
    pub(crate) at: OffsetDateTime,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) body: Bytes,
    /// Filled in with the answer; zero where the connection is cut instead.
    pub(crate) status: Arc<OnceLock<u16>>,
}

/// An attempt to deliver a webhook.
pub(crate) struct Posted {
    pub(crate) at: OffsetDateTime,
    pub(crate) instance: String,
    pub(crate) event: String,
    pub(crate) url: String,
    pub(crate) attempt: u32,
    /// Filled in when the receiver has answered.
    pub(crate) status: Arc<OnceLock<u16>>,
    pub(crate) body: Bytes,
}

/// An entry as the control API shows it.
pub(crate) trait Entry {
    fn shown(&self) -> Value;
}

impl<T: Entry> Log<T> {
    pub(crate) fn add(&self, entry: T) {
        let mut entries = lock(&self.entries);
        if entries.len() >= KEPT {
            entries.pop_front();
        }
        entries.push_back(entry);
    }

    pub(crate) fn clear(&self) {
        lock(&self.entries).clear();
    }

    /// The entries the filter picks, oldest first.
    pub(crate) fn shown(&self, pick: impl Fn(&T) -> bool) -> Vec<Value> {
        self.latest(KEPT, pick)
    }

    /// The same, and no more than the latest `count` of them.
    pub(crate) fn latest(&self, count: usize, pick: impl Fn(&T) -> bool) -> Vec<Value> {
        let mut found: Vec<Value> = lock(&self.entries)
            .iter()
            .rev()
            .filter(|entry| pick(entry))
            .take(count)
            .map(Entry::shown)
            .collect();
        found.reverse();
        found
    }
}

/// Cuts a body that is too long to keep.
pub(crate) fn kept(body: &Bytes) -> Bytes {
    if body.len() <= KEPT_BODY {
        return body.clone();
    }
    format!("\"({} bytes, not kept)\"", body.len()).into()
}

fn shown_body(body: &Bytes) -> Value {
    serde_json::from_slice(body).unwrap_or_else(|_| {
        if body.is_empty() {
            Value::Null
        } else {
            String::from_utf8_lossy(body).into()
        }
    })
}

impl Entry for Received {
    fn shown(&self) -> Value {
        json!({
            "at": clock::iso(self.at),
            "method": self.method,
            "path": self.path,
            "body": shown_body(&self.body),
            "status": self.status.get().filter(|status| **status != 0),
        })
    }
}

impl Entry for Posted {
    fn shown(&self) -> Value {
        json!({
            "at": clock::iso(self.at),
            "instance": self.instance,
            "event": self.event,
            "url": self.url,
            "attempt": self.attempt,
            "status": self.status.get(),
            "body": shown_body(&self.body),
        })
    }
}
