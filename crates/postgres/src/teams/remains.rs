//! Closing teams, and ending what they leave behind.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{Id, StoreError, TeamId};
use msgflash_teams::remains::{Endings, RemainsQueue};
use msgflash_teams::{Remains, Team};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::messaging::stop::hold_lanes;
use crate::pool::Postgres;
use crate::sql::sql;

mod campaigns;
mod contacts;
mod endpoints;
mod lookups;
mod messages;

/// What ended work says about why.
const REASON: &str = "Team deleted";

/// Says that a workspace is no deleted team's: for each row one look by primary key. The offset keeps
/// it what it is, and the planner from taking nearly all rows for those of deleted teams: it would
/// not read them in their order then. Personal workspaces have no team.
macro_rules! not_deleted {
    ($workspace:literal) => {
        concat!(
            "NOT EXISTS (SELECT 1 FROM teams t WHERE t.id = ",
            $workspace,
            " AND t.deleted_at IS NOT NULL OFFSET 0)"
        )
    };
}
pub(crate) use not_deleted;

const NOTE: &str = "INSERT INTO team_remains (team_id, owner_id, deleted_at, next_look_at) \
     VALUES ($1, $2, $3, $3)";

const CLAIM: &str = "UPDATE team_remains r SET next_look_at = $2 FROM ( \
       SELECT d.team_id FROM team_remains d WHERE d.next_look_at <= $1 \
       ORDER BY d.next_look_at LIMIT 1 FOR UPDATE SKIP LOCKED) due \
     WHERE r.team_id = due.team_id RETURNING r.team_id, r.owner_id, r.deleted_at";

const LOOK_AT: &str = "UPDATE team_remains SET next_look_at = $2 WHERE team_id = $1";

const FORGET: &str = "DELETE FROM team_remains WHERE team_id = $1";

/// Notes what may be left of a team that this transaction deletes.
///
/// Whoever marks calls looks whether the team is there ([`hold_lanes`]).
pub(super) async fn note(
    conn: &mut AsyncPgConnection,
    team: &Team,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    sql(NOTE)
        .bind::<SqlUuid, _>(team.id.uuid())
        .bind::<SqlUuid, _>(team.owner.uuid())
        .bind::<Timestamptz, _>(at)
        .execute(conn)
        .await
        .map_err(failed)?;
    hold_lanes(conn, team.owner.uuid()).await
}

#[derive(QueryableByName)]
struct RemainsRow {
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    deleted_at: OffsetDateTime,
}

#[async_trait]
impl RemainsQueue for Postgres {
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<Option<Remains>, StoreError> {
        let row: Option<RemainsRow> = sql(CLAIM)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .get_result(&mut *self.conn().await?)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(|row| Remains {
            team: Id::new(row.team_id),
            owner: Id::new(row.owner_id),
            deleted_at: row.deleted_at,
        }))
    }

    async fn look_at(&self, team: TeamId, at: OffsetDateTime) -> Result<(), StoreError> {
        sql(LOOK_AT)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn forget(&self, team: TeamId) -> Result<(), StoreError> {
        sql(FORGET)
            .bind::<SqlUuid, _>(team.uuid())
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl Endings for Postgres {
    async fn end_endpoints(&self, remains: &Remains, limit: u32) -> Result<usize, StoreError> {
        endpoints::end(self, remains.workspace().id, limit as usize).await
    }

    async fn end_messages(
        &self,
        remains: &Remains,
        limit: u32,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        messages::end(self, &remains.workspace(), limit, now).await
    }

    async fn end_contact_work(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        contacts::end(self, remains.workspace().id, now).await
    }

    async fn end_campaigns(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        campaigns::end(self, remains.workspace().id, now).await
    }

    async fn end_lookups(
        &self,
        remains: &Remains,
        now: OffsetDateTime,
    ) -> Result<usize, StoreError> {
        lookups::end(self, remains.workspace().id, now).await
    }

    async fn has_messages(&self, remains: &Remains) -> Result<bool, StoreError> {
        messages::are_left(self, &remains.workspace()).await
    }
}

#[derive(QueryableByName)]
struct ThereRow {
    #[diesel(sql_type = Bool)]
    there: bool,
}

#[derive(QueryableByName)]
struct IdRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
}
