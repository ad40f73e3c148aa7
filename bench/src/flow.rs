//! Rows as the product has them before a line begins, and waiting for the end of a run.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use msgflash_kernel::{Clock as _, Ids as _, RandomIds, SystemClock};
use msgflash_quotas::Period;
use uuid::Uuid;

use crate::pg::{Database, Session};
use crate::scene;

/// A run that takes longer than this has stopped moving.
const PATIENCE: Duration = Duration::from_mins(30);
/// How often the end of a run is looked for.
const GLANCE: Duration = Duration::from_millis(20);

/// Fresh ids in the order of time, as the product makes them.
pub(crate) fn ids(count: usize) -> Vec<Uuid> {
    (0..count).map(|_| RandomIds.next()).collect()
}

/// `count` accepted text messages to as many numbers, spread evenly over `lanes` tenants. With
/// `queued` they wait to be sent, otherwise they were sent and WhatsApp's ids are known.
pub(crate) async fn messages(
    database: &Database,
    session: &Session,
    count: u32,
    lanes: u32,
    queued: bool,
) -> Result<()> {
    make(database, session, count, lanes, queued, "now()").await
}

/// `count` messages that were sent over the last ninety days, in the order of their ids.
pub(crate) async fn history(
    database: &Database,
    session: &Session,
    count: u32,
    lanes: u32,
) -> Result<()> {
    make(database, session, count, lanes, false, LONG_AGO).await
}

/// When message `n` of `$1` was made.
const LONG_AGO: &str = "now() - interval '90 days' * (1 - n / ($1::bigint)::float8)";

async fn make(
    database: &Database,
    session: &Session,
    count: u32,
    lanes: u32,
    queued: bool,
    at: &str,
) -> Result<()> {
    database.reset().await?;
    scene::people(session, lanes).await?;
    let period = Period::of(SystemClock.now()).to_i32();
    scene::ledger(session, period).await?;
    let (count, lanes) = (i64::from(count), i64::from(lanes));
    let first = i64::from(scene::FIRST);
    let made = format!(
        "SELECT n, ('01930000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid AS id, \
           ('00000000-0000-7000-8000-0000000' || ({first} + n % $2::bigint))::uuid AS account, \
           ('00000000-0000-7000-9000-0000000' || ({first} + n % $2::bigint))::uuid AS instance, \
           33600000000 + n AS phone, '3EB0' || lpad(upper(to_hex(n)), 16, '0') AS key_id, \
           {at} AS at \
         FROM generate_series(0::bigint, $1::bigint - 1) n"
    );
    let status = if queued { "0, NULL" } else { "1, m.key_id" };
    session
        .run(
            &format!(
                "INSERT INTO messages (workspace_id, id, account_id, acting_user_id, instance_id, \
                   inbound, kind, peer, body, status, provider_message_id, meta, request_id, \
                   created_at, updated_at) \
                 SELECT m.account, m.id, m.account, m.account, m.instance, false, 'text', m.phone, \
                   'Your parcel is ready.', {status}, '{{}}', m.id::text, m.at, m.at \
                 FROM ({made}) m"
            ),
            &[&count, &lanes],
        )
        .await?;
    let holds = format!(
        "UPDATE usage_holds h SET reserved_total = m.count \
         FROM (SELECT account, count(*) FROM ({made}) m GROUP BY account) m \
         WHERE h.account_id = m.account"
    );
    session.run(&holds, &[&count, &lanes]).await?;
    if queued {
        let text = format!(
            "INSERT INTO queue (instance_id, message_id, workspace_id, account_id, phone, class, \
               state, due_at, not_before, ready_since, period) \
             SELECT m.instance, m.id, m.account, m.account, m.phone, 0, 1, now(), now(), now(), $3::int \
             FROM ({made}) m"
        );
        session.run(&text, &[&count, &lanes, &period]).await?;
    } else {
        let text = format!(
            "INSERT INTO provider_refs (instance_id, key_id, workspace_id, message_id, created_at) \
             SELECT m.instance, m.key_id, m.account, m.id, m.at FROM ({made}) m"
        );
        session.run(&text, &[&count, &lanes]).await?;
    }
    session.settle_down().await
}

/// Waits until none of `tables` has a row.
pub(crate) async fn until_empty(session: &Session, tables: &[&str]) -> Result<()> {
    for table in tables {
        let text = format!("SELECT EXISTS (SELECT 1 FROM {table})::int::bigint");
        until(session, &format!("{table} is empty"), &text, 0).await?;
    }
    Ok(())
}

/// Waits until a count is what it must become. A negative one says that it never will.
pub(crate) async fn until(session: &Session, what: &str, text: &str, wanted: i64) -> Result<()> {
    let begun = Instant::now();
    loop {
        let found = session.count(text).await?;
        if found == wanted {
            return Ok(());
        }
        ensure!(
            found >= 0 && begun.elapsed() < PATIENCE,
            "the line does not count: {what}: {found} instead of {wanted} after {:?}",
            begun.elapsed()
        );
        tokio::time::sleep(GLANCE).await;
    }
}
