//! How keys look.

use msgflash_accounts::{ApiKey, KeyKind, KeyUse};
use msgflash_messaging::events::timestamp;
use serde::Serialize;
use utoipa::ToSchema;

/// A key without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKey)]
pub struct KeyView {
    /// Its id.
    #[schema(format = Uuid)]
    pub id: String,
    /// What it is called.
    #[schema(example = "CRM")]
    pub name: String,
    /// Its beginning, to recognise it by.
    #[schema(example = "msgf_live_9f03ac")]
    pub key_prefix: String,
    /// `personal` or `team`.
    #[schema(example = "personal")]
    pub kind: &'static str,
    /// When it was last used, some seconds behind.
    #[schema(format = DateTime)]
    pub last_used_at: Option<String>,
    /// Since when it opens nothing.
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    pub created_at: String,
}

impl From<&ApiKey> for KeyView {
    fn from(it: &ApiKey) -> Self {
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            key_prefix: it.prefix.clone(),
            kind: match it.kind() {
                KeyKind::Personal => "personal",
                KeyKind::Team => "team",
            },
            last_used_at: it.last_used_at.map(timestamp),
            revoked_at: it.revoked_at.map(timestamp),
            created_at: timestamp(it.created_at),
        }
    }
}

/// A key that was just made.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = CreatedApiKey)]
pub struct NewKeyView {
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
    /// What to send as `x-api-key`. It cannot be shown again.
    #[schema(example = "msgf_live_9f03ac…")]
    pub secret: String,
}

/// How much a key was used in a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyUse)]
pub struct KeyUseView {
    /// The key.
    #[serde(flatten)]
    pub key: KeyView,
    /// Requests of the month.
    #[schema(example = 420)]
    pub request_count: u64,
    /// The latest of them.
    #[schema(format = DateTime)]
    pub last_request_at: Option<String>,
}

impl From<&KeyUse> for KeyUseView {
    fn from(it: &KeyUse) -> Self {
        Self {
            key: KeyView::from(&it.key),
            request_count: it.requests,
            last_request_at: it.last_request_at.map(timestamp),
        }
    }
}

/// How much all keys of a workspace were used in a month.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = ApiKeyUsage)]
pub struct MonthView {
    /// The month.
    #[schema(example = "2026-05")]
    pub period_key: String,
    /// The sum.
    #[schema(example = 420)]
    pub total_requests: u64,
    /// By key, the newest first: active ones, and revoked ones that were used in the month.
    pub api_keys: Vec<KeyUseView>,
}
