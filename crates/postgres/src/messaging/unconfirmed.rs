//! Walking over sent messages without a receipt.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, SmallInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::MessageStatus;
use msgflash_messaging::receipt::ports::{Unconfirmed, UnconfirmedStore};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

#[derive(QueryableByName)]
struct TakenRow {
    #[diesel(sql_type = SmallInt)]
    look: i16,
}

#[derive(QueryableByName)]
struct FoundRow {
    #[diesel(sql_type = SqlUuid)]
    instance_id: Uuid,
    #[diesel(sql_type = Text)]
    session: String,
    #[diesel(sql_type = Text)]
    key_id: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: OffsetDateTime,
}

#[async_trait]
impl UnconfirmedStore for Postgres {
    async fn claim(
        &self,
        look: i16,
        until: OffsetDateTime,
        limit: u32,
        now: OffsetDateTime,
        lease: OffsetDateTime,
    ) -> Result<Option<Vec<Unconfirmed>>, StoreError> {
        let mut conn = self.conn().await?;
        let taken: Option<TakenRow> = sql(
            "UPDATE receipt_looks SET lease_until = $3 WHERE look = $1 AND lease_until <= $2 \
             RETURNING look",
        )
        .bind::<SmallInt, _>(look)
        .bind::<Timestamptz, _>(now)
        .bind::<Timestamptz, _>(lease)
        .get_result(&mut conn)
        .await
        .optional()
        .map_err(failed)?;
        let Some(TakenRow { look }) = taken else {
            return Ok(None);
        };
        // The order is that of time: what commits late has hours or minutes to do so.
        let rows: Vec<FoundRow> = sql(
            "SELECT i.id AS instance_id, i.session, s.key_id, s.created_at \
             FROM receipt_looks l CROSS JOIN instances i CROSS JOIN LATERAL ( \
               SELECT r.key_id, r.created_at FROM provider_refs r \
               JOIN messages m ON m.workspace_id = r.workspace_id AND m.id = r.message_id \
               WHERE uuid_send(r.instance_id) = uuid_send(i.id) AND r.created_at >= l.at AND r.created_at <= $2 \
                 AND (r.created_at, r.instance_id, r.key_id) > (l.at, l.instance_id, l.key_id) \
                 AND m.status = $3 AND NOT m.inbound \
               ORDER BY r.created_at, r.key_id LIMIT $4) s \
             WHERE l.look = $1 AND i.deleted_at IS NULL \
             ORDER BY s.created_at, i.id, s.key_id LIMIT $4",
        )
        .bind::<SmallInt, _>(look)
        .bind::<Timestamptz, _>(until)
        .bind::<SmallInt, _>(MessageStatus::Sent.to_i16())
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(&mut conn)
        .await
        .map_err(failed)?;
        let found = rows.into_iter().map(|row| Unconfirmed {
            instance: Id::new(row.instance_id),
            session: row.session,
            key_id: row.key_id,
            sent_at: row.created_at,
        });
        Ok(Some(found.collect()))
    }

    async fn resume(
        &self,
        look: i16,
        last: Option<Unconfirmed>,
        at: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let Some(last) = last else {
            return give_back(self, look, at).await;
        };
        let place = (last.sent_at, last.instance.uuid(), last.key_id.as_str());
        go_on(self, look, place, at).await
    }

    async fn finish(&self, look: i16, until: OffsetDateTime) -> Result<(), StoreError> {
        go_on(self, look, (until, Uuid::max(), ""), until).await
    }
}

async fn give_back(
    postgres: &Postgres,
    look: i16,
    free_at: OffsetDateTime,
) -> Result<(), StoreError> {
    let mut conn = postgres.conn().await?;
    sql("UPDATE receipt_looks SET lease_until = $2 WHERE look = $1")
        .bind::<SmallInt, _>(look)
        .bind::<Timestamptz, _>(free_at)
        .execute(&mut conn)
        .await
        .map(drop)
        .map_err(failed)
}

/// Moves a look on and gives it back. Whoever was slower than the lease never moves it back.
async fn go_on(
    postgres: &Postgres,
    look: i16,
    (at, instance, key_id): (OffsetDateTime, Uuid, &str),
    free_at: OffsetDateTime,
) -> Result<(), StoreError> {
    let mut conn = postgres.conn().await?;
    sql(
        "UPDATE receipt_looks l SET lease_until = $5, (at, instance_id, key_id) = ( \
           SELECT p.at, p.instance_id, p.key_id \
           FROM (VALUES (l.at, l.instance_id, l.key_id), ($2, $3, $4)) \
             AS p (at, instance_id, key_id) \
           ORDER BY p.at DESC, p.instance_id DESC, p.key_id DESC LIMIT 1) \
         WHERE look = $1",
    )
    .bind::<SmallInt, _>(look)
    .bind::<Timestamptz, _>(at)
    .bind::<SqlUuid, _>(instance)
    .bind::<Text, _>(key_id)
    .bind::<Timestamptz, _>(free_at)
    .execute(&mut conn)
    .await
    .map(drop)
    .map_err(failed)
}
