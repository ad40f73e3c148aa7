//! What clients were told, and when.

use std::collections::{BTreeMap, BTreeSet};

use time::OffsetDateTime;

/// A message somebody was told is accepted.
#[derive(Clone, Debug)]
pub(crate) struct Accepted {
    /// Its text, which no other message has.
    pub(crate) words: String,
}

/// What the gateway must not be asked to send any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Banned {
    /// Messages with this text.
    Words(String),
    /// Anything to this number, in digits.
    Number(String),
}

/// Why something must not be sent.
pub(crate) const WITHDRAWN: &str = "it was withdrawn";
pub(crate) const OPTED_OUT: &str = "they opted out";
pub(crate) const STOPPED: &str = "its campaign was stopped";

/// A promise that no call begins from one moment to another.
#[derive(Clone, Debug)]
pub(crate) struct Ban {
    /// One of the reasons above.
    pub(crate) why: &'static str,
    pub(crate) what: Banned,
    /// When the client had the answer.
    pub(crate) from: OffsetDateTime,
    /// When the client asked for the opposite; never without it.
    pub(crate) until: Option<OffsetDateTime>,
}

/// Everything clients know at the end.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// By id.
    pub(crate) accepted: BTreeMap<String, Accepted>,
    /// Scheduled messages whose cancellation was acknowledged.
    pub(crate) cancelled: BTreeSet<String>,
    pub(crate) bans: Vec<Ban>,
    /// Id and text of each campaign.
    pub(crate) campaigns: Vec<(String, String)>,
    /// Requests repeated with their key that got the same answer.
    pub(crate) replays: usize,
    /// Answers that never came.
    pub(crate) lost: usize,
    /// Answers that asked to come again, by their code.
    pub(crate) put_off: BTreeMap<String, usize>,
    /// Refusals of the quota.
    pub(crate) capped: usize,
    /// Keys that were revoked and then refused.
    pub(crate) revoked: usize,
    /// Broken promises, in words.
    pub(crate) wrongs: Vec<String>,
}

impl History {
    pub(crate) fn wrong(&mut self, what: String) {
        eprintln!("WRONG: {what}");
        self.wrongs.push(what);
    }

    /// Whether somebody was promised something for this reason.
    pub(crate) fn has_told(&self, why: &str) -> bool {
        self.bans.iter().any(|ban| ban.why == why)
    }

    /// Ends the ban on these words.
    pub(crate) fn lift(&mut self, words: &str, at: OffsetDateTime) {
        let open = self.bans.iter_mut().rev().find(|ban| {
            matches!(&ban.what, Banned::Words(it) if it == words) && ban.until.is_none()
        });
        if let Some(ban) = open {
            ban.until = Some(at);
        }
    }
}

/// The time of the clock that the simulated gateway has, too.
#[expect(
    clippy::disallowed_methods,
    reason = "what happened is compared with what the gateway noted by the real time"
)]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}
