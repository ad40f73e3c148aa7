//! What payment providers told.

use async_trait::async_trait;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_billing::{BillingProvider, EventStore, PaymentEvent, PaymentEventKind, PaymentNews};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;

use super::payment;
use super::queue::AccountRow;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Whoever records the same one at this moment is waited for.
const RECORD: &str = "INSERT INTO billing_events \
       (provider, event_id, account_id, kind, occurred_at, handled_at) \
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";

const ACCOUNT_OF: &str = "SELECT account_id FROM billing_events \
     WHERE provider = $1 AND event_id = $2";

/// A state moves on and never back; what is known of money and period stays. What somebody else paid is
/// left alone, whatever it is called.
const NOTE: &str = "INSERT INTO payments (id, account_id, provider, reference, plan_code, \
       plan_name, amount, currency, status, period_start, period_end, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6, COALESCE($7, 0), \
       COALESCE($8, (SELECT p.currency FROM plans p WHERE p.code = $5 \
                     ORDER BY p.version DESC LIMIT 1), 'EUR'), \
       CASE WHEN EXISTS (SELECT 1 FROM billing_refunds r \
                         WHERE r.provider = $3 AND r.reference = $4) \
         THEN 'refunded' ELSE $9 END, $10, $11, $12) \
     ON CONFLICT (provider, reference) WHERE reference IS NOT NULL DO UPDATE SET \
       status = CASE \
         WHEN array_position(ARRAY['pending', 'failed', 'succeeded', 'refunded'], excluded.status) \
           > array_position(ARRAY['pending', 'failed', 'succeeded', 'refunded'], payments.status) \
         THEN excluded.status ELSE payments.status END, \
       amount = CASE WHEN payments.amount = 0 THEN excluded.amount ELSE payments.amount END, \
       currency = CASE WHEN payments.amount = 0 AND $8 IS NOT NULL \
         THEN excluded.currency ELSE payments.currency END, \
       period_start = COALESCE(payments.period_start, excluded.period_start), \
       period_end = COALESCE(payments.period_end, excluded.period_end) \
     WHERE payments.account_id = excluded.account_id";

/// Word of a payment and word of its refund wait for one another: the later one sees the earlier one.
const ONE_AT_A_TIME: &str = "SELECT pg_advisory_xact_lock(hashtextextended($1 || ' ' || $2, 0))";

const KEEP_REFUND: &str = "INSERT INTO billing_refunds (provider, reference, noted_at) \
     VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

const REFUND: &str = "UPDATE payments SET status = 'refunded' \
     WHERE provider = $1 AND reference = $2 AND status <> 'refunded'";

async fn one_at_a_time(
    conn: &mut AsyncPgConnection,
    provider: BillingProvider,
    payment: &str,
) -> Result<(), StoreError> {
    sql(ONE_AT_A_TIME)
        .bind::<Text, _>(provider.as_str())
        .bind::<Text, _>(payment)
        .execute(conn)
        .await
        .map(drop)
        .map_err(failed)
}

#[async_trait]
impl EventStore for PgUnit {
    async fn record(
        &mut self,
        event: &PaymentEvent,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let recorded = sql(RECORD)
            .bind::<Text, _>(event.provider.as_str())
            .bind::<Text, _>(event.id.as_str())
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Text, _>(kind(event.kind))
            .bind::<Timestamptz, _>(event.occurred_at)
            .bind::<Timestamptz, _>(now)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(recorded == 1)
    }

    async fn account_of(&mut self, event: &PaymentEvent) -> Result<Option<AccountId>, StoreError> {
        let row: Option<AccountRow> = sql(ACCOUNT_OF)
            .bind::<Text, _>(event.provider.as_str())
            .bind::<Text, _>(event.id.as_str())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(|row| Id::new(row.account_id)))
    }

    async fn note_payment(&mut self, news: &PaymentNews) -> Result<(), StoreError> {
        one_at_a_time(self.conn(), news.provider, &news.reference).await?;
        let money = news.money.as_ref();
        sql(NOTE)
            .bind::<SqlUuid, _>(news.id.uuid())
            .bind::<SqlUuid, _>(news.account.uuid())
            .bind::<Text, _>(news.provider.as_str())
            .bind::<Text, _>(news.reference.as_str())
            .bind::<Text, _>(news.plan_code.as_str())
            .bind::<Text, _>(news.plan_name.as_str())
            .bind::<Nullable<BigInt>, _>(money.map(|it| it.amount))
            .bind::<Nullable<Text>, _>(money.map(|it| it.currency.as_str()))
            .bind::<Text, _>(payment::word(news.status))
            .bind::<Nullable<Timestamptz>, _>(news.period.map(|it| it.start))
            .bind::<Nullable<Timestamptz>, _>(news.period.map(|it| it.end))
            .bind::<Timestamptz, _>(news.at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn note_refund(
        &mut self,
        provider: BillingProvider,
        payment: &str,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        one_at_a_time(self.conn(), provider, payment).await?;
        sql(KEEP_REFUND)
            .bind::<Text, _>(provider.as_str())
            .bind::<Text, _>(payment)
            .bind::<Timestamptz, _>(now)
            .execute(self.conn())
            .await
            .map_err(failed)?;
        sql(REFUND)
            .bind::<Text, _>(provider.as_str())
            .bind::<Text, _>(payment)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

fn kind(kind: PaymentEventKind) -> &'static str {
    match kind {
        PaymentEventKind::Paid => "paid",
        PaymentEventKind::Covered => "covered",
        PaymentEventKind::Pending => "pending",
        PaymentEventKind::Failed => "failed",
        PaymentEventKind::Ended => "ended",
        PaymentEventKind::Refunded => "refunded",
        PaymentEventKind::Other => "other",
    }
}
