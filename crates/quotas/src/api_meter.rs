//! Counting API requests without a commit per request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use msgflash_kernel::{AccountId, StoreError};
use time::OffsetDateTime;

use crate::error::QuotaError;
use crate::period::Period;
use crate::ports::{ApiUsageStore, ApiUse, KeyId};

/// Flushes without a request after which an account's total is forgotten: meanwhile other processes
/// may have counted.
const QUIET: u32 = 2;

/// Counts requests in memory and adds them to the store about every second.
///
/// Exact in one process. Several processes may together pass the limit by what the others have
/// counted in the last seconds; a process that is killed forgets at most what it had not flushed.
pub struct ApiMeter {
    store: Arc<dyn ApiUsageStore>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    totals: HashMap<(AccountId, Period), Total>,
    pending: HashMap<(KeyId, Period), ApiUse>,
}

/// One account's month.
#[derive(Clone, Copy, Default)]
struct Total {
    /// What the store held when last asked, plus all that was counted here since.
    count: u64,
    /// How much of that the store has not been told.
    pending: u64,
    /// Flushes since its last request.
    quiet: u32,
}

impl ApiMeter {
    /// A meter that flushes into `store`.
    pub fn new(store: Arc<dyn ApiUsageStore>) -> Self {
        Self {
            store,
            state: Mutex::default(),
        }
    }

    /// Counts one request, or refuses it when the month's quota is spent.
    pub async fn count(
        &self,
        key: KeyId,
        account: AccountId,
        limit: Option<u32>,
        now: OffsetDateTime,
    ) -> Result<(), QuotaError> {
        let period = Period::of(now);
        let used = ApiUse {
            key,
            account,
            period,
            count: 1,
            last_at: now,
        };
        if let Some(decision) = self.lock().count(used, limit) {
            return decision;
        }
        let stored = self.store.total(account, period).await?;
        let mut state = self.lock();
        // Whoever counted while we asked has asked too.
        state.totals.entry((account, period)).or_insert(Total {
            count: stored,
            ..Total::default()
        });
        state.count(used, limit).unwrap_or(Ok(()))
    }

    /// All requests of an account in a month, those not flushed included.
    pub async fn total(&self, account: AccountId, period: Period) -> Result<u64, StoreError> {
        let known = self.lock().totals.get(&(account, period)).copied();
        match known {
            Some(total) => Ok(total.count),
            None => self.store.total(account, period).await,
        }
    }

