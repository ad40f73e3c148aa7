//! Sessions.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use msgflash_accounts::{
    Session, SessionEnd, SessionId, SessionReader, SessionState, SessionStore,
};
use msgflash_kernel::{Id, StoreError, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::failed;
use crate::pool::Postgres;
use crate::schema::{sessions, users};
use crate::unit::PgUnit;

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = sessions, check_for_backend(diesel::pg::Pg))]
struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    created_at: OffsetDateTime,
    expires_at: OffsetDateTime,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            id: Id::new(row.id),
            user: Id::new(row.user_id),
            created_at: row.created_at,
            expires_at: row.expires_at,
        }
    }
}

impl From<&Session> for SessionRow {
    fn from(it: &Session) -> Self {
        Self {
            id: it.id.uuid(),
            user_id: it.user.uuid(),
            created_at: it.created_at,
            expires_at: it.expires_at,
        }
    }
}

#[async_trait]
impl SessionReader for Postgres {
    async fn find(&self, id: SessionId) -> Result<Option<SessionState>, StoreError> {
        let mut conn = self.conn().await?;
        let found: Option<(SessionRow, bool, bool)> = sessions::table
            .inner_join(users::table)
            .filter(sessions::id.eq(id.uuid()))
            .select((
                SessionRow::as_select(),
                sessions::revoked_at.is_not_null(),
                users::suspended_at.is_not_null(),
            ))
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        Ok(found.map(|(session, revoked, suspended)| SessionState {
            session: session.into(),
            revoked,
            suspended,
        }))
    }
}

#[async_trait]
impl SessionStore for PgUnit {
    async fn insert(&mut self, session: &Session) -> Result<(), StoreError> {
        diesel::insert_into(sessions::table)
            .values(SessionRow::from(session))
            .execute(self.conn())
            .await
            .map(drop)
            .map_err(failed)
    }

    async fn end(
        &mut self,
        id: SessionId,
        why: SessionEnd,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError> {
        let ended = diesel::update(sessions::table.find(id.uuid()))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(at))
            .set((
                sessions::revoked_at.eq(at),
                sessions::revoked_for.eq(why.as_str()),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(ended == 1)
    }

    async fn end_all(
        &mut self,
        user: UserId,
        except: Option<SessionId>,
        why: SessionEnd,
        at: OffsetDateTime,
    ) -> Result<u64, StoreError> {
        let ended = diesel::update(sessions::table)
            .filter(sessions::user_id.eq(user.uuid()))
            .filter(sessions::revoked_at.is_null())
            .filter(sessions::expires_at.gt(at))
            .filter(sessions::id.ne(except.map_or(Uuid::nil(), Id::uuid)))
            .set((
                sessions::revoked_at.eq(at),
                sessions::revoked_for.eq(why.as_str()),
            ))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        Ok(ended as u64)
    }
}
