//! What lines count in the product's tables after a run; what several of them ask stands here.

use anyhow::{Result, ensure};

use crate::pg::Session;

/// Something to count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    /// What it is called when it is not what it must be.
    what: &'static str,
    text: &'static str,
}

impl Count {
    /// A statement that answers one number.
    pub(crate) const fn new(what: &'static str, text: &'static str) -> Self {
        Self { what, text }
    }
}

/// Fails unless each of them is what it must be.
pub(crate) async fn agree(session: &Session, counts: &[(Count, u64)]) -> Result<()> {
    for (count, expected) in counts {
        session.agree(count.what, count.text, *expected).await?;
    }
    Ok(())
}

pub(crate) const MESSAGES: Count = Count::new("messages", "SELECT count(*) FROM messages");

pub(crate) const READ: Count = Count::new(
    "read messages",
    "SELECT count(*) FROM messages WHERE status = 3",
);

/// WhatsApp's ids.
pub(crate) const REFERENCES: Count = Count::new("references", "SELECT count(*) FROM provider_refs");

pub(crate) const QUEUE: Count = Count::new("the queue", "SELECT count(*) FROM queue");

pub(crate) const INBOX: Count = Count::new("the inbox", "SELECT count(*) FROM inbox");

pub(crate) const EVENTS: Count = Count::new("events", "SELECT count(*) FROM events");

pub(crate) const TOLD_AS_SENT: Count = Count::new(
    "messages told as sent",
    "SELECT count(DISTINCT payload ->> 'messageId') FROM events WHERE name = 'message.sent'",
);

pub(crate) const TOLD_AS_DELIVERED: Count = Count::new(
    "messages told as delivered",
    "SELECT count(DISTINCT payload ->> 'messageId') FROM events WHERE name = 'message.delivered'",
);

pub(crate) const TOLD_AS_READ: Count = Count::new(
    "messages told as read",
    "SELECT count(DISTINCT payload ->> 'messageId') FROM events WHERE name = 'message.read'",
);

const TOLD: Count = Count::new(
    "events of messages",
    "SELECT count(*) FROM events WHERE name LIKE 'message.%'",
);

const TOLD_TWICE: Count = Count::new(
    "steps that were told twice",
    "SELECT count(*) FROM (SELECT 1 FROM events WHERE name LIKE 'message.%' \
       GROUP BY payload ->> 'messageId', name HAVING count(*) > 1) twice",
);

/// All of these messages were told of as sent and as read, each step once, and nothing else of them. Answers how
/// many were not told of as delivered: a message that is known to be read when that is heard was never only
/// delivered. More than one in a hundred of them is no accident.
pub(crate) async fn told_to_the_end(session: &Session, messages: u64) -> Result<u64> {
    let delivered = u64::try_from(session.count(TOLD_AS_DELIVERED.text).await?)?;
    let passed_by = messages.saturating_sub(delivered);
    ensure!(
        delivered <= messages && passed_by <= messages / 100,
        "the line does not count: {delivered} of {messages} messages were told of as delivered"
    );
    let counts = [
        (TOLD_AS_SENT, messages),
        (TOLD_AS_READ, messages),
        (TOLD, 2 * messages + delivered),
        (TOLD_TWICE, 0),
    ];
    agree(session, &counts).await?;
    Ok(passed_by)
}

/// The log of deliveries.
pub(crate) const DELIVERIES: Count =
    Count::new("rows of the log", "SELECT count(*) FROM deliveries");

/// What repeated requests are answered with.
pub(crate) const KEPT_ANSWERS: Count =
    Count::new("kept answers", "SELECT count(*) FROM idempotency_keys");

/// API requests of all keys; a replay is one, too.
pub(crate) const REQUESTS: Count = Count::new(
    "API requests",
    "SELECT COALESCE(sum(request_count), 0)::bigint FROM api_usage",
);

/// The ledger's side of accepting.
pub(crate) const RESERVED: Count = Count::new(
    "messages reserved for",
    "SELECT COALESCE(sum(reserved_total), 0)::bigint FROM usage_holds",
);

/// Its side of sending, where nothing that was reserved is given back.
pub(crate) const CHARGED: Count = Count::new(
    "messages charged",
    "SELECT COALESCE(sum(messages), 0)::bigint FROM usage_settled WHERE released = 0",
);

pub(crate) const CHARGED_OTHERWISE: Count = Count::new(
    "accounts charged for another number of messages than they sent",
    "SELECT count(*) FROM usage_settled s LEFT JOIN ( \
       SELECT account_id, count(*) AS sent FROM messages GROUP BY account_id) m \
     ON m.account_id = s.account_id WHERE s.messages <> COALESCE(m.sent, 0)",
);
