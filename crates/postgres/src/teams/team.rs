//! Teams themselves.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, TeamId, UserId};
use msgflash_teams::{Hosting, Team, TeamStore};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{limit, remains, small};
use crate::billing::subscription;
use crate::error::failed;
use crate::schema::teams;
use crate::sql::sql;
use crate::unit::PgUnit;

const HOSTING: &str = "SELECT s.status, s.period_end, s.past_due_since, p.max_teams, \
       p.max_seats_per_team AS max_seats \
     FROM subscriptions s JOIN plans p ON p.id = s.plan_id WHERE s.account_id = $1";

const OWNED: &str =
    "SELECT count(*) AS count FROM teams WHERE owner_id = $1 AND deleted_at IS NULL";

#[derive(QueryableByName)]
struct HostingRow {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    period_end: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    past_due_since: Option<OffsetDateTime>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_teams: Option<i32>,
    #[diesel(sql_type = Nullable<Integer>)]
    max_seats: Option<i32>,
}

#[derive(QueryableByName)]
pub(super) struct CountRow {
    #[diesel(sql_type = BigInt)]
    pub(super) count: i64,
}

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = teams, check_for_backend(diesel::pg::Pg))]
pub(super) struct TeamRow {
    id: Uuid,
    owner_id: Uuid,
    name: String,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
    deleted_at: Option<OffsetDateTime>,
}

impl From<TeamRow> for Team {
    fn from(row: TeamRow) -> Self {
        Self {
            id: Id::new(row.id),
            owner: Id::new(row.owner_id),
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            deleted_at: row.deleted_at,
        }
    }
}

#[async_trait]
impl TeamStore for PgUnit {
    async fn hold_owner(
        &mut self,
        owner: UserId,
        now: OffsetDateTime,
    ) -> Result<Hosting, StoreError> {
        let is_open = self.hold_account(owner.uuid()).await?;
        let row: Option<HostingRow> = sql(HOSTING)
            .bind::<SqlUuid, _>(owner.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let row = row.ok_or(StoreError::Stale("subscriptions"))?;
        let status = subscription::status(&row.status)?;
        Ok(Hosting {
            usable: is_open && status.is_usable(row.period_end, row.past_due_since, now),
            max_teams: limit(row.max_teams),
            max_seats: limit(row.max_seats),
        })
    }

    async fn count_owned(&mut self, owner: UserId) -> Result<u32, StoreError> {
        let row: CountRow = sql(OWNED)
            .bind::<SqlUuid, _>(owner.uuid())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(small(row.count))
    }

    async fn lock(&mut self, id: TeamId) -> Result<Option<Team>, StoreError> {
        let row: Option<TeamRow> = teams::table
            .find(id.uuid())
            .filter(teams::deleted_at.is_null())
            .select(TeamRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(Team::from))
    }

    async fn insert(&mut self, team: &Team) -> Result<(), StoreError> {
        diesel::insert_into(teams::table)
            .values((
                teams::id.eq(team.id.uuid()),
                teams::owner_id.eq(team.owner.uuid()),
                teams::name.eq(&team.name),
                teams::created_at.eq(team.created_at),
                teams::updated_at.eq(team.updated_at),
                teams::deleted_at.eq(team.deleted_at),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn update(&mut self, team: &Team) -> Result<(), StoreError> {
        diesel::update(teams::table.find(team.id.uuid()))
            .set((
                teams::name.eq(&team.name),
                teams::updated_at.eq(team.updated_at),
                teams::deleted_at.eq(team.deleted_at),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn leave_remains(&mut self, team: &Team, at: OffsetDateTime) -> Result<(), StoreError> {
        remains::note(self.conn(), team, at).await
    }
}
