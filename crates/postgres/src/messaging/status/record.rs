//! Statuses as rows.

use diesel::prelude::*;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::provider::StatusContent;
use msgflash_messaging::status::{Repeat, Status, StatusState};
use msgflash_quotas::Period;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::contacts::workspace;
use crate::schema::statuses;

#[derive(Queryable, QueryableByName, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = statuses, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(super) struct StatusRecord {
    workspace_id: Uuid,
    id: Uuid,
    account_id: Uuid,
    acting_user_id: Uuid,
    instance_id: Uuid,
    kind: String,
    content: String,
    caption: Option<String>,
    background_color: Option<String>,
    state: String,
    error: Option<String>,
    code: Option<String>,
    provider_message_id: Option<String>,
    period: i32,
    replay_key: Option<Vec<u8>>,
    replay_request: Option<Vec<u8>>,
    request_id: Option<String>,
    waited_since: OffsetDateTime,
    lease_until: Option<OffsetDateTime>,
    look_at: Option<OffsetDateTime>,
    looks: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<&Status> for StatusRecord {
    fn from(it: &Status) -> Self {
        let (kind, content, caption, background_color) = match &it.content {
            StatusContent::Text { text, background } => {
                ("text", text, None, Some(background.clone()))
            }
            StatusContent::Image { url, caption } => ("image", url, caption.clone(), None),
        };
        Self {
            workspace_id: it.workspace.id.uuid(),
            id: it.id.uuid(),
            account_id: it.workspace.account.uuid(),
            acting_user_id: it.acting_user.uuid(),
            instance_id: it.instance.uuid(),
            kind: kind.to_owned(),
            content: content.clone(),
            caption,
            background_color,
            state: it.state.as_str().to_owned(),
            error: it.error.clone(),
            code: it.code.clone(),
            provider_message_id: it.provider_message_id.clone(),
            period: it.period.to_i32(),
            replay_key: it.repeat.map(|repeat| repeat.key.to_vec()),
            replay_request: it.repeat.map(|repeat| repeat.request.to_vec()),
            request_id: it.request_id.clone(),
            waited_since: it.waited_since,
            lease_until: it.lease_until,
            look_at: it.look_at,
            looks: i32::try_from(it.looks).unwrap_or(i32::MAX),
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

impl TryFrom<StatusRecord> for Status {
    type Error = StoreError;

    fn try_from(row: StatusRecord) -> Result<Self, StoreError> {
        let content = match (row.kind.as_str(), row.background_color) {
            ("text", Some(background)) => StatusContent::Text {
                text: row.content,
                background,
            },
            ("image", None) => StatusContent::Image {
                url: row.content,
                caption: row.caption,
            },
            _ => return Err(StoreError::corrupt("statuses.kind", row.kind)),
        };
        let repeat = match (row.replay_key, row.replay_request) {
            (Some(key), Some(request)) => Some(Repeat {
                key: hash(key)?,
                request: hash(request)?,
            }),
            _ => None,
        };
        Ok(Self {
            id: Id::new(row.id),
            workspace: workspace(row.workspace_id, Id::new(row.account_id)),
            acting_user: Id::new(row.acting_user_id),
            instance: Id::new(row.instance_id),
            content,
            state: StatusState::parse(&row.state)
                .ok_or_else(|| StoreError::corrupt("statuses.state", row.state))?,
            error: row.error,
            code: row.code,
            provider_message_id: row.provider_message_id,
            period: Period::from_i32(row.period)
                .ok_or_else(|| StoreError::corrupt("statuses.period", row.period.to_string()))?,
            repeat,
            request_id: row.request_id,
            waited_since: row.waited_since,
            lease_until: row.lease_until,
            look_at: row.look_at,
            looks: u32::try_from(row.looks).unwrap_or(0),
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// A hash of 32 bytes as it is stored.
pub(super) fn hash(stored: Vec<u8>) -> Result<[u8; 32], StoreError> {
    let length = stored.len();
    stored
        .try_into()
        .map_err(|_| StoreError::corrupt("statuses.replay_key", format!("{length} bytes")))
}
