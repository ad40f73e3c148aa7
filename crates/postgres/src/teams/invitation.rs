//! Invitations.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError, TeamId, UserId};
use msgflash_teams::ports::Asked;
use msgflash_teams::{
    Invitation, InvitationEnd, InvitationId, InvitationReader, InvitationStore, OpenInvitation,
    Role, Team,
};
use time::OffsetDateTime;
use uuid::Uuid;

use super::small;
use super::team::CountRow;
use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// An invitation with whoever asked, and the team where somebody outside of it looks.
macro_rules! asked {
    ($columns:literal, $from:literal, $rest:literal) => {
        concat!(
            "SELECT i.id, i.team_id, i.email, i.role, i.token_hash, i.invited_by, i.created_at, \
               i.expires_at, i.ended_for, i.ended_by, u.full_name AS inviter_name, \
               u.email AS inviter_email",
            $columns,
            " FROM team_invitations i JOIN users u ON u.id = i.invited_by ",
            $from,
            " WHERE ",
            $rest
        )
    };
}
/// The same for whoever was asked: the team must live, and its owner's account be open.
macro_rules! open {
    ($rest:literal) => {
        asked!(
            ", t.owner_id, t.name AS team_name, t.created_at AS team_created_at, \
               t.updated_at AS team_updated_at, \
               EXISTS (SELECT 1 FROM users a WHERE lower(a.email) = lower(i.email)) AS has_account",
            "JOIN teams t ON t.id = i.team_id AND t.deleted_at IS NULL \
             JOIN users o ON o.id = t.owner_id AND o.suspended_at IS NULL",
            $rest
        )
    };
}

const FIND: &str = asked!("", "", "i.team_id = $1 AND i.id = $2");
const OPEN_FOR: &str = asked!(
    "",
    "",
    "i.team_id = $1 AND lower(i.email) = lower($2) AND i.ended_at IS NULL"
);
pub(super) const PENDING: &str = asked!(
    "",
    "",
    "i.team_id = $1 AND i.ended_at IS NULL AND i.expires_at > $2 ORDER BY i.id"
);
const BY_HASH: &str = open!("i.token_hash = $1");
const BY_ID: &str = open!("i.id = $1");
const INBOX: &str = open!(
    "lower(i.email) = lower($1) AND i.ended_at IS NULL AND i.expires_at > $2 ORDER BY i.id DESC"
);

const COUNT: &str = "SELECT count(*) AS count FROM team_invitations \
     WHERE team_id = $1 AND ended_at IS NULL AND expires_at > $2";

const INSERT: &str = "INSERT INTO team_invitations \
       (id, team_id, email, role, token_hash, invited_by, created_at, expires_at) \
     SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8)";

const UPDATE: &str = "UPDATE team_invitations SET token_hash = $2, expires_at = $3, \
       invited_by = $7, ended_for = $4, ended_by = $5, \
       ended_at = CASE WHEN $4 IS NULL THEN NULL ELSE $6 END \
     WHERE id = $1";

const END_SENT_BY: &str = "UPDATE team_invitations \
     SET ended_for = 'revoked', ended_by = $3, ended_at = $4 \
     WHERE team_id = $1 AND invited_by = $2 AND ended_at IS NULL RETURNING id, email";

const END_ALL: &str = "UPDATE team_invitations SET ended_for = 'team_deleted', ended_at = $2 \
     WHERE team_id = $1 AND ended_at IS NULL";

#[derive(QueryableByName)]
pub(super) struct AskedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    team_id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Binary)]
    token_hash: Vec<u8>,
    #[diesel(sql_type = SqlUuid)]
    invited_by: Uuid,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    expires_at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Text>)]
    ended_for: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    ended_by: Option<Uuid>,
    #[diesel(sql_type = Text)]
    inviter_name: String,
    #[diesel(sql_type = Text)]
    inviter_email: String,
}

#[derive(QueryableByName)]
struct EndedRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    email: String,
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(embed)]
    asked: AskedRow,
    #[diesel(embed)]
    team: AskingRow,
}

#[derive(QueryableByName)]
struct AskingRow {
    #[diesel(sql_type = SqlUuid)]
    owner_id: Uuid,
    #[diesel(sql_type = Text)]
    team_name: String,
    #[diesel(sql_type = Timestamptz)]
    team_created_at: OffsetDateTime,
    #[diesel(sql_type = Timestamptz)]
    team_updated_at: OffsetDateTime,
    #[diesel(sql_type = Bool)]
    has_account: bool,
}

impl TryFrom<AskedRow> for Asked {
    type Error = StoreError;

