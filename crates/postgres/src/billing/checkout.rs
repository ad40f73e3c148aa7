//! Purchases that were begun.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{
    BillingProvider, Checkout, CheckoutId, CheckoutPage, CheckoutStore, PlanId,
};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::subscription;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

macro_rules! checkout {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, plan_id, provider, reference, url, created_at, paid_at \
             FROM billing_checkouts WHERE ",
            $rest
        )
    };
}

const FIND: &str = checkout!("id = $1");
const OPEN: &str = checkout!(
    "account_id = $1 AND plan_id = $2 AND provider = $3 AND paid_at IS NULL AND created_at > $4 \
     ORDER BY created_at DESC, id DESC LIMIT 1"
);

#[derive(QueryableByName)]
struct CheckoutRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    plan_id: Uuid,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Nullable<Text>)]
    reference: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    url: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    paid_at: Option<OffsetDateTime>,
}

impl TryFrom<CheckoutRow> for Checkout {
    type Error = StoreError;

    fn try_from(row: CheckoutRow) -> Result<Self, StoreError> {
        let page = row.reference.zip(row.url);
        Ok(Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            plan: Id::new(row.plan_id),
            provider: subscription::provider("billing_checkouts.provider", &row.provider)?,
            page: page.map(|(reference, url)| CheckoutPage { reference, url }),
            created_at: row.created_at,
            paid_at: row.paid_at,
        })
    }
}

#[async_trait]
impl CheckoutStore for PgUnit {
    async fn insert(&mut self, checkout: &Checkout) -> Result<(), StoreError> {
        let page = checkout.page.as_ref();
        sql(
            "INSERT INTO billing_checkouts (id, account_id, plan_id, provider, reference, url, \
               created_at, paid_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind::<SqlUuid, _>(checkout.id.uuid())
        .bind::<SqlUuid, _>(checkout.account.uuid())
        .bind::<SqlUuid, _>(checkout.plan.uuid())
        .bind::<Text, _>(checkout.provider.as_str())
        .bind::<Nullable<Text>, _>(page.map(|it| it.reference.as_str()))
        .bind::<Nullable<Text>, _>(page.map(|it| it.url.as_str()))
        .bind::<Timestamptz, _>(checkout.created_at)
        .bind::<Nullable<Timestamptz>, _>(checkout.paid_at)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn find(&mut self, id: CheckoutId) -> Result<Option<Checkout>, StoreError> {
        let row: Option<CheckoutRow> = sql(FIND)
            .bind::<SqlUuid, _>(id.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Checkout::try_from).transpose()
    }

    async fn open(
        &mut self,
        account: AccountId,
        plan: PlanId,
        provider: BillingProvider,
        since: OffsetDateTime,
    ) -> Result<Option<Checkout>, StoreError> {
        let row: Option<CheckoutRow> = sql(OPEN)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<SqlUuid, _>(plan.uuid())
            .bind::<Text, _>(provider.as_str())
            .bind::<Timestamptz, _>(since)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Checkout::try_from).transpose()
    }

    async fn set_page(&mut self, id: CheckoutId, page: &CheckoutPage) -> Result<(), StoreError> {
        sql("UPDATE billing_checkouts SET reference = $2, url = $3 WHERE id = $1")
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Text, _>(page.reference.as_str())
            .bind::<Text, _>(page.url.as_str())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn set_paid(&mut self, id: CheckoutId, at: OffsetDateTime) -> Result<(), StoreError> {
        sql("UPDATE billing_checkouts SET paid_at = $2 WHERE id = $1 AND paid_at IS NULL")
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
