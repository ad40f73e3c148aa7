//! Agreements with payment providers.

use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_billing::{Agreement, BillingProvider, Wish};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::subscription;
use crate::error::{broken_constraint, failed};
use crate::sql::sql;

/// The columns of an agreement by name, of `billing_agreements a`.
macro_rules! agreement_columns {
    () => {
        "a.id, a.account_id, a.provider, a.reference, a.customer, a.bought_plan_id, \
         a.bought_code, a.product, a.is_current, a.has_begun, a.covered_at, a.wish, a.wish_plan, a.told, \
         a.told_plan, a.ended_at"
    };
}
pub(super) use agreement_columns;

const CURRENT: &str = concat!(
    "SELECT ",
    agreement_columns!(),
    " FROM billing_agreements a WHERE a.account_id = $1 AND a.is_current FOR NO KEY UPDATE"
);

const CALLED: &str = concat!(
    "SELECT ",
    agreement_columns!(),
    " FROM billing_agreements a WHERE a.account_id = $1 AND a.provider = $2 AND a.reference = $3 \
     FOR NO KEY UPDATE"
);

/// Whoever tells the provider at this moment is not disturbed: it is told once more when they are done. And
/// should they never say that they are, it is told once more too, even if the wish is as before by then:
/// nobody knows what the provider heard.
const SAVE: &str = "INSERT INTO billing_agreements AS a (id, account_id, provider, reference, \
       customer, bought_plan_id, bought_code, product, is_current, has_begun, covered_at, wish, \
       wish_plan, told, told_plan, ended_at, tell_at, created_at, updated_at) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, \
       CASE WHEN $17 THEN '-infinity'::timestamptz END, now(), now()) \
     ON CONFLICT (id) DO UPDATE SET customer = excluded.customer, \
       bought_plan_id = excluded.bought_plan_id, bought_code = excluded.bought_code, \
       product = excluded.product, is_current = excluded.is_current, \
       has_begun = excluded.has_begun, covered_at = excluded.covered_at, \
       wish = excluded.wish, wish_plan = excluded.wish_plan, told = excluded.told, \
       told_plan = excluded.told_plan, ended_at = excluded.ended_at, \
       tell_at = CASE WHEN excluded.ended_at IS NULL \
         THEN COALESCE(a.tell_at, excluded.tell_at) END, \
       updated_at = excluded.updated_at";

#[derive(QueryableByName)]
pub(super) struct AgreementRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    reference: String,
    #[diesel(sql_type = Nullable<Text>)]
    customer: Option<String>,
    #[diesel(sql_type = SqlUuid)]
    bought_plan_id: Uuid,
    #[diesel(sql_type = Text)]
    bought_code: String,
    #[diesel(sql_type = Nullable<Text>)]
    product: Option<String>,
    #[diesel(sql_type = Bool)]
    is_current: bool,
    #[diesel(sql_type = Bool)]
    has_begun: bool,
    #[diesel(sql_type = Timestamptz)]
    covered_at: OffsetDateTime,
    #[diesel(sql_type = Text)]
    wish: String,
    #[diesel(sql_type = Nullable<Text>)]
    wish_plan: Option<String>,
    #[diesel(sql_type = Text)]
    told: String,
    #[diesel(sql_type = Nullable<Text>)]
    told_plan: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    ended_at: Option<OffsetDateTime>,
}

impl TryFrom<AgreementRow> for Agreement {
    type Error = StoreError;

    fn try_from(row: AgreementRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            provider: subscription::provider("billing_agreements.provider", &row.provider)?,
            reference: row.reference,
            customer: row.customer,
            bought: Id::new(row.bought_plan_id),
            bought_code: row.bought_code,
            product: row.product,
            is_current: row.is_current,
            has_begun: row.has_begun,
            covered_at: row.covered_at,
            wish: wish("billing_agreements.wish", &row.wish, row.wish_plan)?,
            told: wish("billing_agreements.told", &row.told, row.told_plan)?,
            ended_at: row.ended_at,
        })
    }
}

fn wish(place: &'static str, word: &str, plan: Option<String>) -> Result<Wish, StoreError> {
    match (word, plan) {
        ("charge", Some(plan)) => Ok(Wish::Charge(plan)),
        ("stop", None) => Ok(Wish::Stop),
        ("end", None) => Ok(Wish::End),
        _ => Err(StoreError::corrupt(place, word)),
    }
}

/// A wish as it is stored.
pub(super) fn words(wish: &Wish) -> (&'static str, Option<String>) {
    match wish {
        Wish::Charge(plan) => ("charge", Some(plan.clone())),
        Wish::Stop => ("stop", None),
        Wish::End => ("end", None),
    }
}

/// Reads the agreement that an account's subscription rests on, for change.
pub(super) async fn lock_current(
    conn: &mut AsyncPgConnection,
    account: AccountId,
) -> Result<Option<Agreement>, StoreError> {
    let row: Option<AgreementRow> = sql(CURRENT)
        .bind::<SqlUuid, _>(account.uuid())
        .get_result(conn)
        .await
        .optional()
        .map_err(failed)?;
    row.map(Agreement::try_from).transpose()
}

/// Reads one of an account by what its provider calls it, for change.
pub(super) async fn lock_called(
    conn: &mut AsyncPgConnection,
    account: AccountId,
    provider: BillingProvider,
    reference: &str,
) -> Result<Option<Agreement>, StoreError> {
    let row: Option<AgreementRow> = sql(CALLED)
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Text, _>(provider.as_str())
        .bind::<Text, _>(reference)
        .get_result(conn)
        .await
        .optional()
        .map_err(failed)?;
    row.map(Agreement::try_from).transpose()
}

/// Writes one, new or not.
pub(super) async fn save(conn: &mut AsyncPgConnection, it: &Agreement) -> Result<(), StoreError> {
    let (wish, wish_plan) = words(&it.wish);
    let (told, told_plan) = words(&it.told);
    sql(SAVE)
        .bind::<SqlUuid, _>(it.id.uuid())
        .bind::<SqlUuid, _>(it.account.uuid())
        .bind::<Text, _>(it.provider.as_str())
        .bind::<Text, _>(it.reference.as_str())
        .bind::<Nullable<Text>, _>(it.customer.as_deref())
        .bind::<SqlUuid, _>(it.bought.uuid())
        .bind::<Text, _>(it.bought_code.as_str())
        .bind::<Nullable<Text>, _>(it.product.as_deref())
        .bind::<Bool, _>(it.is_current)
        .bind::<Bool, _>(it.has_begun)
        .bind::<Timestamptz, _>(it.covered_at)
        .bind::<Text, _>(wish)
        .bind::<Nullable<Text>, _>(wish_plan)
        .bind::<Text, _>(told)
        .bind::<Nullable<Text>, _>(told_plan)
        .bind::<Nullable<Timestamptz>, _>(it.ended_at)
        .bind::<Bool, _>(it.is_untold())
        .execute(conn)
        .await
        .map(drop)
        .map_err(|cause| match broken_constraint(&cause) {
            // The provider calls an agreement of somebody else so.
            Some("billing_agreements_reference_unique") => {
                StoreError::Stale("billing_agreements.reference")
            }
            _ => failed(cause),
        })
}
