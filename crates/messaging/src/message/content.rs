//! What a message says, by type.

use msgflash_contacts::ContactId;
use msgflash_kernel::Phone;
use serde_json::{Map, Value, json};

use super::{Message, MessageKind};

/// The content of an outbound message, already checked for shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text, 1-4096 characters.
    Text(String),
    /// A file to fetch from `url`; the kind is one of the five media types.
    Media {
        /// Which of them.
        kind: MessageKind,
        /// An absolute public URL.
        url: String,
        /// At most 1024 characters. A template may give one to a sound, too; it is kept and not
        /// sent.
        caption: Option<String>,
    },
    /// A place.
    Location {
        /// Degrees, -90 to 90.
        latitude: f64,
        /// Degrees, -180 to 180.
        longitude: f64,
        /// Its name.
        name: Option<String>,
        /// Its address.
        address: Option<String>,
    },
    /// The card of a contact of the workspace.
    Card {
        /// The contact.
        contact: ContactId,
        /// Name and number as they were when the message was accepted; empty until looked up.
        card: Option<Card>,
    },
    /// Text with choices.
    Buttons(Buttons),
}

/// A contact as it is shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Full name.
    pub name: String,
    /// Number.
    pub phone: Phone,
}

/// Text with one or two choices.
#[derive(Clone, Debug, PartialEq)]
pub struct Buttons {
    /// Heading, 1-60 characters.
    pub title: String,
    /// Text, 1-1024 characters.
    pub description: String,
    /// Small print, at most 60 characters.
    pub footer: Option<String>,
    /// The choices.
    pub buttons: Vec<Button>,
}

/// One choice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What is shown, 1-50 characters.
    pub text: String,
    /// What it does.
    pub action: ButtonAction,
}

/// What a choice does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ButtonAction {
    /// Answers with an id.
    Reply(String),
    /// Copies a code.
    Copy(String),
    /// Opens an address.
    Url(String),
    /// Calls a number.
    Call(String),
    /// Pays by Pix.
    Pix {
        /// ISO 4217 code.
        currency: String,
        /// Receiver.
        name: String,
        /// `phone`, `email`, `cpf`, `cnpj` or `random`.
        key_type: String,
        /// The Pix key.
        key: String,
    },
}

impl ButtonAction {
    /// The published word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reply(_) => "reply",
            Self::Copy(_) => "copy",
            Self::Url(_) => "url",
            Self::Call(_) => "call",
            Self::Pix { .. } => "pix",
        }
    }
}

impl Content {
    /// The message type it makes.
    pub const fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Media { kind, .. } => *kind,
            Self::Location { .. } => MessageKind::Location,
            Self::Card { .. } => MessageKind::Contact,
            Self::Buttons(_) => MessageKind::Buttons,
        }
    }

    /// The published `body`.
    pub fn body(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Media { caption, .. } => caption.clone(),
            Self::Buttons(buttons) => Some(buttons.description.clone()),
            Self::Location { .. } | Self::Card { .. } => None,
        }
    }

    /// The published `mediaUrl`.
    pub fn media_url(&self) -> Option<String> {
        match self {
            Self::Media { url, .. } => Some(url.clone()),
            _ => None,
        }
    }

    /// The published `meta`; together with body and media URL it holds the whole content.
    pub fn meta(&self) -> Map<String, Value> {
        let value = match self {
            Self::Text(_) | Self::Media { .. } => json!({}),
            Self::Location {
                latitude,
                longitude,
                name,
                address,
            } => json!({
                "latitude": latitude, "longitude": longitude,
                "locationName": name, "locationAddress": address,
            }),
            Self::Card { card, .. } => match card {
                Some(card) => {
                    json!({ "card": { "name": card.name, "phone": card.phone.to_string() } })
                }
                None => json!({}),
            },
            Self::Buttons(it) => json!({
                "title": it.title, "description": it.description, "footer": it.footer,
                "buttons": it.buttons.iter().map(button_value).collect::<Vec<_>>(),
            }),
        };
        match value {
            Value::Object(map) => map,
            _ => Map::new(),
        }
    }

    /// Reads the content of a stored outbound message; `None` when the row does not hold one.
    pub fn of(message: &Message) -> Option<Self> {
        Self::from_parts(
            message.kind,
            message.body.clone(),
            message.media_url.clone(),
            message.contact,
            &message.meta,
        )
    }

    /// Reads content from what [`Self::body`], [`Self::media_url`] and [`Self::meta`] made of it.
    pub fn from_parts(
        kind: MessageKind,
        body: Option<String>,
        media_url: Option<String>,
        contact: Option<ContactId>,
        meta: &Map<String, Value>,
    ) -> Option<Self> {
        let text = |key: &str| meta.get(key).and_then(Value::as_str).map(str::to_owned);
        match kind {
            MessageKind::Text => body.map(Self::Text),
            MessageKind::Location => Some(Self::Location {
                latitude: meta.get("latitude")?.as_f64()?,
                longitude: meta.get("longitude")?.as_f64()?,
                name: text("locationName"),
                address: text("locationAddress"),
            }),
            MessageKind::Contact => {
                let card = meta.get("card")?;
                let card = Card {
                    name: card.get("name")?.as_str()?.to_owned(),
                    phone: Phone::from_e164(card.get("phone")?.as_str()?).ok()?,
                };
                Some(Self::Card {
                    contact: contact?,
                    card: Some(card),
                })
            }
            MessageKind::Buttons => {
                let list = meta.get("buttons")?.as_array()?;
                Some(Self::Buttons(Buttons {
                    title: text("title")?,
                    description: text("description")?,
                    footer: text("footer"),
                    buttons: list.iter().map(button_of).collect::<Option<_>>()?,
                }))
            }
            kind => Some(Self::Media {
                kind,
                url: media_url?,
                caption: body,
            }),
        }
    }
}

