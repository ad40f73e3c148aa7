use msgflash_messaging::media::kind::Sniffed::{self, Is, OneOf, Other};

use super::*;

const NO_MORE: &[u8] = &[0; 300];

fn with(start: &[u8]) -> Vec<u8> {
    [start, NO_MORE].concat()
}

fn sniff(bytes: &[u8]) -> Sniffed {
    Signatures.sniff(bytes)
}

fn ogg(codec: &[u8]) -> Vec<u8> {
    let mut page = b"OggS\0\x02".to_vec();
    page.resize(26, 0);
    page.extend_from_slice(&[2, 9, 9]);
    page.extend_from_slice(codec);
    page
}

fn webm(kind: &[u8], codec: &[u8]) -> Vec<u8> {
    let mut file = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82".to_vec();
    file.push(0x80 | u8::try_from(kind.len()).expect("short"));
    file.extend_from_slice(kind);
    file.extend_from_slice(NO_MORE);
    file.extend_from_slice(codec);
    file
}

/// An old Office file whose directory has these entries.
fn ole(names: &[&str]) -> Vec<u8> {
    let mut file = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    file.resize(512, 0);
    for name in names {
        let start = file.len();
        file.extend(name.encode_utf16().flat_map(u16::to_le_bytes));
        file.resize(start + 128, 0);
    }
    file
}

/// An archive of empty files.
fn zip(names: &[&str]) -> Vec<u8> {
    let length = |name: &str| u16::try_from(name.len()).expect("short").to_le_bytes();
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for name in names {
        let at = u32::try_from(file.len()).expect("small").to_le_bytes();
        file.extend_from_slice(b"PK\x03\x04");
        file.extend_from_slice(&[0; 22]);
        file.extend_from_slice(&[length(name), [0, 0]].concat());
        file.extend_from_slice(name.as_bytes());
        directory.extend_from_slice(b"PK\x01\x02");
        directory.extend_from_slice(&[0; 24]);
        directory.extend_from_slice(&length(name));
        directory.extend_from_slice(&[0; 12]);
        directory.extend_from_slice(&at);
        directory.extend_from_slice(name.as_bytes());
    }
    let start = u32::try_from(file.len()).expect("small").to_le_bytes();
    let size = u32::try_from(directory.len()).expect("small").to_le_bytes();
    let count = u16::try_from(names.len()).expect("few").to_le_bytes();
    file.extend_from_slice(&directory);
    file.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    file.extend_from_slice(&[count, count].concat());
    file.extend_from_slice(&[size, start].concat());
    file.extend_from_slice(&[0, 0]);
    file
}

const TYPES: &str = "[Content_Types].xml";

#[test]
fn every_type_that_is_taken_is_known_by_its_bytes() {
    use MediaType::*;
    let cases: Vec<(Vec<u8>, MediaType)> = vec![
        (with(b"\xff\xd8\xff\xe0\0\x10JFIF\0"), Jpeg),
        (with(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Png),
        (with(b"GIF89a"), Gif),
        (with(b"RIFF\x10\0\0\0WEBPVP8 "), Webp),
        (with(b"\0\0\0\x14ftyp3gp5"), ThreeGpp),
        (with(b"\0\0\0\x20ftypM4A \0\0\0\0"), M4a),
        (with(b"%PDF-1.4\n"), Pdf),
        (with(b"ID3\x03"), Mp3),
        (with(b"\xff\xfb\x90\x64"), Mp3),
        (with(b"\xff\xe3\x18\xc4"), Mp3),
        (with(b"\xff\xf1\x50\x80"), Aac),
        (with(b"\xff\xf9\x4c\x80"), Aac),
        (with(b"#!AMR\n\x3c"), Amr),
        (ogg(b"OpusHead"), Ogg),
        (ogg(b"\x01vorbis"), Ogg),
        (ole(&["Root Entry", "WordDocument"]), Doc),
        (ole(&["Root Entry", "Workbook"]), Xls),
        (ole(&["Root Entry", "Book"]), Xls),
        (zip(&[TYPES, "word/document.xml"]), Docx),
        (zip(&["docProps/app.xml", "xl/workbook.xml", TYPES]), Xlsx),
    ];
    for (bytes, kind) in cases {
        assert_eq!(sniff(&bytes), Is(kind), "{kind:?}");
    }
}

#[test]
fn containers_of_one_thing_or_another_are_left_to_what_was_said() {
    let one_of = |bytes: &[u8]| match sniff(bytes) {
        OneOf { alike, usual } => (alike, usual),
        other => panic!("{other:?}"),
    };
    let (mp4, m4a) = (MediaType::Mp4, MediaType::M4a);
    let film = one_of(&with(b"\0\0\0\x18ftypmp42\0\0\0\0"));
    assert_eq!(film, (&[mp4, m4a][..], Some(mp4)));
    let office = one_of(&ole(&["WordDocument", "Workbook"]));
    assert_eq!(office, (&[MediaType::Doc, MediaType::Xls][..], None));
    let voice = one_of(&webm(b"webm", b"\x86\x86A_OPUS"));
    assert_eq!(voice, (&[MediaType::Webm][..], None));
}

#[test]
fn what_only_resembles_is_nothing() {
    let cases: Vec<Vec<u8>> = vec![
        vec![],
        b"hello".to_vec(),
        with(b"<!DOCTYPE html><script>"),
        with(b"<svg xmlns=\"http://www.w3.org/2000/svg\">"),
        with(b"#!/bin/sh\n"),
        with(b"MZ\x90\0"),
        with(b"\x7fELF\x02\x01\x01"),
        with(b"GIF is a format"),
        with(b"\x89PNG is one too"),
        with(b"BM"),
        with(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        with(b"\0\0\0\x14ftypqt  "),
        with(b"\xff\xff\xff\xff"),
        with(b"RIFF\x10\0\0\0WAVEfmt "),
        ogg(b"\x80theora"),
        webm(b"matroska", b""),
        webm(b"webm", b"V_VP9"),
        ole(&["Root Entry", "PowerPoint Document"]),
        ole(&["Root Entry", "WordDocumentary"]),
        zip(&["a.txt"]),
        zip(&[TYPES, "ppt/presentation.xml"]),
        zip(&[TYPES, "word/document.xml", "word/vbaProject.bin"]),
        zip(&[TYPES, "word/document.xml", "xl/workbook.xml"]),
        zip(&["word/document.xml"]),
    ];
    for bytes in cases {
        let start = String::from_utf8_lossy(&bytes[..bytes.len().min(24)]).into_owned();
        assert_eq!(sniff(&bytes), Other, "{start:?}");
    }
}

#[test]
fn files_that_end_anywhere_are_survived() {
    let whole = [
        zip(&[TYPES, "word/document.xml"]),
        ole(&["WordDocument"]),
        ogg(b"OpusHead"),
        webm(b"webm", b"A_OPUS"),
        with(b"\0\0\0\x18ftypmp42"),
    ];
    for file in &whole {
        for end in 0..file.len() {
            sniff(&file[..end]);
        }
    }
    let mut odd = zip(&[TYPES, "word/document.xml"]);
    for at in 0..odd.len() {
        let kept = std::mem::replace(&mut odd[at], 0xff);
        sniff(&odd);
        odd[at] = kept;
    }
}
