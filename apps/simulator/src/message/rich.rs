//! Messages with structure: locations, contacts, polls and reactions.

use serde_json::{Value, json};

use super::draft::{Content, Draft, context, draft, text};
use crate::answer::{Answer, invalid};
use crate::gateway::Gateway;
use crate::instance::Instance;
use crate::schema::{DELAY, Field, Kind, NUMBER, check, collect};
use crate::{clock, jid};

pub(crate) fn validate_location(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 6] = [
        NUMBER,
        Field::required("latitude", Kind::Number),
        Field::required("longitude", Kind::Number),
        Field::required("name", Kind::Text),
        Field::required("address", Kind::Text),
        DELAY,
    ];
    check(body, &FIELDS)
}

pub(crate) fn location(instance: &Instance, body: &Value) -> Draft {
    let message = json!({ "locationMessage": {
        "degreesLatitude": body["latitude"],
        "degreesLongitude": body["longitude"],
        "name": body["name"],
        "address": body["address"],
    } });
    let content = Content::new("locationMessage", message)
        .saying(text(body, "name"))
        .with_inner_context(context(instance, body));
    draft(body, content)
}

pub(crate) fn validate_contact(body: &Value) -> Result<(), Answer> {
    const ENTRY: [Field; 6] = [
        Field::required("fullName", Kind::Text),
        Field::required("phoneNumber", Kind::Text),
        Field::optional("wuid", Kind::Text),
        Field::optional("organization", Kind::Text),
        Field::optional("email", Kind::Text),
        Field::optional("url", Kind::Text),
    ];
    let mut problems = Vec::new();
    collect(
        "",
        body,
        &[NUMBER, Field::required("contact", Kind::Filled)],
        &mut problems,
    );
    for (at, entry) in body["contact"].as_array().into_iter().flatten().enumerate() {
        collect(&format!("contact[{at}]"), entry, &ENTRY, &mut problems);
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(invalid(&problems))
    }
}

pub(crate) fn contact(instance: &Instance, body: &Value) -> Draft {
    let contacts: Vec<Value> = body["contact"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|entry| json!({ "displayName": entry["fullName"], "vcard": vcard(entry) }))
        .collect();
    let count = contacts.len();
    let (kind, message) = match <[Value; 1]>::try_from(contacts) {
        Ok([one]) => ("contactMessage", one),
        Err(many) => (
            "contactsArrayMessage",
            json!({ "displayName": format!("{count} contacts"), "contacts": many }),
        ),
    };
    let name = message["displayName"].as_str().map(str::to_owned);
    let content = Content::new(kind, json!({ kind: message }))
        .saying(name.as_deref())
        .with_inner_context(context(instance, &Value::Null)); // Quotes are ignored here.
    Draft {
        delay_ms: 0,
        ..draft(body, content)
    }
}

fn vcard(entry: &Value) -> String {
    let name = text(entry, "fullName").unwrap_or_default();
    let phone = text(entry, "phoneNumber").unwrap_or_default();
    let wuid = text(entry, "wuid").map_or_else(|| jid::from_number(phone), str::to_owned);
    let mut lines = vec![
        "BEGIN:VCARD".to_owned(),
        "VERSION:3.0".to_owned(),
        format!("N:{name}"),
        format!("FN:{name}"),
    ];
    lines.extend(text(entry, "organization").map(|organization| format!("ORG:{organization};")));
    lines.extend(text(entry, "email").map(|email| format!("EMAIL:{email}")));
    lines.extend(text(entry, "url").map(|url| format!("URL:{url}")));
    lines.push(format!("item1.TEL;waid={wuid}:{phone}"));
    lines.push("item1.X-ABLabel:Celular".to_owned());
    lines.push("END:VCARD".to_owned());
    lines.join("\n")
}

pub(crate) fn validate_poll(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 5] = [
        NUMBER,
        Field::required("name", Kind::Text),
        Field::required("selectableCount", Kind::Integer),
        Field::required("values", Kind::Filled),
        DELAY,
    ];
    check(body, &FIELDS)
}

pub(crate) fn poll(gateway: &Gateway, instance: &Instance, body: &Value) -> Draft {
    let options: Vec<Value> = body["values"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|option| json!({ "optionName": option }))
        .collect();
    let message = json!({
        "messageContextInfo": {
            "messageSecret": super::media::numbered(&gateway.chance.secret_bytes()),
            "contextInfo": context(instance, body),
        },
        "pollCreationMessageV3": {
            "name": body["name"],
            "selectableOptionsCount": body["selectableCount"],
            "options": options,
        },
    });
    draft(
        body,
        Content::new("pollCreationMessageV3", message).saying(text(body, "name")),
    )
}

pub(crate) fn validate_reaction(body: &Value) -> Result<(), Answer> {
    const KEY: [Field; 3] = [
        Field::required("id", Kind::Text),
        Field::required("remoteJid", Kind::Text),
        Field::required("fromMe", Kind::Flag),
    ];
    let mut problems = Vec::new();
    collect(
        "",
        body,
        &[Field::required("reaction", Kind::Text)],
        &mut problems,
    );
    match body.get("key") {
        Some(key) => collect("key", key, &KEY, &mut problems),
        None => problems.push("instance requires property \"key\"".to_owned()),
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(invalid(&problems))
    }
}

pub(crate) fn reaction(body: &Value) -> Draft {
    let now = clock::now();
    let message = json!({ "reactionMessage": {
        "text": body["reaction"],
        "key": body["key"],
        "senderTimestampMs": now.unix_timestamp() * 1000 + i64::from(now.millisecond()),
    } });
    let content = Content::new("reactionMessage", message).saying(text(body, "reaction"));
    let asked = body["key"]["remoteJid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    Draft {
        asked,
        ..draft(body, content)
    }
}
