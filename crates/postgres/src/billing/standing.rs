//! How accounts stand: subscription, plan and agreement, under the account's lock.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_billing::{
    Agreement, BillingProvider, Plan, PlanId, Standing, StandingStore, Subscription, TeamLoad,
};
use msgflash_kernel::{AccountId, Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{agreement, plan};
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Seats are counted as they are when somebody is invited.
const TEAMS: &str = "SELECT t.id, \
       (SELECT count(*) FROM team_members m \
        WHERE m.team_id = t.id AND m.ended_at IS NULL) \
       + (SELECT count(*) FROM team_invitations i \
          WHERE i.team_id = t.id AND i.ended_at IS NULL AND i.expires_at > $2) AS seats \
     FROM teams t WHERE t.owner_id = $1 AND t.deleted_at IS NULL ORDER BY t.id";

#[derive(QueryableByName)]
struct TeamRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    seats: i64,
}

#[async_trait]
impl StandingStore for PgUnit {
    async fn lock(&mut self, account: AccountId) -> Result<Option<Standing>, StoreError> {
        let Some(subscription) = self.hold_subscription(account).await? else {
            return Ok(None);
        };
        let plan = plan::by_id(self.conn(), subscription.plan).await?;
        let plan = plan.ok_or(StoreError::Stale("plans"))?;
        let agreement = agreement::lock_current(self.conn(), account).await?;
        Ok(Some(Standing {
            subscription,
            plan,
            agreement,
        }))
    }

    async fn save(&mut self, subscription: &Subscription) -> Result<(), StoreError> {
        self.save_subscription(subscription).await
    }

    async fn newest_plan(&mut self, code: &str) -> Result<Option<Plan>, StoreError> {
        plan::newest(self.conn(), code).await
    }

    async fn plan(&mut self, id: PlanId) -> Result<Option<Plan>, StoreError> {
        plan::by_id(self.conn(), id).await
    }

    async fn agreement(
        &mut self,
        account: AccountId,
        provider: BillingProvider,
        reference: &str,
    ) -> Result<Option<Agreement>, StoreError> {
        agreement::lock_called(self.conn(), account, provider, reference).await
    }

    async fn save_agreement(&mut self, agreement: &Agreement) -> Result<(), StoreError> {
        agreement::save(self.conn(), agreement).await
    }

    async fn teams(
        &mut self,
        account: AccountId,
        now: OffsetDateTime,
    ) -> Result<Vec<TeamLoad>, StoreError> {
        let rows: Vec<TeamRow> = sql(TEAMS)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Timestamptz, _>(now)
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let load = |row: TeamRow| TeamLoad {
            team: Id::new(row.id),
            seats: u32::try_from(row.seats).unwrap_or(u32::MAX),
        };
        Ok(rows.into_iter().map(load).collect())
    }
}
