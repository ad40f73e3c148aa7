//! What clients write to offer choices.

use msgflash_messaging::message::content::{Button, ButtonAction, Buttons};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::http::check::Need;
use crate::http::{Check, Field};

/// What a choice does.
pub(crate) const KINDS: [&str; 5] = ["reply", "copy", "url", "call", "pix"];
/// What a Pix key is.
pub(crate) const KEY_TYPES: [&str; 5] = ["phone", "email", "cpf", "cnpj", "random"];
/// The longest id, code or key of a button.
const MAX_VALUE: u64 = 255;
const MAX_CHOICES: usize = 2;

/// One choice.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ButtonBody {
    /// `reply`, `copy`, `url`, `call` or `pix`. `title` is accepted as another name of this member.
    #[serde(default)]
    #[schema(value_type = String, required = true, example = "reply")]
    pub r#type: Field<String>,
    /// Another name of `type`.
    #[serde(default)]
    #[schema(ignore)]
    pub title: Field<String>,
    /// What is shown.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 50)]
    pub display_text: Field<String>,
    /// What a pressed `reply` answers with.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    pub id: Field<String>,
    /// What `copy` copies.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    pub copy_code: Field<String>,
    /// What `url` opens.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uri")]
    pub url: Field<String>,
    /// Whom `call` calls, E.164.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub phone_number: Field<String>,
    /// Currency of `pix`, ISO 4217.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{3}$")]
    pub currency: Field<String>,
    /// Receiver of `pix`.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    pub name: Field<String>,
    /// `phone`, `email`, `cpf`, `cnpj` or `random`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub key_type: Field<String>,
    /// The Pix key.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    pub key: Field<String>,
}

/// The members of a body that offers choices.
#[derive(Clone, Copy, Debug)]
pub(in crate::api::v1) struct Choices<'a> {
    pub(in crate::api::v1) title: &'a Field<String>,
    pub(in crate::api::v1) description: &'a Field<String>,
    pub(in crate::api::v1) footer: &'a Field<String>,
    pub(in crate::api::v1) buttons: &'a Field<Vec<Value>>,
}

/// Checks the members of a message with choices.
pub(in crate::api::v1) fn buttons(written: Choices<'_>, check: &mut Check) -> Option<Buttons> {
    let title = check.text("title", written.title, Need::Must, 60);
    let description = check.text("description", written.description, Need::Must, 1024);
    let footer = check.text("footer", written.footer, Need::May, 60);
    let list = check.given("buttons", written.buttons, Need::Must, "an array")?;
    if !(1..=MAX_CHOICES).contains(&list.len()) {
        check.refuse("buttons", "out_of_range", "Give one or two buttons");
        return None;
    }
    let items: Vec<_> = list
        .iter()
        .enumerate()
        .map(|(at, item)| one(check, at, item))
        .collect();
    let buttons = items.into_iter().collect::<Option<_>>()?;
    Some(Buttons {
        title: title?,
        description: description?,
        footer,
        buttons,
    })
}

fn one(check: &mut Check, at: usize, item: &Value) -> Option<Button> {
    let path = |member: &str| format!("buttons.{at}.{member}");
    // A derived reader would take an array for an object's members in order.
    let read = || serde_json::from_value::<ButtonBody>(item.clone()).ok();
    let Some(body) = item.is_object().then(read).flatten() else {
        check.refuse(format!("buttons.{at}"), "invalid_type", "Must be an object");
        return None;
    };
    let kind = kind(check, &path, &body);
    let text = check.text(&path("displayText"), &body.display_text, Need::Must, 50);
    let action = match kind? {
        "reply" => value(check, &path("id"), &body.id).map(ButtonAction::Reply),
        "copy" => value(check, &path("copyCode"), &body.copy_code).map(ButtonAction::Copy),
        "url" => {
            let url = check.url(&path("url"), &body.url, Need::Must);
            url.and(body.url.valid().cloned()).map(ButtonAction::Url)
        }
        "call" => {
            let phone = check.phone(&path("phoneNumber"), &body.phone_number, Need::Must);
            phone.map(|phone| ButtonAction::Call(phone.to_string()))
        }
        _ => pix(check, &path, &body),
    };
    Some(Button {
        text: text?,
        action: action?,
    })
}

/// The kind, under either of its names.
fn kind(
    check: &mut Check,
    path: &dyn Fn(&str) -> String,
    body: &ButtonBody,
) -> Option<&'static str> {
    let known = |word: &str| KINDS.into_iter().find(|kind| *kind == word);
    let words = KINDS.join(", ");
    if body.r#type.is_empty() && !body.title.is_empty() {
        return check.word(&path("title"), &body.title, Need::Must, &words, known);
    }
    let kind = check.word(&path("type"), &body.r#type, Need::Must, &words, known)?;
    let other = body.title.valid().and_then(|title| known(title));
    if other.is_some_and(|other| other != kind) {
        check.refuse(
            path("title"),
            "not_allowed",
            "type and title name different kinds",
        );
        return None;
    }
    Some(kind)
}

fn pix(
    check: &mut Check,
    path: &dyn Fn(&str) -> String,
    body: &ButtonBody,
) -> Option<ButtonAction> {
    let currency = check.word(
        &path("currency"),
        &body.currency,
        Need::Must,
        "the ISO 4217 codes",
        |word| {
            let plausible = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_uppercase());
            plausible.then(|| word.to_owned())
        },
    );
    let name = value(check, &path("name"), &body.name);
    let key_type = check.word(
        &path("keyType"),
        &body.key_type,
        Need::Must,
        &KEY_TYPES.join(", "),
        |word| KEY_TYPES.contains(&word).then(|| word.to_owned()),
    );
    let key = value(check, &path("key"), &body.key);
    Some(ButtonAction::Pix {
        currency: currency?,
        name: name?,
        key_type: key_type?,
        key: key?,
    })
}

fn value(check: &mut Check, path: &str, field: &Field<String>) -> Option<String> {
    check.text(path, field, Need::Must, MAX_VALUE)
}
