//! Messages as the gateway wants them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use msgflash_messaging::MessageKind;
use msgflash_messaging::message::content::{Button, ButtonAction, Buttons, Content};
use msgflash_messaging::provider::{Outbound, OutboundFile, OutboundStatus, StatusContent};
use serde_json::{Map, Value, json};
use url::Url;

/// One send: the verb of its route and the body.
#[derive(Debug, PartialEq)]
pub(crate) struct Request {
    /// Such as `sendText`.
    pub(crate) verb: &'static str,
    /// The body.
    pub(crate) body: Value,
    /// Whether the gateway fetches and uploads a file before it sends.
    pub(crate) is_media: bool,
}

/// Builds the request; the reason when there is nothing to send.
pub(crate) fn request(outbound: &Outbound) -> Result<Request, &'static str> {
    let (verb, content) = match &outbound.content {
        Content::Text(text) => ("sendText", json!({ "text": text })),
        Content::Media {
            kind: MessageKind::VoiceNote,
            url,
            ..
        } => {
            let audio = outbound.file.as_ref().map_or_else(|| url.clone(), bare);
            ("sendWhatsAppAudio", json!({ "audio": audio }))
        }
        Content::Media { kind, url, caption } => {
            let file = outbound.file.as_ref();
            ("sendMedia", media(*kind, url, file, caption.as_deref()))
        }
        Content::Location {
            latitude,
            longitude,
            name,
            address,
        } => (
            "sendLocation",
            location(*latitude, *longitude, name.as_deref(), address.as_deref()),
        ),
        Content::Card { card, .. } => {
            let card = card.as_ref().ok_or("the card is not filled in")?;
            // Without `wuid` the gateway writes a whole address into the card, and some phones
            // then show no button to write to that person.
            let entry = json!({
                "fullName": card.name,
                "phoneNumber": card.phone.to_string(),
                "wuid": card.phone.digits(),
            });
            ("sendContact", json!({ "contact": [entry] }))
        }
        Content::Buttons(buttons) if outbound.native_buttons => ("sendButtons", native(buttons)),
        Content::Buttons(buttons) => ("sendText", json!({ "text": buttons.as_numbered_text() })),
    };
    let mut body = Map::from_iter([("number".to_owned(), outbound.to.digits().into())]);
    if let Value::Object(content) = content {
        body.extend(content.into_iter().filter(|(_, value)| !value.is_null()));
    }
    let is_media = matches!(outbound.content, Content::Media { .. });
    Ok(Request {
        verb,
        body: Value::Object(body),
        is_media,
    })
}

/// One of the gateway's five fonts. It wants one with every text.
const FONT: u8 = 1;

/// Builds the request for a status that all contacts of the number are to see.
pub(crate) fn status(status: &OutboundStatus) -> Request {
    let is_media = matches!(status.content, StatusContent::Image { .. });
    let body = match &status.content {
        StatusContent::Text { text, background } => json!({
            "type": "text",
            "content": text,
            "backgroundColor": background,
            "font": FONT,
            "allContacts": true,
        }),
        StatusContent::Image { url, caption } => {
            let content = status.file.as_ref().map_or_else(|| url.clone(), bare);
            let mut body = json!({ "type": "image", "content": content, "allContacts": true });
            if let Some(caption) = caption.as_ref().filter(|it| !it.is_empty()) {
                body["caption"] = json!(caption);
            }
            body
        }
    };
    Request {
        verb: "sendStatus",
        body,
        is_media,
    }
}

fn media(
    kind: MessageKind,
    url: &str,
    file: Option<&OutboundFile>,
    caption: Option<&str>,
) -> Value {
    let is_sound = kind == MessageKind::Audio;
    let name = match file {
        Some(file) => ended(kind, file.name.clone()),
        None => file_name(kind, url),
    };
    json!({
        "mediatype": kind.as_str(),
        "media": file.map_or_else(|| url.to_owned(), bare),
        "caption": caption.filter(|caption| !caption.is_empty() && !is_sound),
        "fileName": name,
        "mimetype": file.map(|file| file.mime),
    })
}

/// The bytes as the gateway wants them: base64 and nothing around it.
fn bare(file: &OutboundFile) -> String {
    STANDARD.encode(&file.bytes)
}

/// The name of the file, from which the gateway derives the type it declares.
///
/// Pictures are always re-encoded to JPEG, whatever they were, so they are named so; a name
/// without a usable ending would be declared as type `false`.
fn file_name(kind: MessageKind, url: &str) -> String {
    ended(
        kind,
        last_segment(url).unwrap_or_else(|| kind.as_str().to_owned()),
    )
}

