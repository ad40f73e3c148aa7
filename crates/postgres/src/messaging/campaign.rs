//! Campaigns as they are stored.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Cursor, Id, Page, PageRequest, StoreError, Workspace, WorkspaceId};
use msgflash_messaging::MessageId;
use msgflash_messaging::campaign::audience::Place;
use msgflash_messaging::campaign::ports::{CampaignReader, RecipientFilter};
use msgflash_messaging::campaign::recipient::Line;
use msgflash_messaging::campaign::retry::PASSING;
use msgflash_messaging::campaign::{Campaign, CampaignId, CampaignStatus, Counters, Repeat, Run};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::teams::remains::not_deleted;

mod audience;
mod expand;
mod lines;
mod made;
mod store;
mod value;

/// A campaign's columns by name, of `campaigns c` joined with `campaign_counters n`.
macro_rules! campaign_columns {
    () => {
        campaign_columns!("c.audience")
    };
    ($audience:literal) => {
        concat!(
            "c.id, c.workspace_id, c.account_id, c.team_id, c.acting_user_id, c.instance_id, c.name, \
             c.template_id, c.variables, c.content, ",
            $audience,
            ", c.schedule, c.repeat, c.send_by, c.send_window, c.retry_of, c.status, c.error, \
             c.run_id, c.run_started_at, c.expand_list, c.expand_after, c.made_to, c.made_most, \
             c.processing_started_at, c.last_enqueued_at, c.completed_at, c.cancelled_at, \
             c.turn_at, c.created_at, c.updated_at, c.deleted_at, n.planned, n.queued, n.sent, \
             n.delivered, n.read, n.failed, n.cancelled, n.skipped, n.made, n.last_activity_at"
        )
    };
}
pub(super) use campaign_columns;

/// The same, as lists show them: with the first hundred of the ids that an audience names. Many campaigns
/// of ten thousand each would fill the memory.
macro_rules! listed_columns {
    () => {
        campaign_columns!(
            "CASE WHEN c.audience->>'type' = 'explicit' THEN jsonb_set(c.audience, '{value}', \
               jsonb_path_query_array(c.audience, '$.value[0 to 99]')) \
             ELSE c.audience END AS audience"
        )
    };
}

#[derive(QueryableByName)]
pub(super) struct CampaignRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    team_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    acting_user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    template_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    variables: Option<Value>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    content: Option<Value>,
    #[diesel(sql_type = Jsonb)]
    audience: Value,
    #[diesel(sql_type = Timestamptz)]
    schedule: OffsetDateTime,
    #[diesel(sql_type = Text)]
    repeat: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    send_by: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Jsonb>)]
    send_window: Option<Value>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    retry_of: Option<Uuid>,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    run_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    run_started_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Integer>)]
    expand_list: Option<i32>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    expand_after: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    made_to: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    made_most: Option<Uuid>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    processing_started_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_enqueued_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    completed_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    cancelled_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    turn_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    updated_at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<OffsetDateTime>,
    #[diesel(embed)]
    counters: CountersRow,
}

#[derive(QueryableByName)]
pub(super) struct CountersRow {
    #[diesel(sql_type = BigInt)]
    planned: i64,
    #[diesel(sql_type = BigInt)]
    queued: i64,
    #[diesel(sql_type = BigInt)]
    sent: i64,
    #[diesel(sql_type = BigInt)]
    delivered: i64,
    #[diesel(sql_type = BigInt)]
    read: i64,
    #[diesel(sql_type = BigInt)]
    failed: i64,
    #[diesel(sql_type = BigInt)]
    cancelled: i64,
    #[diesel(sql_type = BigInt)]
    skipped: i64,
    #[diesel(sql_type = BigInt)]
    made: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_activity_at: Option<OffsetDateTime>,
}

impl From<&CountersRow> for Counters {
    fn from(row: &CountersRow) -> Self {
        let size = |stored: i64| u64::try_from(stored).unwrap_or(0);
        Self {
            planned: size(row.planned),
            queued: size(row.queued),
            sent: size(row.sent),
            delivered: size(row.delivered),
            read: size(row.read),
            failed: size(row.failed),
            cancelled: size(row.cancelled),
            skipped: size(row.skipped),
            made: size(row.made),
        }
    }
}

impl TryFrom<CampaignRow> for Campaign {
    type Error = StoreError;

