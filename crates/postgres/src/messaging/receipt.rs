//! Receipts: claimed, followed to their messages, and applied in a fixed number of statements.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{
    Array, BigInt, Integer, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, StoreError, WorkspaceId};
use msgflash_messaging::provider::ReceiptRank;
use msgflash_messaging::receipt::ports::{
    InboxId, Moved, ReceiptStore, RefKey, StoredReceipt, Tracked,
};
use msgflash_messaging::{Instance, InstanceId, MessageStatus};
use time::OffsetDateTime;
use uuid::Uuid;

use super::inbox::remove;
use super::instance::{InstanceRow, count, phone};
use crate::columns::each;
use crate::error::{expect_rows, failed};
use crate::schema::{instances, teams};
use crate::sql::sql;
use crate::unit::PgUnit;

/// The class of the advisory locks on shards of instances whose receipts are being applied.
const RECEIPTS_OF_SHARD: i32 = 0x6d66_0002;
/// How many of the sixteen shards one unit takes at most, so that a second one finds work too.
const SHARDS_AT_ONCE: i64 = 8;
/// How many put-off receipts one look for known ids goes through.
const WAKE_LIMIT: i64 = 1000;

/// Says that the provider's id in a row of the inbox is known. The range of one id in its order is had from the
/// primary key: for a mere comparison a planner that takes the table for empty, or believes that each
/// number sent one message, may read everything a number ever sent, once for each row. No other index begins
/// with the instance, for the same reason.
macro_rules! is_known {
    ($row:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM provider_refs r WHERE r.instance_id = ",
            $row,
            ".instance_id AND r.key_id BETWEEN ",
            $row,
            ".key_id AND ",
            $row,
            ".key_id ORDER BY r.key_id OFFSET 0)"
        )
    };
}
pub(super) use is_known;

#[derive(QueryableByName)]
struct ShardRow {
    #[diesel(sql_type = Integer)]
    shard: i32,
    /// The earliest that is due, whoever works on it.
    #[diesel(sql_type = Timestamptz)]
    oldest: OffsetDateTime,
}

#[derive(QueryableByName)]
struct ReceiptRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = SmallInt)]
    rank: i16,
    #[diesel(sql_type = Timestamptz)]
    received_at: OffsetDateTime,
    #[diesel(sql_type = Integer)]
    tries: i32,
}

impl TryFrom<ReceiptRow> for StoredReceipt {
    type Error = StoreError;

    fn try_from(row: ReceiptRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            instance: Id::new(row.instance_id),
            key_id: row.key_id,
            rank: rank(row.rank)
                .ok_or_else(|| StoreError::corrupt("inbox.rank", row.rank.to_string()))?,
            received_at: row.received_at,
            tries: u32::try_from(row.tries).unwrap_or(0),
        })
    }
}

#[derive(QueryableByName)]
struct TrackedRow {
    #[diesel(sql_type = SqlUuid)]
    workspace_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    campaign_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    peer: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    provider_message_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    request_id: Option<String>,
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Text)]
    key_id: String,
}

impl TryFrom<TrackedRow> for Tracked {
    type Error = StoreError;

    fn try_from(row: TrackedRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            account: Id::new(row.account_id),
            instance: Id::new(row.instance_id),
            key_id: row.key_id,
            peer: row.peer.map(phone).transpose()?,
            campaign: row.campaign_id.map(Id::new),
            provider_message_id: row.provider_message_id,
            request_id: row.request_id,
            status: MessageStatus::from_i16(row.status)
                .ok_or_else(|| StoreError::corrupt("messages.status", row.status.to_string()))?,
        })
    }
}

