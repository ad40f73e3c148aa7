//! Files of contacts and of numbers that are not to be written to.

#![no_main]

use std::collections::HashSet;
use std::io::{self, Read};

use libfuzzer_sys::fuzz_target;
use msgflash_contacts::file::{
    self, ExportRow, FileError, ImportRow, MAX_ROWS, ReadFile, ReportEntry, SuppressionRow, Writer,
};
use msgflash_contacts::rules::{MAX_NAME, MAX_TAG, MAX_TAGS};
use msgflash_contacts::suppression::MAX_REASON;
use msgflash_kernel::Phone;
use time::OffsetDateTime;

fuzz_target!(|input: &[u8]| {
    let lines = lines_of(input);
    let contacts = file::read(input);
    check_pieces(input, &contacts);
    let suppressions = file::read_suppressions(input);
    if let (Ok(contacts), Ok(suppressions)) = (&contacts, &suppressions) {
        assert_eq!(contacts.total(), suppressions.total());
    }
    match contacts {
        Ok(file) => check_contacts(&file, &lines),
        Err(error) => check_error(&error, input, lines.len()),
    }
    match suppressions {
        Ok(file) => check_suppressions(&file, lines.len()),
        Err(error) => check_error(&error, input, lines.len()),
    }
});

/// A file that comes byte by byte.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

/// However a file is cut on its way, it says the same.
fn check_pieces(input: &[u8], whole: &Result<ReadFile, FileError>) {
    match (file::read(Slow(input)), whole) {
        (Ok(slow), Ok(whole)) => assert_eq!(&slow, whole),
        (Err(slow), Err(whole)) => assert_eq!(slow.to_string(), whole.to_string()),
        (slow, whole) => panic!("{slow:?} is not {whole:?}"),
    }
}

/// The lines of a file. They end with a line feed, a carriage return, or both.
fn lines_of(input: &[u8]) -> Vec<&[u8]> {
    let (mut lines, mut begin, mut at) = (Vec::new(), 0, 0);
    while at < input.len() {
        let is_pair = input[at..].starts_with(b"\r\n");
        let is_end = matches!(input[at], b'\r' | b'\n');
        at += if is_pair { 2 } else { 1 };
        if is_end {
            lines.push(&input[begin..at]);
            begin = at;
        }
    }
    lines.push(&input[begin..]);
    lines
}

fn check_contacts(file: &ReadFile, lines: &[&[u8]]) {
    check_report(&file.report, file.skipped + file.invalid, lines.len());
    assert!(file.total() <= MAX_ROWS);
    assert!(file.rows.is_sorted_by(|a, b| a.line < b.line));
    check_phones(file.rows.iter().map(|row| row.phone));
    let mut begun: Vec<usize> = file.rows.iter().map(|row| index(row.line)).collect();
    begun.extend(file.report.iter().map(|entry| index(entry.line)));
    begun.sort_unstable();
    assert!(begun.is_sorted_by(|a, b| a < b));
    for row in &file.rows {
        check_row(row);
        let at = index(row.line);
        let next = begun.iter().copied().find(|it| *it > at);
        let span = lines[at - 1..next.map_or(lines.len(), |it| it - 1)].concat();
        let digits: String = span
            .iter()
            .filter(|it| it.is_ascii_digit())
            .map(|it| char::from(*it))
            .collect();
        assert!(digits.contains(&row.phone.digits()), "line {at}");
    }
    // Whoever repeats a number names the row that has it.
    for entry in &file.report {
        if let Some(first) = entry.reason.strip_prefix("Same number as line ") {
            let first: u64 = first.parse().expect("a line");
            assert!(first < entry.line);
            assert!(file.rows.iter().any(|row| row.line == first));
        }
    }
    check_trip(&file.rows);
}

fn check_row(row: &ImportRow) {
    if let Some(name) = &row.name {
        check_text(name, MAX_NAME);
    }
    assert!(row.tags.len() <= MAX_TAGS);
    let different: HashSet<&String> = row.tags.iter().collect();
    assert_eq!(different.len(), row.tags.len());
    for tag in &row.tags {
        check_text(tag, MAX_TAG);
    }
}

fn check_suppressions(file: &ReadFile<SuppressionRow>, lines: usize) {
    check_report(&file.report, file.skipped + file.invalid, lines);
    assert!(file.total() <= MAX_ROWS);
    check_phones(file.rows.iter().map(|row| row.phone));
    for reason in file.rows.iter().filter_map(|row| row.reason.as_ref()) {
        check_text(reason, MAX_REASON);
    }
}

/// Every row that was not taken is told once, with its place in the file.
fn check_report(report: &[ReportEntry], refused: u32, lines: usize) {
    assert_eq!(report.len(), refused as usize);
    assert!(report.is_sorted_by(|a, b| a.line < b.line));
    for entry in report {
        // The header comes first.
        assert!((2..=lines).contains(&index(entry.line)));
        assert!(entry.phone.chars().count() <= 32);
        assert!(!entry.phone.contains(char::is_control));
        assert!(!entry.reason.is_empty());
    }
}

fn check_phones(phones: impl Iterator<Item = Phone>) {
    let mut met = HashSet::new();
    for phone in phones {
        assert_eq!(Phone::parse(&phone.to_string()), Ok(phone));
        assert!(met.insert(phone));
    }
}

/// Text as a row may have it: trimmed, in one line, not empty.
fn check_text(text: &str, longest: usize) {
    assert!((1..=longest).contains(&text.chars().count()));
    assert_eq!(text.trim(), text);
    assert!(!text.contains(char::is_control));
}

/// What was taken can be written, and reads back.
fn check_trip(rows: &[ImportRow]) {
    let written: Vec<ExportRow> = rows
        .iter()
        .map(|row| ExportRow {
            phone: row.phone,
            name: row.name.clone().unwrap_or_default(),
            tags: row.tags.clone(),
            groups: Vec::new(),
            created_at: OffsetDateTime::UNIX_EPOCH,
        })
        .collect();
    let bytes = Writer::default().part(&written);
    let back = file::read(bytes.as_slice()).expect("ours");
    assert!(back.report.is_empty());
    assert_eq!(back.rows.len(), rows.len());
    for (line, (back, row)) in (2..).zip(back.rows.iter().zip(rows)) {
        let expected = ImportRow {
            line,
            ..row.clone()
        };
        assert_eq!(back, &expected);
    }
}

/// A refusal says what to do, and names no line that the file does not have.
fn check_error(error: &FileError, input: &[u8], lines: usize) {
    let message = error.to_string();
    match error {
        FileError::Format(_) => {}
        FileError::TooLarge(_) => assert!(input.len() > MAX_ROWS as usize),
        FileError::Broken(_) => panic!("memory does not break off: {error:?}"),
    }
    assert!(!message.is_empty());
    if let Some((_, rest)) = message.to_lowercase().split_once("line ") {
        let line = rest.split(' ').next().unwrap_or_default();
        assert!((1..=lines).contains(&line.parse().expect("a line")));
    }
}

fn index(line: u64) -> usize {
    usize::try_from(line).expect("fuzzed files are small")
}
