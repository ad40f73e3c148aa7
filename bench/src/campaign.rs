//! Campaigns, made over the API and compared with what SQL counts.

use anyhow::{Context as _, Result, ensure};
use msgflash_kernel::{Clock as _, SystemClock};
use serde_json::{Value, json};
use time::macros::format_description;

use crate::api::Api;
use crate::flow::until;
use crate::pg::Session;

/// What every recipient gets.
pub(crate) const TEXT: &str = "Your parcel is ready.";

/// When a campaign sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hours {
    /// At once.
    Any,
    /// One hour a day, which begins in six hours: until then its audience is written down and nothing
    /// else happens.
    Later,
}

/// Makes a campaign that starts now, from a number to an audience; answers its id.
pub(crate) async fn create(
    api: &mut Api,
    tenant: u32,
    instance: &str,
    audience: &Value,
    hours: Hours,
) -> Result<String> {
    let now = SystemClock.now();
    let schedule =
        format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    let mut body = json!({
        "name": "Parcels", "instanceId": instance, "schedule": now.format(schedule)?,
        "recipients": audience, "type": "text", "body": TEXT,
    });
    if hours == Hours::Later {
        let clock = format_description!("[hour]:[minute]");
        body["window"] = json!({
            "start": (now + time::Duration::hours(6)).format(clock)?,
            "end": (now + time::Duration::hours(7)).format(clock)?,
            "timezone": "UTC",
        });
    }
    let body = body.to_string();
    let made = api.post(tenant, "/api/v1/campaigns", &body).await?;
    let made: Value = serde_json::from_slice(&made).context("the answer is no JSON")?;
    let id = made["data"]["id"].as_str();
    Ok(id.context("the campaign has no id")?.to_owned())
}

/// Waits until the whole audience is written down.
pub(crate) async fn until_expanded(session: &Session, id: &str) -> Result<()> {
    let done = format!(
        "SELECT count(*) FROM campaigns \
         WHERE id = '{id}' AND run_id IS NOT NULL AND expand_list IS NULL"
    );
    until(session, "its audience is written down", &done, 1).await
}

/// Waits until so many of its messages were read. One that failed will never be.
pub(crate) async fn until_read(session: &Session, id: &str, messages: u32) -> Result<()> {
    let read = format!(
        "SELECT CASE WHEN failed + cancelled + skipped = 0 THEN read ELSE -1 END \
         FROM campaign_counters WHERE campaign_id = '{id}'"
    );
    until(
        session,
        "its messages were read",
        &read,
        i64::from(messages),
    )
    .await
}

/// Waits until it is complete.
pub(crate) async fn until_complete(session: &Session, id: &str) -> Result<()> {
    let done = format!("SELECT count(*) FROM campaigns WHERE id = '{id}' AND status = 'completed'");
    until(session, "it is complete", &done, 1).await
}

/// What the API tells of its recipients: so many are planned and so many left out.
pub(crate) fn told(stats: &[u8]) -> Result<(u64, u64)> {
    let body: Value = serde_json::from_slice(stats).context("the answer is no JSON")?;
    let number = |name: &str| body["data"]["stats"][name].as_u64();
    let planned = number("planned").context("the answer has no stats")?;
    let sum = ["queued", "sent", "failed", "cancelled"].map(number);
    let sum: u64 = sum.into_iter().flatten().sum();
    ensure!(
        planned == sum && number("total") == Some(planned),
        "the line does not count: {body} does not add up"
    );
    Ok((planned, number("skipped").unwrap_or(0)))
}

/// Stops it, and waits until nothing of it is under way.
pub(crate) async fn pause(api: &mut Api, session: &Session, tenant: u32, id: &str) -> Result<()> {
    let path = format!("/api/v1/campaigns/{id}/pause");
    api.post(tenant, &path, "{}").await?;
    until(session, "nothing is under way", UNDER_WAY, 0).await
}

/// Calls, and what the gateway told and what is to be told of them.
const UNDER_WAY: &str = "SELECT (SELECT count(*) FROM queue WHERE state = 2) \
    + (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox)";

/// Where the API tells it.
pub(crate) fn stats_path(id: &str) -> String {
    format!("/api/v1/campaigns/{id}/stats")
}

/// Every campaign's counters are those of its recipients and messages, and no run has a number twice.
pub(crate) async fn require_exact(session: &Session) -> Result<()> {
    for (what, text) in [
        ("campaigns whose counters differ from a recount", RECOUNT),
        ("numbers that a run has twice", TWICE),
    ] {
        session.agree(what, text, 0).await?;
    }
    Ok(())
}

/// Campaigns that were counted otherwise than their rows are.
const RECOUNT: &str = "SELECT count(*) FROM ( \
    SELECT c.id FROM campaigns c LEFT JOIN campaign_counters n ON n.campaign_id = c.id \
    LEFT JOIN campaign_recipients r ON r.campaign_id = c.id \
    LEFT JOIN messages m ON m.id = r.message_id \
    GROUP BY c.id, n.campaign_id \
    HAVING (n.planned, n.queued, n.sent, n.delivered, n.read, n.failed, n.skipped, n.made) \
      IS DISTINCT FROM ( \
      count(r.phone) FILTER (WHERE r.skip = 0), \
      count(r.phone) FILTER (WHERE r.skip = 0 AND COALESCE(m.status, 0) = 0), \
      count(*) FILTER (WHERE m.status IN (1, 2, 3)), \
      count(*) FILTER (WHERE m.status IN (2, 3)), \
      count(*) FILTER (WHERE m.status = 3), \
      count(*) FILTER (WHERE m.status = 4), \
      count(r.phone) FILTER (WHERE r.skip <> 0), \
      count(m.id))) differing";

const TWICE: &str = "SELECT count(*) FROM ( \
    SELECT 1 FROM campaign_recipients GROUP BY run_id, phone HAVING count(*) > 1) twice";