    fn try_from(row: CampaignRow) -> Result<Self, StoreError> {
        let run = row
            .run_id
            .zip(row.run_started_at)
            .map(|(id, started_at)| Run {
                id: Id::new(id),
                started_at,
                expansion: row
                    .expand_list
                    .zip(row.expand_after)
                    .map(|(list, after)| Place {
                        list: u32::try_from(list).unwrap_or(0),
                        after,
                    }),
                made_to: row.made_to.unwrap_or_default(),
                made_most: row.made_most.unwrap_or_default(),
            });
        Ok(Self {
            id: Id::new(row.id),
            workspace: Workspace {
                id: Id::new(row.workspace_id),
                account: Id::new(row.account_id),
                team: row.team_id.map(Id::new),
            },
            acting_user: Id::new(row.acting_user_id),
            instance: Id::new(row.instance_id),
            name: row.name,
            content: value::content(row.content, row.template_id, row.variables)?,
            audience: value::audience(&row.audience)?,
            schedule: row.schedule,
            repeat: Repeat::parse(&row.repeat)
                .ok_or_else(|| StoreError::corrupt("campaigns.repeat", row.repeat))?,
            send_by: row.send_by,
            window: row.send_window.as_ref().map(value::window).transpose()?,
            retry_of: row.retry_of.map(Id::new),
            status: status(&row.status)?,
            error: row.error,
            run,
            counters: Counters::from(&row.counters),
            processing_started_at: row.processing_started_at,
            last_enqueued_at: row.last_enqueued_at,
            completed_at: row.completed_at,
            cancelled_at: row.cancelled_at,
            last_activity_at: row.counters.last_activity_at,
            turn_at: row.turn_at,
            deleted_at: row.deleted_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

/// How long one that cannot be read is left alone.
const UNREADABLE: time::Duration = time::Duration::minutes(10);

fn status(stored: &str) -> Result<CampaignStatus, StoreError> {
    CampaignStatus::parse(stored).ok_or_else(|| StoreError::corrupt("campaigns.status", stored))
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct StatusRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[async_trait]
impl CampaignReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: CampaignId,
    ) -> Result<Option<Campaign>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<CampaignRow> = sql(concat!(
            "SELECT ",
            campaign_columns!(),
            " FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id \
             WHERE c.id = $1 AND c.workspace_id = $2 AND c.deleted_at IS NULL"
        ))
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_result(&mut conn)
        .await
        .optional()
        .map_err(failed)?;
        row.map(Campaign::try_from).transpose()
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        status: Option<CampaignStatus>,
        page: &PageRequest,
    ) -> Result<Page<Campaign>, StoreError> {
        let after = match &page.after {
            None => None,
            Some(cursor) => Some(
                CampaignId::parse(cursor.key())
                    .ok_or_else(|| StoreError::corrupt("cursor", "not a campaign id"))?
                    .uuid(),
            ),
        };
        let mut conn = self.conn().await?;
        let rows: Vec<CampaignRow> = sql(concat!(
            "SELECT ",
            listed_columns!(),
            " FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id \
             WHERE c.workspace_id = $1 AND c.deleted_at IS NULL \
               AND ($2 IS NULL OR c.id < $2) AND ($3 IS NULL OR c.status = $3) \
             ORDER BY c.id DESC LIMIT $4"
        ))
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Nullable<SqlUuid>, _>(after)
        .bind::<Nullable<Text>, _>(status.map(CampaignStatus::as_str))
        .bind::<BigInt, _>(i64::from(page.limit) + 1)
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        let found: Vec<Campaign> = rows
            .into_iter()
            .map(Campaign::try_from)
            .collect::<Result<_, _>>()?;
        let scope = msgflash_messaging::campaign::ports::list_scope(status);
        Ok(Page::cut(found, page.limit, |last| {
            Cursor::new(scope.clone(), last.id.to_string())
        }))
    }

    async fn recipients(
        &self,
        campaign: &Campaign,
        filter: &RecipientFilter,
        page: &PageRequest,
    ) -> Result<Page<Line>, StoreError> {
        lines::page(self, campaign, filter, page).await
    }

    async fn find_planned(
        &self,
        workspace: WorkspaceId,
        message: MessageId,
    ) -> Result<Option<(Campaign, Line)>, StoreError> {
        lines::find(self, workspace, message).await
    }

    async fn passing_failures(&self, campaign: &Campaign) -> Result<u64, StoreError> {
        let mut conn = self.conn().await?;
        let row: CountRow = sql(
            "SELECT count(*) AS count FROM campaign_recipients r CROSS JOIN LATERAL ( \
               SELECT 1 FROM messages m WHERE m.workspace_id = $2 AND m.id = r.message_id \
                 AND m.status = 4 AND m.meta->>'code' = ANY($3) \
                 AND m.provider_message_id IS NULL \
                 AND NOT EXISTS (SELECT 1 FROM messages n JOIN campaigns d ON d.id = n.campaign_id \
                   WHERE n.workspace_id = $2 AND n.peer = r.phone AND n.id > r.message_id \
                     AND n.status <= 3 AND (d.id = $1 OR d.retry_of = $1)) OFFSET 0) m \
             WHERE r.campaign_id = $1",
        )
        .bind::<SqlUuid, _>(campaign.id.uuid())
        .bind::<SqlUuid, _>(campaign.workspace.id.uuid())
        .bind::<diesel::sql_types::Array<Text>, _>(PASSING.to_vec())
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(u64::try_from(row.count).unwrap_or(0))
    }

    async fn held_back(
        &self,
        campaign: &Campaign,
        most: u32,
        now: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let mut conn = self.conn().await?;
        let row: CountRow = sql("SELECT count(*) AS count FROM ( \
               SELECT 1 FROM queue q \
               WHERE uuid_send(q.instance_id) = uuid_send($1) AND q.class = 2 AND q.state = 1 \
                 AND q.campaign_id = $2 AND q.not_before > $3 \
                 AND EXISTS (SELECT 1 FROM instances i \
                   WHERE i.id = $1 AND i.restricted_until IS NOT NULL) LIMIT $4) held")
        .bind::<SqlUuid, _>(campaign.instance.uuid())
        .bind::<SqlUuid, _>(campaign.id.uuid())
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(most))
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(u64::try_from(row.count).unwrap_or(0))
    }

    async fn retry_of(&self, campaign: CampaignId) -> Result<Option<CampaignId>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<IdRow> =
            sql("SELECT id FROM campaigns WHERE retry_of = $1 AND deleted_at IS NULL")
                .bind::<SqlUuid, _>(campaign.uuid())
                .get_result(&mut conn)
                .await
                .optional()
                .map_err(failed)?;
        Ok(row.map(|row| Id::new(row.id)))
    }

