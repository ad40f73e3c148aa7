//! `sendMedia` and `sendWhatsAppAudio`.

use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::draft::{Content, Draft, context, draft, text};
use super::mime;
use crate::acks;
use crate::answer::{Answer, bad_request, internal};
use crate::clock;
use crate::gateway::Gateway;
use crate::instance::Instance;
use crate::schema::{DELAY, Field, Kind, NUMBER, check};

const FETCH_TIMEOUT: Duration = Duration::from_secs(10);
const FILE: &str = "/v/t62.7118-24/00000000_000000000000000_0000000000000000000_n.enc\
                    ?ccb=11-4&oh=01_EXAMPLE&oe=00000000&_nc_sid=000000";

pub(crate) fn validate(body: &Value) -> Result<(), Answer> {
    const FIELDS: [Field; 7] = [
        NUMBER,
        Field::required(
            "mediatype",
            Kind::Choice(&["image", "document", "video", "audio"]),
        ),
        Field::optional("mimetype", Kind::Text),
        Field::optional("media", Kind::Text),
        Field::optional("fileName", Kind::Text),
        Field::optional("caption", Kind::Text),
        DELAY,
    ];
    check(body, &FIELDS)
}

pub(crate) fn validate_audio(body: &Value) -> Result<(), Answer> {
    check(
        body,
        &[NUMBER, Field::optional("encoding", Kind::Flag), DELAY],
    )
}

/// A file, where it came from, and its bytes where the simulator has them.
struct File {
    bytes: Option<Vec<u8>>,
    base64: Option<String>,
    /// What stands in for the bytes when a file elsewhere is not fetched.
    source: String,
}

pub(crate) async fn compose(
    gateway: &Gateway,
    instance: &Instance,
    body: &Value,
) -> Result<Draft, Answer> {
    let media = text(body, "media").unwrap_or_default();
    let name = text(body, "fileName").filter(|name| !name.is_empty());
    let kind = text(body, "mediatype").unwrap_or_default();
    let url = mime::address(media);
    let is_base64 = url.is_none() && mime::base64(media).is_some();
    if url.is_none() && !is_base64 {
        return Err(bad_request("Owned media must be a url or base64"));
    }
    if is_base64 && kind == "document" && name.is_none() {
        return Err(bad_request("For base64 the file name must be informed."));
    }
    let file = fetch(gateway, media, url).await?;
    if kind == "image"
        && file
            .bytes
            .as_deref()
            .is_some_and(|bytes| !mime::is_picture(bytes))
    {
        return Err(internal(
            "Error: Input buffer contains unsupported image format",
        ));
    }
    let mimetype = match (name, text(body, "mimetype")) {
        (Some(name), _) => mime::of_file(name).to_owned(),
        (None, Some(mimetype)) => mimetype.to_owned(),
        (None, None) => default_type(kind, &file.source).to_owned(),
    };
    let context = context(instance, body);
    let mut message = stored(gateway, &file, &mimetype);
    if let Some(caption) = text(body, "caption") {
        message.insert("caption".to_owned(), json!(caption));
    }
    let message_type = match kind {
        "image" => {
            let (width, height) = file.bytes.as_deref().map_or((640, 480), dimensions);
            message.extend(object(json!({
                "interactiveAnnotations": [], "scanLengths": [], "annotations": [],
                "height": height, "width": width, "jpegThumbnail": numbered(&THUMBNAIL),
            })));
            "imageMessage"
        }
        "video" => {
            message.extend(object(json!({
                "interactiveAnnotations": [], "annotations": [], "processedVideos": [],
                "gifPlayback": false,
            })));
            "videoMessage"
        }
        "audio" => {
            message.remove("caption");
            message.insert("seconds".to_owned(), json!(1));
            "audioMessage"
        }
        _ => {
            let name = name.map_or_else(|| last_segment(&file.source), str::to_owned);
            message.insert("fileName".to_owned(), json!(name));
            "documentMessage"
        }
    };
    let mut whole = Content::new(message_type, json!({ message_type: message }))
        .saying(text(body, "caption"))
        .with_inner_context(context);
    whole.base64 = file.base64;
    Ok(Draft {
        is_media: true,
        ..draft(body, whole)
    })
}

