//! A file of contacts that was taken, and how far it was worked through.

use msgflash_kernel::{AccountId, Id, UserId, Workspace};
use time::OffsetDateTime;

use crate::group::GroupId;

/// Marker of [`ImportId`].
pub enum ImportMark {}
/// The id of an import.
pub type ImportId = Id<ImportMark>;

/// Where an import stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportStatus {
    /// Nothing was taken yet.
    Pending,
    /// Some rows are taken.
    Processing,
    /// All rows are worked through.
    Done,
    /// It could not go on.
    Failed,
}

impl ImportStatus {
    const ALL: [Self; 4] = [Self::Pending, Self::Processing, Self::Done, Self::Failed];

    /// The published word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// Reads the published word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.as_str() == word)
    }

    /// Whether nothing more will happen.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed)
    }
}

/// What became of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportCounters {
    /// New contacts.
    pub imported: u32,
    /// Contacts that were there.
    pub updated: u32,
    /// Rows with the number of a row before them.
    pub skipped: u32,
    /// Rows that say something that cannot be taken.
    pub invalid: u32,
}

impl ImportCounters {
    /// All of them.
    pub const fn sum(self) -> u32 {
        self.imported + self.updated + self.skipped + self.invalid
    }

    fn plus(self, more: Self) -> Self {
        Self {
            imported: self.imported + more.imported,
            updated: self.updated + more.updated,
            skipped: self.skipped + more.skipped,
            invalid: self.invalid + more.invalid,
        }
    }
}

/// A file of contacts. Its counters always sum to the rows that were worked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its id.
    pub id: ImportId,
    /// Whose contacts they become.
    pub workspace: Workspace,
    /// Who brought it.
    pub user: UserId,
    /// The group they join.
    pub group: Option<GroupId>,
    /// Where it stands.
    pub status: ImportStatus,
    /// How many rows the file has.
    pub total: u32,
    /// What became of those that were worked through.
    pub counters: ImportCounters,
    /// How often the part at hand has failed.
    pub tries: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was brought.
    pub created_at: OffsetDateTime,
    /// When it last got on.
    pub updated_at: OffsetDateTime,
    /// When it ended.
    pub completed_at: Option<OffsetDateTime>,
}

impl Import {
    /// Who pays for the workspace.
    pub fn account(&self) -> AccountId {
        self.workspace.account
    }

    /// How many rows were worked through.
    pub const fn processed(&self) -> u32 {
        self.counters.sum()
    }

    /// How much is done, in per cent.
    pub fn progress(&self) -> u32 {
        let (processed, total) = (u64::from(self.processed()), u64::from(self.total));
        let percent = (processed * 100 + total / 2).checked_div(total);
        percent.map_or(100, |it| u32::try_from(it).unwrap_or(100))
    }

    /// Notes a finished part; the last one ends the import.
    pub(crate) fn advance(&mut self, part: ImportCounters, now: OffsetDateTime) {
        self.counters = self.counters.plus(part);
        self.tries = 0;
        self.updated_at = now;
        self.status = ImportStatus::Processing;
        if self.processed() >= self.total {
            self.end(ImportStatus::Done, now);
        }
    }

    /// Notes that it cannot go on.
    pub(crate) fn fail(&mut self, reason: &str, now: OffsetDateTime) {
        self.error = Some(reason.to_owned());
        self.end(ImportStatus::Failed, now);
    }

    fn end(&mut self, status: ImportStatus, now: OffsetDateTime) {
        self.status = status;
        self.updated_at = now;
        self.completed_at = Some(now);
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);

    fn import(total: u32, invalid: u32) -> Import {
        Import {
            id: Id::new(Uuid::from_u128(1)),
            workspace: Workspace::personal(Id::new(Uuid::from_u128(2))),
            user: Id::new(Uuid::from_u128(2)),
            group: None,
            status: ImportStatus::Pending,
            total,
            counters: ImportCounters {
                invalid,
                ..ImportCounters::default()
            },
            tries: 3,
            error: None,
            created_at: NOW,
            updated_at: NOW,
            completed_at: None,
        }
    }

    fn imported(imported: u32) -> ImportCounters {
        ImportCounters {
            imported,
            ..ImportCounters::default()
        }
    }

    #[test]
    fn progress_counts_what_was_found_out_already() {
        let mut import = import(1200, 200);
        assert_eq!(
            (import.status, import.progress()),
            (ImportStatus::Pending, 17)
        );
        import.advance(imported(500), NOW);
        assert_eq!(
            (import.status, import.progress()),
            (ImportStatus::Processing, 58)
        );
        assert_eq!((import.tries, import.completed_at), (0, None));
        import.advance(imported(500), NOW);
        assert_eq!(
            (import.status, import.progress()),
            (ImportStatus::Done, 100)
        );
        assert_eq!(import.completed_at, Some(NOW));
    }

    #[test]
    fn a_file_of_which_nothing_can_be_taken_is_done_all_the_same() {
        for mut import in [import(600, 600), import(0, 0)] {
            assert_eq!(import.progress(), 100);
            import.advance(ImportCounters::default(), NOW);
            assert_eq!(import.status, ImportStatus::Done);
        }
    }

    #[test]
    fn words_read_back() {
        for status in ImportStatus::ALL {
            assert_eq!(ImportStatus::parse(status.as_str()), Some(status));
        }
        assert_eq!(ImportStatus::parse("cancelled"), None);
    }
}
