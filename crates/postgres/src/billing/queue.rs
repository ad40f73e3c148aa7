//! Whose turn it is: the calendar, the catalogue, and what providers have to be told.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{Agreement, AgreementId, BillingQueue, PaymentEvent, PlanId, Wish};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::agreement::{AgreementRow, agreement_columns, words};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// Without those that somebody is at: they have their next date in a moment.
const DUE: &str = "SELECT account_id FROM subscriptions WHERE due_at <= $1 \
     ORDER BY due_at, id LIMIT $2 FOR NO KEY UPDATE SKIP LOCKED";

/// Instances give up their places when they are deleted, and nobody asks for the account's lock then. What is
/// found here is given a place, so it is not found again.
const FREED: &str = "SELECT s.account_id FROM ( \
       SELECT DISTINCT i.account_id FROM instances i \
       WHERE i.suspended_for = 'plan' AND i.deleted_at IS NULL) h \
     JOIN subscriptions s ON s.account_id = h.account_id JOIN plans p ON p.id = s.plan_id \
     WHERE p.max_instances IS NULL OR p.max_instances > ( \
       SELECT count(*) FROM instances i WHERE i.account_id = s.account_id \
         AND i.deleted_at IS NULL AND i.status <> 'suspended') \
     ORDER BY s.account_id LIMIT $1";

/// The date is what accounts are found by, and nothing else; whoever is brought up writes the right one.
const POSTPONE: &str = "UPDATE subscriptions SET due_at = $2 WHERE account_id = $1 AND due_at < $2";

const OUTDATED: &str = "SELECT s.account_id FROM subscriptions s JOIN plans p ON p.id = s.plan_id \
     WHERE p.id <> $1 AND p.code = (SELECT n.code FROM plans n WHERE n.id = $1) \
     ORDER BY s.account_id LIMIT $2";

const PAYER: &str = "SELECT f.account_id FROM ( \
       SELECT 1 AS place, a.account_id FROM billing_agreements a \
       WHERE a.provider = $1 AND a.reference = $2 \
       UNION ALL SELECT 2, c.account_id FROM billing_checkouts c \
       WHERE c.provider = $1 AND c.id = $3 \
       UNION ALL SELECT 3, p.account_id FROM payments p \
       WHERE p.provider = $1 AND p.reference = $4 \
       UNION ALL SELECT 4, u.id FROM users u WHERE u.id = $5) f \
     ORDER BY f.place LIMIT 1";

const CLAIM: &str = concat!(
    "UPDATE billing_agreements a SET tell_at = $2, updated_at = now() WHERE a.id = ( \
       SELECT d.id FROM billing_agreements d WHERE d.tell_at <= $1 AND d.ended_at IS NULL \
       ORDER BY d.tell_at, d.id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) RETURNING ",
    agreement_columns!()
);

const SET_TOLD: &str = "UPDATE billing_agreements SET told = $2, told_plan = $3, \
       tell_failures = 0, updated_at = now(), \
       tell_at = CASE WHEN ended_at IS NULL AND (wish, wish_plan) IS DISTINCT FROM ($2, $3) \
         THEN '-infinity'::timestamptz END \
     WHERE id = $1";

/// What became of a call that failed nobody knows: it is told again even if the wish is as before by then.
const PUT_OFF: &str = "UPDATE billing_agreements SET tell_at = $2, \
       tell_failures = tell_failures + 1, updated_at = now() \
     WHERE id = $1 AND ended_at IS NULL";

#[derive(QueryableByName)]
pub(super) struct AccountRow {
    #[diesel(sql_type = SqlUuid)]
    pub(super) account_id: Uuid,
}

fn accounts(rows: Vec<AccountRow>) -> Vec<AccountId> {
    rows.into_iter()
        .map(|row| Id::new(row.account_id))
        .collect()
}

#[async_trait]
impl BillingQueue for Postgres {
    async fn due(&self, now: OffsetDateTime, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        let mut conn = self.conn().await?;
        let due: Vec<AccountRow> = sql(DUE)
            .bind::<Timestamptz, _>(now)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        let mut due = accounts(due);
        let left = (limit as usize).saturating_sub(due.len());
        let freed: Vec<AccountRow> = sql(FREED)
            .bind::<BigInt, _>(i64::try_from(left).unwrap_or(i64::MAX))
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        for account in accounts(freed) {
            if !due.contains(&account) {
                due.push(account);
            }
        }
        Ok(due)
    }

    async fn postpone(&self, account: AccountId, until: OffsetDateTime) -> Result<(), StoreError> {
        sql(POSTPONE)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Timestamptz, _>(until)
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn outdated(&self, newest: PlanId, limit: u32) -> Result<Vec<AccountId>, StoreError> {
        let rows: Vec<AccountRow> = sql(OUTDATED)
            .bind::<SqlUuid, _>(newest.uuid())
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(accounts(rows))
    }

    async fn payer(&self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError> {
        let row: Option<AccountRow> = sql(PAYER)
            .bind::<Text, _>(event.provider.as_str())
            .bind::<Nullable<Text>, _>(event.agreement.as_deref())
            .bind::<Nullable<SqlUuid>, _>(event.origin.checkout.map(Id::uuid))
            .bind::<Nullable<Text>, _>(event.payment.as_deref())
            .bind::<Nullable<SqlUuid>, _>(event.origin.account.map(Id::uuid))
            .get_result(&mut *self.conn().await?)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(|row| Id::new(row.account_id)))
    }

    async fn claim_untold(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Agreement>, StoreError> {
        let row: Option<AgreementRow> = sql(CLAIM)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .get_result(&mut *self.conn().await?)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Agreement::try_from).transpose()
    }

    async fn set_told(&self, id: AgreementId, told: &Wish) -> Result<(), StoreError> {
        let (word, plan) = words(told);
        sql(SET_TOLD)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Text, _>(word)
            .bind::<Nullable<Text>, _>(plan)
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn put_off(&self, id: AgreementId, until: OffsetDateTime) -> Result<(), StoreError> {
        sql(PUT_OFF)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(until)
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }
}