    /// Adds what is pending to the store, and learns what other processes added.
    pub async fn flush(&self) -> Result<usize, StoreError> {
        let batch = self.lock().take();
        if batch.is_empty() {
            return Ok(0);
        }
        match self.store.add(&batch).await {
            Ok(totals) => {
                let mut state = self.lock();
                for total in totals {
                    let known = state.totals.get_mut(&(total.account, total.period));
                    if let Some(known) = known {
                        known.count = total.count + known.pending;
                    }
                }
                Ok(batch.len())
            }
            Err(error) => {
                self.lock().give_back(batch);
                Err(error)
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("the lock is never held across a panic")
    }
}

impl State {
    /// Counts one request, or refuses it; `None` while the account's total is not known.
    fn count(&mut self, used: ApiUse, limit: Option<u32>) -> Option<Result<(), QuotaError>> {
        let (account, period, now) = (used.account, used.period, used.last_at);
        let total = self.totals.get_mut(&(account, period))?;
        if limit.is_some_and(|limit| total.count >= u64::from(limit)) {
            return Some(Err(QuotaError::ApiRequests(period.time_left(now))));
        }
        total.count += 1;
        total.pending += 1;
        total.quiet = 0;
        let pending = self
            .pending
            .entry((used.key, period))
            .or_insert(ApiUse { count: 0, ..used });
        pending.count += 1;
        pending.last_at = pending.last_at.max(now);
        Some(Ok(()))
    }

    /// Takes what the store has not been told, and forgets the totals of quiet accounts, so that
    /// memory follows the traffic and a month that ended goes away.
    fn take(&mut self) -> Vec<ApiUse> {
        self.totals.retain(|_, total| {
            total.pending = 0;
            total.quiet += 1;
            total.quiet <= QUIET
        });
        self.pending.drain().map(|(_, used)| used).collect()
    }

    fn give_back(&mut self, batch: Vec<ApiUse>) {
        for used in batch {
            if let Some(total) = self.totals.get_mut(&(used.account, used.period)) {
                total.pending += used.count;
            }
            let entry = self
                .pending
                .entry((used.key, used.period))
                .or_insert(ApiUse { count: 0, ..used });
            entry.count += used.count;
            entry.last_at = entry.last_at.max(used.last_at);
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::ports::{ApiTotal, MockApiUsageStore};

    const NOW: OffsetDateTime = datetime!(2026-05-31 23:59:58 UTC);

    fn ids() -> (KeyId, AccountId) {
        (Id::new(Uuid::from_u128(1)), Id::new(Uuid::from_u128(2)))
    }

    fn store_with(total: u64) -> MockApiUsageStore {
        let mut store = MockApiUsageStore::new();
        store.expect_total().returning(move |_, _| Ok(total));
        store
    }

    #[tokio::test]
    async fn refuses_the_first_request_past_the_limit() {
        let (key, account) = ids();
        let meter = ApiMeter::new(Arc::new(store_with(8)));
        assert!(meter.count(key, account, Some(10), NOW).await.is_ok());
        assert!(meter.count(key, account, Some(10), NOW).await.is_ok());
        let refused = meter.count(key, account, Some(10), NOW).await;
        let Err(QuotaError::ApiRequests(wait)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(wait.as_secs(), 2);
    }

    #[tokio::test]
    async fn a_failed_flush_loses_nothing() {
        let (key, account) = ids();
        let mut store = store_with(0);
        let mut first = true;
        store.expect_add().times(2).returning(move |uses| {
            assert_eq!(uses.len(), 1);
            assert_eq!(uses[0].count, 2);
            if std::mem::take(&mut first) {
                return Err(StoreError::Unavailable("down".into()));
            }
            Ok(vec![])
        });
        let meter = ApiMeter::new(Arc::new(store));
        for _ in 0..2 {
            meter
                .count(key, account, None, NOW)
                .await
                .expect("no limit");
        }
        assert!(meter.flush().await.is_err());
        assert_eq!(meter.flush().await.expect("second try"), 1);
    }

    #[tokio::test]
    async fn a_flush_learns_what_other_processes_counted() {
        let (key, account) = ids();
        let mut store = store_with(0);
        store.expect_add().returning(move |uses| {
            let count = uses[0].count + 8;
            let period = Period::of(NOW);
            Ok(vec![ApiTotal {
                account,
                period,
                count,
            }])
        });
        let meter = ApiMeter::new(Arc::new(store));
        assert!(meter.count(key, account, Some(10), NOW).await.is_ok());
        meter.flush().await.expect("works");
        assert!(meter.count(key, account, Some(10), NOW).await.is_ok());
        assert!(meter.count(key, account, Some(10), NOW).await.is_err());
    }

    #[tokio::test]
    async fn a_quiet_account_is_asked_for_again() {
        let (key, account) = ids();
        let mut store = MockApiUsageStore::new();
        store.expect_add().returning(|_| Ok(vec![]));
        store.expect_total().times(2).returning(|_, _| Ok(0));
        let meter = ApiMeter::new(Arc::new(store));
        meter.count(key, account, None, NOW).await.expect("counted");
        for _ in 0..=QUIET {
            meter.flush().await.expect("works");
        }
        meter.count(key, account, None, NOW).await.expect("counted");
    }

    #[tokio::test]
    async fn a_new_month_starts_at_zero() {
        let (key, account) = ids();
        let mut store = MockApiUsageStore::new();
        store
            .expect_total()
            .returning(|_, period| Ok(if period.to_i32() == 202_605 { 5 } else { 0 }));
        let meter = ApiMeter::new(Arc::new(store));
        assert!(meter.count(key, account, Some(5), NOW).await.is_err());
        let june = NOW + time::Duration::seconds(3);
        assert!(meter.count(key, account, Some(5), june).await.is_ok());
    }
}
