//! Changes of look-ups.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Phone, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::lookup::ports::{Claimed, LookupStore, Turn};
use msgflash_messaging::lookup::{LookupId, NumberList, NumberLookup, PART, Verdict};
use time::OffsetDateTime;

use super::NOBODY;
use super::record::LookupRecord;
use crate::columns::each;
use crate::error::{expect_rows, failed};
use crate::schema::number_lookups;
use crate::sql::sql;
use crate::unit::PgUnit;

const KEEP: &str = "INSERT INTO number_lookup_parts (lookup_id, no, phones, found) \
     VALUES ($1, $2, $3, $4)";

const KEEP_INVALID: &str = "INSERT INTO number_lookup_parts (lookup_id, no, invalid) \
     VALUES ($1, -1, $2)";

const FINISH: &str = "UPDATE number_lookup_parts SET found = $3 WHERE lookup_id = $1 AND no = $2";

const FAIL_ALL: &str = "UPDATE number_lookups SET status = 'failed', error = $3, updated_at = $4, \
       completed_at = $4 \
     WHERE instance_id = $1 AND status IN ('pending', 'processing') AND created_at <= $2";

/// In the order of the numbers, so that two that remember the same do not wait for each other.
const REMEMBER: &str = "INSERT INTO number_checks (account_id, phone, wa_phone, forget_at) \
     SELECT $1, n.phone, nullif(n.found, 0), n.until FROM UNNEST($2, $3, $4) \
       AS n (phone, found, until) ORDER BY n.phone \
     ON CONFLICT (account_id, phone) DO UPDATE \
       SET wa_phone = excluded.wa_phone, forget_at = excluded.forget_at";

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
        self.queue_turn(lookup.instance, lookup.created_at).await
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
        self.claim_turn(now, until).await
    }

    async fn hold(&mut self, turn: &Turn) -> Result<bool, StoreError> {
        self.hold_turn(turn).await
    }

    async fn pass(&mut self, turn: &Turn, next: OffsetDateTime) -> Result<(), StoreError> {
        self.pass_turn(turn, next).await
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
        expect_rows(changed, 1, "number_lookup_parts")
    }

    async fn update(&mut self, lookup: &NumberLookup) -> Result<(), StoreError> {
        let key = (lookup.workspace.id.uuid(), lookup.id.uuid());
        let changed = diesel::update(number_lookups::table.find(key))
            .set(LookupRecord::from(lookup))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(changed, 1, "number_lookups")
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
}
