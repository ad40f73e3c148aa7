//! How the answers to bulk changes look.

use msgflash_contacts::{BulkResult, Job, JobStatus};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v1::routes::PREFIX;

/// Contacts that were deleted.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = BulkDeleted)]
pub struct BulkDeletedView {
    /// How many ids were sent.
    #[schema(example = 2)]
    pub requested: u32,
    /// How many contacts were deleted.
    #[schema(example = 1)]
    pub deleted: u32,
    /// The same number by another name.
    #[schema(example = 1)]
    pub deleted_count: u32,
    /// The ids the workspace does not have, each once.
    #[schema(value_type = Vec<uuid::Uuid>, example = json!(["9d0b2f57-4a6f-4f8e-b6ce-0a3c9f9f1d77"]))]
    pub not_found: Vec<String>,
}

impl From<&BulkResult> for BulkDeletedView {
    fn from(it: &BulkResult) -> Self {
        Self {
            requested: it.requested,
            deleted: it.counters.changed,
            deleted_count: it.counters.changed,
            not_found: it.not_found.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Contacts that became members of a group. An id that was sent several times counts once.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MembersAdded)]
pub struct AddedView {
    /// How many became members.
    #[schema(example = 2)]
    pub added: u32,
    /// How many were members before.
    #[schema(example = 1)]
    pub already_in_group: u32,
    /// How many the workspace does not have.
    #[schema(example = 0)]
    pub not_found: u32,
    /// The sum of the three.
    #[schema(example = 3)]
    pub total: u32,
}

impl From<&BulkResult> for AddedView {
    fn from(it: &BulkResult) -> Self {
        Self {
            added: it.counters.changed,
            already_in_group: it.counters.unchanged,
            not_found: it.counters.not_found,
            total: it.counters.sum(),
        }
    }
}

/// Contacts that left a group. An id that was sent several times counts once.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MembersRemoved)]
pub struct RemovedView {
    /// How many left.
    #[schema(example = 1)]
    pub removed: u32,
    /// How many were not members; contacts the workspace does not have are among them.
    #[schema(example = 1)]
    pub not_in_group: u32,
}

impl From<&BulkResult> for RemovedView {
    fn from(it: &BulkResult) -> Self {
        Self {
            removed: it.counters.changed,
            not_in_group: it.counters.unchanged,
        }
    }
}

/// A bulk change that will be done in the background.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AcceptedBulkJob)]
pub struct AcceptedJobView {
    /// Always `async`.
    #[schema(example = "async")]
    pub mode: &'static str,
    /// The job's id: follow it with `GET /api/v1/contacts/bulk-jobs/{jobId}/progress`.
    #[schema(format = Uuid)]
    pub job_id: String,
    /// `pending`.
    #[schema(example = "pending")]
    pub status: &'static str,
    /// What it does.
    #[schema(example = "bulk_delete_contacts")]
    pub operation: &'static str,
    /// The group it is about, when it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Uuid, required = false, nullable = false)]
    pub group_id: Option<String>,
    /// How many ids were sent.
    #[schema(example = 640)]
    pub requested_count: u32,
    /// How much is done, in per cent.
    #[schema(example = 0)]
    pub progress: u32,
    /// For people: where to follow it.
    pub message: String,
}

impl From<&Job> for AcceptedJobView {
    fn from(it: &Job) -> Self {
        let path = format!("{PREFIX}/contacts/bulk-jobs/{}/progress", it.id);
        Self {
            mode: "async",
            job_id: it.id.to_string(),
            status: JobStatus::as_str(it.status),
            operation: it.operation.as_str(),
            group_id: it.operation.group().map(|id| id.to_string()),
            requested_count: it.requested,
            progress: it.progress(),
            message: format!("Job accepted: follow it at {path}"),
        }
    }
}
