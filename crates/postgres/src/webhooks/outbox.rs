//! Facts, kept in the transaction that made them true.

use async_trait::async_trait;
use diesel::sql_types::{Array, Json, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Event, Outbox, StoreError};

use crate::columns::each;
use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

#[async_trait]
impl Outbox for PgUnit {
    async fn append(&mut self, events: &[Event]) -> Result<(), StoreError> {
        if events.is_empty() {
            return Ok(());
        }
        sql("WITH new AS ( \
               INSERT INTO events (workspace_id, id, account_id, name, payload, request_id, at) \
               SELECT * FROM UNNEST($1, $2, $3, $4, $5, $6, $7) RETURNING workspace_id, id) \
             INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM new")
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.workspace.uuid()))
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.id.uuid()))
        .bind::<Array<SqlUuid>, _>(each(events, |it| it.account.uuid()))
        .bind::<Array<Text>, _>(each(events, |it| it.name))
        .bind::<Array<Json>, _>(events.iter().map(|it| &it.payload).collect::<Vec<_>>())
        .bind::<Array<Nullable<Text>>, _>(
            events
                .iter()
                .map(|it| it.request.as_deref())
                .collect::<Vec<_>>(),
        )
        .bind::<Array<Timestamptz>, _>(each(events, |it| it.at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}