    fn try_from(row: AskedRow) -> Result<Self, StoreError> {
        let corrupt =
            |column, what: &dyn std::fmt::Display| StoreError::corrupt(column, what.to_string());
        let length = row.token_hash.len();
        let end = row.ended_for.map(|stored| {
            InvitationEnd::parse(&stored)
                .ok_or_else(|| corrupt("team_invitations.ended_for", &stored))
        });
        Ok(Self {
            invitation: Invitation {
                id: Id::new(row.id),
                team: Id::new(row.team_id),
                email: row.email,
                role: Role::parse(&row.role)
                    .ok_or_else(|| corrupt("team_invitations.role", &row.role))?,
                token_hash: row
                    .token_hash
                    .try_into()
                    .map_err(|_| corrupt("team_invitations.token_hash", &length))?,
                invited_by: Id::new(row.invited_by),
                created_at: row.created_at,
                expires_at: row.expires_at,
                end: end.transpose()?,
                ended_by: row.ended_by.map(Id::new),
            },
            inviter_name: row.inviter_name,
            inviter_email: row.inviter_email,
        })
    }
}

impl TryFrom<OpenRow> for OpenInvitation {
    type Error = StoreError;

    fn try_from(row: OpenRow) -> Result<Self, StoreError> {
        let team = Team {
            id: Id::new(row.asked.team_id),
            owner: Id::new(row.team.owner_id),
            name: row.team.team_name,
            created_at: row.team.team_created_at,
            updated_at: row.team.team_updated_at,
            deleted_at: None,
        };
        Ok(Self {
            asked: row.asked.try_into()?,
            team,
            has_account: row.team.has_account,
        })
    }
}

#[async_trait]
impl InvitationReader for Postgres {
    async fn by_hash(&self, hash: &[u8; 32]) -> Result<Option<OpenInvitation>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<OpenRow> = sql(BY_HASH)
            .bind::<Binary, _>(hash.to_vec())
            .get_result(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(OpenInvitation::try_from).transpose()
    }

    async fn by_id(&self, id: InvitationId) -> Result<Option<OpenInvitation>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<OpenRow> = sql(BY_ID)
            .bind::<SqlUuid, _>(id.uuid())
            .get_result(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(OpenInvitation::try_from).transpose()
    }

    async fn inbox(
        &self,
        email: &str,
        now: OffsetDateTime,
    ) -> Result<Vec<OpenInvitation>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<OpenRow> = sql(INBOX)
            .bind::<Text, _>(email.to_owned())
            .bind::<Timestamptz, _>(now)
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter().map(OpenInvitation::try_from).collect()
    }
}

#[async_trait]
impl InvitationStore for PgUnit {
    async fn find(&mut self, team: TeamId, id: InvitationId) -> Result<Option<Asked>, StoreError> {
        let row: Option<AskedRow> = sql(FIND)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(id.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Asked::try_from).transpose()
    }

    async fn open_for(
        &mut self,
        team: TeamId,
        email: &str,
    ) -> Result<Option<Invitation>, StoreError> {
        let row: Option<AskedRow> = sql(OPEN_FOR)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Text, _>(email.to_owned())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(|row| Ok(Asked::try_from(row)?.invitation))
            .transpose()
    }

    async fn count_pending(
        &mut self,
        team: TeamId,
        now: OffsetDateTime,
    ) -> Result<u32, StoreError> {
        let row: CountRow = sql(COUNT)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Timestamptz, _>(now)
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(small(row.count))
    }

    async fn insert(&mut self, new: &[Invitation]) -> Result<(), StoreError> {
        sql(INSERT)
            .bind::<Array<SqlUuid>, _>(each(new, |it| it.id.uuid()))
            .bind::<Array<SqlUuid>, _>(each(new, |it| it.team.uuid()))
            .bind::<Array<Text>, _>(each(new, |it| it.email.clone()))
            .bind::<Array<Text>, _>(each(new, |it| it.role.as_str()))
            .bind::<Array<Binary>, _>(each(new, |it| it.token_hash.to_vec()))
            .bind::<Array<SqlUuid>, _>(each(new, |it| it.invited_by.uuid()))
            .bind::<Array<Timestamptz>, _>(each(new, |it| it.created_at))
            .bind::<Array<Timestamptz>, _>(each(new, |it| it.expires_at))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn update(
        &mut self,
        invitation: &Invitation,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        sql(UPDATE)
            .bind::<SqlUuid, _>(invitation.id.uuid())
            .bind::<Binary, _>(invitation.token_hash.to_vec())
            .bind::<Timestamptz, _>(invitation.expires_at)
            .bind::<Nullable<Text>, _>(invitation.end.map(InvitationEnd::as_str))
            .bind::<Nullable<SqlUuid>, _>(invitation.ended_by.map(Id::uuid))
            .bind::<Timestamptz, _>(at)
            .bind::<SqlUuid, _>(invitation.invited_by.uuid())
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn end_sent_by(
        &mut self,
        team: TeamId,
        inviter: UserId,
        by: UserId,
        at: OffsetDateTime,
    ) -> Result<Vec<(InvitationId, String)>, StoreError> {
        let ended: Vec<EndedRow> = sql(END_SENT_BY)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<SqlUuid, _>(inviter.uuid())
            .bind::<SqlUuid, _>(by.uuid())
            .bind::<Timestamptz, _>(at)
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        let ended = ended.into_iter().map(|row| (Id::new(row.id), row.email));
        Ok(ended.collect())
    }

    async fn end_all(&mut self, team: TeamId, at: OffsetDateTime) -> Result<(), StoreError> {
        sql(END_ALL)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Timestamptz, _>(at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
