//! Opt-out lists.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_contacts::suppression::ports::{
    Place, SuppressionReader, SuppressionStore, SuppressionUnit, SuppressionUnits,
};
use msgflash_contacts::suppression::{OptOutChange, Source, SuppressionFilter};
use msgflash_contacts::{OptOutSettings, Suppression};
use msgflash_kernel::{AccountId, Phone, ReplayStore, StoreError, WorkspaceId};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use super::row::phone;
use crate::columns::each;
use crate::error::failed;
use crate::messaging::stop::hold_lanes;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Says of a queue row that its recipient must not be written to: one look by primary key. The offset
/// keeps it what it is.
macro_rules! opted_out {
    ($row:literal) => {
        concat!(
            "(NOT ",
            $row,
            ".ignores_suppression AND EXISTS (SELECT 1 FROM suppressions s \
             WHERE s.workspace_id = ",
            $row,
            ".workspace_id AND s.phone = ",
            $row,
            ".phone OFFSET 0))"
        )
    };
}
pub(crate) use opted_out;

/// The columns of a [`Row`], of a number that is called `s`.
macro_rules! columns {
    () => {
        "s.phone, s.source, s.reason, s.instance_id, s.created_at"
    };
}

const FIND: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM suppressions s WHERE s.workspace_id = $1 AND s.phone = $2"
);

const NEWEST: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM suppressions s WHERE s.workspace_id = $1 AND (s.created_at, s.phone) < ($2, $3) \
     ORDER BY s.created_at DESC, s.phone DESC LIMIT $4"
);

const NEWEST_OF_SOURCE: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM suppressions s \
     WHERE s.workspace_id = $1 AND s.source = $5 AND (s.created_at, s.phone) < ($2, $3) \
     ORDER BY s.created_at DESC, s.phone DESC LIMIT $4"
);

const BY_NUMBER: &str = concat!(
    "SELECT ",
    columns!(),
    " FROM suppressions s WHERE s.workspace_id = $1 AND s.phone > $2 ORDER BY s.phone LIMIT $3"
);

/// In the order in which everybody who adds several holds them.
const ADD: &str = "INSERT INTO suppressions \
       (workspace_id, phone, source, reason, instance_id, created_at) \
     SELECT $1, n.phone, n.source, n.reason, n.instance_id, n.created_at \
     FROM UNNEST($2, $3, $4, $5, $6) AS n (phone, source, reason, instance_id, created_at) \
     ORDER BY n.phone ON CONFLICT DO NOTHING RETURNING phone";

/// What is there is written as it is: nobody else holds it then.
const HOLD: &str = "INSERT INTO suppressions \
       (workspace_id, phone, source, reason, instance_id, created_at) \
     VALUES ($1, $2, $3, $4, $5, $6) \
     ON CONFLICT (workspace_id, phone) DO UPDATE SET phone = excluded.phone";

const REMOVE: &str = "DELETE FROM suppressions WHERE workspace_id = $1 AND phone = $2";

const SETTINGS: &str =
    "SELECT stop_words, confirmation FROM opt_out_settings WHERE workspace_id = $1";

/// What is left out stays as it is, or as everybody has it.
const SET: &str = "INSERT INTO opt_out_settings AS o \
       (workspace_id, stop_words, confirmation, updated_at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (workspace_id) DO UPDATE SET \
       stop_words = CASE WHEN $5 THEN excluded.stop_words ELSE o.stop_words END, \
       confirmation = CASE WHEN $6 THEN excluded.confirmation ELSE o.confirmation END, \
       updated_at = excluded.updated_at \
     RETURNING stop_words, confirmation";

/// Behind everything that is newer than all.
const FIRST: (OffsetDateTime, i64) = (datetime!(9999-12-31 00:00 UTC), i64::MAX);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    phone: i64,
    #[diesel(sql_type = Text)]
    source: String,
    #[diesel(sql_type = Nullable<Text>)]
    reason: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    instance_id: Option<Uuid>,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl TryFrom<Row> for Suppression {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            phone: phone(row.phone)?,
            source: Source::parse(&row.source)
                .ok_or_else(|| StoreError::corrupt("suppressions.source", row.source))?,
            reason: row.reason,
            instance: row.instance_id,
            created_at: row.created_at,
        })
    }
}

fn all(rows: Vec<Row>) -> Result<Vec<Suppression>, StoreError> {
    rows.into_iter().map(Suppression::try_from).collect()
}

#[derive(QueryableByName)]
struct SettingsRow {
    #[diesel(sql_type = Array<Text>)]
    stop_words: Vec<String>,
    #[diesel(sql_type = Nullable<Text>)]
    confirmation: Option<String>,
}

impl From<SettingsRow> for OptOutSettings {
    fn from(row: SettingsRow) -> Self {
        Self {
            stop_words: row.stop_words,
            confirmation: row.confirmation,
        }
    }
}

#[derive(QueryableByName)]
struct PhoneRow {
    #[diesel(sql_type = BigInt)]
    phone: i64,
}

