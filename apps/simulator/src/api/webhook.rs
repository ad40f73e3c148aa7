//! `/webhook/set` and `/webhook/find`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Call;
use super::message::not_loaded;
use crate::answer::{self, Answer, Reply};
use crate::clock;
use crate::hook::NAMES;
use crate::instance::{Instance, Webhook};
use crate::schema::{Field, Kind, collect};

pub(super) fn set(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    let given = &call.body["webhook"];
    validate(&call.body)?;
    if instance.live().is_none() {
        return Err(not_loaded("instanceId"));
    }
    let enabled = given["enabled"] == true;
    if enabled && !given["events"].is_array() {
        return Err(not_loaded("length"));
    }
    let at = clock::iso(clock::now());
    let set = instance.with(|state| {
        let old = state.webhook.take();
        let new = Webhook {
            id: old
                .as_ref()
                .map_or_else(|| call.gateway.chance.row_id(), |old| old.id.clone()),
            url: given["url"].as_str().unwrap_or_default().to_owned(),
            headers: given["headers"]
                .as_object()
                .cloned()
                .or_else(|| old.as_ref().and_then(|old| old.headers.clone())),
            enabled,
            events: if enabled {
                events(&given["events"])
            } else {
                Vec::new()
            },
            by_events: given["byEvents"] == true,
            base64: given["base64"] == true,
            created_at: old.map_or_else(|| at.clone(), |old| old.created_at),
            updated_at: at,
        };
        state.webhook = Some(new.clone());
        new
    });
    Ok(Answer::json(201, &shown(instance, &set)))
}

fn validate(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 5] = [
        Field::required("enabled", Kind::Flag),
        Field::required("url", Kind::Text),
        Field::optional("byEvents", Kind::Flag),
        Field::optional("base64", Kind::Flag),
        Field::optional("events", Kind::List),
    ];
    let mut problems = Vec::new();
    match body.get("webhook") {
        None => problems.push("instance requires property \"webhook\"".to_owned()),
        Some(webhook) => {
            for (at, event) in webhook["events"]
                .as_array()
                .into_iter()
                .flatten()
                .enumerate()
            {
                if !event.as_str().is_some_and(|event| NAMES.contains(&event)) {
                    let names = NAMES.join(",");
                    problems.push(format!(
                        "webhook.events[{at}] is not one of enum values: {names}"
                    ));
                }
            }
            collect("webhook", webhook, &FIELDS, &mut problems);
        }
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(answer::invalid(&problems))
    }
}

/// The list given; an empty one means every event.
pub(super) fn events(given: &Value) -> Vec<String> {
    let given: Vec<String> = given
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|event| event.as_str().map(str::to_owned))
        .collect();
    if given.is_empty() {
        NAMES.iter().map(ToString::to_string).collect()
    } else {
        given
    }
}

pub(super) fn find(instance: &Instance) -> Answer {
    let webhook = instance.with(|state| state.webhook.clone().filter(|_| state.live.is_some()));
    match webhook {
        Some(webhook) => Answer::ok(&shown(instance, &webhook)),
        None => Answer::ok(&Value::Null),
    }
}

fn shown(instance: &Instance, webhook: &Webhook) -> Value {
    json!({
        "id": webhook.id,
        "url": webhook.url,
        "headers": webhook.headers,
        "enabled": webhook.enabled,
        "events": webhook.events,
        "webhookByEvents": webhook.by_events,
        "webhookBase64": webhook.base64,
        "createdAt": webhook.created_at,
        "updatedAt": webhook.updated_at,
        "instanceId": instance.id,
    })
}
