//! What account holders are told.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::sql_types::{
    Array, BigInt, Bool, Integer, Jsonb, Nullable, SmallInt, Text, Timestamptz, Uuid as SqlUuid,
};
use diesel_async::RunQueryDsl;
use msgflash_billing::{
    KeptNotice, MailNotice, Meter, Notice, NoticeId, NoticeQueue, NoticeReader, NoticeStore,
    Threshold,
};
use msgflash_kernel::{AccountId, Cursor, Id, Page, StoreError};
use serde_json::Value;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::columns::each;
use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;
use crate::unit::PgUnit;

/// They are about what an account pays for, so they lie in its personal workspace, which has its id.
const APPEND: &str = "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at, \
       mail_at) \
     SELECT t.id, t.account_id, t.account_id, t.kind, t.subject, t.data, t.at, t.at \
     FROM UNNEST($1, $2, $3, $4, $5, $6) AS t (id, account_id, kind, subject, data, at)";

/// There is a row to hold from here on, so that two who look at the same time tell one after the other.
const PREPARE: &str = "INSERT INTO quota_notices (account_id, period, meter, percent) \
     VALUES ($1, $2, $3, 0) ON CONFLICT DO NOTHING";
const TOLD: &str = "SELECT percent FROM quota_notices \
     WHERE account_id = $1 AND period = $2 AND meter = $3 FOR NO KEY UPDATE";
const SET_TOLD: &str = "INSERT INTO quota_notices (account_id, period, meter, percent) \
     VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account_id, period, meter) DO UPDATE SET percent = excluded.percent";

const CLAIM: &str = "UPDATE notices n SET mail_at = $2 FROM users u \
     WHERE n.id = ANY (ARRAY( \
       SELECT d.id FROM notices d WHERE d.mail_at <= $1 \
       ORDER BY d.mail_at, d.id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)) AND u.id = n.account_id \
     RETURNING n.id, n.account_id, n.kind, n.subject, n.data, n.at, u.email, u.full_name";

/// Ids are UUIDv7, so their order is that in which they were told.
const LIST: &str = "SELECT id, kind, subject, data, at, read_at FROM notices \
     WHERE account_id = $1 AND id < $2 AND (read_at IS NULL OR NOT $3) \
     ORDER BY id DESC LIMIT $4";

const READ: &str = "UPDATE notices SET read_at = COALESCE(read_at, $3) \
     WHERE account_id = $1 AND id = $2";

const READ_ALL: &str = "UPDATE notices SET read_at = $2 WHERE account_id = $1 AND read_at IS NULL";

#[derive(QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    data: Value,
    #[diesel(sql_type = Timestamptz)]
    at: OffsetDateTime,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    read_at: Option<OffsetDateTime>,
}

impl From<KeptRow> for KeptNotice {
    fn from(row: KeptRow) -> Self {
        Self {
            id: Id::new(row.id),
            kind: row.kind,
            subject: row.subject,
            data: row.data,
            at: row.at,
            read_at: row.read_at,
        }
    }
}

#[derive(QueryableByName)]
struct ToldRow {
    #[diesel(sql_type = SmallInt)]
    percent: i16,
}

#[derive(QueryableByName)]
struct MailRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Jsonb)]
    data: Value,
    #[diesel(sql_type = Timestamptz)]
    at: OffsetDateTime,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Text)]
    full_name: String,
}

impl From<MailRow> for MailNotice {
    fn from(row: MailRow) -> Self {
        Self {
            id: Id::new(row.id),
            account: Id::new(row.account_id),
            kind: row.kind,
            subject: row.subject,
            data: row.data,
            at: row.at,
            email: row.email,
            name: row.full_name,
        }
    }
}

#[async_trait]
impl NoticeStore for PgUnit {
    async fn append(&mut self, notices: &[Notice]) -> Result<(), StoreError> {
        sql(APPEND)
            .bind::<Array<SqlUuid>, _>(each(notices, |it| it.id.uuid()))
            .bind::<Array<SqlUuid>, _>(each(notices, |it| it.account.uuid()))
            .bind::<Array<Text>, _>(each(notices, |it| it.kind.as_str()))
            .bind::<Array<Text>, _>(each(notices, |it| it.kind.subject()))
            .bind::<Array<Jsonb>, _>(each(notices, |it| it.kind.data()))
            .bind::<Array<Timestamptz>, _>(each(notices, |it| it.at))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn told(
        &mut self,
        account: AccountId,
        period: i32,
        meter: Meter,
    ) -> Result<Option<Threshold>, StoreError> {
        let of = |statement| {
            sql(statement)
                .bind::<SqlUuid, _>(account.uuid())
                .bind::<Integer, _>(period)
                .bind::<Text, _>(meter.as_str())
        };
        of(PREPARE).execute(self.conn()).await.map_err(failed)?;
        let row: ToldRow = of(TOLD).get_result(self.conn()).await.map_err(failed)?;
        Ok([Threshold::Near, Threshold::Full]
            .into_iter()
            .find(|it| i16::from(it.percent()) == row.percent))
    }

    async fn set_told(
        &mut self,
        account: AccountId,
        period: i32,
        meter: Meter,
        threshold: Threshold,
    ) -> Result<(), StoreError> {
        sql(SET_TOLD)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Integer, _>(period)
            .bind::<Text, _>(meter.as_str())
            .bind::<SmallInt, _>(i16::from(threshold.percent()))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl NoticeQueue for Postgres {
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<MailNotice>, StoreError> {
        let rows: Vec<MailRow> = sql(CLAIM)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(MailNotice::from).collect())
    }

    async fn mailed(&self, id: NoticeId) -> Result<(), StoreError> {
        sql("UPDATE notices SET mail_at = NULL WHERE id = $1")
            .bind::<SqlUuid, _>(id.uuid())
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl NoticeReader for Postgres {
    async fn list(
        &self,
        account: AccountId,
        unread: bool,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<KeptNotice>, StoreError> {
        let before = match &after {
            Some(after) => NoticeId::parse(after.key())
                .ok_or_else(|| StoreError::corrupt("cursor", "not a notice's id"))?
                .uuid(),
            None => Uuid::max(),
        };
        let rows: Vec<KeptRow> = sql(LIST)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<SqlUuid, _>(before)
            .bind::<Bool, _>(unread)
            .bind::<BigInt, _>(i64::from(limit) + 1)
            .get_results(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        let notices = rows.into_iter().map(KeptNotice::from).collect();
        Ok(Page::cut(notices, limit, |last: &KeptNotice| {
            last.cursor(unread)
        }))
    }

    async fn read(
        &self,
        account: AccountId,
        id: NoticeId,
        now: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let read = sql(READ)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(now)
            .execute(&mut *self.conn().await?)
            .await
            .map_err(failed)?;
        Ok(read == 1)
    }

    async fn read_all(&self, account: AccountId, now: OffsetDateTime) -> Result<(), StoreError> {
        sql(READ_ALL)
            .bind::<SqlUuid, _>(account.uuid())
            .bind::<Timestamptz, _>(now)
            .execute(&mut *self.conn().await?)
            .await
            .map(drop)
            .map_err(failed)
    }
}