#[async_trait]
impl SuppressionReader for Postgres {
    async fn find(
        &self,
        workspace: WorkspaceId,
        phone: Phone,
    ) -> Result<Option<Suppression>, StoreError> {
        let row: Option<Row> = sql(FIND)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<BigInt, _>(phone.to_i64())
            .get_result(&mut *self.conn().await?)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Suppression::try_from).transpose()
    }

    async fn page(
        &self,
        workspace: WorkspaceId,
        filter: &SuppressionFilter,
        after: Option<Place>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        if let Some(phone) = filter.phone {
            let found = self.find(workspace, phone).await?;
            let fits = |it: &Suppression| {
                filter.source.is_none_or(|source| it.source == source)
                    && after.is_none_or(|(at, _)| it.created_at < at)
            };
            return Ok(found.into_iter().filter(fits).collect());
        }
        let (at, phone) = after.map_or(FIRST, |(at, phone)| (at, phone.to_i64()));
        let asked = |text| {
            sql(text)
                .bind::<SqlUuid, _>(workspace.uuid())
                .bind::<Timestamptz, _>(at)
                .bind::<BigInt, _>(phone)
                .bind::<BigInt, _>(i64::from(limit))
        };
        let asked = match filter.source {
            None => asked(NEWEST),
            Some(source) => asked(NEWEST_OF_SOURCE).bind::<Text, _>(source.as_str()),
        };
        all(asked
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?)
    }

    async fn walk(
        &self,
        workspace: WorkspaceId,
        after: Option<Phone>,
        limit: u32,
    ) -> Result<Vec<Suppression>, StoreError> {
        all(sql(BY_NUMBER)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<BigInt, _>(after.map_or(0, Phone::to_i64))
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?)
    }

    async fn settings(&self, workspace: WorkspaceId) -> Result<Option<OptOutSettings>, StoreError> {
        let row: Option<SettingsRow> = sql(SETTINGS)
            .bind::<SqlUuid, _>(workspace.uuid())
            .get_result(&mut *self.conn().await?)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(OptOutSettings::from))
    }
}

impl SuppressionUnit for PgUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
    fn suppressions(&mut self) -> &mut dyn SuppressionStore {
        self
    }
}

#[async_trait]
impl SuppressionUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn SuppressionUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl SuppressionStore for PgUnit {
    async fn add(
        &mut self,
        workspace: WorkspaceId,
        new: &[Suppression],
    ) -> Result<Vec<Phone>, StoreError> {
        let added: Vec<PhoneRow> = sql(ADD)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<BigInt>, _>(each(new, |it| it.phone.to_i64()))
            .bind::<Array<Text>, _>(each(new, |it| it.source.as_str()))
            .bind::<Array<Nullable<Text>>, _>(each(new, |it| it.reason.clone()))
            .bind::<Array<Nullable<SqlUuid>>, _>(each(new, |it| it.instance))
            .bind::<Array<Timestamptz>, _>(each(new, |it| it.created_at))
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        added.into_iter().map(|row| phone(row.phone)).collect()
    }

    async fn hold(&mut self, workspace: WorkspaceId, new: &Suppression) -> Result<(), StoreError> {
        sql(HOLD)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<BigInt, _>(new.phone.to_i64())
            .bind::<Text, _>(new.source.as_str())
            .bind::<Nullable<Text>, _>(new.reason.clone())
            .bind::<Nullable<SqlUuid>, _>(new.instance)
            .bind::<Timestamptz, _>(new.created_at)
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn hold_lanes(&mut self, account: AccountId) -> Result<(), StoreError> {
        hold_lanes(self.conn(), account.uuid()).await
    }

    async fn remove(&mut self, workspace: WorkspaceId, phone: Phone) -> Result<bool, StoreError> {
        let removed = sql(REMOVE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<BigInt, _>(phone.to_i64())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(removed > 0)
    }

    async fn settings(
        &mut self,
        workspace: WorkspaceId,
    ) -> Result<Option<OptOutSettings>, StoreError> {
        let row: Option<SettingsRow> = sql(SETTINGS)
            .bind::<SqlUuid, _>(workspace.uuid())
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(OptOutSettings::from))
    }

    async fn set_settings(
        &mut self,
        workspace: WorkspaceId,
        change: &OptOutChange,
        now: OffsetDateTime,
    ) -> Result<OptOutSettings, StoreError> {
        let new = OptOutSettings::default().with(change);
        let row: SettingsRow = sql(SET)
            .bind::<SqlUuid, _>(workspace.uuid())
            .bind::<Array<Text>, _>(new.stop_words)
            .bind::<Nullable<Text>, _>(new.confirmation)
            .bind::<Timestamptz, _>(now)
            .bind::<Bool, _>(change.stop_words.is_some())
            .bind::<Bool, _>(change.confirmation.is_some())
            .get_result(self.conn())
            .await
            .map_err(failed)?;
        Ok(row.into())
    }
}
