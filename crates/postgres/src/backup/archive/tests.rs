use std::io::Read as _;

use time::macros::datetime;

use super::*;

fn header() -> Header {
    let table = |name: &str, columns: &[&str]| Table {
        name: name.to_owned(),
        columns: columns.iter().map(|it| (*it).to_owned()).collect(),
    };
    Header {
        format: FORMAT,
        version: "1.2.3".to_owned(),
        at: datetime!(2026-05-20 10:00:00.123456 UTC),
        postgres: "15.14".to_owned(),
        migrations: vec!["20261101000000".to_owned()],
        tables: vec![
            table("users", &["id", "E \"mail\""]),
            table("empty", &["id"]),
        ],
    }
}

/// Rows as COPY writes them: newlines within values are spelled out.
fn rows() -> String {
    let rows: Vec<_> = (0..5000)
        .map(|n| format!("{n}\t\\N and \\\\. a\\nline\n"))
        .collect();
    rows.concat()
}

fn written(header: &Header) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), header).expect("begun");
    writer.table(&header.tables[0]).expect("written");
    writer.rows(rows().as_bytes()).expect("written");
    writer.end_table().expect("written");
    writer.table(&header.tables[1]).expect("written");
    writer.end_table().expect("written");
    let (file, rows) = writer.finish().expect("whole");
    assert_eq!(rows, [5000, 0]);
    file
}

/// Reads a file to its end; answers the rows of its tables.
fn read(file: &[u8]) -> Result<Vec<String>, BackupError> {
    let (mut reader, header) = Reader::open(file, "this")?;
    let mut tables = Vec::new();
    for table in &header.tables {
        reader.table(table)?;
        let mut text = String::new();
        while let Some(rows) = reader.rows()? {
            assert!(rows.len() < 2 * CHUNK, "no table at once");
            text.push_str(std::str::from_utf8(&rows).expect("UTF-8"));
        }
        tables.push(text);
    }
    reader.finish()?;
    Ok(tables)
}

fn unpacked(file: &[u8]) -> String {
    let mut text = String::new();
    GzDecoder::new(file)
        .read_to_string(&mut text)
        .expect("gzip");
    text
}

fn packed(text: &str) -> Vec<u8> {
    let mut out = GzEncoder::new(Vec::new(), Compression::fast());
    out.write_all(text.as_bytes()).expect("memory");
    out.finish().expect("memory")
}

#[test]
fn what_was_written_is_read() {
    let file = written(&header());
    assert_eq!(read(&file).expect("whole"), [rows(), String::new()]);
    let (_, read) = Reader::open(file.as_slice(), "this").expect("a header");
    assert_eq!(read, header());
    let text = unpacked(&file);
    assert!(text.starts_with("-- MsgFlash backup {\"format\":1,\"version\":\"1.2.3\","));
    assert!(text.contains("\nCOPY \"users\" (\"id\", \"E \"\"mail\"\"\") FROM stdin;\n0\t"));
}

#[test]
fn a_file_that_ends_early_is_never_whole() {
    let file = written(&header());
    for length in 0..file.len() {
        // Every length near the ends, and some between.
        if length > 200 && length + 200 < file.len() && length % 97 != 0 {
            continue;
        }
        let torn = read(&file[..length]);
        assert!(torn.is_err(), "{length} of {}", file.len());
    }
}

#[test]
fn what_was_changed_is_noticed_even_if_it_was_packed_again() {
    let text = unpacked(&written(&header()));
    let refused = |text: &str, because: &str| {
        let error = read(&packed(text)).expect_err("changed").to_string();
        assert!(error.contains(because), "{error}");
    };
    refused(&text.replace("\n17\t", "\n18\t"), "checksum");
    let without_a_row = text.replacen("0\t\\N and \\\\. a\\nline\n", "", 1);
    refused(&without_a_row, "checksum");
    refused(&text.replace("-- end", "-- And"), "no end");
    refused(&format!("{text}DROP TABLE users;\n"), "follows its end");
    let other = text.replace("COPY \"empty\"", "COPY \"other\"");
    refused(&other, "does not begin");
    refused("-- MsgFlash backup {\"format\":\n", "first line");
}

#[test]
fn whether_the_rest_is_whole_is_known_wherever_reading_stopped() {
    let stopped = |file: &[u8]| {
        let (mut reader, header) = Reader::open(file, "this").expect("a header");
        reader.table(&header.tables[0]).expect("a table");
        reader.rows().expect("some rows");
        reader.ends_whole()
    };
    let file = written(&header());
    assert!(stopped(&file));
    assert!(!stopped(&file[..file.len() - 1]));
    let text = unpacked(&file);
    assert!(!stopped(&packed(&text.replace("\n17\t", "\n18\t"))));
    assert!(!stopped(&packed(&format!("{text}{text}"))));
}

#[test]
fn a_changed_byte_is_noticed_wherever_it_is() {
    let mut file = written(&header());
    // The ten bytes of gzip's own header tell nothing.
    for place in (10..file.len()).step_by(53) {
        file[place] ^= 0x10;
        assert!(read(&file).is_err(), "at {place}");
        file[place] ^= 0x10;
    }
}

#[test]
fn another_file_is_not_taken_for_a_backup() {
    for file in [
        b"PGDMP and more of that".to_vec(),
        packed("CREATE TABLE"),
        packed(""),
    ] {
        assert!(matches!(read(&file), Err(BackupError::NotABackup)));
    }
}

#[test]
fn a_newer_format_is_refused_by_the_version_that_wrote_it() {
    // Nothing but these two is promised of other formats.
    let file = packed("-- MsgFlash backup {\"format\":2,\"version\":\"9.0.0\",\"new\":true}\n");
    let refused = read(&file).expect_err("newer").to_string();
    assert!(refused.contains("MsgFlash 9.0.0"), "{refused}");
    assert!(refused.contains("format 2"), "{refused}");
}
