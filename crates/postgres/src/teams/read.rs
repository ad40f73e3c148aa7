//! Teams as their members see them.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use msgflash_kernel::{StoreError, TeamId, UserId};
use msgflash_teams::ports::Asked;
use msgflash_teams::{Assignment, Member, Seats, TeamDetail, TeamReader, TeamSummary};
use time::OffsetDateTime;
use tokio::try_join;

use super::assignment::{AssignmentRow, LIST};
use super::invitation::{AskedRow, PENDING};
use super::member::MemberRow;
use super::team::TeamRow;
use super::{limit, role, small};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// A team with its places; teams of accounts that are shut are not there.
macro_rules! seated {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT t.id, t.owner_id, t.name, t.created_at, t.updated_at, t.deleted_at, \
               p.max_seats_per_team AS max_seats, \
               (SELECT count(*) FROM team_members a \
                  WHERE a.team_id = t.id AND a.ended_at IS NULL) AS active, \
               (SELECT count(*) FROM team_invitations i WHERE i.team_id = t.id \
                  AND i.ended_at IS NULL AND i.expires_at > $2) AS pending",
            $columns,
            " FROM teams t JOIN users o ON o.id = t.owner_id AND o.suspended_at IS NULL \
             JOIN subscriptions s ON s.account_id = t.owner_id JOIN plans p ON p.id = s.plan_id ",
            $rest
        )
    };
}

const TEAMS_OF: &str = seated!(
    ", m.role, m.joined_at",
    "JOIN team_members m ON m.team_id = t.id AND m.user_id = $1 AND m.ended_at IS NULL \
     WHERE t.deleted_at IS NULL ORDER BY t.id DESC"
);
const TEAM: &str = seated!("", "WHERE t.id = $1 AND t.deleted_at IS NULL");

const MEMBERS: &str = "SELECT m.user_id, u.email, u.full_name, m.role, m.joined_at \
     FROM team_members m JOIN users u ON u.id = m.user_id \
     WHERE m.team_id = $1 AND m.ended_at IS NULL \
     ORDER BY array_position(ARRAY['owner', 'admin', 'collaborator'], m.role), m.joined_at, m.id";

#[derive(QueryableByName)]
struct SeatedRow {
    #[diesel(embed)]
    team: TeamRow,
    #[diesel(embed)]
    seats: SeatsRow,
}

#[derive(QueryableByName)]
struct SeatsRow {
    #[diesel(sql_type = Nullable<Integer>)]
    max_seats: Option<i32>,
    #[diesel(sql_type = BigInt)]
    active: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
}

#[derive(QueryableByName)]
struct SummaryRow {
    #[diesel(embed)]
    team: TeamRow,
    #[diesel(embed)]
    seats: SeatsRow,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    joined_at: OffsetDateTime,
}

impl From<SeatsRow> for Seats {
    fn from(row: SeatsRow) -> Self {
        Self {
            limit: limit(row.max_seats),
            active: small(row.active),
            pending: small(row.pending),
        }
    }
}

#[async_trait]
impl TeamReader for Postgres {
    async fn teams_of(
        &self,
        user: UserId,
        now: OffsetDateTime,
    ) -> Result<Vec<TeamSummary>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<SummaryRow> = sql(TEAMS_OF)
            .bind::<SqlUuid, _>(user.uuid())
            .bind::<Timestamptz, _>(now)
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter()
            .map(|row| {
                Ok(TeamSummary {
                    team: row.team.into(),
                    role: role(&row.role)?,
                    joined_at: row.joined_at,
                    seats: row.seats.into(),
                })
            })
            .collect()
    }

    async fn detail(
        &self,
        team: TeamId,
        now: OffsetDateTime,
    ) -> Result<Option<TeamDetail>, StoreError> {
        let pooled = self.conn().await?;
        // Sent at once and answered at once: one round trip.
        let (found, members, pending, assignments) = try_join!(
            seated(&pooled, team, now),
            members(&pooled, team),
            pending(&pooled, team, now),
            assigned(&pooled, team),
        )?;
        // The lists are what the places are counted by: they were read a moment apart.
        let count = |many: usize| u32::try_from(many).unwrap_or(u32::MAX);
        Ok(found.map(|row| TeamDetail {
            team: row.team.into(),
            seats: Seats {
                active: count(members.len()),
                pending: count(pending.len()),
                ..row.seats.into()
            },
            members,
            pending,
            assignments,
        }))
    }

    async fn assignments(&self, team: TeamId) -> Result<Vec<Assignment>, StoreError> {
        let pooled = self.conn().await?;
        assigned(&pooled, team).await
    }
}

async fn seated(
    mut conn: &AsyncPgConnection,
    team: TeamId,
    now: OffsetDateTime,
) -> Result<Option<SeatedRow>, StoreError> {
    sql(TEAM)
        .bind::<SqlUuid, _>(team.uuid())
        .bind::<Timestamptz, _>(now)
        .get_result(&mut conn)
        .await
        .optional()
        .map_err(failed)
}

async fn members(mut conn: &AsyncPgConnection, team: TeamId) -> Result<Vec<Member>, StoreError> {
    let rows: Vec<MemberRow> = sql(MEMBERS)
        .bind::<SqlUuid, _>(team.uuid())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Member::try_from).collect()
}

async fn pending(
    mut conn: &AsyncPgConnection,
    team: TeamId,
    now: OffsetDateTime,
) -> Result<Vec<Asked>, StoreError> {
    let rows: Vec<AskedRow> = sql(PENDING)
        .bind::<SqlUuid, _>(team.uuid())
        .bind::<Timestamptz, _>(now)
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Asked::try_from).collect()
}

async fn assigned(
    mut conn: &AsyncPgConnection,
    team: TeamId,
) -> Result<Vec<Assignment>, StoreError> {
    let rows: Vec<AssignmentRow> = sql(LIST)
        .bind::<SqlUuid, _>(team.uuid())
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
    rows.into_iter().map(Assignment::try_from).collect()
}
