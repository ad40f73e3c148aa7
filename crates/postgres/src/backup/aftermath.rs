//! What was true when the backup was made and must not be believed now (decision 0015).

use time::OffsetDateTime;
use tokio_postgres::Client;

use super::BackupError;

/// Queue rows that may have been sent since, or are being sent in the backup. Who waits for a time
/// that has not come was not sent. An open call stays open; what else may have been called for
/// counts as one call more, begun when the backup was made at the earliest.
const DOUBT: &str = "UPDATE queue SET \
       state = CASE WHEN state IN (2, 3) THEN 3 ELSE 4 END, \
       attempt = CASE WHEN state IN (0, 1) THEN attempt + 1 ELSE attempt END, \
       started_at = CASE WHEN state IN (0, 1) THEN $1 ELSE started_at END, \
       resent = resent OR NOT $2, \
       ready_since = $3, look_at = $3, looks = 0, owner = NULL, lease_until = NULL \
     WHERE state <> 0 OR due_at <= greatest($1::timestamptz, $3::timestamptz)";

/// Nobody is at work on this database, whatever the rows of the backup say.
const NOBODY: [&str; 4] = [
    "DELETE FROM workers",
    "UPDATE lanes SET owner = NULL, epoch = epoch + 1, down_since = NULL",
    "UPDATE delivery_queue SET lease_until = NULL WHERE lease_until IS NOT NULL",
    "UPDATE receipt_looks SET lease_until = '-infinity'",
];

/// Statuses whose calls were under way are looked up, and patience with them begins now.
const STATUSES: &str = "UPDATE statuses SET waited_since = $1, look_at = $1, looks = 0, \
     lease_until = NULL WHERE state = 'pending'";

/// Whom campaigns wrote to since the backup was made, nobody here knows: a person decides whether they go on.
const CAMPAIGNS: &str = "UPDATE campaigns SET status = 'paused', turn_at = NULL, updated_at = $1 \
     WHERE status IN ('scheduled', 'running', 'paused_quota', 'paused_plan')";

/// What payment providers were told since the backup was made, nobody here knows: they are told again what
/// is wished here.
const AGREEMENTS: &str = "UPDATE billing_agreements SET tell_at = '-infinity', tell_failures = 0 \
     WHERE ended_at IS NULL";

/// Sessions that were ended since the backup was made would be open again: people sign in anew.
const SIGNED_OUT: &str = "UPDATE sessions SET revoked_at = $1, revoked_for = 'operator' \
     WHERE revoked_at IS NULL";

/// The queue after a restore.
pub(super) struct Queue {
    pub(super) doubtful: u64,
    pub(super) waiting: u64,
}

/// Takes back what is not true any more since the moment the backup shows.
pub(super) async fn settle(
    client: &Client,
    at: OffsetDateTime,
    gateway_is_intact: bool,
) -> Result<Queue, BackupError> {
    // Loading took its time, and patience with the queue begins now.
    let row = client.query_one("SELECT clock_timestamp()", &[]).await?;
    let now: OffsetDateTime = row.get(0);
    let doubtful = client
        .execute(DOUBT, &[&at, &gateway_is_intact, &now])
        .await?;
    for statement in NOBODY {
        client.execute(statement, &[]).await?;
    }
    client.execute(STATUSES, &[&now]).await?;
    client.execute(CAMPAIGNS, &[&now]).await?;
    client.execute(AGREEMENTS, &[]).await?;
    client.execute(SIGNED_OUT, &[&now]).await?;
    let waiting = "SELECT count(*) FROM queue WHERE state = 0";
    let waiting: i64 = client.query_one(waiting, &[]).await?.get(0);
    Ok(Queue {
        doubtful,
        waiting: u64::try_from(waiting).unwrap_or(0),
    })
}
