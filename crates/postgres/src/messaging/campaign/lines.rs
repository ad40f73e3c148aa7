//! What became of recipients, as lists show it.

use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Cursor, Id, Page, PageRequest, StoreError, WorkspaceId};
use msgflash_messaging::campaign::control::CANCELLED;
use msgflash_messaging::campaign::ports::{CampaignReader as _, RecipientFilter};
use msgflash_messaging::campaign::recipient::{Line, RecipientStatus, Skip};
use msgflash_messaging::campaign::{Campaign, CampaignContent, CampaignStatus};
use msgflash_messaging::{MessageId, MessageKind, MessageStatus};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::{LAST_ID, made_at};
use crate::error::failed;
use crate::messaging::phone;
use crate::pool::Postgres;
use crate::sql::sql;

/// Rows looked at in one go when only some are wanted.
const STEP: i64 = 1000;
/// The most of them for one page.
const WALK: i64 = 20_000;

/// A recipient with its message and its contact, as far as they are there.
macro_rules! lines {
    ($recipients:literal, $order:literal) => {
        concat!(
            "SELECT r.message_id, r.run_id, r.phone, r.skip, c.id AS contact_id, c.name, \
               m.status, m.error, m.code, m.kind, m.body, m.created_at, m.updated_at \
             FROM (SELECT r.message_id, r.run_id, r.phone, r.skip, r.contact_id \
               FROM campaign_recipients r WHERE ",
            $recipients,
            ") r LEFT JOIN LATERAL (SELECT m.status, m.error, m.meta->>'code' AS code, m.kind, \
                 m.body, m.created_at, m.updated_at FROM messages m \
               WHERE m.workspace_id = $2 AND m.id = r.message_id OFFSET 0) m ON true \
             LEFT JOIN LATERAL (SELECT c.id, c.name FROM contacts c \
               WHERE c.workspace_id = $2 AND c.id = r.contact_id OFFSET 0) c ON true ",
            $order
        )
    };
}

const FORWARD: &str = lines!(
    "r.campaign_id = $1 AND r.message_id > $3 AND (r.skip = 0 OR NOT $5) \
     ORDER BY r.message_id LIMIT $4",
    "ORDER BY r.message_id"
);
const BACKWARD: &str = lines!(
    "r.campaign_id = $1 AND r.message_id < $3 AND (r.skip = 0 OR NOT $5) \
     ORDER BY r.message_id DESC LIMIT $4",
    "ORDER BY r.message_id DESC"
);
const ONE: &str = lines!("r.campaign_id = $1 AND r.message_id = $3", "");

/// Among the last thousand campaigns that were there when the message's id was made.
const WHOSE: &str = "SELECT c.id FROM (SELECT c.id FROM campaigns c \
       WHERE c.workspace_id = $1 AND c.deleted_at IS NULL AND c.id < $2 \
       ORDER BY c.id DESC LIMIT 1000) c CROSS JOIN LATERAL ( \
       SELECT 1 FROM campaign_recipients r \
       WHERE r.campaign_id = c.id AND r.message_id = $2 OFFSET 0) r LIMIT 1";

#[derive(QueryableByName)]
struct LineRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    run_id: Uuid,
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = SmallInt)]
    skip: i16,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    contact_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    status: Option<i16>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    kind: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    body: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    created_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    updated_at: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

/// Why a recipient without a message was not written to, or that it still will be.
fn without_message(campaign: &Campaign) -> (RecipientStatus, Option<String>, Option<String>) {
    if !campaign.status.is_final() {
        return (RecipientStatus::Message(MessageStatus::Queued), None, None);
    }
    let code = match campaign.status {
        CampaignStatus::Completed => "SEND_BY_PASSED",
        CampaignStatus::Failed => "CAMPAIGN_FAILED",
        _ => "CAMPAIGN_CANCELLED",
    };
    let reason = campaign.error.as_deref().unwrap_or(CANCELLED);
    (
        RecipientStatus::Message(MessageStatus::Cancelled),
        Some(code.to_owned()),
        Some(reason.to_owned()),
    )
}

/// The type of a campaign's messages, as far as it is known before they are made.
fn kind_of(campaign: &Campaign) -> Option<MessageKind> {
    match &campaign.content {
        CampaignContent::Direct(content) => Some(content.kind()),
        CampaignContent::Template { .. } => None,
    }
}

