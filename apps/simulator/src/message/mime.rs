//! File types, as the gateway guesses them, and what a text can be: an address or a file.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::{Host, Url};

/// The type an extension stands for. The gateway writes `false` when it knows none.
pub(crate) fn of_file(name: &str) -> &'static str {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "mp4" => "video/mp4",
        "mov" => "video/quicktime",
        "webm" => "video/webm",
        "3gp" => "video/3gpp",
        "mp3" => "audio/mpeg",
        "ogg" | "oga" | "opus" => "audio/ogg",
        "wav" => "audio/wav",
        "m4a" => "audio/mp4",
        "aac" => "audio/x-aac",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        "zip" => "application/zip",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "ppt" => "application/vnd.ms-powerpoint",
        "pptx" => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => "false",
    }
}

/// The address a text is, if the gateway takes it for one: an IP address or a dotted host.
pub(crate) fn address(text: &str) -> Option<Url> {
    if text.contains(char::is_whitespace) || !text.contains('.') && !text.contains('[') {
        return None;
    }
    let absolute = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let url = Url::parse(&absolute).ok()?;
    let is_known = matches!(url.scheme(), "http" | "https" | "ftp");
    let is_public = match url.host()? {
        Host::Domain(name) => name.rsplit_once('.').is_some_and(|(rest, last)| {
            !rest.is_empty() && last.len() >= 2 && last.bytes().all(|byte| !byte.is_ascii_digit())
        }),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    };
    (is_known && is_public).then_some(url)
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        _ => false,
    }
}

/// The bytes of a bare base64 text.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    if text.is_empty() {
        None
    } else {
        STANDARD.decode(text).ok()
    }
}

/// Whether an image library would read these bytes.
pub(crate) fn is_picture(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 8] = [
        b"\x89PNG",
        b"\xff\xd8\xff",
        b"GIF8",
        b"RIFF",
        b"BM",
        b"II*\0",
        b"MM\0*",
        b"<svg",
    ];
    starts.iter().any(|start| bytes.starts_with(start)) || bytes.get(4..8) == Some(b"ftyp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_a_dotted_host_or_an_ip_address_for_an_address() {
        for text in [
            "https://example.test/a.png",
            "http://10.0.0.1:9000/a.png",
            "http://[::1]/a",
        ] {
            assert!(address(text).is_some(), "{text}");
        }
        for text in [
            "http://localhost:9000/a.png",
            "http://minio:9000/a.png",
            "not a url!",
        ] {
            assert!(address(text).is_none(), "{text}");
        }
    }
}
