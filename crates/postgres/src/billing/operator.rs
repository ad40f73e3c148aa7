//! What waits for operators, and what providers told.

use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{HandledEvent, OperatorReader, PendingPurchase, Plan, StoredPlan};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::plan::PlanRow;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{plans, subscriptions};
use crate::sql::sql;

/// Whoever paid for something meanwhile does not want what they began before.
const PENDING: &str = "SELECT w.account_id, u.email, w.code, w.name, w.price, w.currency, w.created_at \
     FROM ( \
       SELECT DISTINCT ON (c.account_id, p.code) c.account_id, p.code, p.name, p.price, \
         p.currency, c.created_at \
       FROM billing_checkouts c JOIN plans p ON p.id = c.plan_id \
       WHERE c.provider = 'manual' AND c.paid_at IS NULL AND c.created_at > $1 \
         AND NOT EXISTS (SELECT 1 FROM billing_checkouts o \
           WHERE o.account_id = c.account_id AND o.paid_at >= c.created_at) \
       ORDER BY c.account_id, p.code, c.created_at DESC) w \
     JOIN users u ON u.id = w.account_id \
     ORDER BY w.created_at, w.account_id LIMIT $2";

const EVENTS: &str = "SELECT e.provider, e.event_id, e.kind, e.account_id, u.email, \
       e.occurred_at, e.handled_at \
     FROM billing_events e LEFT JOIN users u ON u.id = e.account_id \
     WHERE $1 IS NULL OR e.account_id = $1 \
     ORDER BY e.handled_at DESC, e.provider, e.event_id LIMIT $2";

#[derive(QueryableByName)]
struct PendingRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    price: i32,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl From<PendingRow> for PendingPurchase {
    fn from(row: PendingRow) -> Self {
        Self {
            account: Id::new(row.account_id),
            email: row.email,
            plan: row.code,
            plan_name: row.name,
            price: u32::try_from(row.price).unwrap_or(0),
            currency: row.currency,
            created_at: row.created_at,
        }
    }
}

#[derive(QueryableByName)]
struct EventRow {
    #[diesel(sql_type = Text)]
    provider: String,
    #[diesel(sql_type = Text)]
    event_id: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    handled_at: OffsetDateTime,
}

impl From<EventRow> for HandledEvent {
    fn from(row: EventRow) -> Self {
        Self {
            provider: row.provider,
            id: row.event_id,
            kind: row.kind,
            account: Id::new(row.account_id),
            email: row.email,
            occurred_at: row.occurred_at,
            handled_at: row.handled_at,
        }
    }
}

#[async_trait]
impl OperatorReader for Postgres {
    async fn plans(&self) -> Result<Vec<StoredPlan>, StoreError> {
        let mut conn = self.conn().await?;
        let newest: Vec<(PlanRow, i32)> = plans::table
            .distinct_on(plans::code)
            .order((plans::code, plans::version.desc()))
            .select((PlanRow::as_select(), plans::version))
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let held: Vec<(String, i64)> = subscriptions::table
            .inner_join(plans::table)
            .group_by(plans::code)
            .select((plans::code, count_star()))
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let holders = |code: &str| {
            let found = held.iter().find(|(held, _)| held == code);
            found.map_or(0, |(_, count)| u64::try_from(*count).unwrap_or(0))
        };
        let mut stored = newest
            .into_iter()
            .map(|(row, version)| {
                let plan = Plan::try_from(row)?;
                Ok(StoredPlan {
                    holders: holders(&plan.code),
                    version: u32::try_from(version).unwrap_or(0),
                    plan,
                })
            })
            .collect::<Result<Vec<_>, StoreError>>()?;
        stored.sort_by_key(|it| (!it.plan.is_active, it.plan.rank));
        Ok(stored)
    }

    async fn pending(
        &self,
        since: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<PendingPurchase>, StoreError> {
        let rows: Vec<PendingRow> = sql(PENDING)
            .bind::<Timestamptz, _>(since)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(PendingPurchase::from).collect())
    }

    async fn events(
        &self,
        account: Option<AccountId>,
        limit: u32,
    ) -> Result<Vec<HandledEvent>, StoreError> {
        let rows: Vec<EventRow> = sql(EVENTS)
            .bind::<Nullable<SqlUuid>, _>(account.map(Id::uuid))
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(HandledEvent::from).collect())
    }
}
