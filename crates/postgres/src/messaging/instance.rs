//! Instances.

use async_trait::async_trait;
use diesel::dsl::{exists, select};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{
    AccountId, Actor, Id, Phone, Places, Reach, Secret, StoreError, TeamId, UserId, WorkspaceId,
};
use msgflash_messaging::instance::ports::{InstanceReader, InstanceStore, SessionLeft};
use msgflash_messaging::instance::{Standing, Suspension};
use msgflash_messaging::safety::Window;
use msgflash_messaging::{Instance, InstanceId, InstanceStatus};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::account::{counting, places};
use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{instances, team_instance_assignments as assignments, teams};
use crate::sql::sql;
use crate::unit::PgUnit;

const PLACES: &str = places!(
    "p.max_instances",
    "instances i WHERE i.account_id = $1 AND i.deleted_at IS NULL"
);

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = instances, check_for_backend(diesel::pg::Pg), treat_none_as_null = true)]
pub(super) struct InstanceRow {
    id: Uuid,
    account_id: Uuid,
    name: String,
    session: String,
    webhook_secret: String,
    wa_number: Option<i64>,
    status: String,
    native_buttons: bool,
    is_business: Option<bool>,
    meta: Option<serde_json::Value>,
    first_connected_at: Option<OffsetDateTime>,
    connecting_since: Option<OffsetDateTime>,
    reconnecting_since: Option<OffsetDateTime>,
    expected_number: Option<i64>,
    takes_any_number: bool,
    suspended_for: Option<String>,
    unlink_since: Option<OffsetDateTime>,
    restricted_until: Option<OffsetDateTime>,
    restrictions: i32,
    errors_in_row: i32,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl TryFrom<InstanceRow> for Instance {
    type Error = StoreError;

    fn try_from(row: InstanceRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            name: row.name,
            session: row.session,
            webhook_secret: Secret::new(row.webhook_secret),
            wa_number: row.wa_number.map(phone).transpose()?,
            status: InstanceStatus::parse(&row.status)
                .ok_or_else(|| StoreError::corrupt("instances.status", row.status))?,
            native_buttons: row.native_buttons,
            is_business: row.is_business,
            meta: row.meta,
            first_connected_at: row.first_connected_at,
            connecting_since: row.connecting_since,
            reconnecting_since: row.reconnecting_since,
            expected_number: row.expected_number.map(phone).transpose()?,
            takes_any_number: row.takes_any_number,
            suspended_for: row
                .suspended_for
                .map(|stored| {
                    Suspension::parse(&stored)
                        .ok_or_else(|| StoreError::corrupt("instances.suspended_for", stored))
                })
                .transpose()?,
            unlink_since: row.unlink_since,
            standing: Standing {
                restricted_until: row.restricted_until,
                restrictions: u32::try_from(row.restrictions).unwrap_or(0),
                errors_in_row: u32::try_from(row.errors_in_row).unwrap_or(0),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

impl From<&Instance> for InstanceRow {
    fn from(it: &Instance) -> Self {
        Self {
            id: it.id.uuid(),
            account_id: it.account.uuid(),
            name: it.name.clone(),
            session: it.session.clone(),
            webhook_secret: it.webhook_secret.reveal().clone(),
            wa_number: it.wa_number.map(Phone::to_i64),
            status: it.status.as_str().to_owned(),
            native_buttons: it.native_buttons,
            is_business: it.is_business,
            meta: it.meta.clone(),
            first_connected_at: it.first_connected_at,
            connecting_since: it.connecting_since,
            reconnecting_since: it.reconnecting_since,
            expected_number: it.expected_number.map(Phone::to_i64),
            takes_any_number: it.takes_any_number,
            suspended_for: it.suspended_for.map(|by| by.as_str().to_owned()),
            unlink_since: it.unlink_since,
            restricted_until: it.standing.restricted_until,
            restrictions: count(it.standing.restrictions),
            errors_in_row: count(it.standing.errors_in_row),
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// A count as it is stored.
pub(super) fn count(it: u32) -> i32 {
    i32::try_from(it).unwrap_or(i32::MAX)
}

/// Reads a stored phone number.
pub(crate) fn phone(stored: i64) -> Result<Phone, StoreError> {
    // The number itself is personal: only its length is told.
    Phone::from_i64(stored)
        .map_err(|_| StoreError::corrupt("phone", format!("{} digits", stored.to_string().len())))
}

#[async_trait]
impl InstanceReader for Postgres {
    async fn find(
        &self,
        account: AccountId,
        id: InstanceId,
    ) -> Result<Option<Instance>, StoreError> {
        let mut conn = self.conn().await?;
        let row = instances::table
            .filter(instances::id.eq(id.uuid()))
            .filter(instances::account_id.eq(account.uuid()))
            .filter(instances::deleted_at.is_null())
            .select(InstanceRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Instance::try_from).transpose()
    }

    async fn list(&self, actor: &Actor) -> Result<Vec<Instance>, StoreError> {
        let account = actor.workspace.account;
        let mut conn = self.conn().await?;
        let mut wanted = instances::table
            .filter(instances::account_id.eq(account.uuid()))
            .filter(instances::deleted_at.is_null())
            .order(instances::id.desc())
            .select(InstanceRow::as_select())
            .into_boxed();
        if actor.reach == Reach::Assigned {
            let team = actor.workspace.team.map_or(Uuid::nil(), Id::uuid);
            let given = assignments::table
                .filter(assignments::team_id.eq(team))
                .filter(assignments::user_id.eq(actor.user.uuid()))
                .select(assignments::instance_id);
            wanted = wanted.filter(instances::id.eq_any(given));
        }
        let rows: Vec<InstanceRow> = wanted.load(&mut conn).await.map_err(failed)?;
        rows.into_iter().map(Instance::try_from).collect()
    }

    async fn is_assigned(
        &self,
        team: TeamId,
        user: UserId,
        id: InstanceId,
    ) -> Result<bool, StoreError> {
        let mut conn = self.conn().await?;
        let given = assignments::table.find((team.uuid(), user.uuid(), id.uuid()));
        select(exists(given))
            .get_result(&mut conn)
            .await
            .map_err(failed)
    }

    async fn find_by_session(&self, session: &str) -> Result<Option<Instance>, StoreError> {
        let mut conn = self.conn().await?;
        let row = instances::table
            .filter(instances::session.eq(session))
            .filter(instances::deleted_at.is_null())
            .select(InstanceRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Instance::try_from).transpose()
    }

    async fn get(&self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let mut conn = self.conn().await?;
        let row = instances::table
            .filter(instances::id.eq(id.uuid()))
            .filter(instances::deleted_at.is_null())
            .select(InstanceRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Instance::try_from).transpose()
    }

    async fn stuck(
        &self,
        connecting_before: OffsetDateTime,
        reconnecting_before: OffsetDateTime,
    ) -> Result<Vec<InstanceId>, StoreError> {
        let mut conn = self.conn().await?;
        let ids: Vec<Uuid> = instances::table
            .filter(instances::deleted_at.is_null())
            .filter(
                instances::connecting_since
                    .le(connecting_before)
                    .or(instances::reconnecting_since.le(reconnecting_before))
                    .or(instances::unlink_since.is_not_null())
                    .or(instances::status
                        .eq(InstanceStatus::Connecting.as_str())
                        .and(instances::connecting_since.is_null())
                        .and(instances::reconnecting_since.is_null()))
                    .is_not_distinct_from(true),
            )
            .select(instances::id)
            .load(&mut conn)
            .await
            .map_err(failed)?;
        Ok(ids.into_iter().map(Id::new).collect())
    }

    async fn after(
        &self,
        last: Option<InstanceId>,
        limit: u32,
    ) -> Result<Vec<Instance>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<InstanceRow> = instances::table
            .filter(instances::id.gt(last.map_or(Uuid::nil(), InstanceId::uuid)))
            .filter(instances::deleted_at.is_null())
            .order(instances::id)
            .limit(i64::from(limit))
            .select(InstanceRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        rows.into_iter().map(Instance::try_from).collect()
    }

    async fn sessions_left(
        &self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<SessionLeft>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<(Uuid, String, Option<OffsetDateTime>)> = instances::table
            .filter(instances::session_due.le(now))
            .order(instances::session_due)
            .limit(i64::from(limit))
            .select((instances::id, instances::session, instances::deleted_at))
            .load(&mut conn)
            .await
            .map_err(failed)?;
        let left = rows
            .into_iter()
            .map(|(id, session, deleted_at)| SessionLeft {
                instance: Id::new(id),
                session,
                deleted_at: deleted_at.unwrap_or(now),
            });
        Ok(left.collect())
    }

    async fn window(&self, id: InstanceId, now: OffsetDateTime) -> Result<Window, StoreError> {
        let mut conn = self.conn().await?;
        let row: WindowRow = sql(
            "SELECT \
               count(*) FILTER (WHERE NOT inbound AND created_at > $2) AS outbound_1h, \
               count(*) FILTER (WHERE NOT inbound AND created_at > $3) AS outbound_24h, \
               count(*) FILTER (WHERE NOT inbound AND created_at > $2 \
                 AND (status BETWEEN 1 AND 3 OR lost)) AS sent_1h, \
               count(*) FILTER (WHERE NOT inbound AND created_at > $3 \
                 AND (status BETWEEN 1 AND 3 OR lost)) AS sent_24h, \
               count(DISTINCT peer) FILTER (WHERE NOT inbound AND created_at > $2) AS recipients_1h, \
               count(DISTINCT peer) FILTER (WHERE NOT inbound AND created_at > $3) AS recipients_24h, \
               count(*) FILTER (WHERE inbound AND created_at > $3) AS replies_24h, \
               count(*) FILTER (WHERE inbound) AS replies_7d, \
               count(*) FILTER (WHERE NOT inbound AND created_at > $3 AND lost) AS failed_24h \
             FROM (SELECT inbound, peer, status, created_at, \
                 status = 4 AND meta->>'code' IN \
                   ('PROVIDER_ERROR', 'INVALID_DESTINATION', 'PROVIDER_TIMEOUT') AS lost \
               FROM messages WHERE instance_id = $1 AND created_at > $4) m",
        )
        .bind::<SqlUuid, _>(id.uuid())
        .bind::<Timestamptz, _>(now - Duration::HOUR)
        .bind::<Timestamptz, _>(now - Duration::DAY)
        .bind::<Timestamptz, _>(now - Duration::WEEK)
        .get_result(&mut conn)
        .await
        .map_err(failed)?;
        Ok(row.into())
    }
}

#[derive(QueryableByName)]
struct WindowRow {
    #[diesel(sql_type = BigInt)]
    outbound_1h: i64,
    #[diesel(sql_type = BigInt)]
    outbound_24h: i64,
    #[diesel(sql_type = BigInt)]
    sent_1h: i64,
    #[diesel(sql_type = BigInt)]
    sent_24h: i64,
    #[diesel(sql_type = BigInt)]
    recipients_1h: i64,
    #[diesel(sql_type = BigInt)]
    recipients_24h: i64,
    #[diesel(sql_type = BigInt)]
    replies_24h: i64,
    #[diesel(sql_type = BigInt)]
    replies_7d: i64,
    #[diesel(sql_type = BigInt)]
    failed_24h: i64,
}

impl From<WindowRow> for Window {
    fn from(row: WindowRow) -> Self {
        let count = |stored: i64| u64::try_from(stored).unwrap_or(0);
        Self {
            outbound_1h: count(row.outbound_1h),
            outbound_24h: count(row.outbound_24h),
            sent_1h: count(row.sent_1h),
            sent_24h: count(row.sent_24h),
            recipients_1h: count(row.recipients_1h),
            recipients_24h: count(row.recipients_24h),
            replies_24h: count(row.replies_24h),
            replies_7d: count(row.replies_7d),
            failed_24h: count(row.failed_24h),
        }
    }
}

#[async_trait]
impl InstanceStore for PgUnit {
    async fn count_locked(
        &mut self,
        account: AccountId,
        cap: Option<u32>,
    ) -> Result<Places, StoreError> {
        self.hold_places(account, counting(PLACES, account, cap))
            .await
    }

    async fn insert(&mut self, instance: &Instance) -> Result<(), StoreError> {
        diesel::insert_into(instances::table)
            .values(InstanceRow::from(instance))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn lock(&mut self, id: InstanceId) -> Result<Option<Instance>, StoreError> {
        let row = instances::table
            .filter(instances::id.eq(id.uuid()))
            .filter(instances::deleted_at.is_null())
            .select(InstanceRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        row.map(Instance::try_from).transpose()
    }

    async fn update(&mut self, instance: &Instance) -> Result<(), StoreError> {
        diesel::update(instances::table.find(instance.id.uuid()))
            .set(InstanceRow::from(instance))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn workspaces(&mut self, account: AccountId) -> Result<Vec<WorkspaceId>, StoreError> {
        let owned: Vec<Uuid> = teams::table
            .filter(teams::owner_id.eq(account.uuid()))
            .filter(teams::deleted_at.is_null())
            .select(teams::id)
            .load(self.conn())
            .await
            .map_err(failed)?;
        Ok(std::iter::once(account.uuid())
            .chain(owned)
            .map(Id::new)
            .collect())
    }

    async fn delete(
        &mut self,
        id: InstanceId,
        at: OffsetDateTime,
        session_due: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(instances::table.find(id.uuid()))
            .set((
                instances::deleted_at.eq(at),
                instances::updated_at.eq(at),
                instances::session_due.eq(session_due),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn session_left(
        &mut self,
        id: InstanceId,
        due: OffsetDateTime,
    ) -> Result<(), StoreError> {
        diesel::update(instances::table.find(id.uuid()))
            .filter(instances::deleted_at.is_not_null())
            .set(instances::session_due.eq(due))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn session_removed(&mut self, id: InstanceId) -> Result<(), StoreError> {
        diesel::update(instances::table.find(id.uuid()))
            .filter(instances::deleted_at.is_not_null())
            .set(instances::session_due.eq(None::<OffsetDateTime>))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
