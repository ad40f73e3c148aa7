//! What the bytes of a file are, by how they begin and, where formats share a container, by what is
//! in it.

use msgflash_messaging::media::MediaType;
use msgflash_messaging::media::kind::Sniffed;
use msgflash_messaging::media::ports::Sniffer;

mod container;
#[cfg(test)]
mod tests;
mod zip;

/// Knows formats by their signatures.
#[derive(Clone, Copy, Debug, Default)]
pub struct Signatures;

impl Sniffer for Signatures {
    fn sniff(&self, bytes: &[u8]) -> Sniffed {
        // What is looked into comes first; the rest begins with its name.
        let looked_into = container::ogg(bytes)
            .or_else(|| container::webm(bytes))
            .or_else(|| container::mp4(bytes))
            .or_else(|| container::ole(bytes))
            .or_else(|| zip::office(bytes))
            .or_else(|| container::mp3_or_aac(bytes));
        looked_into.unwrap_or_else(|| by_signature(bytes))
    }
}

fn by_signature(bytes: &[u8]) -> Sniffed {
    let Some(kind) = infer::get(bytes) else {
        return Sniffed::Other;
    };
    // A few letters that any text may begin with are not enough.
    let begins = |start: &[u8]| bytes.starts_with(start);
    match kind.mime_type() {
        "image/jpeg" => Sniffed::Is(MediaType::Jpeg),
        "image/png" if begins(b"\x89PNG\r\n\x1a\n") => Sniffed::Is(MediaType::Png),
        "image/gif" if begins(b"GIF87a") || begins(b"GIF89a") => Sniffed::Is(MediaType::Gif),
        "image/webp" if begins(b"RIFF") => Sniffed::Is(MediaType::Webp),
        "application/pdf" if begins(b"%PDF-") => Sniffed::Is(MediaType::Pdf),
        "audio/mpeg" if begins(b"ID3") => Sniffed::Is(MediaType::Mp3),
        "audio/amr" => Sniffed::Is(MediaType::Amr),
        _ => Sniffed::Other,
    }
}