    async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<Campaign>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<CampaignRow> = sql(concat!(
            "SELECT ",
            campaign_columns!(),
            " FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id \
             WHERE c.turn_at <= $1 AND ",
            not_deleted!("c.workspace_id"),
            " ORDER BY c.turn_at LIMIT $2"
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        let mut due = Vec::with_capacity(rows.len());
        let mut unreadable = Vec::new();
        for row in rows {
            let id = row.id;
            match Campaign::try_from(row) {
                Ok(campaign) => due.push(campaign),
                Err(cause) => {
                    tracing::error!(campaign.id = %id, %cause, "a campaign cannot be read");
                    unreadable.push(id);
                }
            }
        }
        // What a newer release made, for example, waits for somebody who can, and holds up no other.
        if !unreadable.is_empty() {
            sql("UPDATE campaigns SET turn_at = $2 WHERE id = ANY ($1) AND turn_at <= $3")
                .bind::<diesel::sql_types::Array<SqlUuid>, _>(unreadable)
                .bind::<Timestamptz, _>(now + UNREADABLE)
                .bind::<Timestamptz, _>(now)
                .execute(&mut conn)
                .await
                .map_err(failed)?;
        }
        Ok(due)
    }

    async fn named(
        &self,
        workspace: WorkspaceId,
        text: &str,
        limit: u32,
    ) -> Result<Vec<Campaign>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<CampaignRow> = sql(concat!(
            "SELECT ",
            listed_columns!(),
            " FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id \
             WHERE c.workspace_id = $1 AND c.deleted_at IS NULL \
               AND position(lower($2) IN lower(c.name)) > 0 \
             ORDER BY c.id DESC LIMIT $3"
        ))
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Text, _>(text)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        rows.into_iter().map(Campaign::try_from).collect()
    }

    async fn counts(
        &self,
        workspace: WorkspaceId,
    ) -> Result<Vec<(CampaignStatus, u64)>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<StatusRow> = sql("SELECT status, count(*) AS count FROM campaigns \
             WHERE workspace_id = $1 AND deleted_at IS NULL GROUP BY status")
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| Ok((status(&row.status)?, u64::try_from(row.count).unwrap_or(0))))
            .collect()
    }
}
