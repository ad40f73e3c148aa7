//! The database's clock: the one all processes agree about.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use diesel::QueryableByName;
use diesel::sql_types::Timestamptz;
use msgflash_kernel::{Clock, StoreError};
use time::{Duration, OffsetDateTime};
use tracing::warn;

use crate::error::failed;
use crate::pool::Postgres;
use crate::sql::sql;

/// A look that took longer says too little about when it was.
const CLOSE: Duration = Duration::milliseconds(500);
/// A difference worth telling the operator.
const FAR: Duration = Duration::seconds(2);

/// Shows the database's time, as far as the last look at it told.
///
/// Leases, ages of calls and patience are judged by several processes: with clocks of their own, one
/// that runs ahead would take calls for dead that are under way.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    /// By how much the database is ahead, in microseconds.
    ahead: AtomicI64,
}

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
            ahead: AtomicI64::new(0),
        }
    }

    /// Looks at the database's clock; answers by how much that is ahead of the machine's own.
    pub async fn look(&self, postgres: &Postgres) -> Result<Duration, StoreError> {
        let mut conn = postgres.conn().await?;
        let before = self.own.now();
        let look = sql("SELECT clock_timestamp() AS at");
        let shown: Now = diesel_async::RunQueryDsl::get_result(look, &mut conn)
            .await
            .map_err(failed)?;
        let took = self.own.now() - before;
        let ahead: Duration = shown.at - (before + took / 2);
        if (Duration::ZERO..=CLOSE).contains(&took) {
            let micros = i64::try_from(ahead.whole_microseconds()).unwrap_or(0);
            self.ahead.store(micros, Ordering::Relaxed);
            if ahead.abs() > FAR {
                warn!(
                    ahead_ms = micros / 1000,
                    "this machine's clock is not the database's; the database's counts"
                );
            }
        }
        Ok(ahead)
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> OffsetDateTime {
        self.own.now() + Duration::microseconds(self.ahead.load(Ordering::Relaxed))
    }
}
