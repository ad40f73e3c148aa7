//! The database's clock: the one all processes agree about.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

use diesel::QueryableByName;
use diesel::sql_types::Timestamptz;
use msgflash_kernel::{Clock, StoreError};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// A look that took longer says too little about when it was.
const CLOSE: std::time::Duration = std::time::Duration::from_millis(500);
/// A difference worth telling the operator.
const FAR: Duration = Duration::seconds(2);

/// Shows the database's time: what it was at the last look, and what has passed since.
///
/// Leases, ages of calls and patience are judged by several processes: with clocks of their own, one
/// that runs ahead would take calls for dead that are under way. What has passed is told by the
/// machine's steady clock, so that nothing happens here when its other one is set.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    begun: Instant,
    /// What the database's clock showed when this one began, in microseconds; none before the first
    /// look.
    then: AtomicI64,
}

/// Nobody has looked yet. No clock shows this.
const UNKNOWN: i64 = i64::MIN;

#[derive(QueryableByName)]
struct Now {
    #[diesel(sql_type = Timestamptz)]
    at: OffsetDateTime,
}

impl DatabaseClock {
    /// A clock that shows its own time until it has looked.
    pub fn new(own: Arc<dyn Clock>) -> Self {
        Self {
            own,
            begun: Instant::now(),
            then: AtomicI64::new(UNKNOWN),
        }
    }

    /// Looks at the database's clock; answers by how much that is ahead of the machine's own.
    pub async fn look(&self, postgres: &Postgres) -> Result<Duration, StoreError> {
        let mut conn = postgres.conn().await?;
        let before = self.begun.elapsed();
        let look = sql("SELECT clock_timestamp() AS at");
        let shown: Now = diesel_async::RunQueryDsl::get_result(look, &mut conn)
            .await
            .map_err(failed)?;
        let took = self.begun.elapsed().saturating_sub(before);
        let ahead = shown.at - (self.own.now() - took / 2);
        if took <= CLOSE {
            let then = (shown.at - OffsetDateTime::UNIX_EPOCH) - (before + took / 2);
            let then = i64::try_from(then.whole_microseconds()).unwrap_or(UNKNOWN);
            self.then.store(then, Ordering::Relaxed);
            if ahead.abs() > FAR {
                warn!(
                    ahead_ms = %ahead.whole_milliseconds(),
                    "this machine's clock is not the database's; the database's counts"
                );
            }
        }
        Ok(ahead)
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> OffsetDateTime {
        match self.then.load(Ordering::Relaxed) {
            UNKNOWN => self.own.now(),
            then => {
                // Whole microseconds, as the database keeps them.
                let passed = i64::try_from(self.begun.elapsed().as_micros()).unwrap_or(i64::MAX);
                OffsetDateTime::UNIX_EPOCH + Duration::microseconds(then.saturating_add(passed))
            }
        }
    }
}
