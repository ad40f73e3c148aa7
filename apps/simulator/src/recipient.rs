//! What `WhatsApp` knows about the numbers one might write to.

use std::collections::HashMap;
use std::sync::RwLock;

use serde::{Deserialize, Serialize};

use crate::{jid, read, write};

/// A decision about one number; without one a number has `WhatsApp` under its own address.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Recipient {
    /// `false`: the number has no `WhatsApp`.
    #[serde(default = "yes")]
    pub(crate) exists: bool,
    /// `WhatsApp` answers with this address instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) jid: Option<String>,
}

fn yes() -> bool {
    true
}

/// Every decision, by address.
#[derive(Default)]
pub(crate) struct Recipients {
    decided: RwLock<HashMap<String, Recipient>>,
}

impl Recipients {
    pub(crate) fn set(&self, number: &str, recipient: Recipient) {
        write(&self.decided).insert(jid::from_number(number), recipient);
    }

    pub(crate) fn forget(&self, number: &str) -> bool {
        write(&self.decided)
            .remove(&jid::from_number(number))
            .is_some()
    }

    pub(crate) fn clear(&self) {
        write(&self.decided).clear();
    }

    pub(crate) fn all(&self) -> HashMap<String, Recipient> {
        read(&self.decided).clone()
    }

    /// The address `WhatsApp` gives for this one, or `None` when nobody is there.
    pub(crate) fn resolve(&self, asked: &str) -> Option<String> {
        let registered = jid::as_registered(asked);
        let decided = read(&self.decided);
        match decided.get(asked).or_else(|| decided.get(&registered)) {
            Some(recipient) if !recipient.exists => None,
            Some(Recipient {
                jid: Some(other), ..
            }) => Some(other.clone()),
            _ => Some(registered),
        }
    }
}