impl Buttons {
    /// Buttons as text that every phone shows: heading, text, numbered choices, small print.
    pub fn as_numbered_text(&self) -> String {
        use std::fmt::Write as _;
        let mut text = format!("*{}*\n{}\n", self.title, self.description);
        for (index, button) in self.buttons.iter().enumerate() {
            let number = index + 1;
            let what = match &button.action {
                ButtonAction::Reply(_) => String::new(),
                ButtonAction::Copy(value)
                | ButtonAction::Url(value)
                | ButtonAction::Call(value)
                | ButtonAction::Pix { key: value, .. } => format!(": {value}"),
            };
            let _ = write!(text, "\n{number}. {}{what}", button.text);
        }
        if let Some(footer) = &self.footer {
            let _ = write!(text, "\n\n_{footer}_");
        }
        text
    }

    /// Whether the provider would refuse this mix as native buttons.
    pub fn is_mixed(&self) -> bool {
        let words: Vec<_> = self
            .buttons
            .iter()
            .map(|button| button.action.as_str())
            .collect();
        let count = |word: &str| words.iter().filter(|found| **found == word).count();
        let alone = |word: &str| count(word) == 0 || count(word) == words.len();
        !alone("reply") || !alone("pix") || count("pix") > 1
    }
}

fn button_value(button: &Button) -> Value {
    let mut value = json!({ "type": button.action.as_str(), "displayText": button.text });
    match &button.action {
        ButtonAction::Reply(id) => value["id"] = json!(id),
        ButtonAction::Copy(code) => value["copyCode"] = json!(code),
        ButtonAction::Url(url) => value["url"] = json!(url),
        ButtonAction::Call(phone) => value["phoneNumber"] = json!(phone),
        ButtonAction::Pix {
            currency,
            name,
            key_type,
            key,
        } => {
            value["currency"] = json!(currency);
            value["name"] = json!(name);
            value["keyType"] = json!(key_type);
            value["key"] = json!(key);
        }
    }
    value
}

fn button_of(value: &Value) -> Option<Button> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let action = match value.get("type")?.as_str()? {
        "reply" => ButtonAction::Reply(text("id")?),
        "copy" => ButtonAction::Copy(text("copyCode")?),
        "url" => ButtonAction::Url(text("url")?),
        "call" => ButtonAction::Call(text("phoneNumber")?),
        "pix" => ButtonAction::Pix {
            currency: text("currency")?,
            name: text("name")?,
            key_type: text("keyType")?,
            key: text("key")?,
        },
        _ => return None,
    };
    Some(Button {
        text: text("displayText")?,
        action,
    })
}
