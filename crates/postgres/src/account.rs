//! The lock of everything that is counted on an account.

use diesel::QueryableByName;
use diesel::result::OptionalExtension as _;
use diesel::sql_types::{Bool, Uuid as SqlUuid};
use diesel_async::RunQueryDsl as _;
use msgflash_kernel::StoreError;
use uuid::Uuid;

use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

const HOLD: &str =
    "SELECT suspended_at IS NULL AS is_open FROM users WHERE id = $1 FOR NO KEY UPDATE";

#[derive(QueryableByName)]
struct AccountRow {
    #[diesel(sql_type = Bool)]
    is_open: bool,
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
}
