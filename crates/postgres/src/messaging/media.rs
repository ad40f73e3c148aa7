//! Uploaded files as they are stored: whose they are and until when. Their bytes lie elsewhere.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::{Id, Secret, StoreError, WorkspaceId};
use msgflash_messaging::media::link::{KEY_BYTES, LinkKey};
use msgflash_messaging::media::ports::{Held, MediaReader, MediaStore, MediaUnit, MediaUnits};
use msgflash_messaging::media::{Media, MediaId, MediaType};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{media, media_keys};
use crate::sql::sql;
use crate::unit::PgUnit;

/// The class of the advisory locks on workspaces that take files in.
const ROOM_OF_WORKSPACE: i32 = 0x6d66_0003;

#[derive(Queryable, Selectable, QueryableByName)]
#[diesel(table_name = media, check_for_backend(diesel::pg::Pg))]
struct MediaRow {
    workspace_id: Uuid,
    id: Uuid,
    created_by: Uuid,
    mime_type: String,
    size_bytes: i64,
    original_name: String,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl TryFrom<MediaRow> for Media {
    type Error = StoreError;

    fn try_from(row: MediaRow) -> Result<Self, StoreError> {
        let kind = MediaType::parse(&row.mime_type);
        Ok(Self {
            id: Id::new(row.id),
            workspace: Id::new(row.workspace_id),
            created_by: Id::new(row.created_by),
            kind: kind.ok_or_else(|| StoreError::corrupt("media.mime_type", row.mime_type))?,
            size: unsigned("media.size_bytes", row.size_bytes)?,
            original_name: row.original_name,
            created_at: row.created_at,
            expires_at: row.expires_at,
        })
    }
}

#[derive(QueryableByName)]
struct HeldRow {
    #[diesel(sql_type = BigInt)]
    files: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_expiry: Option<OffsetDateTime>,
}

fn unsigned(place: &'static str, stored: i64) -> Result<u64, StoreError> {
    u64::try_from(stored).map_err(|_| StoreError::corrupt(place, stored.to_string()))
}

#[async_trait]
impl MediaReader for Postgres {
    async fn find_by_token(&self, hash: &[u8; 32]) -> Result<Option<Media>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<MediaRow> = media::table
            .filter(media::token_hash.eq(hash.as_slice()))
            .filter(media::is_stored)
            .select(MediaRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        row.map(Media::try_from).transpose()
    }

    async fn link_key(&self, fresh: &LinkKey) -> Result<LinkKey, StoreError> {
        let mut conn = self.conn().await?;
        // Whoever comes first makes it, and everybody reads what became of that.
        diesel::insert_into(media_keys::table)
            .values(media_keys::key.eq(fresh.reveal().as_slice()))
            .on_conflict_do_nothing()
            .execute(&mut conn)
            .await
            .map_err(failed)?;
        let key: Vec<u8> = media_keys::table
            .select(media_keys::key)
            .first(&mut conn)
            .await
            .map_err(failed)?;
        let key: [u8; KEY_BYTES] = key
            .try_into()
            .map_err(|_| StoreError::corrupt("media_keys.key", "not 32 bytes"))?;
        Ok(Secret::new(key))
    }
}

#[async_trait]
impl MediaStore for PgUnit {
    async fn lock_held(&mut self, workspace: WorkspaceId) -> Result<Held, StoreError> {
        sql("SELECT pg_advisory_xact_lock($1, hashtext($2::text))")
            .bind::<Integer, _>(ROOM_OF_WORKSPACE)
            .bind::<SqlUuid, _>(workspace.uuid())
            .execute(self.conn())
            .await
            .map_err(failed)?;
        // A statement of its own sees what the last holder of the lock committed.
        let held: HeldRow = sql("SELECT count(*) AS files, \
               coalesce(sum(size_bytes), 0)::bigint AS bytes, min(expires_at) AS next_expiry \
             FROM media WHERE workspace_id = $1")
        .bind::<SqlUuid, _>(workspace.uuid())
        .get_result(self.conn())
        .await
        .map_err(failed)?;
        Ok(Held {
            files: unsigned("media", held.files)?,
            bytes: unsigned("media.size_bytes", held.bytes)?,
            next_expiry: held.next_expiry,
        })
    }

    async fn insert(
        &mut self,
        it: &Media,
        token: &[u8; 32],
        until: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let size = i64::try_from(it.size);
        let size = size.map_err(|_| StoreError::corrupt("media.size_bytes", "too large"))?;
        diesel::insert_into(media::table)
            .values((
                media::workspace_id.eq(it.workspace.uuid()),
                media::id.eq(it.id.uuid()),
                media::created_by.eq(it.created_by.uuid()),
                media::mime_type.eq(it.kind.mime()),
                media::size_bytes.eq(size),
                media::original_name.eq(&it.original_name),
                media::token_hash.eq(token.as_slice()),
                media::created_at.eq(it.created_at),
                media::expires_at.eq(until),
            ))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn mark_stored(&mut self, it: &Media) -> Result<bool, StoreError> {
        diesel::update(media::table.find((it.workspace.uuid(), it.id.uuid())))
            .set((
                media::is_stored.eq(true),
                media::expires_at.eq(it.expires_at),
            ))
            .execute(self.conn())
            .await
            .map(|rows| rows > 0)
            .map_err(failed)
    }

    async fn delete(
        &mut self,
        workspace: WorkspaceId,
        id: MediaId,
    ) -> Result<Option<Media>, StoreError> {
        let row: Option<MediaRow> =
            diesel::delete(media::table.find((workspace.uuid(), id.uuid())))
                .returning(MediaRow::as_returning())
                .get_result(self.conn())
                .await
                .optional()
                .map_err(failed)?;
        row.map(Media::try_from).transpose()
    }

    async fn take_expired(
        &mut self,
        now: OffsetDateTime,
        limit: u32,
    ) -> Result<Vec<Media>, StoreError> {
        // Several processes clear away side by side.
        let rows: Vec<MediaRow> = sql("DELETE FROM media WHERE ctid = ANY (ARRAY( \
               SELECT ctid FROM media WHERE expires_at <= $1 \
               ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING *")
        .bind::<Timestamptz, _>(now)
        .bind::<BigInt, _>(i64::from(limit))
        .get_results(self.conn())
        .await
        .map_err(failed)?;
        rows.into_iter().map(Media::try_from).collect()
    }
}

impl MediaUnit for PgUnit {
    fn media(&mut self) -> &mut dyn MediaStore {
        self
    }
}

#[async_trait]
impl MediaUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn MediaUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
