//! The row changes of a drain, five hundred messages at a time on two connections.

use std::time::Instant;

use anyhow::{Context as _, Result};
use serde_json::Value;
use uuid::Uuid;

use crate::flow;
use crate::pg::{Database, Session};

/// Messages of one batch.
const BATCH: i64 = 500;

/// What the product writes into a message it sent: the baseline writes the same width.
pub(in crate::lines) struct Sample {
    meta: Value,
}

impl Sample {
    /// Takes it from a message the product has just sent.
    pub(in crate::lines) async fn take(session: &Session) -> Result<Self> {
        let text = "SELECT meta FROM messages WHERE status BETWEEN 1 AND 3 LIMIT 1";
        let row = session.client.query_opt(text, &[]).await?;
        let row = row.context("the product sent nothing")?;
        Ok(Self { meta: row.get(0) })
    }
}

/// Drains the queue; answers the seconds it took.
pub(in crate::lines) async fn drain(
    database: &Database,
    lanes: u32,
    sample: &Sample,
) -> Result<f64> {
    let (first, second) = (database.session().await?, database.session().await?);
    let begun = Instant::now();
    tokio::try_join!(
        half(first, super::half(lanes, 0)?, &sample.meta),
        half(second, super::half(lanes, 1)?, &sample.meta),
    )?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn half(mut session: Session, lanes: Vec<Uuid>, meta: &Value) -> Result<()> {
    let start = session.client.prepare(START).await?;
    let settle = session.client.prepare(SETTLE).await?;
    let hand_on = session.client.prepare(HAND_ON).await?;
    let size = usize::try_from(BATCH)?;
    let owner = Uuid::nil();
    for lane in lanes {
        loop {
            let rows = session
                .client
                .query(&start, &[&lane, &BATCH, &owner])
                .await?;
            if rows.is_empty() {
                break;
            }
            let messages: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
            let ids = flow::ids(size);
            let unit = session.client.transaction().await?;
            unit.execute(&settle, &[&lane, &messages, &ids, meta])
                .await?;
            unit.commit().await?;
            session.client.execute(&hand_on, &[&BATCH]).await?;
        }
    }
    // The other connection may have held some of them.
    while session.client.execute(&hand_on, &[&BATCH]).await? > 0 {}
    Ok(())
}

/// A batch of a lane is marked started. Rows are named by their place, which is the fastest way.
const START: &str = "UPDATE queue SET state = 2, attempt = attempt + 1, owner = $3, \
      lease_until = now() + interval '2 min', started_at = now() \
    WHERE ctid = ANY (ARRAY( \
      SELECT ctid FROM queue WHERE instance_id = $1 AND state = 1 \
      ORDER BY class, due_at, message_id LIMIT $2 FOR UPDATE)) RETURNING message_id";

/// It is settled: queue, message, reference, event, outbox, ledger.
const SETTLE: &str = "WITH gone AS ( \
      DELETE FROM queue WHERE instance_id = $1 AND message_id = ANY ($2) \
      RETURNING workspace_id, message_id, account_id, period), \
    numbered AS ( \
      SELECT g.*, row_number() OVER (ORDER BY message_id) AS n, \
        '3EB0' || upper(right(replace(message_id::text, '-', ''), 16)) AS key_id FROM gone g), \
    moved AS ( \
      UPDATE messages m SET status = 1, charged_period = g.period, meta = $4, \
        provider_message_id = g.key_id, updated_at = now() \
      FROM numbered g WHERE m.workspace_id = g.workspace_id AND m.id = g.message_id \
      RETURNING m.workspace_id, m.id, m.account_id, m.peer, g.key_id, g.n), \
    bound AS ( \
      INSERT INTO provider_refs (instance_id, key_id, workspace_id, message_id, created_at) \
      SELECT $1, key_id, workspace_id, message_id, now() FROM numbered), \
    told AS ( \
      INSERT INTO events (workspace_id, id, account_id, name, payload, at) \
      SELECT m.workspace_id, ($3::uuid[])[m.n], m.account_id, 'message.sent', \
        jsonb_build_object('event', 'message.sent', 'instanceId', $1::uuid, 'messageId', m.id, \
          'providerMessageId', m.key_id, 'to', '+' || m.peer, 'status', 'sent', \
          'campaignId', null, \
          'timestamp', to_char(now(), 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')), now() \
      FROM moved m RETURNING workspace_id, id), \
    waiting AS ( \
      INSERT INTO outbox (event_id, workspace_id) SELECT id, workspace_id FROM told) \
    INSERT INTO usage_settled AS s (account_id, period, messages, statuses, released) \
    SELECT account_id, period, count(*), 0, 0 FROM numbered GROUP BY account_id, period \
    ON CONFLICT (account_id, period) DO UPDATE SET messages = s.messages + EXCLUDED.messages";

/// A batch of events leaves the outbox; nobody listens.
const HAND_ON: &str = "DELETE FROM outbox WHERE ctid = ANY (ARRAY( \
      SELECT ctid FROM outbox ORDER BY event_id LIMIT $1 FOR UPDATE SKIP LOCKED))";
