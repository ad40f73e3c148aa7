//! Who asked for a mail.

use async_trait::async_trait;
use diesel::QueryableByName;
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_accounts::{MailRequest, MailRequestStore, MailRequests, Purpose};
use msgflash_kernel::StoreError;
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::mail_requests;
use crate::sql::sql;
use crate::unit::PgUnit;

const TAKE: &str = "DELETE FROM mail_requests WHERE id = ( \
       SELECT id FROM mail_requests ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED) \
     RETURNING id, kind, email, created_at";

#[derive(QueryableByName)]
struct RequestRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

impl TryFrom<RequestRow> for MailRequest {
    type Error = StoreError;

    fn try_from(row: RequestRow) -> Result<Self, StoreError> {
        let purpose = Purpose::parse(&row.kind);
        Ok(Self {
            id: row.id,
            purpose: purpose.ok_or_else(|| StoreError::corrupt("mail_requests.kind", row.kind))?,
            email: row.email,
            created_at: row.created_at,
        })
    }
}

#[async_trait]
impl MailRequests for Postgres {
    async fn put(&self, request: &MailRequest) -> Result<(), StoreError> {
        let mut conn = self.conn().await?;
        diesel::insert_into(mail_requests::table)
            .values((
                mail_requests::id.eq(request.id),
                mail_requests::kind.eq(request.purpose.as_str()),
                mail_requests::email.eq(&request.email),
                mail_requests::created_at.eq(request.created_at),
            ))
            .execute(&mut conn)
            .await
            .map(drop)
            .map_err(failed)
    }
}

#[async_trait]
impl MailRequestStore for PgUnit {
    async fn take(&mut self) -> Result<Option<MailRequest>, StoreError> {
        let taken: Vec<RequestRow> = sql(TAKE).get_results(self.conn()).await.map_err(failed)?;
        taken
            .into_iter()
            .next()
            .map(MailRequest::try_from)
            .transpose()
    }
}
