//! Mail on its way.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_accounts::{
    KeptMail, MailId, MailQueue, MailReader, MailStore, OutgoingMail, Rendered,
};
use msgflash_kernel::{Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::mails;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Longest reason that is kept.
const LONGEST: usize = 500;

const CLAIM: &str = "UPDATE mails SET next_try_at = $2, tries = tries + 1 \
     WHERE id = ANY (ARRAY(SELECT id FROM mails WHERE next_try_at <= $1 \
       ORDER BY next_try_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)) \
     RETURNING *";

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = mails, check_for_backend(diesel::pg::Pg))]
struct MailRow {
    id: Uuid,
    user_id: Option<Uuid>,
    recipient: String,
    kind: String,
    subject: String,
    text: String,
    html: String,
    created_at: OffsetDateTime,
    give_up_at: OffsetDateTime,
    tries: i32,
    sent_at: Option<OffsetDateTime>,
    failed_at: Option<OffsetDateTime>,
    error: Option<String>,
}

impl From<MailRow> for KeptMail {
    fn from(row: MailRow) -> Self {
        Self {
            mail: OutgoingMail {
                id: Id::new(row.id),
                user: row.user_id.map(Id::new),
                recipient: row.recipient,
                kind: row.kind,
                content: Rendered {
                    subject: row.subject,
                    text: row.text,
                    html: row.html,
                },
                created_at: row.created_at,
                give_up_at: row.give_up_at,
                tries: u32::try_from(row.tries).unwrap_or(0),
            },
            sent_at: row.sent_at,
            failed_at: row.failed_at,
            error: row.error,
        }
    }
}

#[async_trait]
impl MailStore for PgUnit {
    async fn queue(&mut self, mail: &OutgoingMail) -> Result<(), StoreError> {
        diesel::insert_into(mails::table)
            .values((
                mails::id.eq(mail.id.uuid()),
                mails::user_id.eq(mail.user.map(Id::uuid)),
                mails::recipient.eq(&mail.recipient),
                mails::kind.eq(&mail.kind),
                mails::subject.eq(&mail.content.subject),
                mails::text.eq(&mail.content.text),
                mails::html.eq(&mail.content.html),
                mails::created_at.eq(mail.created_at),
                mails::give_up_at.eq(mail.give_up_at),
                mails::next_try_at.eq(mail.created_at),
            ))
            .on_conflict(mails::id)
            .do_nothing()
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}

/// Bodies carry links that open accounts: once a mail is over, its body is of use to nobody else.
const SENT: &str = "UPDATE mails SET sent_at = $2, next_try_at = NULL, error = NULL, \
       text = CASE WHEN $3 THEN text ELSE '' END, html = CASE WHEN $3 THEN html ELSE '' END \
     WHERE id = $1";

const GIVEN_UP: &str = "UPDATE mails SET failed_at = $2, next_try_at = NULL, error = $4, \
       text = CASE WHEN $3 THEN text ELSE '' END, html = CASE WHEN $3 THEN html ELSE '' END \
     WHERE id = $1 AND next_try_at IS NOT NULL";

#[async_trait]
impl MailQueue for Postgres {
    async fn claim(
        &self,
        now: OffsetDateTime,
        until: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<OutgoingMail>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<MailRow> = sql(CLAIM)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(until)
            .bind::<BigInt, _>(i64::from(limit))
            .get_results(&mut conn)
            .await
            .map_err(failed)?;
        Ok(rows
            .into_iter()
            .map(|row| KeptMail::from(row).mail)
            .collect())
    }

    async fn sent(&self, id: MailId, at: OffsetDateTime, keep: bool) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        sql(SENT)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(at)
            .bind::<Bool, _>(keep)
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn put_off(&self, id: MailId, next: OffsetDateTime, why: &str) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        diesel::update(mails::table.find(id.uuid()))
            .filter(mails::next_try_at.is_not_null())
            .set((mails::next_try_at.eq(next), mails::error.eq(short(why))))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn give_up(
        &self,
        id: MailId,
        at: OffsetDateTime,
        why: &str,
        keep: bool,
    ) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        sql(GIVEN_UP)
            .bind::<SqlUuid, _>(id.uuid())
            .bind::<Timestamptz, _>(at)
            .bind::<Bool, _>(keep)
            .bind::<Text, _>(short(why))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl MailReader for Postgres {
    async fn newest(&self, limit: u32) -> Result<Vec<KeptMail>, StoreError> {
        let mut conn = self.conn().await?;
        let rows: Vec<MailRow> = mails::table
            .order(mails::id.desc())
            .limit(i64::from(limit))
            .select(MailRow::as_select())
            .load(&mut conn)
            .await
            .map_err(failed)?;
        Ok(rows.into_iter().map(KeptMail::from).collect())
    }
}

/// What a mail server says may be long, and may hold what the database refuses.
fn short(why: &str) -> String {
    why.chars().filter(|it| *it != '\0').take(LONGEST).collect()
}
