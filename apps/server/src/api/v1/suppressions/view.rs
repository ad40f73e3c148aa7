//! How opt-out lists look.

use msgflash_contacts::suppression::Added;
use msgflash_contacts::{OptOutSettings, Suppression};
use msgflash_kernel::Page;
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A number that is not to be written to.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Suppression)]
pub struct SuppressionView {
    /// The number, E.164.
    #[schema(example = "+33698765432")]
    pub phone: String,
    /// `manual`, `import`, or `stop_word` when its owner wrote one.
    #[schema(example = "stop_word")]
    pub source: &'static str,
    /// Why; of a stop word, what was written.
    #[schema(example = "STOP")]
    pub reason: Option<String>,
    /// The instance that the stop word was sent to.
    #[schema(format = Uuid)]
    pub instance_id: Option<String>,
    /// Since when it is on the list.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&Suppression> for SuppressionView {
    fn from(it: &Suppression) -> Self {
        Self {
            phone: it.phone.to_string(),
            source: it.source.as_str(),
            reason: it.reason.clone(),
            instance_id: it.instance.map(|id| id.to_string()),
            created_at: timestamp(it.created_at),
        }
    }
}

/// A page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = SuppressionPage)]
pub struct SuppressionPageView {
    /// The numbers, newest first.
    pub suppressions: Vec<SuppressionView>,
    /// Whether there are more.
    pub has_more: bool,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl From<&Page<Suppression>> for SuppressionPageView {
    fn from(page: &Page<Suppression>) -> Self {
        let next_cursor = page.next.as_ref().map(msgflash_kernel::Cursor::encode);
        Self {
            suppressions: page.items.iter().map(SuppressionView::from).collect(),
            has_more: next_cursor.is_some(),
            next_cursor,
        }
    }
}

/// What is no possible number.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = InvalidNumber)]
pub struct InvalidNumberView {
    /// Its place among the numbers given, from 0.
    #[schema(example = 1)]
    pub index: u64,
    /// As it was written.
    #[schema(example = "0612")]
    pub phone: String,
    /// Why it is none.
    #[schema(example = "it begins with 0 instead of a country code such as +33")]
    pub reason: String,
}

/// What became of numbers for a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = AddedSuppressions)]
pub struct AddedView {
    /// How many are new on the list.
    #[schema(example = 2)]
    pub added: u32,
    /// How many were on it before, or came twice.
    #[schema(example = 1)]
    pub already_present: u32,
    /// What is no possible number.
    pub invalid: Vec<InvalidNumberView>,
}

impl From<&Added> for AddedView {
    fn from(it: &Added) -> Self {
        let invalid = it.refused.iter().map(|it| InvalidNumberView {
            index: it.line,
            phone: it.phone.clone(),
            reason: it.reason.clone(),
        });
        Self {
            added: it.added,
            already_present: it.already_present,
            invalid: invalid.collect(),
        }
    }
}

/// What is done about messages that ask for no more.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = OptOutSettings)]
pub struct OptOutSettingsView {
    /// A message that is one of these puts its sender on the list.
    #[schema(example = json!(["stop", "unsubscribe"]))]
    pub stop_words: Vec<String>,
    /// What is answered then; nothing when `null`.
    #[schema(example = "You will not hear from us any more.")]
    pub confirmation: Option<String>,
}

impl From<&OptOutSettings> for OptOutSettingsView {
    fn from(it: &OptOutSettings) -> Self {
        Self {
            stop_words: it.stop_words.clone(),
            confirmation: it.confirmation.clone(),
        }
    }
}