fn ended(kind: MessageKind, last: String) -> String {
    let ending = match kind {
        MessageKind::Image => "jpg",
        MessageKind::Video => "mp4",
        MessageKind::Audio => "mp3",
        _ => "bin",
    };
    match last.rsplit_once('.') {
        Some((stem, found)) if !stem.is_empty() && is_ending(found) => {
            if kind == MessageKind::Image {
                format!("{stem}.jpg")
            } else {
                last
            }
        }
        _ => format!("{last}.{ending}"),
    }
}

fn last_segment(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let raw = url.path_segments()?.next_back()?.to_owned();
    // The one decoder of percent signs at hand: a pair's value, with a plus that stays a plus.
    let query = format!("name={}", raw.replace('+', "%2B"));
    let name = url::form_urlencoded::parse(query.as_bytes())
        .next()?
        .1
        .replace(['/', '\\'], "_");
    let name = name.trim().trim_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

fn is_ending(text: &str) -> bool {
    (1..=5).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

/// The gateway insists on a name and an address.
fn location(latitude: f64, longitude: f64, name: Option<&str>, address: Option<&str>) -> Value {
    let given = |text: Option<&str>| {
        text.filter(|text| !text.trim().is_empty())
            .map(str::to_owned)
    };
    let (name, address) = (given(name), given(address));
    let place = format!("{latitude}, {longitude}");
    json!({
        "latitude": latitude,
        "longitude": longitude,
        "name": name.or_else(|| address.clone()).unwrap_or_else(|| place.clone()),
        "address": address.unwrap_or(place),
    })
}

fn native(buttons: &Buttons) -> Value {
    json!({
        "title": buttons.title,
        "description": Some(&buttons.description).filter(|text| !text.is_empty()),
        "footer": buttons.footer,
        "buttons": buttons.buttons.iter().map(button).collect::<Vec<_>>(),
    })
}

fn button(button: &Button) -> Value {
    let text = &button.text;
    match &button.action {
        ButtonAction::Reply(id) => json!({ "type": "reply", "displayText": text, "id": id }),
        ButtonAction::Copy(code) => {
            json!({ "type": "copy", "displayText": text, "copyCode": code })
        }
        ButtonAction::Url(url) => json!({ "type": "url", "displayText": text, "url": url }),
        ButtonAction::Call(phone) => {
            json!({ "type": "call", "displayText": text, "phoneNumber": phone })
        }
        ButtonAction::Pix {
            currency,
            name,
            key_type,
            key,
        } => json!({
            "type": "pix", "displayText": text,
            "currency": currency, "name": name, "keyType": key_type, "key": key,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_files_so_that_their_type_is_declared_rightly() {
        use MessageKind::{Audio, Document, Image, Video};
        let names = [
            (Image, "https://a.test/x/foto.png?sig=1", "foto.jpg"),
            (Image, "https://a.test/photo", "photo.jpg"),
            (Image, "https://a.test/", "image.jpg"),
            (Video, "https://a.test/film.mov", "film.mov"),
            (Video, "https://a.test/v/123", "123.mp4"),
            (Audio, "https://a.test/a.mp3#t", "a.mp3"),
            (
                Document,
                "https://a.test/Guia%20de+uso.pdf",
                "Guia de+uso.pdf",
            ),
            (Document, "https://a.test/a%2Fb.pdf", "a_b.pdf"),
            (Document, "https://a.test/report.2024", "report.2024.bin"),
            (Document, "https://a.test/.env", "env.bin"),
            (Document, "nonsense", "document.bin"),
        ];
        for (kind, url, name) in names {
            assert_eq!(file_name(kind, url), name, "{url}");
        }
    }

    #[test]
    fn uploads_go_as_bare_base64_with_name_and_type() {
        let file = OutboundFile {
            name: "été.webp".to_owned(),
            mime: "image/webp",
            bytes: vec![0xff, 0xd8].into(),
        };
        let image = media(MessageKind::Image, "http://localhost/x", Some(&file), None);
        assert_eq!(
            image,
            json!({
                "mediatype": "image", "media": "/9g=", "caption": null,
                "fileName": "été.jpg", "mimetype": "image/webp",
            })
        );
        let sheet = media(
            MessageKind::Document,
            "http://localhost/x",
            Some(&file),
            None,
        );
        assert_eq!(sheet["fileName"], "été.webp");
    }

    #[test]
    fn a_place_without_words_is_named_by_its_coordinates() {
        let bare = location(-23.5, -46.6, None, Some(" "));
        assert_eq!(
            (&bare["name"], &bare["address"]),
            (&json!("-23.5, -46.6"), &json!("-23.5, -46.6"))
        );
        let street = location(1.0, 2.0, None, Some("Main St 1"));
        assert_eq!(
            (&street["name"], &street["address"]),
            (&json!("Main St 1"), &json!("Main St 1"))
        );
    }
}
