//! What became of deliveries, for those who ask.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Page, PageRequest, StoreError, WorkspaceId};
use msgflash_webhooks::delivery::{Backlog, DeliveryEntry, DeliveryFilter, DeliveryStatus};
use msgflash_webhooks::health::TROUBLED_AT;
use msgflash_webhooks::ports::DeliveryReader;
use msgflash_webhooks::{DeliveryId, EndpointId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::{first_id, made_at};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// An endpoint's deliveries between two ids, in falling order. The endpoint must still be there:
/// its history outlives it, and is nobody's business then.
const ENTRIES: &str = "SELECT d.id, d.endpoint_id, d.event_id, d.event, d.status, d.attempts, d.response_status, \
       d.response_excerpt, d.error, e.payload::text AS payload, d.next_attempt_at, d.created_at, \
       d.updated_at \
     FROM webhook_endpoints w JOIN deliveries d ON d.endpoint_id = w.id \
     LEFT JOIN events e ON e.workspace_id = d.workspace_id AND e.id = d.event_id \
     WHERE w.id = $1 AND w.workspace_id = $2 AND d.workspace_id = $2 AND d.endpoint_id = $1 \
       AND d.id >= $3 AND d.id < $4 AND ($5 IS NULL OR d.status = $5) \
       AND ($6 IS NULL OR d.event = $6) \
     ORDER BY d.id DESC LIMIT $7";

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    endpoint_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    event_id: Uuid,
    #[diesel(sql_type = Text)]
    event: String,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Nullable<Integer>)]
    response_status: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    response_excerpt: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    error: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    payload: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_attempt_at: Option<OffsetDateTime>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    updated_at: OffsetDateTime,
}

impl TryFrom<EntryRow> for DeliveryEntry {
    type Error = StoreError;

    fn try_from(row: EntryRow) -> Result<Self, StoreError> {
        let status = DeliveryStatus::parse(&row.status)
            .ok_or_else(|| StoreError::corrupt("deliveries.status", row.status))?;
        Ok(Self {
            id: Id::new(row.id),
            endpoint: Id::new(row.endpoint_id),
            event: Id::new(row.event_id),
            name: row.event,
            status,
            attempts: u32::try_from(row.attempts).unwrap_or(0),
            response_status: row.response_status.and_then(|it| u16::try_from(it).ok()),
            excerpt: row.response_excerpt,
            error: row.error,
            payload: row.payload,
            next_attempt_at: row.next_attempt_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

#[derive(QueryableByName)]
struct BacklogRow {
    #[diesel(sql_type = BigInt)]
    waiting: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    oldest: Option<Uuid>,
    #[diesel(sql_type = BigInt)]
    disabled: i64,
    #[diesel(sql_type = BigInt)]
    paused: i64,
    #[diesel(sql_type = BigInt)]
    probed: i64,
}

impl Postgres {
    async fn entries(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        (first, end): (Uuid, Uuid),
        filter: &DeliveryFilter,
        limit: i64,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let rows: Vec<EntryRow> = sql(ENTRIES)
            .bind::<SqlUuid, _>(endpoint.uuid())
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(first)
            .bind::<SqlUuid, _>(end)
            .bind::<Nullable<Text>, _>(filter.status.map(DeliveryStatus::as_str))
            .bind::<Nullable<Text>, _>(filter.event.as_deref())
            .bind::<BigInt, _>(limit)
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        rows.into_iter().map(DeliveryEntry::try_from).collect()
    }
}

#[async_trait]
impl DeliveryReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        id: DeliveryId,
    ) -> Result<Option<DeliveryEntry>, StoreError> {
        let Some(next) = id.uuid().as_u128().checked_add(1) else {
            return Ok(None);
        };
        let only = (id.uuid(), Uuid::from_u128(next));
        let any = DeliveryFilter::default();
        let found = self.entries(workspace, endpoint, only, &any, 1).await?;
        Ok(found.into_iter().next())
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryEntry>, StoreError> {
        // Ids are UUIDv7: a range of times is a range of ids.
        let first = filter.from.map_or(Uuid::nil(), first_id);
        let until = filter.until.map_or(Uuid::max(), first_id);
        let after = page.after.as_ref().map(|it| {
            Uuid::parse_str(it.key()).map_err(|_| StoreError::corrupt("cursor", it.key()))
        });
        let end = after.transpose()?.unwrap_or(Uuid::max()).min(until);
        let limit = i64::from(page.limit) + 1;
        let rows = self
            .entries(workspace, endpoint, (first, end), filter, limit)
            .await?;
        let cursor = |row: &DeliveryEntry| filter.cursor(endpoint, row.id);
        Ok(Page::cut(rows, page.limit, cursor))
    }

    async fn backlog(&self, now: OffsetDateTime) -> Result<Backlog, StoreError> {
        let row: BacklogRow = sql("SELECT (SELECT count(*) FROM delivery_queue) AS waiting, \
               (SELECT delivery_id FROM delivery_queue ORDER BY delivery_id LIMIT 1) AS oldest, \
               (SELECT count(*) FROM webhook_endpoints WHERE NOT active) AS disabled, \
               (SELECT count(*) FROM webhook_health WHERE paused_until > $1) AS paused, \
               (SELECT count(*) FROM webhook_health WHERE failures >= $2 \
                 AND (paused_until IS NULL OR paused_until <= $1)) AS probed")
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(TROUBLED_AT))
        .get_result(&mut *self.conn().await?)
        .await
        .map_err(failed)?;
        let count = |it: i64| u64::try_from(it).unwrap_or(0);
        Ok(Backlog {
            waiting: count(row.waiting),
            oldest: row.oldest.and_then(made_at),
            disabled: count(row.disabled),
            paused: count(row.paused),
            probed: count(row.probed),
        })
    }
}
