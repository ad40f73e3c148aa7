//! Containers that hold one thing or another. Each answers `None` for what is not its own.

use msgflash_messaging::media::MediaType;
use msgflash_messaging::media::kind::Sniffed;

/// Ogg, if its first stream is sound.
pub(super) fn ogg(bytes: &[u8]) -> Option<Sniffed> {
    const CODECS: [&[u8]; 4] = [b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC"];
    if !bytes.starts_with(b"OggS") {
        return None;
    }
    // The header says into how many pieces the page is cut, one byte for each.
    let pieces = usize::from(*bytes.get(26).unwrap_or(&0));
    let stream = bytes.get(27 + pieces..).unwrap_or_default();
    let is_sound = CODECS.iter().any(|codec| stream.starts_with(codec));
    Some(if is_sound {
        Sniffed::Is(MediaType::Ogg)
    } else {
        Sniffed::Other
    })
}

/// Matroska: sound alone, in `WebM`. Who records with a browser must say that it is sound.
pub(super) fn webm(bytes: &[u8]) -> Option<Sniffed> {
    const SOUND: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Webm],
        usual: None,
    };
    if !bytes.starts_with(b"\x1a\x45\xdf\xa3") {
        return None;
    }
    let head = &bytes[..bytes.len().min(4096)];
    let has = |what: &[u8]| head.windows(what.len()).any(|it| it == what);
    let is_film = [&b"V_VP8"[..], b"V_VP9", b"V_AV1", b"V_MPEG"]
        .into_iter()
        .any(has);
    let is_sound = has(b"\x42\x82\x84webm") && !is_film;
    Some(if is_sound { SOUND } else { Sniffed::Other })
}

/// The family of MP4, by its brand.
pub(super) fn mp4(bytes: &[u8]) -> Option<Sniffed> {
    const FILM_OR_SOUND: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Mp4, MediaType::M4a],
        usual: Some(MediaType::Mp4),
    };
    if bytes.get(4..8) != Some(b"ftyp") {
        return None;
    }
    let brand = bytes.get(8..12).unwrap_or_default();
    Some(match brand {
        [b'3', b'g', b'p' | b'2', _] => Sniffed::Is(MediaType::ThreeGpp),
        b"M4A " | b"M4B " => Sniffed::Is(MediaType::M4a),
        _ if infer::video::is_mp4(bytes) => FILM_OR_SOUND,
        // Pictures of phones, QuickTime, and what nobody knows.
        _ => Sniffed::Other,
    })
}

/// The container of Office before 2007, by the streams that are named in it.
pub(super) fn ole(bytes: &[u8]) -> Option<Sniffed> {
    /// Names are in a directory, whose entries lie on multiples of this.
    const ENTRY: usize = 128;
    const EITHER: Sniffed = Sniffed::OneOf {
        alike: &[MediaType::Doc, MediaType::Xls],
        usual: None,
    };
    if !bytes.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return None;
    }
    let has = |name: &str| {
        let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let mut entries = bytes.chunks_exact(ENTRY);
        entries.any(|it| it.starts_with(&name) && it[name.len()..].starts_with(b"\0\0"))
    };
    // Programs are no documents, and start when they are opened.
    if ["_VBA_PROJECT", "_VBA_PROJECT_CUR", "VBA", "Macros"]
        .iter()
        .any(|it| has(it))
    {
        return Some(Sniffed::Other);
    }
    let (text, sheet) = (has("WordDocument"), has("Workbook") || has("Book"));
    Some(match (text, sheet) {
        (true, false) => Sniffed::Is(MediaType::Doc),
        (false, true) => Sniffed::Is(MediaType::Xls),
        // One may lie inside the other.
        (true, true) => EITHER,
        (false, false) => Sniffed::Other,
    })
}

/// Sound without a container, by the header of its first frame.
pub(super) fn mp3_or_aac(bytes: &[u8]) -> Option<Sniffed> {
    let [0xff, second, third, ..] = *bytes else {
        return None;
    };
    let (version, layer) = (second >> 3 & 3, second >> 1 & 3);
    if second & 0xe0 != 0xe0 {
        return None;
    }
    let is_mp3 = layer == 1 && version != 1 && third >> 4 != 15 && third >> 2 & 3 != 3;
    // AAC has a longer mark, no layer, and twelve rates.
    let is_aac = second & 0xf6 == 0xf0 && third >> 2 & 15 < 13;
    if is_mp3 {
        Some(Sniffed::Is(MediaType::Mp3))
    } else if is_aac {
        Some(Sniffed::Is(MediaType::Aac))
    } else {
        None
    }
}