#[async_trait]
impl ReceiptStore for PgUnit {
    async fn wake(&mut self, now: OffsetDateTime) -> Result<(), StoreError> {
        // Those that would wait the longest: the others' time comes anyway.
        sql(concat!(
            "UPDATE inbox SET due_at = $1 WHERE id = ANY (ARRAY( \
               SELECT id FROM inbox WHERE id = ANY (ARRAY( \
                 SELECT w.id FROM ( \
                   SELECT id, instance_id, key_id FROM inbox \
                   WHERE rank IS NOT NULL AND due_at > $1 \
                   ORDER BY due_at DESC, id DESC LIMIT $2) w \
                 WHERE ",
            is_known!("w"),
            ")) FOR UPDATE SKIP LOCKED))",
        ))
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(WAKE_LIMIT)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn claim(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let limit = i64::from(limit);
        let marks = self.marks();
        let look = marks.receipts().look();
        let free: Vec<ShardRow> = sql("WITH heads AS MATERIALIZED ( \
               SELECT shard, min(due_at) AS first FROM ( \
                 SELECT get_byte(uuid_send(instance_id), 15) & 15 AS shard, due_at \
                 FROM inbox WHERE rank IS NOT NULL AND due_at BETWEEN $5 AND $1 \
                 ORDER BY due_at, id LIMIT $2) due \
               GROUP BY shard ORDER BY first, shard) \
             SELECT shard, (SELECT min(first) FROM heads) AS oldest FROM heads \
             WHERE pg_try_advisory_xact_lock($3, shard) LIMIT $4")
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(limit)
        .bind::<Integer, _>(RECEIPTS_OF_SHARD)
        .bind::<BigInt, _>(SHARDS_AT_ONCE)
        .bind::<Timestamptz, _>(look.since())
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        marks
            .receipts()
            .found(look, free.as_slice().first().map(|it| it.oldest));
        if free.is_empty() {
            return Ok(Vec::new());
        }
        // A later statement sees what the last holders of the locks committed. Nobody else claims
        // from these shards, so nothing is skipped: a skipped receipt would be overtaken.
        let rows: Vec<ReceiptRow> = sql("WITH due AS MATERIALIZED ( \
               SELECT id, instance_id, key_id, rank, received_at, tries FROM inbox \
               WHERE rank IS NOT NULL AND due_at BETWEEN $4 AND $1 \
                 AND get_byte(uuid_send(instance_id), 15) & 15 = ANY ($2) \
               ORDER BY due_at, id LIMIT $3 FOR UPDATE), \
             late AS MATERIALIZED ( \
               SELECT w.id, w.instance_id, w.key_id, w.rank, w.received_at, w.tries FROM inbox w \
               WHERE w.rank IS NOT NULL AND w.tries > 0 \
                 AND (w.instance_id, w.key_id) IN (SELECT instance_id, key_id FROM due) \
                 AND w.id NOT IN (SELECT id FROM due) \
               FOR UPDATE) \
             SELECT * FROM due UNION ALL SELECT * FROM late")
        .bind::<Timestamptz, _>(now)
        .bind::<Array<Integer>, _>(each(&free, |it| it.shard))
        .bind::<BigInt, _>(limit)
        .bind::<Timestamptz, _>(look.since())
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        rows.into_iter().map(StoredReceipt::try_from).collect()
    }

    async fn lock(&mut self, keys: &[RefKey]) -> Result<Vec<Tracked>, StoreError> {
        // Row by row, from the primary keys alone (see `is_known`), and in the order in which everybody locks.
        let rows: Vec<TrackedRow> = sql(
            "SELECT m.workspace_id, m.id, m.account_id, m.campaign_id, m.peer, \
               m.provider_message_id, m.request_id, m.status, r.instance_id, r.key_id \
             FROM ( \
               SELECT r.instance_id, r.key_id, r.workspace_id, r.message_id \
               FROM UNNEST($1, $2) AS k (instance_id, key_id) CROSS JOIN LATERAL ( \
                 SELECT r.* FROM provider_refs r WHERE r.instance_id = k.instance_id \
                   AND r.key_id BETWEEN k.key_id AND k.key_id ORDER BY r.key_id LIMIT 1) r \
               ORDER BY r.workspace_id, r.message_id OFFSET 0) r \
             CROSS JOIN LATERAL ( \
               SELECT m.* FROM messages m WHERE m.workspace_id = r.workspace_id \
                 AND m.id BETWEEN r.message_id AND r.message_id ORDER BY m.id LIMIT 1 \
               FOR NO KEY UPDATE) m",
        )
        .bind::<Array<SqlUuid>, _>(each(keys, |(instance, _)| instance.uuid()))
        .bind::<Array<Text>, _>(keys.iter().map(|(_, key_id)| key_id).collect::<Vec<_>>())
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        rows.into_iter().map(Tracked::try_from).collect()
    }

    async fn advance(
        &mut self,
        moved: &[Moved],
        reason: &str,
        code: &str,
    ) -> Result<(), StoreError> {
        let count = sql(
            "UPDATE messages m SET status = u.status, updated_at = u.at, \
               error = CASE WHEN u.status = $5 THEN $6 ELSE m.error END, \
               meta = CASE WHEN u.status = $5 \
                 THEN m.meta || jsonb_build_object('code', $7) ELSE m.meta END \
             FROM UNNEST($1, $2, $3, $4) AS u (workspace_id, id, status, at) \
             WHERE m.workspace_id = u.workspace_id AND m.id = u.id",
        )
        .bind::<Array<SqlUuid>, _>(each(moved, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(moved, |it| it.id.uuid()))
        .bind::<Array<SmallInt>, _>(each(moved, |it| it.status.to_i16()))
        .bind::<Array<Timestamptz>, _>(each(moved, |it| it.at))
        .bind::<SmallInt, _>(MessageStatus::Failed.to_i16())
        .bind::<Text, _>(reason)
        .bind::<Text, _>(code)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        expect_rows(count, moved.len(), "messages")
    }

    async fn standings(
        &mut self,
        refused: &[InstanceId],
        reached: &[InstanceId],
    ) -> Result<Vec<Instance>, StoreError> {
        let all = refused.iter().chain(reached).map(|id| id.uuid());
        let is_spotted = instances::restricted_until
            .is_not_null()
            .or(instances::restrictions.gt(0))
            .or(instances::errors_in_row.gt(0));
        let rows: Vec<InstanceRow> = instances::table
            .filter(instances::id.eq_any(all.collect::<Vec<_>>()))
            .filter(instances::deleted_at.is_null())
            .filter(
                instances::id
                    .eq_any(each(refused, |id| id.uuid()))
                    .or(is_spotted),
            )
            .order(instances::id)
            .select(InstanceRow::as_select())
            .for_no_key_update()
            .load(self.conn())
            .await
            .map_err(failed)?;
        rows.into_iter().map(Instance::try_from).collect()
    }

    async fn set_standings(&mut self, changed: &[Instance]) -> Result<(), StoreError> {
        sql(
            "UPDATE instances i SET restricted_until = u.restricted_until, \
               restrictions = u.restrictions, errors_in_row = u.errors_in_row \
             FROM UNNEST($1, $2, $3, $4) \
               AS u (id, restricted_until, restrictions, errors_in_row) \
             WHERE i.id = u.id",
        )
        .bind::<Array<SqlUuid>, _>(each(changed, |it| it.id.uuid()))
        .bind::<Array<Nullable<Timestamptz>>, _>(each(changed, |it| it.standing.restricted_until))
        .bind::<Array<Integer>, _>(each(changed, |it| count(it.standing.restrictions)))
        .bind::<Array<Integer>, _>(each(changed, |it| count(it.standing.errors_in_row)))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn workspaces_of(
        &mut self,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, WorkspaceId)>, StoreError> {
        let owned: Vec<(Uuid, Uuid)> = teams::table
            .filter(teams::owner_id.eq_any(each(accounts, |it| it.uuid())))
            .filter(teams::deleted_at.is_null())
            .select((teams::owner_id, teams::id))
            .load(self.conn())
            .await
            .map_err(failed)?;
        let personal = accounts.iter().map(|it| (it.uuid(), it.uuid()));
        Ok(personal
            .chain(owned)
            .map(|(account, workspace)| (Id::new(account), Id::new(workspace)))
            .collect())
    }

    async fn remove(&mut self, ids: &[InboxId]) -> Result<(), StoreError> {
        remove(self, ids).await
    }

    async fn put_off(&mut self, until: &[(InboxId, OffsetDateTime)]) -> Result<(), StoreError> {
        sql(
            "WITH u AS MATERIALIZED ( SELECT r.place, a.due_at FROM UNNEST($1, $2) AS a (id, \
             due_at) CROSS JOIN LATERAL (SELECT r.ctid AS place FROM inbox r WHERE r.id = a.id \
             OFFSET 0) r) UPDATE inbox i SET due_at = u.due_at, tries = i.tries + 1 FROM u WHERE \
             i.ctid = u.place",
        )
        .bind::<Array<SqlUuid>, _>(each(until, |(id, _)| id.uuid()))
        .bind::<Array<Timestamptz>, _>(each(until, |(_, due_at)| *due_at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

/// The stored number of a rank; none for what says nothing.
pub(super) const fn rank_number(rank: ReceiptRank) -> Option<i16> {
    match rank {
        ReceiptRank::Nothing => None,
        ReceiptRank::Error => Some(1),
        ReceiptRank::Delivered => Some(2),
        ReceiptRank::Read => Some(3),
    }
}

const fn rank(stored: i16) -> Option<ReceiptRank> {
    match stored {
        1 => Some(ReceiptRank::Error),
        2 => Some(ReceiptRank::Delivered),
        3 => Some(ReceiptRank::Read),
        _ => None,
    }
}
