//! Whether the soak counts: every message was accepted, sent, read, told of and charged once.

use std::sync::atomic::Ordering;

use anyhow::{Result, ensure};

use super::TENANTS;
use crate::campaign::TEXT;
use crate::counts::{self, Count};
use crate::flow;
use crate::gateway::Gateway;
use crate::pg::{Session, agree};
use crate::receiver::Received;
use crate::scene;

/// How many were read; one that failed never will be.
const READ: &str = "SELECT CASE WHEN count(*) FILTER (WHERE status > 3) = 0 \
    THEN count(*) FILTER (WHERE status = 3) ELSE -1 END FROM messages";

/// Waits until everything is read and told of.
pub(super) async fn until_done(session: &Session, accepted: u64) -> Result<()> {
    let all = i64::try_from(accepted)?;
    flow::until(session, "every message was read", READ, all).await?;
    flow::until_empty(session, &["queue", "inbox", "outbox", "delivery_queue"]).await
}

/// Answers how many were read before it was heard that they were delivered.
pub(super) async fn counts(session: &Session, accepted: u64) -> Result<u64> {
    let counts = [
        (counts::MESSAGES, accepted),
        (
            Count::new(
                "read messages with their reference",
                "SELECT count(*) FROM messages m JOIN provider_refs r \
                 ON r.instance_id = m.instance_id AND r.key_id = m.provider_message_id \
                   AND r.message_id = m.id WHERE m.status = 3",
            ),
            accepted,
        ),
        (counts::REFERENCES, accepted),
        (counts::RESERVED, accepted),
        (counts::CHARGED, accepted),
        (counts::CHARGED_OTHERWISE, 0),
        (counts::REQUESTS, accepted),
    ];
    counts::agree(session, &counts).await?;
    counts::told_to_the_end(session, accepted).await
}

/// What left the gateway is each number's messages, each once.
pub(super) async fn left(session: &Session, gateway: &Gateway, accepted: u64) -> Result<()> {
    let reached = "SELECT count(*) FROM messages \
                   WHERE instance_id = $1::text::uuid AND peer = ANY ($2::bigint[])";
    let mut all = 0;
    for tenant in 0..TENANTS {
        let left = gateway.left(&scene::session(tenant), TEXT).await?;
        let row = session
            .client
            .query_one(reached, &[&scene::instance(tenant), &left])
            .await?;
        agree("recipients reached", row.get(0), left.len() as u64)?;
        all += left.len();
    }
    agree("messages at the gateway", i64::try_from(all)?, accepted)
}

/// Those with a webhook were told of each of their messages.
pub(super) async fn told(session: &Session, received: &Received) -> Result<()> {
    let text = "SELECT count(*) FROM messages \
                WHERE account_id IN (SELECT account_id FROM webhook_endpoints)";
    let expected = u64::try_from(session.count(text).await?)?;
    let delivered = "SELECT count(DISTINCT event_id) FROM deliveries WHERE status = 'delivered'";
    session.agree("deliveries", delivered, expected).await?;
    counts::agree(session, &[(counts::DELIVERIES, expected)]).await?;
    agree(
        "events received",
        i64::try_from(received.events())?,
        expected,
    )?;
    let forged = received.forged.load(Ordering::Relaxed);
    ensure!(
        forged == 0,
        "the line does not count: {forged} signatures are wrong"
    );
    Ok(())
}
