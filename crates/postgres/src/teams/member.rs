//! Members.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, TeamId, UserId};
use msgflash_teams::{Member, MemberStore, Membership, MembershipReader, Role, StayEnd};
use time::OffsetDateTime;
use uuid::Uuid;

use super::team::CountRow;
use super::{role, small};
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// By the keys of the three tables: every request of a member asks.
const FIND: &str = "SELECT t.owner_id, m.role FROM team_members m \
     JOIN teams t ON t.id = m.team_id AND t.deleted_at IS NULL \
     JOIN users o ON o.id = t.owner_id AND o.suspended_at IS NULL \
     WHERE m.team_id = $1 AND m.user_id = $2 AND m.ended_at IS NULL";

const ROLE: &str = "SELECT role FROM team_members \
     WHERE team_id = $1 AND user_id = $2 AND ended_at IS NULL";

const MEMBER: &str = "SELECT m.user_id, u.email, u.full_name, m.role, m.joined_at \
     FROM team_members m JOIN users u ON u.id = m.user_id \
     WHERE m.team_id = $1 AND m.user_id = $2 AND m.ended_at IS NULL";

const HAS_ADDRESS: &str = "SELECT EXISTS (SELECT 1 FROM users u \
       JOIN team_members m ON m.user_id = u.id AND m.team_id = $1 AND m.ended_at IS NULL \
       WHERE lower(u.email) = lower($2)) AS is_so";

const COUNT: &str =
    "SELECT count(*) AS count FROM team_members WHERE team_id = $1 AND ended_at IS NULL";

const INSERT: &str = "INSERT INTO team_members (id, team_id, user_id, role, joined_at) \
     VALUES ($1, $2, $3, $4, $5)";

const SET_ROLE: &str = "UPDATE team_members SET role = $3 \
     WHERE team_id = $1 AND user_id = $2 AND ended_at IS NULL";

const END: &str = "WITH taken AS ( \
       DELETE FROM team_instance_assignments WHERE team_id = $1 AND user_id = $2) \
     UPDATE team_members SET ended_at = $5, ended_for = $3, ended_by = $4 \
     WHERE team_id = $1 AND user_id = $2 AND ended_at IS NULL";

#[derive(QueryableByName)]
struct MembershipRow {
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Text)]
    role: String,
}

#[derive(QueryableByName)]
struct RoleRow {
    #[diesel(sql_type = Text)]
    role: String,
}

#[derive(QueryableByName)]
pub(super) struct IsSoRow {
    #[diesel(sql_type = Bool)]
    pub(super) is_so: bool,
}

#[derive(QueryableByName)]
pub(super) struct MemberRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    full_name: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Timestamptz)]
    joined_at: OffsetDateTime,
}

impl TryFrom<MemberRow> for Member {
    type Error = StoreError;

    fn try_from(row: MemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: Id::new(row.user_id),
            email: row.email,
            full_name: row.full_name,
            role: role(&row.role)?,
            joined_at: row.joined_at,
        })
    }
}

#[async_trait]
impl MembershipReader for Postgres {
    async fn find(&self, team: TeamId, user: UserId) -> Result<Option<Membership>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<MembershipRow> = sql(FIND)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .get_result(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(|row| {
            Ok(Membership {
                team,
                owner: Id::new(row.owner_id),
                user,
                role: role(&row.role)?,
            })
        })
        .transpose()
    }
}

#[async_trait]
impl MemberStore for PgUnit {
    async fn role(&mut self, team: TeamId, user: UserId) -> Result<Option<Role>, StoreError> {
        let row: Option<RoleRow> = sql(ROLE)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(|row| role(&row.role)).transpose()
    }

    async fn find(&mut self, team: TeamId, user: UserId) -> Result<Option<Member>, StoreError> {
        let row: Option<MemberRow> = sql(MEMBER)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Member::try_from).transpose()
    }

    async fn has_address(&mut self, team: TeamId, email: &str) -> Result<bool, StoreError> {
        let row: IsSoRow = sql(HAS_ADDRESS)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Text, _>(email.to_owned())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(row.is_so)
    }

    async fn count(&mut self, team: TeamId) -> Result<u32, StoreError> {
        let row: CountRow = sql(COUNT)
            .bind::<SqlUuid, _>(team.uuid())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(small(row.count))
    }

    async fn insert(
        &mut self,
        stay: Uuid,
        member: &Membership,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(INSERT)
            .bind::<SqlUuid, _>(stay)
            .bind::<SqlUuid, _>(member.team.uuid())
            .bind::<SqlUuid, _>(member.user.uuid())
            .bind::<Text, _>(member.role.as_str())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn set_role(&mut self, team: TeamId, user: UserId, role: Role) -> Result<(), StoreError> {
        sql(SET_ROLE)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .bind::<Text, _>(role.as_str())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn end(
        &mut self,
        team: TeamId,
        user: UserId,
        end: StayEnd,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(END)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(user.uuid())
            .bind::<Text, _>(end.as_str())
            .bind::<SqlUuid, _>(by.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
