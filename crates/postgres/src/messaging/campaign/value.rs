//! What of a campaign is stored as JSON.

use msgflash_kernel::{Id, StoreError};
use msgflash_messaging::MessageKind;
use msgflash_messaging::campaign::{Audience, CampaignContent, SendWindow};
use msgflash_messaging::message::content::Content;
use serde_json::{Map, Value, json};
use uuid::Uuid;

fn corrupt(column: &'static str) -> StoreError {
    StoreError::corrupt(column, "not what was written")
}

/// Content that is the same for everybody.
pub(super) fn of_content(content: &Content) -> Value {
    json!({
        "type": content.kind().as_str(), "body": content.body(),
        "mediaUrl": content.media_url(), "meta": content.meta(),
    })
}

pub(super) fn content(
    direct: Option<Value>,
    template: Option<Uuid>,
    variables: Option<Value>,
) -> Result<CampaignContent, StoreError> {
    if let Some(direct) = direct {
        let found = direct_of(&direct).ok_or_else(|| corrupt("campaigns.content"))?;
        return Ok(CampaignContent::Direct(found));
    }
    let Some(Value::Object(variables)) = variables else {
        return Err(corrupt("campaigns.variables"));
    };
    Ok(CampaignContent::Template {
        template: template.map(Id::new),
        variables,
    })
}

fn direct_of(stored: &Value) -> Option<Content> {
    let kind = MessageKind::parse(stored.get("type")?.as_str()?)?;
    let text = |key: &str| stored.get(key).and_then(Value::as_str).map(str::to_owned);
    let none = Map::new();
    let meta = stored.get("meta").and_then(Value::as_object);
    Content::from_parts(
        kind,
        text("body"),
        text("mediaUrl"),
        None,
        meta.unwrap_or(&none),
    )
}

pub(super) fn of_audience(audience: &Audience) -> Value {
    match audience {
        Audience::All => json!({ "type": "all" }),
        Audience::Tags(tags) => json!({ "type": "tags", "value": tags }),
        Audience::Explicit(ids) => {
            let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
            json!({ "type": "explicit", "value": ids })
        }
        Audience::Group(group) => json!({ "type": "group", "groupId": group.to_string() }),
    }
}

pub(super) fn audience(stored: &Value) -> Result<Audience, StoreError> {
    audience_of(stored).ok_or_else(|| corrupt("campaigns.audience"))
}

fn audience_of(stored: &Value) -> Option<Audience> {
    let texts = || -> Option<Vec<&str>> {
        stored
            .get("value")?
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect()
    };
    Some(match stored.get("type")?.as_str()? {
        "all" => Audience::All,
        "tags" => Audience::Tags(texts()?.into_iter().map(str::to_owned).collect()),
        "explicit" => {
            let ids = texts()?
                .into_iter()
                .map(|id| id.parse::<Uuid>().ok().map(Id::new));
            Audience::Explicit(ids.collect::<Option<_>>()?)
        }
        "group" => {
            let group: Uuid = stored.get("groupId")?.as_str()?.parse().ok()?;
            Audience::Group(Id::new(group))
        }
        _ => return None,
    })
}

pub(super) fn of_window(window: &SendWindow) -> Value {
    json!({
        "start": window.start(), "end": window.end(),
        "timezone": window.zone(), "days": window.days(),
    })
}

pub(super) fn window(stored: &Value) -> Result<SendWindow, StoreError> {
    window_of(stored).ok_or_else(|| corrupt("campaigns.send_window"))
}

fn window_of(stored: &Value) -> Option<SendWindow> {
    let text = |key: &str| stored.get(key)?.as_str();
    let days = stored.get("days")?.as_array()?.iter();
    let days: Option<Vec<u8>> = days.map(|day| u8::try_from(day.as_u64()?).ok()).collect();
    SendWindow::parse(text("start")?, text("end")?, text("timezone")?, &days?).ok()
}
