//! The lock of everything that is counted on an account, and what its plan allows of it.

use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use msgflash_kernel::{AccountId, Places, StoreError};
use uuid::Uuid;

use crate::error::failed;
use crate::sql::{Sql, sql};
use crate::unit::PgUnit;

/// The text of a [`counting`] statement: of what follows `FROM` in `$held`, where `$1` is the account, it may
/// have as many as `$cap` says, a column of its plan `p`, or `$2` where that is less. What nothing caps is not
/// counted: there may be very many.
macro_rules! places {
    ($cap:literal, $held:expr) => {
        concat!(
            "SELECT c.cap, CASE WHEN c.cap IS NULL THEN 0 ELSE (SELECT count(*) FROM ",
            $held,
            ") END AS taken FROM (SELECT LEAST(",
            $cap,
            ", $2) AS cap FROM subscriptions s JOIN plans p ON p.id = s.plan_id \
             WHERE s.account_id = $1) c"
        )
    };
}
pub(crate) use places;

const HOLD: &str =
    "SELECT suspended_at IS NULL AS is_open FROM users WHERE id = $1 FOR NO KEY UPDATE";

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Bool)]
    is_open: bool,
}

#[derive(QueryableByName)]
struct PlacesRow {
    #[diesel(sql_type = Nullable<Integer>)]
    cap: Option<i32>,
    #[diesel(sql_type = BigInt)]
    taken: i64,
}

impl From<PlacesRow> for Places {
    fn from(row: PlacesRow) -> Self {
        Self {
            taken: u32::try_from(row.taken).unwrap_or(u32::MAX),
            cap: row.cap.map(|it| u32::try_from(it).unwrap_or(0)),
        }
    }
}

/// A statement of [`places`] for an account, and the cap that its caller knows.
pub(crate) fn counting<'a>(text: &'static str, account: AccountId, cap: Option<u32>) -> Sql<'a> {
    let cap = cap.map(|it| i32::try_from(it).unwrap_or(i32::MAX));
    sql(text)
        .bind::<SqlUuid, _>(account.uuid())
        .bind::<Nullable<Integer>, _>(cap)
}

impl PgUnit {
    /// Holds an account until the unit ends, and answers whether it is open. Keys, groups, endpoints,
    /// instances, teams and their places are counted, and plans changed, by whoever holds it. They are
    /// counted in a later statement: that one begins after the lock is held, so it sees what whoever held
    /// it before has committed.
    pub(crate) async fn hold_account(&mut self, account: Uuid) -> Result<bool, StoreError> {
        let is_open = self.hold_any_account(account).await?;
        is_open.ok_or(StoreError::Stale("users"))
    }

    /// The same where there may be no such account.
    pub(crate) async fn hold_any_account(
        &mut self,
        account: Uuid,
    ) -> Result<Option<bool>, StoreError> {
        let row: Option<AccountRow> = sql(HOLD)
            .bind::<SqlUuid, _>(account)
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        Ok(row.map(|it| it.is_open))
    }

    /// Holds an account, then counts. The plan is the one that holds from here until the unit ends: whoever
    /// changes it holds the account too, and what callers know of it may be a second old.
    pub(crate) async fn hold_places(
        &mut self,
        account: AccountId,
        statement: Sql<'_>,
    ) -> Result<Places, StoreError> {
        self.hold_account(account.uuid()).await?;
        let row: Option<PlacesRow> = statement
            .get_result(self.conn())
            .await
            .optional()
            .map_err(failed)?;
        let row = row.ok_or(StoreError::Stale("subscriptions"))?;
        Ok(row.into())
    }
}
