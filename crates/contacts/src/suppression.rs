//! Who must not be written to: the opt-out list of a workspace.
//!
//! A number is on it because somebody put it there, because it came in a file, or because its owner
//! sent a stop word ([`words`]). Whoever sends looks at the list; this module only keeps it.

use msgflash_kernel::Phone;
use time::OffsetDateTime;
use uuid::Uuid;

mod add;
pub mod export;
mod manage;
pub mod ports;
pub mod settings;
pub mod words;

#[cfg(test)]
mod tests;

pub use add::{AddOrder, AddSuppressions, Added, MOST_NUMBERS, NewSuppression};
pub use export::{ExportSuppressions, SuppressionsFile};
pub use manage::{ChangeOptOut, ReadSuppressions, RemoveSuppression};
pub use settings::{OptOutChange, OptOutSettings};

/// How long the reason may be, in characters.
pub const MAX_REASON: usize = 200;

/// How a number came on the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Somebody put it there.
    Manual,
    /// It came in a file.
    Import,
    /// Its owner sent a stop word.
    StopWord,
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Manual, Self::Import, Self::StopWord];

    /// The published word, which is also the stored one.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Import => "import",
            Self::StopWord => "stop_word",
        }
    }

    /// Reads a word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// A number on the list of a workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppression {
    /// The number.
    pub phone: Phone,
    /// How it came there.
    pub source: Source,
    /// Why, for people; of a stop word, what was written.
    pub reason: Option<String>,
    /// The instance that a stop word was sent to. This crate knows nothing else of instances.
    pub instance: Option<Uuid>,
    /// Since when it is there.
    pub created_at: OffsetDateTime,
}

/// Which numbers of a list are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SuppressionFilter {
    /// This one alone.
    pub phone: Option<Phone>,
    /// Those that came this way.
    pub source: Option<Source>,
}

impl SuppressionFilter {
    /// Names the list this filter makes, for its cursors.
    fn scope(&self) -> String {
        let phone = self.phone.map(|it| it.to_string()).unwrap_or_default();
        let source = self.source.map_or("", Source::as_str);
        format!("suppressions|phone={phone}|source={source}")
    }
}
