//! How look-ups look.

use msgflash_kernel::{Cursor, Page};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::lookup::{NumberLookup, Results};
use serde::Serialize;
use utoipa::ToSchema;

/// A number with WhatsApp.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NumberOnWhatsApp)]
pub struct FoundView {
    /// The number that was asked about.
    #[schema(example = "+5531987654321")]
    pub number: String,
    /// The number it has there: write to this one. In Brazil, Mexico and Argentina it may have other
    /// digits.
    #[schema(example = "+553187654321")]
    pub wa_number: String,
}

/// What was found out, as far as known; each list is in the order given.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NumberLookupResults)]
pub struct ResultsView {
    /// Numbers with WhatsApp.
    pub on_whats_app: Vec<FoundView>,
    /// Numbers without.
    #[schema(example = json!(["+33612345678"]))]
    pub not_on_whats_app: Vec<String>,
    /// What is no possible number, as it was written.
    #[schema(example = json!(["0612"]))]
    pub invalid: Vec<String>,
}

impl From<&Results> for ResultsView {
    fn from(it: &Results) -> Self {
        let found = it.on_whatsapp.iter().map(|(asked, found)| FoundView {
            number: asked.to_string(),
            wa_number: found.to_string(),
        });
        Self {
            on_whats_app: found.collect(),
            not_on_whats_app: it.not_on_whatsapp.iter().map(ToString::to_string).collect(),
            invalid: it.invalid.clone(),
        }
    }
}

/// A look-up.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NumberLookup)]
pub struct LookupView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// The instance that asks.
    #[schema(format = Uuid)]
    pub instance_id: String,
    /// `pending`, `processing`, `completed` or `failed`.
    #[schema(example = "completed")]
    pub status: &'static str,
    /// How many numbers were given.
    pub requested_count: u32,
    /// Of how many it is known what they are; those that are no number, and repetitions, at once.
    pub processed_count: u32,
    /// The same in per cent.
    #[schema(example = 100)]
    pub progress: u32,
    /// What was found out; not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub results: Option<ResultsView>,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was asked for.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// When it ended.
    #[schema(format = DateTime)]
    pub completed_at: Option<String>,
}

impl LookupView {
    /// A look-up, with or without what was found.
    pub(super) fn new(it: &NumberLookup, results: Option<&Results>) -> Self {
        Self {
            id: it.id.to_string(),
            instance_id: it.instance.to_string(),
            status: it.status.as_str(),
            requested_count: it.requested,
            processed_count: it.processed,
            progress: it.progress(),
            results: results.map(ResultsView::from),
            error: it.error.clone(),
            created_at: timestamp(it.created_at),
            completed_at: it.completed_at.map(timestamp),
        }
    }
}

/// A page of look-ups.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = NumberLookupPage)]
pub struct LookupPageView {
    /// Newest first.
    pub lookups: Vec<LookupView>,
    /// For the next page; `null` on the last.
    pub next_cursor: Option<String>,
    /// Whether there are more.
    pub has_more: bool,
    /// Look-ups per page.
    pub limit: u32,
}

impl LookupPageView {
    /// The page as it is shown.
    pub(super) fn new(page: &Page<NumberLookup>, limit: u32) -> Self {
        let lookups = page.items.iter().map(|it| LookupView::new(it, None));
        Self {
            lookups: lookups.collect(),
            next_cursor: page.next.as_ref().map(Cursor::encode),
            has_more: page.next.is_some(),
            limit,
        }
    }
}
