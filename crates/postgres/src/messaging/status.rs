//! Statuses: marks of calls, and what came of them.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{ReplayKey, ReplayStore, StoreError, WorkspaceId};
use msgflash_messaging::InstanceId;
use msgflash_messaging::status::ports::{
    Facts, StatusReader, StatusStore, StatusUnit, StatusUnits,
};
use msgflash_messaging::status::{ListedStatus, Status, StatusId, StatusPage};
use msgflash_quotas::{KeyId, LedgerStore};
use time::OffsetDateTime;

use self::record::StatusRecord;
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::statuses;
use crate::sql::sql;
use crate::unit::PgUnit;

mod facts;
mod record;

/// The columns of a [`StatusRecord`] by name: a statement that says `*` fails on connections that are open
/// while a migration adds one.
macro_rules! status_columns {
    () => {
        "s.workspace_id, s.id, s.account_id, s.acting_user_id, s.instance_id, s.kind, s.content, \
         s.caption, s.background_color, s.state, s.error, s.code, s.provider_message_id, s.period, \
         s.replay_key, s.replay_request, s.request_id, s.waited_since, s.lease_until, s.look_at, \
         s.looks, s.created_at, s.updated_at"
    };
}

const CLAIM: &str = concat!(
    "UPDATE statuses s SET look_at = $2, lease_until = NULL WHERE s.ctid = ANY (ARRAY( \
       SELECT d.ctid FROM statuses d \
       WHERE d.state = 'pending' AND d.look_at <= $1 \
       ORDER BY d.look_at LIMIT $3 FOR UPDATE SKIP LOCKED)) RETURNING ",
    status_columns!()
);

/// The page is cut before anything is joined.
const PAGE: &str = concat!(
    "SELECT ",
    status_columns!(),
    ", i.name AS instance_name FROM ( \
       SELECT p.id FROM statuses p WHERE p.workspace_id = $1 \
       ORDER BY p.id DESC LIMIT $2 OFFSET $3) k \
     JOIN statuses s ON s.workspace_id = $1 AND s.id = k.id \
     LEFT JOIN instances i ON i.id = s.instance_id ORDER BY s.id DESC"
);

const TOTAL: &str = "SELECT count(*) AS total FROM statuses WHERE workspace_id = $1";

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(embed)]
    status: StatusRecord,
    #[diesel(sql_type = Nullable<Text>)]
    instance_name: Option<String>,
}

#[derive(QueryableByName)]
struct TotalRow {
    #[diesel(sql_type = BigInt)]
    total: i64,
}

#[async_trait]
impl StatusReader for Postgres {
    async fn page(
        &self,
        workspace: WorkspaceId,
        page: u32,
        limit: u32,
    ) -> Result<StatusPage, StoreError> {
        let mut conn = self.conn().await?;
        let total: TotalRow = sql(TOTAL)
            .bind::<SqlUuid, _>(workspace.uuid())
            .get_result(&mut conn)
            .await
            .map_err(failed)?;
        let skipped = i64::from(page.saturating_sub(1)) * i64::from(limit);
        // Past the end there is nothing to walk for.
        let rows: Vec<ListedRow> = if skipped < total.total {
            sql(PAGE)
                .bind::<SqlUuid, _>(workspace.uuid())
                .bind::<BigInt, _>(i64::from(limit))
                .bind::<BigInt, _>(skipped)
                .get_results(&mut conn)
                .await
                .map_err(failed)?
        } else {
            Vec::new()
        };
        let listed = rows.into_iter().map(|row| {
            Ok(ListedStatus {
                status: row.status.try_into()?,
                instance_name: row.instance_name,
            })
        });
        Ok(StatusPage {
            statuses: listed.collect::<Result<_, StoreError>>()?,
            total: u64::try_from(total.total).unwrap_or(0),
        })
    }
}

/// As it stands in the indexes: a parameter could be any state, and all statuses would be read.
fn is_pending() -> SqlLiteral<Bool> {
    diesel::dsl::sql("statuses.state = 'pending'")
}

#[async_trait]
impl StatusStore for PgUnit {
    async fn running(&mut self, key: &ReplayKey) -> Result<Option<[u8; 32]>, StoreError> {
        let found: Option<Option<Vec<u8>>> = statuses::table
            .filter(statuses::workspace_id.eq(key.workspace.uuid()))
            .filter(statuses::replay_key.eq(key.key.as_slice()))
            .filter(is_pending())
            .select(statuses::replay_request)
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        found.flatten().map(record::hash).transpose()
    }

    async fn look(
        &mut self,
        status: &Status,
        key: Option<KeyId>,
        now: OffsetDateTime,
    ) -> Result<Facts, StoreError> {
        facts::look(self, status, key, now).await
    }

    async fn insert(&mut self, status: &Status) -> Result<(), StoreError> {
        diesel::insert_into(statuses::table)
            .values(StatusRecord::from(status))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lock(
        &mut self,
        workspace: WorkspaceId,
        id: StatusId,
    ) -> Result<Option<Status>, StoreError> {
        let row: Option<StatusRecord> = statuses::table
            .find((workspace.uuid(), id.uuid()))
            .select(StatusRecord::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Status::try_from).transpose()
    }

    async fn update(&mut self, status: &Status) -> Result<(), StoreError> {
        let key = (status.workspace.id.uuid(), status.id.uuid());
        diesel::update(statuses::table.find(key))
            .set(StatusRecord::from(status))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn claim(
        &mut self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Status>, StoreError> {
        let rows: Vec<StatusRecord> = sql(CLAIM)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(self.conn())
            .await
            .map_err(failed)?;
        // One that cannot be read holds up no other: it is put off like all that were claimed.
        let read = rows.into_iter().filter_map(|row| {
            Status::try_from(row)
                .inspect_err(|cause| tracing::error!(%cause, "a status cannot be read"))
                .ok()
        });
        Ok(read.collect())
    }

    async fn is_taken(&mut self, instance: InstanceId, key_id: &str) -> Result<bool, StoreError> {
        let taken = statuses::table
            .filter(statuses::instance_id.eq(instance.uuid()))
            .filter(statuses::provider_message_id.eq(key_id));
        diesel::select(diesel::dsl::exists(taken))
            .get_result(self.conn())
            .await
            .map_err(failed)
    }

    async fn under_way(
        &mut self,
        instance: InstanceId,
        now: OffsetDateTime,
    ) -> Result<Vec<Status>, StoreError> {
        let rows: Vec<StatusRecord> = statuses::table
            .filter(statuses::instance_id.eq(instance.uuid()))
            .filter(is_pending())
            .filter(statuses::lease_until.gt(now))
            .select(StatusRecord::as_select())
            .load(self.conn())
            .await
            .map_err(failed)?;
        rows.into_iter().map(Status::try_from).collect()
    }
}

impl StatusUnit for PgUnit {
    fn statuses(&mut self) -> &mut dyn StatusStore {
        self
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        self
    }
    fn replays(&mut self) -> &mut dyn ReplayStore {
        self
    }
}

#[async_trait]
impl StatusUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn StatusUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
