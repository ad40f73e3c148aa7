//! Looking up which numbers have WhatsApp.
//!
//! A short list is asked about in the request; a long one part by part in the background, with
//! pauses: WhatsApp restricts numbers that ask about many others. What was found out is remembered
//! for a while, so that the same list is not asked about twice.

use std::collections::HashSet;

use msgflash_kernel::{Id, Phone, UserId, Workspace};
use time::{Duration, OffsetDateTime};

use crate::instance::InstanceId;

mod ask;
mod error;
pub mod ports;
pub mod read;
mod run;
mod start;

pub use ask::AskNumbers;
pub use error::LookupError;
pub use read::ReadLookups;
pub use run::{RunLookups, RunPorts};
pub use start::{LookUpNumbers, LookUpPorts, LookupOrder, Started};

/// How many numbers one look-up may have.
pub const MOST_NUMBERS: usize = 10_000;
/// A list of so many numbers, whatever they are, is a long one.
pub const LONG: u32 = 1000;
/// So many numbers are asked about with one call of the provider.
pub const PART: usize = 100;

/// How long it is believed that a number has WhatsApp: people rarely give it up.
const YES_LASTS: Duration = Duration::days(7);
/// How long it is believed that a number has none: people join, and the provider errs at times.
const NO_LASTS: Duration = Duration::DAY;

/// Marker of [`LookupId`].
pub enum LookupMark {}
/// The id of a look-up.
pub type LookupId = Id<LookupMark>;

/// Where a look-up stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupStatus {
    /// Nothing was found out yet.
    Pending,
    /// Some numbers are known.
    Processing,
    /// All are.
    Completed,
    /// It could not go on.
    Failed,
}

impl LookupStatus {
    const ALL: [Self; 4] = [
        Self::Pending,
        Self::Processing,
        Self::Completed,
        Self::Failed,
    ];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed)
    }
}

/// A list of numbers, and how far it was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NumberLookup {
    /// Its id.
    pub id: LookupId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Who wants to know.
    pub user: UserId,
    /// The number that asks.
    pub instance: InstanceId,
    /// Where it stands.
    pub status: LookupStatus,
    /// How many numbers were given.
    pub requested: u32,
    /// Of how many of them it is known what they are.
    pub processed: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    pub created_at: OffsetDateTime,
    /// When it last got on.
    pub updated_at: OffsetDateTime,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
}

impl NumberLookup {
    /// How much is done, in per cent.
    pub fn progress(&self) -> u32 {
        let (processed, requested) = (u64::from(self.processed), u64::from(self.requested));
        // Rounded down: a hundred is for what is complete.
        let percent = (processed * 100).checked_div(requested);
        percent.map_or(100, |it| u32::try_from(it).unwrap_or(100))
    }

    /// Notes so many more numbers; the last ones complete it.
    fn advance(&mut self, more: usize, now: OffsetDateTime) {
        let more = u32::try_from(more).unwrap_or(u32::MAX);
        self.processed = self.processed.saturating_add(more);
        self.updated_at = now;
        self.status = LookupStatus::Processing;
        if self.processed >= self.requested {
            self.end(LookupStatus::Completed, now);
        }
    }

    /// Notes that it cannot go on.
    fn fail(&mut self, reason: &str, now: OffsetDateTime) {
        self.error = Some(reason.to_owned());
        self.end(LookupStatus::Failed, now);
    }

    fn end(&mut self, status: LookupStatus, now: OffsetDateTime) {
        self.status = status;
        self.updated_at = now;
        self.completed_at = Some(now);
    }
}

/// A list that was read: every number once, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberList {
    /// Numbers that are possible.
    pub phones: Vec<Phone>,
    /// What is no possible number, as it was written.
    pub invalid: Vec<String>,
}

impl NumberList {
    /// Reads what people wrote, by the rule for all numbers.
    pub fn read(given: Vec<String>) -> Self {
        let mut list = Self::default();
        let mut seen = HashSet::new();
        for text in given {
            match Phone::parse(&text) {
                Ok(phone) if seen.insert(phone) => list.phones.push(phone),
                Ok(_) => {}
                Err(_) => list.invalid.push(text),
            }
        }
        list
    }
}

/// What is known of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The number that was asked about.
    pub asked: Phone,
    /// The number it has at WhatsApp, which may have other digits; `None` when it has none.
    pub found: Option<Phone>,
}

impl Verdict {
    /// Until when it is believed, found out at `now`.
    pub fn lasts_until(&self, now: OffsetDateTime) -> OffsetDateTime {
        let lasts = if self.found.is_some() {
            YES_LASTS
        } else {
            NO_LASTS
        };
        now + lasts
    }
}

/// What came of a look-up, as far as it got. Every list is in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Results {
    /// Numbers with WhatsApp, each with the one it has there.
    pub on_whatsapp: Vec<(Phone, Phone)>,
    /// Numbers without.
    pub not_on_whatsapp: Vec<Phone>,
    /// What is no possible number, as it was written.
    pub invalid: Vec<String>,
}

impl Results {
    /// Sorts verdicts into their lists.
    pub fn of(verdicts: &[Verdict], invalid: Vec<String>) -> Self {
        let mut results = Self {
            invalid,
            ..Self::default()
        };
        for verdict in verdicts {
            match verdict.found {
                Some(found) => results.on_whatsapp.push((verdict.asked, found)),
                None => results.not_on_whatsapp.push(verdict.asked),
            }
        }
        results
    }
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
