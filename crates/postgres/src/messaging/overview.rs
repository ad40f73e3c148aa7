//! Looking over the messages of a workspace.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    BigInt, Bool, Date as SqlDate, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{StoreError, WorkspaceId};
use msgflash_messaging::message::overview::{DayCount, Days, OverviewReader, digits};
use msgflash_messaging::{Message, MessageStatus};
use time::{Date, Duration, OffsetDateTime};
use uuid::Uuid;

use super::message::MessageRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::messages;
use crate::sql::sql;

/// An id is drawn within this time of the moment that is stored beside it.
const DRAWN_WITHIN: Duration = Duration::MINUTE;

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = SqlDate)]
    day: Date,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct SentRow {
    #[diesel(sql_type = Bool)]
    sent: bool,
}

#[async_trait]
impl OverviewReader for Postgres {
    async fn search(
        &self,
        workspace: WorkspaceId,
        text: &str,
        depth: u32,
        limit: u32,
    ) -> Result<Vec<Message>, StoreError> {
        let mut conn = self.conn().await?;
        let found: Vec<IdRow> = sql(
            "SELECT m.id FROM (SELECT id, body, peer FROM messages WHERE workspace_id = $1 \
               ORDER BY id DESC LIMIT $4) m \
             WHERE position(lower($2) IN lower(m.body)) > 0 \
               OR ($3 <> '' AND position($3 IN m.peer::text) > 0) \
             ORDER BY m.id DESC LIMIT $5",
        )
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<Text, _>(text)
        .bind::<Text, _>(digits(text).unwrap_or_default())
        .bind::<BigInt, _>(i64::from(depth))
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        let found: Vec<Uuid> = found.into_iter().map(|row| row.id).collect();
        let rows: Vec<MessageRow> = messages::table
            .filter(messages::workspace_id.eq(workspace.uuid()))
            .filter(messages::id.eq_any(found))
            .order(messages::id.desc())
            .select(MessageRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter().map(Message::try_from).collect()
    }

    async fn count(&self, workspace: WorkspaceId, days: Days) -> Result<Vec<DayCount>, StoreError> {
        let mut conn = self.conn().await?;
        // The ids follow the time, and only they are indexed.
        let rows: Vec<CountRow> = sql(
            "SELECT (created_at AT TIME ZONE 'UTC')::date AS day, status, count(*) AS count \
             FROM messages WHERE workspace_id = $1 AND id >= $2 AND id < $3 \
               AND created_at >= $4 AND created_at < $5 GROUP BY 1, 2",
        )
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<SqlUuid, _>(first_id(days.begin() - DRAWN_WITHIN))
        .bind::<SqlUuid, _>(first_id(days.end() + DRAWN_WITHIN))
        .bind::<Timestamptz, _>(days.begin())
        .bind::<Timestamptz, _>(days.end())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                let status = MessageStatus::from_i16(row.status).ok_or_else(|| {
                    StoreError::corrupt("messages.status", row.status.to_string())
                })?;
                Ok(DayCount {
                    day: row.day,
                    status,
                    count: u64::try_from(row.count).unwrap_or(0),
                })
            })
            .collect()
    }

    async fn has_sent(&self, workspace: WorkspaceId, depth: u32) -> Result<bool, StoreError> {
        let mut conn = self.conn().await?;
        let row: SentRow = sql("SELECT EXISTS (SELECT 1 FROM ( \
               (SELECT status FROM messages WHERE workspace_id = $1 ORDER BY id LIMIT $2) \
               UNION ALL \
               (SELECT status FROM messages WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2)) m \
             WHERE m.status IN (1, 2, 3)) AS sent")
        .bind::<SqlUuid, _>(workspace.uuid())
        .bind::<BigInt, _>(i64::from(depth))
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(row.sent)
    }
}

/// The least id that can be drawn at a moment: 48 bits of milliseconds come first.
fn first_id(at: OffsetDateTime) -> Uuid {
    let millis = at.unix_timestamp_nanos() / 1_000_000;
    let millis = u64::try_from(millis).unwrap_or(0).min((1 << 48) - 1);
    Uuid::from_u128(u128::from(millis) << 80)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_least_id_of_a_moment_is_below_every_id_drawn_then() {
        let at = datetime!(2026-05-20 12:00 UTC);
        let millis = u64::try_from(at.unix_timestamp() * 1000).expect("positive");
        let drawn = uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid();
        assert!(first_id(at) <= drawn);
        assert!(first_id(at + Duration::MILLISECOND) > drawn);
        assert_eq!(
            first_id(OffsetDateTime::UNIX_EPOCH - Duration::DAY),
            Uuid::nil()
        );
    }
}
