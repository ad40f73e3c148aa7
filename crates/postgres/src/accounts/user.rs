//! People.

use async_trait::async_trait;
use diesel::dsl;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_accounts::{AccountReader, Registration, User, UserStore};
use msgflash_kernel::{Id, Secret, StoreError, UserId};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::error::{broken_constraint, expect_rows, failed};
use crate::pool::Postgres;
use crate::schema::users;
use crate::sql::sql;
use crate::unit::PgUnit;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(treat_none_as_null = true)]
#[diesel(table_name = users, check_for_backend(diesel::pg::Pg))]
struct UserRow {
    id: Uuid,
    email: String,
    full_name: String,
    display_name: Option<String>,
    phone: String,
    avatar_url: Option<String>,
    password_hash: Option<String>,
    email_verified_at: Option<OffsetDateTime>,
    suspended_at: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
    updated_at: OffsetDateTime,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: Id::new(row.id),
            email: row.email,
            full_name: row.full_name,
            display_name: row.display_name,
            phone: row.phone,
            avatar_url: row.avatar_url,
            password_hash: row.password_hash.map(Secret::new),
            email_verified_at: row.email_verified_at,
            suspended_at: row.suspended_at,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<&User> for UserRow {
    fn from(it: &User) -> Self {
        Self {
            id: it.id.uuid(),
            email: it.email.clone(),
            full_name: it.full_name.clone(),
            display_name: it.display_name.clone(),
            phone: it.phone.clone(),
            avatar_url: it.avatar_url.clone(),
            password_hash: it.password_hash.as_ref().map(|hash| hash.reveal().clone()),
            email_verified_at: it.email_verified_at,
            suspended_at: it.suspended_at,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

/// Whoever has this address, whatever its capitals.
macro_rules! has {
    ($email:expr) => {
        dsl::sql::<Bool>("lower(email) = lower(")
            .bind::<Text, _>($email)
            .sql(")")
    };
}

#[async_trait]
impl AccountReader for Postgres {
    async fn find(&self, id: UserId) -> Result<Option<User>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<UserRow> = users::table
            .find(id.uuid())
            .select(UserRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(User::from))
    }

    async fn find_by_email(&self, email: &str) -> Result<Option<User>, StoreError> {
        let mut conn = self.conn().await?;
        let row: Option<UserRow> = users::table
            .filter(has!(email))
            .select(UserRow::as_select())
            .first(&mut conn)
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(User::from))
    }
}

#[async_trait]
impl UserStore for PgUnit {
    async fn insert(
        &mut self,
        user: &User,
        subscription: Uuid,
    ) -> Result<Registration, StoreError> {
        let inserted = diesel::insert_into(users::table)
            .values(UserRow::from(user))
            .execute(self.conn())
            .await;
        match inserted {
            Ok(_) => {}
            Err(error) if broken_constraint(&error) == Some("users_email_unique") => {
                return Ok(Registration::EmailTaken);
            }
            Err(error) => return Err(failed(error)),
        }
        // The plan of those who pay nothing costs nothing and ranks below all others on offer.
        let subscribed = sql(
            "INSERT INTO subscriptions (id, account_id, plan_id, status, provider, \
               period_start, created_at, updated_at) \
             SELECT $1, $2, id, 'active', 'none', $3, $3, $3 FROM plans \
             WHERE is_active AND price = 0 ORDER BY rank, version DESC LIMIT 1",
        )
        .bind::<SqlUuid, _>(subscription)
        .bind::<SqlUuid, _>(user.id.uuid())
        .bind::<Timestamptz, _>(user.created_at)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        if subscribed == 1 {
            Ok(Registration::Done)
        } else {
            Err(StoreError::corrupt(
                "plans.code",
                "no plan on offer costs nothing",
            ))
        }
    }

    async fn lock(&mut self, id: UserId) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = users::table
            .find(id.uuid())
            .select(UserRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(User::from))
    }

    async fn lock_by_email(&mut self, email: &str) -> Result<Option<User>, StoreError> {
        let row: Option<UserRow> = users::table
            .filter(has!(email))
            .select(UserRow::as_select())
            .for_no_key_update()
            .first(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(User::from))
    }

    async fn update(&mut self, user: &User) -> Result<(), StoreError> {
        let updated = diesel::update(users::table.find(user.id.uuid()))
            .set(UserRow::from(user))
            .execute(self.conn())
            .await
            .map_err(failed)?;
        expect_rows(updated, 1, "users")
    }
}
