//! Plans, subscriptions and payments.

mod agreement;
mod catalogue;
mod checkout;
mod event;
mod holding;
mod meter;
mod notice;
mod operator;
mod payment;
mod plan;
mod queue;
mod standing;
pub(crate) mod subscription;
mod upkeep;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_billing::{
    BillingReader, BillingUnit, BillingUnits, CheckoutStore, Entitlement, EventStore, HoldingStore,
    NoticeStore, Payment, PaymentPage, Plan, StandingStore,
};
use msgflash_kernel::{AccountId, StoreError};

use self::payment::PaymentRow;
use self::plan::PlanRow;
use self::subscription::SubscriptionRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{payments, plans, subscriptions};
use crate::unit::PgUnit;

#[async_trait]
impl BillingReader for Postgres {
    async fn active_plans(&self) -> Result<Vec<Plan>, StoreError> {
        let mut conn = self.conn().await?;
        // The newest active version of each; older ones belong to whoever holds them.
        let rows: Vec<PlanRow> = plans::table
            .filter(plans::is_active)
            .distinct_on(plans::code)
            .order((plans::code, plans::version.desc()))
            .select(PlanRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let mut offered = rows
            .into_iter()
            .map(Plan::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        offered.sort_by_key(|plan| plan.rank);
        Ok(offered)
    }

    async fn entitlement(&self, account: AccountId) -> Result<Option<Entitlement>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<(SubscriptionRow, PlanRow)> = subscriptions::table
            .inner_join(plans::table)
            .filter(subscriptions::account_id.eq(account.uuid()))
            .select((SubscriptionRow::as_select(), PlanRow::as_select()))
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(|(subscription, plan)| {
            Ok(Entitlement {
                subscription: subscription.try_into()?,
                plan: plan.try_into()?,
            })
        })
        .transpose()
    }

    async fn payments(
        &self,
        account: AccountId,
        page: u32,
        limit: u32,
    ) -> Result<PaymentPage, StoreError> {
        let mut conn = self.conn().await?;
        let of_account = payments::table.filter(payments::account_id.eq(account.uuid()));
        let total: i64 = of_account
            .count()
            .get_result(&mut conn)
            .await
            .map_err(failed)?;
        // Numbered pages are published for this list, and one account has few payments.
        let skipped = i64::from(page.saturating_sub(1)) * i64::from(limit);
        let rows: Vec<PaymentRow> = of_account
            .order((payments::created_at.desc(), payments::id.desc()))
            .limit(i64::from(limit))
            .offset(skipped)
            .select(PaymentRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        Ok(PaymentPage {
            payments: rows
                .into_iter()
                .map(Payment::try_from)
                .collect::<Result<_, _>>()?,
            total: u64::try_from(total).unwrap_or(0),
        })
    }
}

impl BillingUnit for PgUnit {
    fn standings(&mut self) -> &mut dyn StandingStore {
        self
    }
    fn events(&mut self) -> &mut dyn EventStore {
        self
    }
    fn checkouts(&mut self) -> &mut dyn CheckoutStore {
        self
    }
    fn holdings(&mut self) -> &mut dyn HoldingStore {
        self
    }
    fn notices(&mut self) -> &mut dyn NoticeStore {
        self
    }
}

#[async_trait]
impl BillingUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn BillingUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
