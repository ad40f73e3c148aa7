//! How a status that was published looks.

use msgflash_messaging::status::Status;
use serde::Serialize;
use utoipa::ToSchema;

/// A status that is out.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = PublishedStatus)]
pub struct PublishedStatusView {
    /// Its id.
    #[schema(format = Uuid, example = "0197b3c0-4444-7000-8000-000000000001")]
    pub id: String,
    /// The instance that published it.
    #[schema(format = Uuid, example = "0197b3c0-1111-7000-8000-000000000001")]
    pub instance_id: String,
    /// WhatsApp's id; `null` in the rare case that it was lost on the way.
    #[schema(example = "3EB0AE1E6D918534725ECB")]
    pub provider_message_id: Option<String>,
}

impl From<&Status> for PublishedStatusView {
    fn from(it: &Status) -> Self {
        Self {
            id: it.id.to_string(),
            instance_id: it.instance.to_string(),
            provider_message_id: it.provider_message_id.clone(),
        }
    }
}
