//! The outbound ledger.

use std::collections::BTreeMap;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Integer, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use msgflash_kernel::StoreError;
use msgflash_quotas::{LedgerStore, Settlement, Want};
use uuid::Uuid;

use crate::error::failed;
use crate::sql::sql;
use crate::unit::PgUnit;

/// Account and month. Their order is the order of locking.
type Key = (Uuid, i32);

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = SqlUuid)]
    account_id: Uuid,
    #[diesel(sql_type = Integer)]
    period: i32,
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// What limits the reservations of one account and month while its row is held.
#[derive(Clone, Copy, Debug, Default)]
struct Balance {
    reserved_total: i64,
    released: i64,
    /// Reserved now, on top of `reserved_total`.
    granted: i64,
}

impl Balance {
    /// Grants as much of `want` as its limit leaves.
    fn grant(&mut self, want: &Want) -> u32 {
        let granted = match want.limit {
            None => want.count,
            Some(limit) => {
                let taken = self.reserved_total + self.granted - self.released;
                let left = (i64::from(limit) - taken).max(0);
                u32::try_from(left).unwrap_or(u32::MAX).min(want.count)
            }
        };
        self.granted += i64::from(granted);
        granted
    }
}

#[async_trait]
impl LedgerStore for PgUnit {
    async fn reserve(&mut self, wants: &[Want]) -> Result<Vec<u32>, StoreError> {
        let mut balances: BTreeMap<Key, Balance> = wants
            .iter()
            .map(|want| (key_of(want), Balance::default()))
            .collect();
        if balances.is_empty() {
            return Ok(Vec::new());
        }
        let keys: Vec<Key> = balances.keys().copied().collect();
        for row in self.hold(&keys).await? {
            balances
                .entry((row.account_id, row.period))
                .or_default()
                .reserved_total = row.count;
        }
        // Only now: a statement sees what was committed when it began. Read together with the
        // first row, releases could be newer than the reservations they belong to; read later,
        // they are at most too old, which admits less and never more.
        for row in self.released(&keys).await? {
            balances
                .entry((row.account_id, row.period))
                .or_default()
                .released = row.count;
        }
        let grants = wants
            .iter()
            .map(|want| balances.entry(key_of(want)).or_default().grant(want))
            .collect();
        balances.retain(|_, balance| balance.granted > 0);
        self.add_reserved(&balances).await?;
        Ok(grants)
    }

    async fn settle(&mut self, settlements: &[Settlement]) -> Result<(), StoreError> {
        // Folded, because a statement may meet a row once; sorted, so that two settlements side by
        // side lock in one order.
        let mut folded: BTreeMap<Key, [i64; 3]> = BTreeMap::new();
        for it in settlements {
            let sums = folded
                .entry((it.account.uuid(), it.period.to_i32()))
                .or_default();
            for (sum, more) in sums.iter_mut().zip([it.messages, it.statuses, it.released]) {
                *sum += i64::from(more);
            }
        }
        if folded.is_empty() {
            return Ok(());
        }
        let (accounts, periods) = columns(folded.keys().copied());
        let column = |n: usize| folded.values().map(|sums| sums[n]).collect::<Vec<_>>();
        sql(
            "INSERT INTO usage_settled AS s (account_id, period, messages, statuses, released) \
             SELECT * FROM UNNEST($1, $2, $3, $4, $5) \
               AS n (account_id, period, messages, statuses, released) \
             ORDER BY account_id, period \
             ON CONFLICT (account_id, period) DO UPDATE SET \
               messages = s.messages + EXCLUDED.messages, \
               statuses = s.statuses + EXCLUDED.statuses, \
               released = s.released + EXCLUDED.released",
        )
        .bind::<Array<SqlUuid>, _>(accounts)
        .bind::<Array<Integer>, _>(periods)
        .bind::<Array<BigInt>, _>(column(0))
        .bind::<Array<BigInt>, _>(column(1))
        .bind::<Array<BigInt>, _>(column(2))
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

impl PgUnit {
    /// Holds usage rows until the unit ends.
    pub(crate) async fn hold_usage(&mut self, keys: &[(Uuid, i32)]) -> Result<(), StoreError> {
        self.hold(keys).await.map(drop)
    }

    /// Holds the rows of `keys` until the unit ends, making those that are missing.
    async fn hold(&mut self, keys: &[Key]) -> Result<Vec<CountRow>, StoreError> {
        // The row of a single key nearly always exists, and asking for one that does not holds
        // nothing. With several keys, making rows while holding others could wait in a circle, so
        // they are made first.
        if keys.len() == 1 {
            let held = self.lock_holds(keys).await?;
            if !held.is_empty() {
                return Ok(held);
            }
        }
        let (accounts, periods) = columns(keys.iter().copied());
        sql(
            "INSERT INTO usage_holds (account_id, period, reserved_total) \
             SELECT account_id, period, 0 FROM UNNEST($1, $2) AS n (account_id, period) \
             ORDER BY account_id, period ON CONFLICT DO NOTHING",
        )
        .bind::<Array<SqlUuid>, _>(accounts)
        .bind::<Array<Integer>, _>(periods)
        .execute(self.conn())
        .await
        .map_err(failed)?;
        self.lock_holds(keys).await
    }

    async fn lock_holds(&mut self, keys: &[Key]) -> Result<Vec<CountRow>, StoreError> {
        let (accounts, periods) = columns(keys.iter().copied());
        sql(
            "SELECT h.account_id, h.period, h.reserved_total AS count FROM usage_holds h \
             JOIN UNNEST($1, $2) AS k (account_id, period) \
               ON h.account_id = k.account_id AND h.period = k.period \
             ORDER BY h.account_id, h.period FOR NO KEY UPDATE OF h",
        )
        .bind::<Array<SqlUuid>, _>(accounts)
        .bind::<Array<Integer>, _>(periods)
        .get_results(self.conn())
        .await
        .map_err(failed)
    }

    async fn released(&mut self, keys: &[Key]) -> Result<Vec<CountRow>, StoreError> {
        let (accounts, periods) = columns(keys.iter().copied());
        sql(
            "SELECT s.account_id, s.period, s.released AS count FROM usage_settled s \
             JOIN UNNEST($1, $2) AS k (account_id, period) \
               ON s.account_id = k.account_id AND s.period = k.period",
        )
        .bind::<Array<SqlUuid>, _>(accounts)
        .bind::<Array<Integer>, _>(periods)
        .get_results(self.conn())
        .await
        .map_err(failed)
    }

    /// Writes what was granted. The rows are held, so their order does not matter any more.
    async fn add_reserved(&mut self, granted: &BTreeMap<Key, Balance>) -> Result<(), StoreError> {
        if granted.is_empty() {
            return Ok(());
        }
        let (accounts, periods) = columns(granted.keys().copied());
        let counts: Vec<i64> = granted.values().map(|balance| balance.granted).collect();
        sql(
            "UPDATE usage_holds h SET reserved_total = h.reserved_total + n.count \
             FROM UNNEST($1, $2, $3) AS n (account_id, period, count) \
             WHERE h.account_id = n.account_id AND h.period = n.period",
        )
        .bind::<Array<SqlUuid>, _>(accounts)
        .bind::<Array<Integer>, _>(periods)
        .bind::<Array<BigInt>, _>(counts)
        .execute(self.conn())
        .await
        .map(drop)
        .map_err(failed)
    }
}

fn key_of(want: &Want) -> Key {
    (want.account.uuid(), want.period.to_i32())
}

fn columns(keys: impl Iterator<Item = Key>) -> (Vec<Uuid>, Vec<i32>) {
    keys.unzip()
}
