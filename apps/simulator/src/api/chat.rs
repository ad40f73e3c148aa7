//! Questions: who has `WhatsApp`, what was sent, what became of it.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::Call;
use crate::answer::{Answer, Reply};
use crate::book::{Ack, Row};
use crate::clock;
use crate::fault::{Fault, Phase};
use crate::instance::Instance;
use crate::message::send::{is_connected, other_jid};
use crate::{jid, schema};

/// Every failure of this route is a 400, each in its own form.
pub(super) fn whatsapp_numbers(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    const FIELDS: [schema::Field; 1] = [schema::Field::required("numbers", schema::Kind::Filled)];
    let mut problems = Vec::new();
    schema::collect("", &call.body, &FIELDS, &mut problems);
    if !problems.is_empty() {
        let body = json!({ "status": 400, "error": "Bad Request", "message": [problems] });
        return Err(Answer::json(400, &body));
    }
    if !instance.with(|state| state.live.is_some() && state.has_socket) {
        return Err(Answer::json(400, &json!({})));
    }
    let numbers: Vec<&str> = call.body["numbers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut groups = Vec::new();
    let mut people = Vec::new();
    let mut opaque = Vec::new();
    for number in numbers {
        let wanted = jid::from_number(number);
        if jid::is_group(&wanted) {
            groups.push(json!({ "jid": wanted, "exists": false, "number": number }));
        } else if jid::is_lid(&wanted) {
            let entry = json!({ "jid": wanted, "exists": true, "number": number, "lid": "lid" });
            opaque.push(entry);
        } else {
            people.push(look_up(call, instance, number, &wanted)?);
        }
    }
    Ok(Answer::ok(&[groups, people, opaque].concat()))
}

fn look_up(
    call: &Call<'_>,
    instance: &Instance,
    number: &str,
    wanted: &str,
) -> Result<Value, Answer> {
    let registered = call.gateway.recipients.resolve(wanted);
    let is_known = registered
        .as_ref()
        .is_some_and(|registered| instance.with(|state| state.known.contains(registered)));
    if !is_known && !is_connected(instance) {
        return Err(socket_error());
    }
    let looked_up = registered.as_deref().unwrap_or(wanted);
    let fault = call
        .gateway
        .fault(Phase::Check, &instance.name, Some(looked_up));
    let found = match fault {
        Some(fault) if fault.fault == Fault::OtherJid => {
            Some(fault.jid.unwrap_or_else(|| other_jid(wanted)))
        }
        Some(_) => None,
        None => registered,
    };
    let Some(jid) = found else {
        return Ok(json!({ "jid": wanted, "exists": false, "number": number }));
    };
    instance.with(|state| state.known.insert(jid.clone()));
    Ok(json!({ "jid": jid, "exists": true, "number": number }))
}

/// The socket library's error as it is.
fn socket_error() -> Answer {
    Answer::json(
        400,
        &json!({
            "data": null,
            "isBoom": true,
            "isServer": false,
            "output": {
                "statusCode": 428,
                "payload": {
                    "statusCode": 428,
                    "error": "Precondition Required",
                    "message": "Connection Closed",
                },
                "headers": {},
            },
        }),
    )
}

/// The acks of one message, or of all.
pub(super) fn find_status(call: &Call<'_>, instance: &Arc<Instance>) -> Answer {
    let filter = &call.body["where"];
    let key = filter["id"].as_str().or_else(|| filter["keyId"].as_str());
    let found = instance.book(|book| {
        let shown = |row: &Row| -> Vec<Value> {
            row.acks
                .iter()
                .map(|ack| status_row(instance, row, ack))
                .collect()
        };
        match key {
            Some(key) => book.by_key(key).map(shown).unwrap_or_default(),
            None => book.all().flat_map(shown).collect(),
        }
    });
    Answer::ok(&found)
}

fn status_row(instance: &Instance, row: &Row, ack: &Ack) -> Value {
    json!({
        "id": ack.row_id,
        "keyId": row.key,
        "remoteJid": ack.jid,
        "fromMe": row.from_me,
        "participant": null,
        "pollUpdates": null,
        "status": ack.status,
        "messageId": row.db_id,
        "instanceId": instance.id,
    })
}

/// Messages by id or by address and time, newest first.
pub(super) fn find_messages(call: &Call<'_>, instance: &Arc<Instance>) -> Answer {
    let size = number(&call.body["offset"]).unwrap_or(50).max(1);
    let page = number(&call.body["page"]).unwrap_or(1).max(1);
    let filter = Filter::read(&call.body["where"]);
    let (total, records) = instance.book(|book| {
        let mut found: Vec<&Row> = match (&filter.key, &filter.jid) {
            (Some(key), _) => book.by_key(key).into_iter().collect(),
            (None, Some(jid)) => book.with_address(jid).collect(),
            (None, None) => book.all().collect(),
        };
        found.retain(|row| filter.fits(row));
        found.reverse();
        let records: Vec<Value> = found
            .iter()
            .skip((page - 1) * size)
            .take(size)
            .map(|row| record(row))
            .collect();
        (found.len(), records)
    });
    Answer::ok(&json!({ "messages": {
        "total": total,
        "pages": total.div_ceil(size),
        "currentPage": page,
        "records": records,
    } }))
}

fn number(value: &Value) -> Option<usize> {
    value
        .as_u64()
        .and_then(|number| usize::try_from(number).ok())
}

struct Filter {
    key: Option<String>,
    jid: Option<String>,
    from_me: Option<bool>,
    kind: Option<String>,
    from: Option<OffsetDateTime>,
    to: Option<OffsetDateTime>,
}

impl Filter {
    fn read(filter: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let date = |name: &str| {
            filter["messageTimestamp"][name]
                .as_str()
                .and_then(clock::parse)
        };
        let (from, to) = (date("gte"), date("lte"));
        // The gateway looks at the dates only when both are there.
        let both = from.is_some() && to.is_some();
        Self {
            key: text(&filter["key"]["id"]),
            jid: text(&filter["key"]["remoteJid"]),
            from_me: filter["key"]["fromMe"].as_bool(),
            kind: text(&filter["messageType"]),
            from: from.filter(|_| both),
            to: to.filter(|_| both),
        }
    }

    fn fits(&self, row: &Row) -> bool {
        // Messages are stored by the second.
        let at = row.at.replace_millisecond(0).unwrap_or(row.at);
        self.jid.as_ref().is_none_or(|jid| *jid == row.jid)
            && self.from_me.is_none_or(|from_me| from_me == row.from_me)
            && self.kind.as_ref().is_none_or(|kind| kind == row.kind)
            && self
                .from
                .is_none_or(|from| at.unix_timestamp() >= from.unix_timestamp())
            && self.to.is_none_or(|to| at <= to)
    }
}

fn record(row: &Row) -> Value {
    let mut record: Map<String, Value> = serde_json::from_slice(&row.data).unwrap_or_default();
    record.remove("status");
    record.insert("id".into(), row.db_id.clone().into());
    record.entry("contextInfo").or_insert(Value::Null);
    let updates: Vec<Value> = row
        .acks
        .iter()
        .map(|ack| json!({ "status": ack.status }))
        .collect();
    record.insert("MessageUpdate".into(), updates.into());
    Value::Object(record)
}
