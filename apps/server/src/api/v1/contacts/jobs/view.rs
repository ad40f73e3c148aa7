//! How bulk jobs look.

use msgflash_contacts::{Job, JobPage, Operation};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A change of many contacts, in the background.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkJob)]
pub struct JobView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// `bulk_delete_contacts`, `add_to_group` or `remove_from_group`.
    #[schema(example = "add_to_group")]
    pub operation: &'static str,
    /// `pending`, `processing`, `done`, `failed` or `cancelled`; the last three are final.
    #[schema(example = "processing")]
    pub status: &'static str,
    /// How many ids were sent.
    #[schema(example = 1200)]
    pub requested_count: u32,
    /// How many of them were worked on.
    #[schema(example = 500)]
    pub processed_count: u32,
    /// How much is done, in per cent.
    #[schema(example = 42)]
    pub progress: u32,
    /// The group it is about; `null` for deletes.
    #[schema(format = Uuid)]
    pub group_id: Option<String>,
    /// What became of the ids that were worked on.
    pub summary: SummaryView,
    /// Why it failed.
    #[schema(example = json!(null))]
    pub error: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it last got on.
    #[schema(format = DateTime)]
    pub updated_at: String,
    /// When it ended.
    #[schema(format = DateTime, example = json!(null))]
    pub completed_at: Option<String>,
}

impl From<&Job> for JobView {
    fn from(it: &Job) -> Self {
        Self {
            id: it.id.to_string(),
            operation: it.operation.as_str(),
            status: it.status.as_str(),
            requested_count: it.requested,
            processed_count: it.processed(),
            progress: it.progress(),
            group_id: it.operation.group().map(|id| id.to_string()),
            summary: SummaryView::from(it),
            error: it.error.clone(),
            created_at: timestamp(it.created_at),
            updated_at: timestamp(it.updated_at),
            completed_at: it.completed_at.map(timestamp),
        }
    }
}

/// What became of the ids a job worked on: `deleted` and `notFound`; or `added`, `alreadyInGroup`
/// and `notFound`; or `removed` and `notInGroup`. They sum to `processedCount`.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkJobSummary)]
pub struct SummaryView {
    /// Contacts that were deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub deleted: Option<u32>,
    /// Contacts that became members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = 470)]
    pub added: Option<u32>,
    /// Contacts that were members before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = 25)]
    pub already_in_group: Option<u32>,
    /// Members that left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub removed: Option<u32>,
    /// Ids that were not members.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub not_in_group: Option<u32>,
    /// Ids the workspace does not have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false, example = 5)]
    pub not_found: Option<u32>,
}

impl From<&Job> for SummaryView {
    fn from(it: &Job) -> Self {
        let counters = it.counters;
        match it.operation {
            Operation::Delete => Self {
                deleted: Some(counters.changed),
                not_found: Some(counters.not_found),
                ..Self::default()
            },
            Operation::AddTo(_) => Self {
                added: Some(counters.changed),
                already_in_group: Some(counters.unchanged),
                not_found: Some(counters.not_found),
                ..Self::default()
            },
            Operation::RemoveFrom(_) => Self {
                removed: Some(counters.changed),
                not_in_group: Some(counters.unchanged),
                ..Self::default()
            },
        }
    }
}

/// A page of bulk jobs.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkJobPage)]
pub struct JobPageView {
    /// Newest first.
    pub jobs: Vec<JobView>,
    /// Pass it back as `cursor`; `null` on the last page.
    #[schema(format = Uuid)]
    pub next_cursor: Option<String>,
    /// Whether there is another page.
    pub has_more: bool,
}

impl From<&JobPage> for JobPageView {
    fn from(it: &JobPage) -> Self {
        Self {
            jobs: it.jobs.iter().map(JobView::from).collect(),
            next_cursor: it.next.map(|id| id.to_string()),
            has_more: it.next.is_some(),
        }
    }
}
