//! How imports look.

use msgflash_contacts::imports::Started;
use msgflash_contacts::ports::ImportPage;
use msgflash_contacts::{Import, ReportEntry};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// What is sent to import contacts.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes a form, which is read part by part")]
pub struct ImportForm {
    /// A CSV file with the columns `phone`, `name` and `tags`: up to 5 MB and 10,000 rows.
    #[schema(value_type = String, format = Binary)]
    file: String,
    /// A group that the contacts join.
    #[schema(rename = "groupId", format = Uuid)]
    group_id: Option<String>,
}

/// A row that was not taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ImportProblem)]
pub struct ProblemView {
    /// Where the row begins; the header is line 1.
    #[schema(example = 7)]
    pub line: u64,
    /// What stands where the number should be.
    #[schema(example = "0612345678")]
    pub phone: String,
    /// Why it was not taken.
    #[schema(example = "Same number as line 3")]
    pub reason: String,
}

impl From<&ReportEntry> for ProblemView {
    fn from(it: &ReportEntry) -> Self {
        Self {
            line: it.line,
            phone: it.phone.clone(),
            reason: it.reason.clone(),
        }
    }
}

/// The rows that were not taken.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ImportReport)]
pub struct ReportView {
    /// By line.
    pub errors: Vec<ProblemView>,
}

impl From<&[ReportEntry]> for ReportView {
    fn from(report: &[ReportEntry]) -> Self {
        Self {
            errors: report.iter().map(ProblemView::from).collect(),
        }
    }
}

/// A file that was taken at once.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ImportedContacts)]
pub struct SyncImportView {
    /// Always `sync`.
    #[schema(example = "sync")]
    pub mode: &'static str,
    /// Rows of the file, the header aside.
    pub total_rows: u32,
    /// New contacts.
    pub imported_count: u32,
    /// Contacts that were there.
    pub updated_count: u32,
    /// Rows that repeat a number.
    pub skipped_count: u32,
    /// Rows that cannot be taken.
    pub invalid_count: u32,
    /// The last two, by line.
    pub errors: Vec<ProblemView>,
}

impl From<&Started> for SyncImportView {
    fn from(it: &Started) -> Self {
        let counters = it.import.counters;
        Self {
            mode: "sync",
            total_rows: it.import.total,
            imported_count: counters.imported,
            updated_count: counters.updated,
            skipped_count: counters.skipped,
            invalid_count: counters.invalid,
            errors: it.report.iter().map(ProblemView::from).collect(),
        }
    }
}

/// A file that is taken in the background.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AcceptedImport)]
pub struct AcceptedImportView {
    /// Always `async`.
    #[schema(example = "async")]
    pub mode: &'static str,
    /// The import's id: follow it with `GET /api/contacts/imports/{importId}`.
    #[schema(format = Uuid)]
    pub import_id: String,
    /// `pending`.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// Rows of the file, the header aside.
    pub total_rows: u32,
    /// For people: where to follow it.
    pub message: String,
}

impl From<&Import> for AcceptedImportView {
    fn from(it: &Import) -> Self {
        Self {
            mode: "async",
            import_id: it.id.to_string(),
            status: it.status.as_str(),
            total_rows: it.total,
            message: format!("Follow it at /api/contacts/imports/{}", it.id),
        }
    }
}

/// An import.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactImport)]
pub struct ImportView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// `pending`, `processing`, `done` or `failed`.
    #[schema(example = "processing")]
    pub status: &'static str,
    /// Rows of the file, the header aside.
    pub total_rows: u32,
    /// How many were worked through.
    pub processed_rows: u32,
    /// The same in per cent.
    #[schema(example = 42)]
    pub progress: u32,
    /// New contacts.
    pub imported_count: u32,
    /// Contacts that were there.
    pub updated_count: u32,
    /// Rows that repeat a number.
    pub skipped_count: u32,
    /// Rows that cannot be taken.
    pub invalid_count: u32,
    /// The group the contacts join.
    #[schema(format = Uuid)]
    pub group_id: Option<String>,
    /// Why it failed.
    pub error: Option<String>,
    /// When the file came.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
    /// The rows that were not taken, when they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub report: Option<ReportView>,
}

impl From<&Import> for ImportView {
    fn from(it: &Import) -> Self {
        let counters = it.counters;
        Self {
            id: it.id.to_string(),
            status: it.status.as_str(),
            total_rows: it.total,
            processed_rows: it.processed(),
            progress: it.progress(),
            imported_count: counters.imported,
            updated_count: counters.updated,
            skipped_count: counters.skipped,
            invalid_count: counters.invalid,
            group_id: it.group.map(|id| id.to_string()),
            error: it.error.clone(),
            created_at: timestamp(it.created_at),
            completed_at: it.completed_at.map(timestamp),
            report: None,
        }
    }
}

/// A page of imports.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ContactImportPage)]
pub struct ImportPageView {
    /// Newest first.
    pub imports: Vec<ImportView>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether there are more.
    pub has_more: bool,
    /// How many there are in all.
    pub total: u64,
    /// Imports per page.
    pub limit: u32,
}

impl ImportPageView {
    /// The page as it is shown.
    pub(super) fn new(page: &ImportPage, limit: u32) -> Self {
        Self {
            imports: page.imports.iter().map(ImportView::from).collect(),
            next_cursor: page.next.map(|id| id.to_string()),
            has_more: page.next.is_some(),
            total: page.total,
            limit,
        }
    }
}
