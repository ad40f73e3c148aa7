//! Time that has passed for one account: what is stored of it is moved into the past, because the server
//! under test has the real time.

use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::Stack;

/// All that is said of what an account has paid, in one statement: nobody sees one half of it. The account is
/// held first, as whoever changes any of this does.
const AGE: &str = "WITH held AS MATERIALIZED ( \
       SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE), \
     charged AS (UPDATE billing_agreements SET \
       covered_at = covered_at - make_interval(secs => $2), \
       created_at = created_at - make_interval(secs => $2), \
       ended_at = ended_at - make_interval(secs => $2) \
       WHERE account_id = (SELECT id FROM held)), \
     told AS (UPDATE billing_events SET \
       occurred_at = occurred_at - make_interval(secs => $2), \
       handled_at = handled_at - make_interval(secs => $2) \
       WHERE account_id = (SELECT id FROM held)), \
     begun AS (UPDATE billing_checkouts SET \
       created_at = created_at - make_interval(secs => $2), \
       paid_at = paid_at - make_interval(secs => $2) \
       WHERE account_id = (SELECT id FROM held)), \
     paid AS (UPDATE payments SET \
       created_at = created_at - make_interval(secs => $2), \
       period_start = period_start - make_interval(secs => $2), \
       period_end = period_end - make_interval(secs => $2) \
       WHERE account_id = (SELECT id FROM held)) \
     UPDATE subscriptions SET \
       period_start = period_start - make_interval(secs => $2), \
       period_end = period_end - make_interval(secs => $2), \
       scheduled_at = scheduled_at - make_interval(secs => $2), \
       past_due_since = past_due_since - make_interval(secs => $2), \
       due_at = due_at - make_interval(secs => $2) \
     WHERE account_id = (SELECT id FROM held)";

/// All that is counted month by month, in one statement: whoever looks at an allowance sees its use and what
/// was told of it in the same month.
const NEXT_MONTH: &str = "WITH held AS (UPDATE usage_holds SET \
       period = CASE WHEN period % 100 = 1 THEN period - 89 ELSE period - 1 END \
       WHERE account_id = $1), \
     settled AS (UPDATE usage_settled SET \
       period = CASE WHEN period % 100 = 1 THEN period - 89 ELSE period - 1 END \
       WHERE account_id = $1), \
     asked AS (UPDATE api_usage SET \
       period = CASE WHEN period % 100 = 1 THEN period - 89 ELSE period - 1 END \
       WHERE account_id = $1) \
     UPDATE quota_notices SET \
       period = CASE WHEN period % 100 = 1 THEN period - 89 ELSE period - 1 END \
       WHERE account_id = $1";

/// Wakes whoever waits for billing, and tells all that remember a plan to look anew.
const RING: &str = "SELECT pg_notify('msgflash_billing', ''), pg_notify('msgflash_changed', '')";

const SECONDS_A_DAY: f64 = 86_400.0;

/// The time of the server under test.
#[expect(
    clippy::disallowed_methods,
    reason = "the server under test has the real time"
)]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// So many days from now; before it where they are negative.
pub fn in_days(days: f64) -> OffsetDateTime {
    now() + Duration::seconds_f64(days * SECONDS_A_DAY)
}

impl Stack {
    /// Lets so many days pass for an account.
    pub async fn age(&self, account: Uuid, days: f64) {
        let seconds = days * SECONDS_A_DAY;
        let aged = self.sql(AGE, &[&account, &seconds]).await;
        assert_eq!(aged, 1, "everybody has a subscription");
        self.ring().await;
    }

    /// Lets a month begin for an account: what it used until now was used in the month before. Once per test.
    /// The server may count requests of programs that it has not stored yet in the new month.
    pub async fn next_month(&self, account: Uuid) {
        self.sql(NEXT_MONTH, &[&account]).await;
    }

    /// Wakes whoever waits for time, or for a payment provider.
    pub async fn ring(&self) {
        self.rows(RING, &[]).await;
    }
}
