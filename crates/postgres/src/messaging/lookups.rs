//! Look-ups of numbers, their parts, and what accounts found out.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{AccountId, Cursor, Page, PageRequest, Phone, StoreError, WorkspaceId};
use msgflash_messaging::lookup::ports::{
    CheckReader, LookupReader, LookupStore, LookupUnit, LookupUnits,
};
use msgflash_messaging::lookup::{LookupId, NumberLookup, Results, Verdict, read};
use time::OffsetDateTime;

use self::record::LookupRecord;
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::number_lookups;
use crate::sql::sql;
use crate::unit::PgUnit;

mod record;
mod store;
mod turns;
mod upkeep;

/// A number without WhatsApp, in an array of numbers.
const NOBODY: i64 = 0;

/// Parts of which nothing is known yet have no part in the answer but what is no number.
const PARTS: &str = "SELECT p.phones, p.found, p.invalid FROM number_lookups l \
     JOIN number_lookup_parts p ON p.lookup_id = l.id \
     WHERE l.workspace_id = $1 AND l.id = $2 ORDER BY p.no";

/// By key alone, as `replay::KEPT`: a day without look-ups empties the table.
const KNOWN: &str = "SELECT c.phone, c.wa_phone FROM UNNEST($2) AS k (phone) CROSS JOIN LATERAL ( \
       SELECT c.phone, c.wa_phone, c.forget_at FROM number_checks c \
       WHERE c.account_id = $1 AND c.phone = k.phone LIMIT 1) c \
     WHERE c.forget_at > $3";

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = Array<BigInt>)]
    phones: Vec<i64>,
    #[diesel(sql_type = Nullable<Array<BigInt>>)]
    found: Option<Vec<i64>>,
    #[diesel(sql_type = Array<Text>)]
    invalid: Vec<String>,
}

#[derive(QueryableByName)]
struct CheckRow {
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    wa_phone: Option<i64>,
}

fn phone(place: &'static str, stored: i64) -> Result<Phone, StoreError> {
    Phone::from_i64(stored).map_err(|_| StoreError::corrupt(place, "no phone number"))
}

fn verdict(place: &'static str, asked: i64, found: i64) -> Result<Verdict, StoreError> {
    let found = (found != NOBODY).then(|| phone(place, found)).transpose()?;
    let asked = phone(place, asked)?;
    Ok(Verdict { asked, found })
}

#[async_trait]
impl LookupReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        id: LookupId,
    ) -> Result<Option<NumberLookup>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<LookupRecord> = number_lookups::table
            .find((workspace.uuid(), id.uuid()))
            .select(LookupRecord::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(NumberLookup::try_from).transpose()
    }

    async fn results(&self, workspace: WorkspaceId, id: LookupId) -> Result<Results, StoreError> {
        let mut conn = self.conn().await?;
        let parts: Vec<PartRow> = sql(PARTS)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<SqlUuid, _>(id.uuid())
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        let (mut verdicts, mut invalid) = (Vec::new(), Vec::new());
        for part in parts {
            invalid.extend(part.invalid);
            let pairs = part.phones.into_iter().zip(part.found.unwrap_or_default());
            for (asked, found) in pairs {
                verdicts.push(verdict("number_lookup_parts", asked, found)?);
            }
        }
        Ok(Results::of(&verdicts, invalid))
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        page: &PageRequest,
    ) -> Result<Page<NumberLookup>, StoreError> {
        // Ids are UUIDv7, so their order is the order of creation.
        let before = match &page.after {
            Some(after) => LookupId::parse(after.key())
                .ok_or_else(|| StoreError::corrupt("cursor", "not a look-up's id"))?
                .uuid(),
            None => uuid::Uuid::max(),
        };
        let mut conn = self.conn().await?;
        let rows: Vec<LookupRecord> = number_lookups::table
            .filter(number_lookups::workspace_id.eq(workspace.uuid()))
            .filter(number_lookups::id.lt(before))
            .order(number_lookups::id.desc())
            .limit(i64::from(page.limit) + 1)
            .select(LookupRecord::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let lookups = rows.into_iter().map(NumberLookup::try_from);
        let lookups = lookups.collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(lookups, page.limit, |last| {
            Cursor::new(read::SCOPE, last.id.to_string())
        }))
    }
}

#[async_trait]
impl CheckReader for Postgres {
    async fn known(
        &self,
        account: AccountId,
        phones: &[Phone],
        now: OffsetDateTime,
    ) -> Result<Vec<Verdict>, StoreError> {
        if phones.is_empty() {
            return Ok(Vec::new());
        }
        let mut conn = self.conn().await?;
        let rows: Vec<CheckRow> = sql(KNOWN)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Array<BigInt>, _>(each(phones, |phone| phone.to_i64()))
            .bind::<Timestamptz, _>(now)
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter()
            .map(|row| verdict("number_checks", row.phone, row.wa_phone.unwrap_or(NOBODY)))
            .collect()
    }
}

impl LookupUnit for PgUnit {
    fn lookups(&mut self) -> &mut dyn LookupStore {
        self
    }
}

#[async_trait]
impl LookupUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn LookupUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