fn line(campaign: &Campaign, row: LineRow) -> Result<Line, StoreError> {
    let skip = Skip::from_i16(row.skip);
    let stored = row.status.map(|stored| {
        MessageStatus::from_i16(stored)
            .ok_or_else(|| StoreError::corrupt("messages.status", stored.to_string()))
    });
    let (status, code, error) = match (skip, stored.transpose()?) {
        (Some(skip), _) => (
            RecipientStatus::Skipped,
            Some(skip.code().to_owned()),
            Some(skip.reason().to_owned()),
        ),
        (None, Some(status)) => {
            let cancelled = status == MessageStatus::Cancelled;
            let code = row
                .code
                .or_else(|| without_message(campaign).1.filter(|_| cancelled));
            (RecipientStatus::Message(status), code, row.error)
        }
        (None, None) => without_message(campaign),
    };
    let written = made_at(row.message_id).unwrap_or(campaign.created_at);
    Ok(Line {
        message: Id::new(row.message_id),
        run: Id::new(row.run_id),
        contact: row.contact_id.map(Id::new),
        contact_name: row.name,
        phone: phone(row.phone)?,
        status,
        code,
        error,
        kind: row
            .kind
            .and_then(|kind| MessageKind::parse(&kind))
            .or_else(|| kind_of(campaign)),
        body: row.body,
        created_at: row.created_at.unwrap_or(written),
        updated_at: row.updated_at.unwrap_or(written),
    })
}

pub(super) async fn page(
    postgres: &Postgres,
    campaign: &Campaign,
    filter: &RecipientFilter,
    page: &PageRequest,
) -> Result<Page<Line>, StoreError> {
    let mut after = match &page.after {
        None if filter.newest_first => LAST_ID,
        None => Uuid::nil(),
        Some(cursor) => MessageId::parse(cursor.key())
            .ok_or_else(|| StoreError::corrupt("cursor", "not a message id"))?
            .uuid(),
    };
    let wanted = page.limit as usize;
    let step = match filter.status {
        None => i64::from(page.limit) + 1,
        Some(_) => STEP,
    };
    let mut conn = postgres.conn().await?;
    let mut items: Vec<Line> = Vec::new();
    let mut walked = 0;
    let next = loop {
        let statement = if filter.newest_first {
            BACKWARD
        } else {
            FORWARD
        };
        let rows: Vec<LineRow> = sql(statement)
            .bind::<SqlUuid, _>(campaign.id.uuid())
            .bind::<SqlUuid, _>(campaign.workspace.id.uuid())
            .bind::<SqlUuid, _>(after)
            .bind::<BigInt, _>(step)
            .bind::<Bool, _>(filter.planned_only)
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        let is_last = (rows.len() as u64) < step.unsigned_abs();
        walked += step;
        let mut is_full = false;
        for row in rows {
            let found = line(campaign, row)?;
            if filter.status.is_some_and(|wanted| wanted != found.status) {
                after = found.message.uuid();
                continue;
            }
            if items.len() == wanted {
                is_full = true;
                break;
            }
            after = found.message.uuid();
            items.push(found);
        }
        if is_full {
            break items.last().map(|last| last.message.uuid());
        }
        if is_last {
            break None;
        }
        if walked >= WALK {
            break Some(after);
        }
    };
    let scope = filter.scope(campaign.id);
    Ok(Page {
        items,
        next: next.map(|last| Cursor::new(scope, last.to_string())),
    })
}

pub(super) async fn find(
    postgres: &Postgres,
    workspace: WorkspaceId,
    message: MessageId,
) -> Result<Option<(Campaign, Line)>, StoreError> {
    let mut conn = postgres.conn().await?;
    let whose: Option<IdRow> = sql(WHOSE)
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<SqlUuid, _>(message.uuid())
        .get_result(&mut conn)
        .await
        .optional()
        .map_err(failed)?;
    drop(conn);
    let Some(whose) = whose else { return Ok(None) };
    let Some(campaign) = postgres.find(workspace, Id::new(whose.id)).await? else {
        return Ok(None);
    };
    let mut conn = postgres.conn().await?;
    let row: Option<LineRow> = sql(ONE)
        .bind::<SqlUuid, _>(campaign.id.uuid())
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<SqlUuid, _>(message.uuid())
        .get_result(&mut conn)
        .await
        .optional()
        .map_err(failed)?;
    let found = row.map(|row| line(&campaign, row)).transpose()?;
    Ok(found.map(|line| (campaign, line)))
}
