//! Addresses that numbers have at the provider, and calls given up.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Phone, StoreError};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::trace::{KnownAddress, LostCall, TraceStore};
use msgflash_messaging::provider::Address;
use time::OffsetDateTime;
use uuid::Uuid;

use super::instance::phone;
use crate::columns::each;
use crate::error::failed;
use crate::schema::{known_addresses, lost_calls};
use crate::sql::sql;
use crate::unit::PgUnit;

/// An address as it is stored; `None` for those nobody speaks to.
fn stored(address: &Address) -> Option<String> {
    match address {
        Address::Phone(phone) => Some(phone.to_string()),
        Address::Lid(lid) => Some(lid.clone()),
        Address::Other => None,
    }
}

#[async_trait]
impl TraceStore for PgUnit {
    async fn learn(&mut self, addresses: &[KnownAddress]) -> Result<(), StoreError> {
        let mut told: Vec<_> = addresses
            .iter()
            .filter_map(|it| Some((it.instance.uuid(), stored(&it.address)?, it.phone.to_i64())))
            .collect();
        // A statement may touch a row once, and units that learn the same wait in one order.
        told.sort();
        told.dedup_by(|next, kept| (next.0, &next.1) == (kept.0, &kept.1));
        if told.is_empty() {
            return Ok(());
        }
        sql("INSERT INTO known_addresses (instance_id, address, phone) \
             SELECT instance_id, address, phone \
             FROM UNNEST($1, $2, $3) AS n (instance_id, address, phone) \
             ON CONFLICT (instance_id, address) DO UPDATE SET phone = excluded.phone \
             WHERE known_addresses.phone <> excluded.phone")
        .bind::<Array<SqlUuid>, _>(each(&told, |it| it.0))
        .bind::<Array<Text>, _>(each(&told, |it| it.1.clone()))
        .bind::<Array<BigInt>, _>(each(&told, |it| it.2))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn phone_behind(
        &mut self,
        instance: InstanceId,
        address: &Address,
    ) -> Result<Option<Phone>, StoreError> {
        let Some(address) = stored(address) else {
            return Ok(None);
        };
        let found: Option<i64> = known_addresses::table
            .find((instance.uuid(), address))
            .select(known_addresses::phone)
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        found.map(phone).transpose()
    }

    async fn lose(&mut self, calls: &[LostCall]) -> Result<(), StoreError> {
        sql(
            "INSERT INTO lost_calls (instance_id, phone, message_id, workspace_id, started_at) \
             SELECT * FROM UNNEST($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        )
        .bind::<Array<SqlUuid>, _>(each(calls, |it| it.instance.uuid()))
        .bind::<Array<BigInt>, _>(each(calls, |it| it.phone.to_i64()))
        .bind::<Array<SqlUuid>, _>(each(calls, |it| it.message.uuid()))
        .bind::<Array<SqlUuid>, _>(each(calls, |it| it.workspace.uuid()))
        .bind::<Array<Timestamptz>, _>(each(calls, |it| it.started_at))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn lost(&mut self, instance: InstanceId, to: Phone) -> Result<Vec<LostCall>, StoreError> {
        let rows: Vec<(Uuid, Uuid, OffsetDateTime)> = lost_calls::table
            .filter(lost_calls::instance_id.eq(instance.uuid()))
            .filter(lost_calls::phone.eq(to.to_i64()))
            .order((lost_calls::started_at, lost_calls::message_id))
            .select((
                lost_calls::message_id,
                lost_calls::workspace_id,
                lost_calls::started_at,
            ))
            .load(self.conn())
            .await
            .map_err(failed)?;
        let call = |(message, workspace, started_at)| LostCall {
            instance,
            phone: to,
            message: Id::new(message),
            workspace: Id::new(workspace),
            started_at,
        };
        Ok(rows.into_iter().map(call).collect())
    }

    async fn found(&mut self, call: &LostCall) -> Result<(), StoreError> {
        let key = (
            call.instance.uuid(),
            call.phone.to_i64(),
            call.message.uuid(),
        );
        diesel::delete(lost_calls::table.find(key))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }
}
