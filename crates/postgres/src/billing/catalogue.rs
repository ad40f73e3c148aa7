//! The plans on offer, as a catalogue makes them.

use async_trait::async_trait;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_billing::{CatalogueChange, Offer, Plan, PlanId, PlanStore, PlanUnit, PlanUnits};
use msgflash_kernel::StoreError;

use super::plan::{PlanRow, stored};
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::plans;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Processes that start together change them one after the other; whoever reads them does not wait.
const LOCK: &str = "LOCK TABLE plans IN SHARE ROW EXCLUSIVE MODE";

impl PlanUnit for PgUnit {
    fn plans(&mut self) -> &mut dyn PlanStore {
        self
    }
}

#[async_trait]
impl PlanUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn PlanUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl PlanStore for PgUnit {
    async fn lock_newest(&mut self) -> Result<Vec<Plan>, StoreError> {
        sql(LOCK).execute(self.conn()).await.map_err(failed)?;
        let rows: Vec<PlanRow> = plans::table
            .distinct_on(plans::code)
            .order((plans::code, plans::version.desc()))
            .select(PlanRow::as_select())
            .load(self.conn())
            .await
            .map_err(failed)?;
        rows.into_iter().map(Plan::try_from).collect()
    }

    async fn change(
        &mut self,
        changes: &[CatalogueChange],
        ids: &[PlanId],
    ) -> Result<(), StoreError> {
        for (change, id) in changes.iter().zip(ids) {
            match change {
                CatalogueChange::Add(offer) => self.add_version(offer, *id).await?,
                CatalogueChange::Rank { code, rank } => self.rank_plan(code, *rank).await?,
                CatalogueChange::Sell { code } => self.sell_plan(code).await?,
                CatalogueChange::Retire { code } => self.retire_plan(code).await?,
            }
        }
        Ok(())
    }
}

impl PgUnit {
    /// The last version of a plan; 0 where there is none.
    async fn last_version(&mut self, code: &str) -> Result<i32, StoreError> {
        let last: Option<i32> = plans::table
            .filter(plans::code.eq(code))
            .select(max(plans::version))
            .first(self.conn())
            .await
            .map_err(failed)?;
        Ok(last.unwrap_or(0))
    }

    async fn add_version(&mut self, offer: &Offer, id: PlanId) -> Result<(), StoreError> {
        let version = self.last_version(&offer.code).await? + 1;
        let row = PlanRow::from(&offer.version(id));
        diesel::insert_into(plans::table)
            .values((row, plans::version.eq(version)))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn rank_plan(&mut self, code: &str, rank: u32) -> Result<(), StoreError> {
        diesel::update(plans::table.filter(plans::code.eq(code)))
            .set(plans::rank.eq(stored(rank)))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn sell_plan(&mut self, code: &str) -> Result<(), StoreError> {
        let version = self.last_version(code).await?;
        diesel::update(plans::table.filter(plans::code.eq(code)))
            .filter(plans::version.eq(version))
            .set(plans::is_active.eq(true))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn retire_plan(&mut self, code: &str) -> Result<(), StoreError> {
        diesel::update(plans::table.filter(plans::code.eq(code)))
            .set(plans::is_active.eq(false))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
