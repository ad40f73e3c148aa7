//! What is asked of endpoints.

use msgflash_kernel::Problems;
use msgflash_webhooks::manage::MAX_EVENTS;
use msgflash_webhooks::{EndpointChange, EventName, target};
use serde::Deserialize;
use serde_json::Value;
use time::OffsetDateTime;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};
use crate::services::Targets;

/// An endpoint to make.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct EndpointBody {
    /// An `https` URL, up to 2048 characters. Private addresses are refused.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = "uri", example = "https://app.example.com/hooks/msgflash")]
    pub url: Field<String>,
    /// 1 to 50 event names; repetitions are dropped.
    #[serde(default)]
    #[schema(value_type = Vec<String>, required = true, min_items = 1, max_items = 50, example = json!(["message.delivered", "message.failed"]))]
    pub events: Field<Vec<Value>>,
}

impl EndpointBody {
    /// Checks the shape and notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: Targets,
    ) -> Result<(String, Vec<String>), Problems> {
        let url = url(&mut check, &self.url, Need::Must, targets);
        let events = check.given("events", &self.events, Need::Must, "an array");
        let events = events.map(|events| names(&mut check, events));
        check.finish()?;
        Ok((url.unwrap_or_default(), events.unwrap_or_default()))
    }
}

fn url(check: &mut Check, field: &Field<String>, need: Need, targets: Targets) -> Option<String> {
    // The one below says what is wrong with a length.
    let url = check.text("url", field, need, u64::MAX);
    if let Some(url) = &url
        && let Err(problem) = target::check("url", url, targets.allow_private)
    {
        check.refuse(problem.field, problem.code, problem.message);
    }
    url
}

fn names(check: &mut Check, events: &[Value]) -> Vec<String> {
    if events.is_empty() || events.len() > MAX_EVENTS {
        check.refuse("events", "length", "Give 1 to 50 events");
        return Vec::new();
    }
    let mut names = Vec::new();
    for (at, event) in events.iter().enumerate() {
        let path = format!("events.{at}");
        match event.as_str() {
            None => check.refuse(path, "invalid_type", "Must be text"),
            Some(name) if EventName::parse(name).is_none() => {
                check.refuse(path, "unknown_event", "There is no such event");
            }
            Some(name) => names.push(name.to_owned()),
        }
    }
    names
}

/// What changes about an endpoint. What is left out or `null` stays.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct ChangeBody {
    /// An `https` URL, up to 2048 characters. Private addresses are refused.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri", example = "https://app.example.com/hooks/msgflash")]
    pub url: Field<String>,
    /// 1 to 50 event names in place of those it has; repetitions are dropped.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, min_items = 1, max_items = 50, example = json!(["message.failed"]))]
    pub events: Field<Vec<Value>>,
    /// `false` switches it off and gives up what waits for it; `true` switches it on and forgets
    /// why it was off.
    #[serde(default)]
    #[schema(value_type = Option<bool>, example = true)]
    pub active: Field<bool>,
}

impl ChangeBody {
    /// Checks the shape and notes every problem of the body at once.
    pub(super) fn check(
        &self,
        mut check: Check,
        targets: Targets,
    ) -> Result<EndpointChange, Problems> {
        let url = url(&mut check, &self.url, Need::May, targets);
        let events = check.given("events", &self.events, Need::May, "an array");
        let events = events.map(|events| names(&mut check, events));
        let active = check.given("active", &self.active, Need::May, "true or false");
        let active = active.copied();
        check.finish()?;
        Ok(EndpointChange {
            url,
            events,
            active,
        })
    }
}

/// From when on failed deliveries are tried again.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
pub struct RecoverBody {
    /// Deliveries that failed at or after this moment, which must not be in the future.
    #[serde(default)]
    #[schema(value_type = String, required = true, format = DateTime, example = "2026-04-01T10:00:00.000Z")]
    pub since: Field<String>,
}

impl RecoverBody {
    /// Checks the shape.
    pub(super) fn check(
        &self,
        mut check: Check,
        now: OffsetDateTime,
    ) -> Result<OffsetDateTime, Problems> {
        let since = check.moment("since", &self.since, Need::Must);
        if since.is_some_and(|since| since > now) {
            check.refuse("since", "out_of_range", "Must not be in the future");
        }
        check.finish()?;
        Ok(since.unwrap_or(now))
    }
}
