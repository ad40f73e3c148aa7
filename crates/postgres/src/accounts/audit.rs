//! Who did what in a team.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_accounts::{AuditEntry, AuditReader, AuditStore, KeptEntry};
use msgflash_kernel::{Id, StoreError, TeamId};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

const APPEND: &str = "INSERT INTO audit_log \
       (id, at, account_id, team_id, actor_id, action, target_kind, target_id, data) \
     SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const OF_TEAM: &str = "SELECT a.id, a.at, a.actor_id, u.email AS actor_email, a.action, \
       a.target_kind, a.target_id, a.data \
     FROM audit_log a LEFT JOIN users u ON u.id = a.actor_id \
     WHERE a.team_id = $1 AND ($2 IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3";

#[derive(QueryableByName)]
struct EntryRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    at: OffsetDateTime,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    actor_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    actor_email: Option<String>,
    #[diesel(sql_type = Text)]
    action: String,
    #[diesel(sql_type = Text)]
    target_kind: String,
    #[diesel(sql_type = SqlUuid)]
    target_id: Uuid,
    #[diesel(sql_type = Jsonb)]
    data: Value,
}

impl From<EntryRow> for KeptEntry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            at: row.at,
            by: row.actor_id.map(Id::new),
            by_email: row.actor_email,
            action: row.action,
            target_kind: row.target_kind,
            target_id: row.target_id,
            data: row.data,
        }
    }
}

#[async_trait]
impl AuditStore for PgUnit {
    async fn append(&mut self, entries: &[AuditEntry]) -> Result<(), StoreError> {
        sql(APPEND)
            .bind::<Array<SqlUuid>, _>(each(entries, |it| it.id))
            .bind::<Array<Timestamptz>, _>(each(entries, |it| it.at))
            .bind::<Array<SqlUuid>, _>(each(entries, |it| it.workspace.account.uuid()))
            .bind::<Array<Nullable<SqlUuid>>, _>(each(entries, |it| {
                it.workspace.team.map(Id::uuid)
            }))
            .bind::<Array<Nullable<SqlUuid>>, _>(each(entries, |it| it.by.map(Id::uuid)))
            .bind::<Array<Text>, _>(each(entries, |it| it.done.as_str()))
            .bind::<Array<Text>, _>(each(entries, |it| it.target.kind()))
            .bind::<Array<SqlUuid>, _>(each(entries, |it| it.target.id()))
            .bind::<Array<Jsonb>, _>(each(entries, |it| it.data.clone()))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl AuditReader for Postgres {
    async fn of_team(
        &self,
        team: TeamId,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptEntry>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<EntryRow> = sql(OF_TEAM)
            .bind::<SqlUuid, _>(team.uuid())
            .bind::<Nullable<SqlUuid>, _>(before)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(KeptEntry::from).collect())
    }
}
