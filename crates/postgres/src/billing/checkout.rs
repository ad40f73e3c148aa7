//! Purchases that were begun.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{BillingProvider, Checkout, CheckoutId, CheckoutPage, CheckoutStore};
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
            "SELECT c.id, c.account_id, c.plan_id, c.provider, c.product, c.reference, c.url, \
               c.created_at, c.paid_at FROM billing_checkouts c WHERE ",
            $rest
        )
    };
}

const FIND: &str = checkout!("c.id = $1");
const OPEN: &str = checkout!(
    "c.account_id = $1 AND c.provider = $3 AND c.paid_at IS NULL AND c.created_at > $4 \
       AND EXISTS (SELECT 1 FROM plans p WHERE p.id = c.plan_id AND p.code = $2) \
     ORDER BY c.created_at DESC, c.id DESC LIMIT 1"
);

const SET_PAGE: &str = "UPDATE billing_checkouts SET reference = COALESCE(reference, $2), \
       url = COALESCE(url, $3) WHERE id = $1 RETURNING reference, url";

#[derive(QueryableByName)]
struct PageRow {
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = Text)]
    url: String,
}

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
    product: Option<String>,
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
            product: row.product,
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
            "INSERT INTO billing_checkouts (id, account_id, plan_id, provider, product, reference, \
               url, created_at, paid_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind::<SqlUuid, _>(checkout.id.uuid())
        .bind::<SqlUuid, _>(checkout.account.uuid())
        .bind::<SqlUuid, _>(checkout.plan.uuid())
        .bind::<Text, _>(checkout.provider.as_str())
        .bind::<Nullable<Text>, _>(checkout.product.as_deref())
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
        plan: &str,
        provider: BillingProvider,
        since: OffsetDateTime,
    ) -> Result<Option<Checkout>, StoreError> {
        let row: Option<CheckoutRow> = sql(OPEN)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Text, _>(plan)
            .bind::<Text, _>(provider.as_str())
            .bind::<Timestamptz, _>(since)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Checkout::try_from).transpose()
    }

    async fn set_page(
        &mut self,
        id: CheckoutId,
        page: &CheckoutPage,
    ) -> Result<CheckoutPage, StoreError> {
        let row: PageRow = sql(SET_PAGE)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Text, _>(page.reference.as_str())
            .bind::<Text, _>(page.url.as_str())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(CheckoutPage {
            reference: row.reference,
            url: row.url,
        })
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
