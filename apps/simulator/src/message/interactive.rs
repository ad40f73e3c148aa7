//! Buttons and lists: accepted by the gateway, shown by no phone.

use serde_json::{Value, json};

use super::draft::{Content, Draft, context, draft, text};
use crate::acks;
use crate::answer::{Answer, bad_request, crashed};
use crate::gateway::Gateway;
use crate::instance::Instance;
use crate::schema::{DELAY, Field, Kind, NUMBER, check};

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
