//! To whom a campaign goes, as it is written.

use msgflash_contacts::ContactId;
use msgflash_contacts::rules;
use msgflash_messaging::campaign::Audience;
use msgflash_messaging::campaign::audience::{MOST_EXPLICIT, MOST_TAGS};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// By what recipients are chosen.
pub(crate) const KINDS: [&str; 4] = ["all", "tags", "explicit", "group"];

/// To whom it goes.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = CampaignRecipients)]
pub struct RecipientsBody {
    /// `all`: every contact of the workspace. `tags`: contacts with at least one of the tags in `value`.
    /// `explicit`: the contacts whose ids are in `value`. `group`: the members of `groupId`.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "tags")]
    pub r#type: Field<String>,
    /// 1 to 50 tags, or 1 to 10,000 ids of contacts. For `all` and `group` it is left out or empty.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 10_000, example = json!(["vip"]))]
    pub value: Field<Vec<Value>>,
    /// The group of contacts; for `group` alone.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Uuid)]
    pub group_id: Field<String>,
}

/// Reads the member `recipients`. What belongs to another kind is refused: whoever writes it means
/// somebody else than they would reach.
pub(super) fn audience(check: &mut Check, written: &Field<Map<String, Value>>) -> Option<Audience> {
    let written = check.given("recipients", written, Need::Must, "an object")?;
    let read = serde_json::from_value::<RecipientsBody>(Value::Object(written.clone()));
    // Its members take whatever is in them.
    let body = read.unwrap_or_default();
    let known = |word: &str| KINDS.into_iter().find(|kind| *kind == word);
    let words = KINDS.join(", ");
    let kind = check.word("recipients.type", &body.r#type, Need::Must, &words, known)?;
    if kind != "group" && !body.group_id.is_empty() {
        let message = "Only recipients of type group are in a group";
        check.refuse("recipients.groupId", "not_allowed", message);
    }
    match kind {
        "tags" => tags(check, &body.value).map(Audience::Tags),
        "explicit" => explicit(check, &body.value).map(Audience::Explicit),
        "group" => {
            refuse_value(check, &body.value);
            let group = check.id("recipients.groupId", &body.group_id, Need::Must);
            group.map(Audience::Group)
        }
        _ => {
            refuse_value(check, &body.value);
            Some(Audience::All)
        }
    }
}

fn refuse_value(check: &mut Check, value: &Field<Vec<Value>>) {
    let given = check.given("recipients.value", value, Need::May, "an array");
    if given.is_some_and(|given| !given.is_empty()) {
        let message = "Only recipients of type tags or explicit have a value";
        check.refuse("recipients.value", "not_allowed", message);
    }
}

/// The array of a kind that needs one, of up to `most` entries.
fn some<'a>(
    check: &mut Check,
    value: &'a Field<Vec<Value>>,
    most: usize,
    what: &str,
) -> Option<&'a [Value]> {
    let given = check.given("recipients.value", value, Need::Must, "an array")?;
    if (1..=most).contains(&given.len()) {
        return Some(given);
    }
    let message = format!("Give 1 to {most} {what}");
    check.refuse("recipients.value", "length", message);
    None
}

fn tags(check: &mut Check, value: &Field<Vec<Value>>) -> Option<Vec<String>> {
    let given = some(check, value, MOST_TAGS, "tags")?;
    let mut tags = Vec::with_capacity(given.len());
    for (at, value) in given.iter().enumerate() {
        let path = format!("recipients.value.{at}");
        match value.as_str() {
            None => check.refuse(path, "invalid_type", "Must be text"),
            Some(text) => {
                let tag = check.also(|it| rules::noted(it, path, rules::tag(text)));
                tags.extend(tag.filter(|tag| !tags.contains(tag)));
            }
        }
    }
    Some(tags)
}

fn explicit(check: &mut Check, value: &Field<Vec<Value>>) -> Option<Vec<ContactId>> {
    let given = some(check, value, MOST_EXPLICIT, "ids of contacts")?;
    let mut ids = Vec::with_capacity(given.len());
    for (at, value) in given.iter().enumerate() {
        let code = match value.as_str().map(ContactId::parse) {
            Some(Some(id)) => {
                ids.push(id);
                continue;
            }
            Some(None) => "invalid_uuid",
            None => "invalid_type",
        };
        check.refuse(format!("recipients.value.{at}"), code, "Must be a UUID");
    }
    Some(ids)
}
