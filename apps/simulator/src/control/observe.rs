//! Looking without touching.

use actix_web::HttpResponse;
use actix_web::web::{Path, Query};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Outcome, Refused, Shared, find};
use crate::book::Row;
use crate::clock;
use crate::instance::{Instance, Live};
use crate::jid;

pub(super) async fn instances(gateway: Shared) -> HttpResponse {
    let all: Vec<Value> = gateway
        .instances()
        .iter()
        .map(|instance| shown(instance))
        .collect();
    HttpResponse::Ok().json(all)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Until {
    until: Option<String>,
    /// So many QR codes were shown.
    qr: Option<u32>,
}

/// The state of one instance, now or as soon as it is the one asked for.
pub(super) async fn instance(gateway: Shared, name: Path<String>, query: Query<Until>) -> Outcome {
    let instance = find(&gateway, &name)?;
    if let Some(count) = query.qr {
        instance.until(|state| state.qr.count >= count).await;
    }
    let wanted = match query.until.as_deref() {
        None => return Ok(HttpResponse::Ok().json(shown(&instance))),
        Some("open") => Some(Live::Open),
        Some("close") => Some(Live::Close),
        Some("connecting") => Some(Live::Connecting),
        Some("unloaded") => None,
        Some(other) => return Err(Refused::invalid(format!("\"{other}\" is no state"))),
    };
    instance.until(|state| state.live == wanted).await;
    Ok(HttpResponse::Ok().json(shown(&instance)))
}

pub(super) fn shown(instance: &Instance) -> Value {
    let messages = instance.book(|book| book.len());
    instance.with(|state| {
        json!({
            "name": instance.name,
            "id": instance.id,
            "token": instance.token,
            "state": state.live.map(Live::word),
            "storedState": state.stored.word(),
            "isDead": state.is_dead,
            "isPaired": state.is_registered,
            "owner": state.owner.as_ref().map(|owner| &owner.jid),
            "qrCount": state.qr.count,
            "pairingCode": state.qr.pairing_code,
            "webhook": state.webhook.as_ref().map(|webhook| &webhook.url),
            "messages": messages,
        })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Which {
    instance: Option<String>,
    number: Option<String>,
}

/// Every message that really left, oldest first within its instance.
pub(super) async fn messages(gateway: Shared, query: Query<Which>) -> Outcome {
    let instances = match &query.instance {
        Some(name) => vec![find(&gateway, name)?],
        None => gateway.instances(),
    };
    let address = query.number.as_deref().map(|number| {
        let wanted = jid::from_number(number);
        gateway.recipients.resolve(&wanted).unwrap_or(wanted)
    });
    let mut found = Vec::new();
    for instance in instances {
        instance.book(|book| match &address {
            Some(address) => found.extend(
                book.with_address(address)
                    .filter(|row| row.left)
                    .map(|row| sent(&instance, row)),
            ),
            None => found.extend(
                book.all()
                    .filter(|row| row.left)
                    .map(|row| sent(&instance, row)),
            ),
        });
    }
    Ok(HttpResponse::Ok().json(found))
}

fn sent(instance: &Instance, row: &Row) -> Value {
    let data: Value = serde_json::from_slice(&row.data).unwrap_or_default();
    json!({
        "at": clock::iso(row.at),
        "instance": instance.name,
        "number": jid::user(&row.jid),
        "asked": row.asked,
        "jid": row.jid,
        "type": row.kind,
        "text": row.text,
        "keyId": row.key,
        "acks": row.acks.iter().map(|ack| ack.status).collect::<Vec<_>>(),
        "message": data["message"],
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Containing {
    /// Only requests whose path contains this.
    path: Option<String>,
    /// Only so many, the latest.
    last: Option<usize>,
}

pub(super) async fn requests(gateway: Shared, query: Query<Containing>) -> HttpResponse {
    let wanted = query.path.as_deref().unwrap_or_default();
    let last = query.last.unwrap_or(usize::MAX);
    HttpResponse::Ok().json(
        gateway
            .requests
            .latest(last, |request| request.path.contains(wanted)),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Posts {
    instance: Option<String>,
    event: Option<String>,
}

pub(super) async fn webhooks(gateway: Shared, query: Query<Posts>) -> HttpResponse {
    let posts = gateway.deliveries.shown(|post| {
        query
            .instance
            .as_ref()
            .is_none_or(|instance| *instance == post.instance)
            && query
                .event
                .as_ref()
                .is_none_or(|event| *event == post.event)
    });
    HttpResponse::Ok().json(posts)
}
