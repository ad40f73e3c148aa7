//! Changes of look-ups.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Id, Phone, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::lookup::ports::{Claimed, LookupStore, LookupWork, Turn};
use msgflash_messaging::lookup::{LookupId, NumberList, NumberLookup, PART, Verdict};
use time::OffsetDateTime;
use tracing::error;
use uuid::Uuid;

use super::record::LookupRecord;
use super::{NOBODY, phone};
use crate::columns::each;
use crate::error::failed;
use crate::schema::number_lookups;
use crate::sql::sql;
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
/// names them.
const AT_HAND: &str = "SELECT * FROM number_lookups \
     WHERE instance_id = $1 AND status IN ('pending', 'processing') ORDER BY id LIMIT 1";

const NEXT_PART: &str = "SELECT no, phones FROM number_lookup_parts \
     WHERE lookup_id = $1 AND found IS NULL AND no >= 0 ORDER BY no LIMIT 1";

const KEEP: &str = "INSERT INTO number_lookup_parts (lookup_id, no, phones, found) \
     VALUES ($1, $2, $3, $4)";

const KEEP_INVALID: &str = "INSERT INTO number_lookup_parts (lookup_id, no, invalid) \
     VALUES ($1, -1, $2)";

const FINISH: &str = "UPDATE number_lookup_parts SET found = $3 WHERE lookup_id = $1 AND no = $2";

const FAIL_ALL: &str = "UPDATE number_lookups SET status = 'failed', error = $3, updated_at = $4, \
       completed_at = $4 \
     WHERE instance_id = $1 AND status IN ('pending', 'processing') AND created_at <= $2";

const BREAK: &str = "UPDATE number_lookups SET status = 'failed', \
       error = 'What is left of the list cannot be read any more', updated_at = $3, \
       completed_at = $3 \
     WHERE workspace_id = $1 AND id = $2";

/// In the order of the numbers, so that two that remember the same do not wait for each other.
const REMEMBER: &str = "INSERT INTO number_checks (account_id, phone, wa_phone, forget_at) \
     SELECT $1, n.phone, nullif(n.found, 0), n.until FROM UNNEST($2, $3, $4) \
       AS n (phone, found, until) ORDER BY n.phone \
     ON CONFLICT (account_id, phone) DO UPDATE \
       SET wa_phone = excluded.wa_phone, forget_at = excluded.forget_at";

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

fn found(verdicts: &[Verdict]) -> Vec<i64> {
    each(verdicts, |it| it.found.map_or(NOBODY, Phone::to_i64))
}

#[async_trait]
impl LookupStore for PgUnit {
    async fn insert(
        &mut self,
        lookup: &NumberLookup,
        numbers: &NumberList,
    ) -> Result<(), StoreError> {
        self.insert_lookup(lookup, &numbers.invalid).await?;
        for (no, part) in (0..).zip(numbers.phones.chunks(PART)) {
            let phones = each(part, |phone| phone.to_i64());
            self.keep_part(lookup.id, no, phones, None).await?;
        }
        sql(QUEUE)
            .bind::<SqlUuid, _>(lookup.instance.uuid())
            .bind::<Timestamptz, _>(lookup.created_at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn insert_done(
        &mut self,
        lookup: &NumberLookup,
        verdicts: &[Verdict],
        invalid: &[String],
    ) -> Result<(), StoreError> {
        self.insert_lookup(lookup, invalid).await?;
        if verdicts.is_empty() {
            return Ok(());
        }
        let phones = each(verdicts, |it| it.asked.to_i64());
        self.keep_part(lookup.id, 0, phones, Some(found(verdicts)))
            .await
    }

    async fn claim(
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

    async fn hold(&mut self, turn: &Turn) -> Result<bool, StoreError> {
        let held: Option<HeldRow> = sql(HOLD)
            .bind::<SqlUuid, _>(turn.instance.uuid())
            .bind::<BigInt, _>(turn.number)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(held.is_some())
    }

    async fn pass(&mut self, turn: &Turn, next: OffsetDateTime) -> Result<(), StoreError> {
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

    async fn finish(
        &mut self,
        id: LookupId,
        part: u32,
        verdicts: &[Verdict],
    ) -> Result<(), StoreError> {
        let changed = sql(FINISH)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Integer, _>(i32::try_from(part).unwrap_or(i32::MAX))
            .bind::<Array<BigInt>, _>(found(verdicts))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::Stale("number_lookup_parts"))
        }
    }

    async fn update(&mut self, lookup: &NumberLookup) -> Result<(), StoreError> {
        let key = (lookup.workspace.id.uuid(), lookup.id.uuid());
        let changed = diesel::update(number_lookups::table.find(key))
            .set(LookupRecord::from(lookup))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if changed == 1 {
            Ok(())
        } else {
            Err(StoreError::Stale("number_lookups"))
        }
    }

    async fn fail_all(
        &mut self,
        instance: InstanceId,
        before: OffsetDateTime,
        reason: &str,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        sql(FAIL_ALL)
            .bind::<SqlUuid, _>(instance.uuid())
            .bind::<Timestamptz, _>(before)
            .bind::<Text, _>(reason.to_owned())
            .bind::<Timestamptz, _>(now)
            .execute(self.conn())
            .await
            .map_err(failed)
    }

    async fn remember(
        &mut self,
        account: AccountId,
        verdicts: &[Verdict],
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(REMEMBER)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Array<BigInt>, _>(each(verdicts, |it| it.asked.to_i64()))
            .bind::<Array<BigInt>, _>(found(verdicts))
            .bind::<Array<Timestamptz>, _>(each(verdicts, |it| it.lasts_until(now)))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

impl PgUnit {
    async fn insert_lookup(
        &mut self,
        lookup: &NumberLookup,
        invalid: &[String],
    ) -> Result<(), StoreError> {
        diesel::insert_into(number_lookups::table)
            .values(LookupRecord::from(lookup))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        if invalid.is_empty() {
            return Ok(());
        }
        sql(KEEP_INVALID)
            .bind::<SqlUuid, _>(lookup.id.uuid())
            .bind::<Array<Text>, _>(invalid.to_vec())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn keep_part(
        &mut self,
        id: LookupId,
        no: i32,
        phones: Vec<i64>,
        found: Option<Vec<i64>>,
    ) -> Result<(), StoreError> {
        sql(KEEP)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Integer, _>(no)
            .bind::<Array<BigInt>, _>(phones)
            .bind::<Nullable<Array<BigInt>>, _>(found)
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
