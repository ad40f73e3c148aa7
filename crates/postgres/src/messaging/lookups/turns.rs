//! Whose turn it is to ask, and about what.

use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::lookup::NumberLookup;
use msgflash_messaging::lookup::ports::{Claimed, LookupWork, Turn};
use time::OffsetDateTime;
use tracing::error;
use uuid::Uuid;

use super::phone;
use super::record::LookupRecord;
use crate::error::failed;
use crate::sql::sql;
use crate::teams::remains::not_deleted;
use crate::unit::PgUnit;

/// The turn that came first, unless somebody holds it.
const TURN: &str = "SELECT instance_id, number, tries, stalled_since FROM number_lookup_turns \
     WHERE turn_at <= $1 ORDER BY turn_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED";

const TAKE: &str = "UPDATE number_lookup_turns SET number = number + 1, turn_at = $2 \
     WHERE instance_id = $1";

const OVER: &str = "DELETE FROM number_lookup_turns WHERE instance_id = $1";

/// Also for an instance that has turns: whoever is about to end them waits, and sees this one.
const QUEUE: &str = "INSERT INTO number_lookup_turns AS t (instance_id, turn_at) VALUES ($1, $2) \
     ON CONFLICT (instance_id) DO UPDATE SET turn_at = t.turn_at";

const HOLD: &str = "SELECT number FROM number_lookup_turns \
     WHERE instance_id = $1 AND number = $2 FOR NO KEY UPDATE";

const PASS: &str = "UPDATE number_lookup_turns SET turn_at = $2, tries = $3, stalled_since = $4 \
     WHERE instance_id = $1";

/// The states are part of the text: the index of living look-ups is of use only to a statement that
/// names them. Those of deleted teams are about to be ended.
const AT_HAND: &str = concat!(
    "SELECT l.* FROM number_lookups l \
     WHERE l.instance_id = $1 AND l.status IN ('pending', 'processing') AND ",
    not_deleted!("l.workspace_id"),
    " ORDER BY l.id LIMIT 1",
);

const NEXT_PART: &str = "SELECT no, phones FROM number_lookup_parts \
     WHERE lookup_id = $1 AND found IS NULL AND no >= 0 ORDER BY no LIMIT 1";

const BREAK: &str = "UPDATE number_lookups SET status = 'failed', \
       error = 'What is left of the list cannot be read any more', updated_at = $3, \
       completed_at = $3 \
     WHERE workspace_id = $1 AND id = $2";

#[derive(QueryableByName)]
struct TurnRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = Integer)]
    tries: i32,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    stalled_since: Option<OffsetDateTime>,
}

#[derive(QueryableByName)]
struct NextRow {
    #[diesel(sql_type = Integer)]
    no: i32,
    #[diesel(sql_type = Array<BigInt>)]
    phones: Vec<i64>,
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = BigInt)]
    #[expect(dead_code, reason = "that there is one is all there is to know")]
    number: i64,
}

impl PgUnit {
    /// Sees to it that an instance has turns.
    pub(super) async fn queue_turn(
        &mut self,
        instance: InstanceId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(QUEUE)
            .bind::<SqlUuid, _>(instance.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    pub(super) async fn claim_turn(
        &mut self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Claimed>, StoreError> {
        let turn: Option<TurnRow> = sql(TURN)
            .bind::<Timestamptz, _>(now)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let Some(turn) = turn else {
            return Ok(None);
        };
        let instance = turn.instance_id;
        // A statement of its own: it begins after the turn is held, so it sees what whoever held it
        // before has committed.
        let row: Option<LookupRecord> = sql(AT_HAND)
            .bind::<SqlUuid, _>(instance)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let Some(row) = row else {
            let over = sql(OVER).bind::<SqlUuid, _>(instance);
            over.execute(self.conn()).await.map_err(failed)?;
            return Ok(Some(Claimed::Over));
        };
        let (workspace, id) = (row.workspace_id, row.id);
        match self.lookup_work(row, turn).await {
            Ok(work) => {
                sql(TAKE)
                    .bind::<SqlUuid, _>(instance)
                    .bind::<Timestamptz, _>(until)
                    .execute(self.conn())
                    .await
                    .map_err(failed)?;
                Ok(Some(Claimed::Work(Box::new(work))))
            }
            Err(StoreError::Corrupt { place, value }) => {
                error!(lookup.id = %id, place, value, "a look-up cannot be read; it has failed");
                sql(BREAK)
                    .bind::<SqlUuid, _>(workspace)
                    .bind::<SqlUuid, _>(id)
                    .bind::<Timestamptz, _>(now)
                    .execute(self.conn())
                    .await
                    .map_err(failed)?;
                Ok(Some(Claimed::Over))
            }
            Err(other) => Err(other),
        }
    }

    pub(super) async fn hold_turn(&mut self, turn: &Turn) -> Result<bool, StoreError> {
        let held: Option<HeldRow> = sql(HOLD)
            .bind::<SqlUuid, _>(turn.instance.uuid())
            .bind::<BigInt, _>(turn.number)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(held.is_some())
    }

    pub(super) async fn pass_turn(
        &mut self,
        turn: &Turn,
        next: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(PASS)
            .bind::<SqlUuid, _>(turn.instance.uuid())
            .bind::<Timestamptz, _>(next)
            .bind::<Integer, _>(i32::try_from(turn.tries).unwrap_or(i32::MAX))
            .bind::<Nullable<Timestamptz>, _>(turn.stalled_since)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lookup_work(
        &mut self,
        row: LookupRecord,
        turn: TurnRow,
    ) -> Result<LookupWork, StoreError> {
        let lookup = NumberLookup::try_from(row)?;
        let part: Option<NextRow> = sql(NEXT_PART)
            .bind::<SqlUuid, _>(lookup.id.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let part = part.ok_or_else(|| StoreError::corrupt("number_lookup_parts", "too few"))?;
        let phones = part.phones.into_iter();
        let phones = phones.map(|stored| phone("number_lookup_parts.phones", stored));
        Ok(LookupWork {
            lookup,
            part: u32::try_from(part.no).unwrap_or(0),
            phones: phones.collect::<Result<_, _>>()?,
            turn: Turn {
                instance: Id::new(turn.instance_id),
                number: turn.number + 1,
                tries: u32::try_from(turn.tries).unwrap_or(0),
                stalled_since: turn.stalled_since,
            },
        })
    }
}
