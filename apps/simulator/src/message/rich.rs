//! Everything with structure: locations, contacts, buttons, lists, polls and reactions.

use serde_json::{Value, json};

use super::draft::{Content, Draft, context, draft, text};
use crate::acks;
use crate::answer::{Answer, bad_request, crashed, invalid};
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

pub(crate) fn validate_buttons(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 6] = [
        NUMBER,
        Field::optional("title", Kind::Text),
        Field::optional("description", Kind::Text),
        Field::optional("footer", Kind::Text),
        Field::optional("buttons", Kind::List),
        DELAY,
    ];
    check(body, &FIELDS)
}

pub(crate) fn buttons(gateway: &Gateway, body: &Value) -> Result<Draft, Answer> {
    let Some(buttons) = body["buttons"].as_array() else {
        return Err(crashed(
            "Cannot read properties of undefined (reading 'length')",
        ));
    };
    refuse_impossible(buttons)?;
    let title = text(body, "title").unwrap_or_default();
    let mut words = format!("*{title}*");
    if let Some(description) = text(body, "description") {
        words = format!("{words}\n\n{description}\n");
    }
    let template = json!({ "from": "api", "templateId": gateway.chance.uuid() }).to_string();
    let interactive = json!({
        "body": { "text": words },
        "footer": { "text": body["footer"] },
        "nativeFlowMessage": {
            "buttons": buttons.iter().map(button).collect::<Vec<_>>(),
            "messageParamsJson": template,
        },
    });
    let message =
        json!({ "viewOnceMessage": { "message": { "interactiveMessage": interactive } } });
    let content = Content::new("viewOnceMessage", message).saying(Some(&words));
    Ok(Draft {
        kind: acks::Kind::Interactive,
        ..draft(
            body,
            Content {
                has_participant: true,
                ..content
            },
        )
    })
}

fn refuse_impossible(buttons: &[Value]) -> Result<(), Answer> {
    let count = |kind| {
        buttons
            .iter()
            .filter(|button| button["type"] == kind)
            .count()
    };
    let (replies, payments) = (count("reply"), count("pix"));
    if buttons.is_empty() {
        return Err(bad_request("At least one button is required"));
    }
    if replies > 3 {
        return Err(bad_request("Maximum of 3 reply buttons allowed"));
    }
    if replies > 0 && replies < buttons.len() {
        return Err(bad_request(
            "Reply buttons cannot be mixed with other button types",
        ));
    }
    if payments > 1 {
        return Err(bad_request("Only one PIX button is allowed"));
    }
    if payments > 0 && payments < buttons.len() {
        return Err(bad_request(
            "PIX button cannot be mixed with other button types",
        ));
    }
    Ok(())
}

fn button(button: &Value) -> Value {
    let text = &button["displayText"];
    let (name, parameters) = match button["type"].as_str().unwrap_or_default() {
        "url" => (
            "cta_url",
            json!({ "display_text": text, "url": button["url"], "merchant_url": button["url"] }),
        ),
        "call" => (
            "cta_call",
            json!({ "display_text": text, "phone_number": button["phoneNumber"] }),
        ),
        "copy" => (
            "cta_copy",
            json!({ "display_text": text, "copy_code": button["copyCode"] }),
        ),
        "pix" => ("payment_info", button.clone()),
        _ => (
            "quick_reply",
            json!({ "display_text": text, "id": button["id"] }),
        ),
    };
    json!({ "name": name, "buttonParamsJson": parameters.to_string() })
}

pub(crate) fn validate_list(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 7] = [
        NUMBER,
        Field::required("title", Kind::Text),
        Field::optional("description", Kind::Text),
        Field::required("buttonText", Kind::Text),
        Field::required("footerText", Kind::Text),
        Field::required("sections", Kind::Filled),
        DELAY,
    ];
    check(body, &FIELDS)
}

pub(crate) fn list(instance: &Instance, body: &Value) -> Draft {
    let message = json!({ "listMessage": {
        "title": body["title"],
        "description": body["description"],
        "buttonText": body["buttonText"],
        "footerText": body["footerText"],
        "sections": body["sections"],
        "listType": 2,
    } });
    let content = Content::new("listMessage", message)
        .saying(text(body, "title"))
        .with_inner_context(context(instance, body));
    Draft {
        kind: acks::Kind::Interactive,
        ..draft(body, content)
    }
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