pub(crate) async fn compose_audio(
    gateway: &Gateway,
    instance: &Instance,
    body: &Value,
) -> Result<Draft, Answer> {
    let audio = text(body, "audio").unwrap_or_default();
    let url = mime::address(audio);
    if url.is_none() && mime::base64(audio).is_none() {
        return Err(bad_request(
            "Owned media must be a url, base64, or valid file with buffer",
        ));
    }
    let file = fetch(gateway, audio, url).await?;
    let mut context = context(instance, &Value::Null); // Quotes are ignored here.
    context["statusAttributions"] = json!([]);
    let mut message = stored(gateway, &file, "audio/ogg; codecs=opus");
    message.insert("seconds".to_owned(), json!(1));
    message.insert("ptt".to_owned(), json!(true));
    message.insert("waveform".to_owned(), numbered(&[42; 64]));
    let mut whole = Content::new("audioMessage", json!({ "audioMessage": message }))
        .with_inner_context(context);
    whole.base64 = file.base64;
    Ok(Draft {
        is_media: true,
        kind: acks::Kind::Voice,
        ..draft(body, whole)
    })
}

/// Gets the bytes: from the text, from this machine, or, for any other host, not at all.
async fn fetch(gateway: &Gateway, media: &str, url: Option<Url>) -> Result<File, Answer> {
    let source = media.to_owned();
    let Some(url) = url else {
        return Ok(File {
            bytes: mime::base64(media),
            base64: Some(media.to_owned()),
            source,
        });
    };
    let host = url.host_str().unwrap_or_default();
    if host.ends_with(".invalid") {
        return Err(internal(&format!("Error: getaddrinfo ENOTFOUND {host}")));
    }
    if !mime::is_loopback(&url) {
        return Ok(File {
            bytes: None,
            base64: None,
            source,
        });
    }
    let port = url.port_or_known_default().unwrap_or(80);
    let refused = internal(&format!("Error: connect ECONNREFUSED {host}:{port}"));
    let request = gateway.http.get(url.as_str()).timeout(FETCH_TIMEOUT);
    let answer = request.send().await.map_err(|_| refused.clone())?;
    if !answer.status().is_success() {
        let status = answer.status().as_u16();
        return Err(internal(&format!(
            "AxiosError: Request failed with status code {status}"
        )));
    }
    let bytes = answer.bytes().await.map_err(|_| refused)?;
    Ok(File {
        bytes: Some(bytes.to_vec()),
        base64: None,
        source,
    })
}

/// The fields of a file that was encrypted and uploaded.
fn stored(gateway: &Gateway, file: &File, mimetype: &str) -> Map<String, Value> {
    let bytes = file.bytes.as_deref().unwrap_or(file.source.as_bytes());
    object(json!({
        "url": format!("https://mmg.whatsapp.net{FILE}&mms3=true"),
        "directPath": FILE,
        "mimetype": mimetype,
        "fileSha256": numbered(&Sha256::digest(bytes)),
        "fileEncSha256": numbered(&gateway.chance.secret_bytes()),
        "mediaKey": numbered(&gateway.chance.secret_bytes()),
        "fileLength": { "low": bytes.len(), "high": 0, "unsigned": true },
        "mediaKeyTimestamp": {
            "low": clock::now().unix_timestamp(), "high": 0, "unsigned": false
        },
    }))
}

/// Bytes as the gateway prints them: an object with numeric keys.
pub(crate) fn numbered(bytes: &[u8]) -> Value {
    bytes
        .iter()
        .enumerate()
        .map(|(at, byte)| (at.to_string(), json!(byte)))
        .collect()
}

/// The start of any JPEG file: enough for those who only look at the shape.
const THUMBNAIL: [u8; 20] =
    *b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00";

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn default_type(kind: &str, source: &str) -> &'static str {
    match kind {
        "image" => "image/jpeg",
        "video" => "video/mp4",
        "audio" => "audio/mpeg",
        _ => mime::of_file(&last_segment(source)),
    }
}

fn last_segment(source: &str) -> String {
    let path = source.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

/// The size a PNG names in its header; anything else gets a usual one.
fn dimensions(bytes: &[u8]) -> (u32, u32) {
    let number = |from: usize| {
        let bytes: [u8; 4] = bytes.get(from..from + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(bytes))
    };
    match (bytes.starts_with(b"\x89PNG"), number(16), number(20)) {
        (true, Some(width), Some(height)) => (width, height),
        _ => (640, 480),
    }
}
