//! Files of all makers.

use proptest::prelude::*;

use super::*;

mod refused;

fn file(text: &str) -> Result<ReadFile, FileError> {
    read(text.as_bytes())
}

fn phone(text: &str) -> Phone {
    Phone::parse(text).expect("valid")
}

fn row(line: u64, number: &str, name: Option<&str>, tags: &[&str]) -> ImportRow {
    ImportRow {
        line,
        phone: phone(number),
        name: name.map(str::to_owned),
        tags: tags.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn reads_what_spreadsheets_write() {
    let text = "\u{feff}Phone, NAME ,tags\r\n\
                +33 6 12 34 56 78,\"Moreau, Lina\",vip|shop| vip \r\n\
                0033612345679,\"said \"\"hi\"\"\",\r\n\
                33612345670,,\r\n\
                ,,\r\n\
                \r\n";
    let read = file(text).expect("read");
    assert_eq!(
        read.rows,
        [
            row(2, "+33612345678", Some("Moreau, Lina"), &["vip", "shop"]),
            row(3, "+33612345679", Some("said \"hi\""), &[]),
            row(4, "+33612345670", None, &[]),
        ]
    );
    assert_eq!((read.total(), read.report), (3, vec![]));
}

/// A file that comes byte by byte.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

#[test]
fn marks_before_the_text_are_not_text_however_many_and_however_they_come() {
    for marks in [1, 2, 3, 4] {
        let text = "\u{feff}".repeat(marks) + "phone,name\n+33612345678,\u{feff}Lina\n";
        let whole = file(&text).expect("read");
        let slow = read(Slow(text.as_bytes())).expect("read");
        assert_eq!(whole, slow, "{marks}");
        assert_eq!(whole.total(), 1, "{marks}");
    }
    let error = read("\u{feff}".repeat(1000).as_bytes()).expect_err("no file");
    assert_eq!(error.code(), "CSV_INVALID_FORMAT");
}

#[test]
fn columns_come_in_any_order_and_others_are_left_alone() {
    let read = file("groups,name,createdAt,phone\na|b,Lina,2026,+33612345678\n").expect("read");
    assert_eq!(read.rows, [row(2, "+33612345678", Some("Lina"), &[])]);
    let read = file("phone\n+33612345678\n").expect("read");
    assert_eq!(read.rows, [row(2, "+33612345678", None, &[])]);
}

#[test]
fn each_bad_row_is_told_by_its_line_and_the_others_are_taken() {
    let text = format!(
        "phone,name,tags\n\
         0612345678,Lina,\n\
         ,Nobody,\n\
         +33612345678,\"two\nlines\",\n\
         +33612345679,Zoe,{}\n\
         +33612345670,Ok,\n\
         +33612345671,a,b,c\n\
         +33 6 12 34 56 70,Again,\n",
        "x".repeat(51)
    );
    let read = file(&text).expect("read");
    assert_eq!(read.rows, [row(7, "+33612345670", Some("Ok"), &[])]);
    let told: Vec<_> = read
        .report
        .iter()
        .map(|entry| (entry.line, entry.phone.as_str(), entry.reason.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (
                2,
                "0612345678",
                "phone: Must be an international phone number: it begins with 0 instead of a \
                 country code such as +33"
            ),
            (3, "", "phone: The number is missing"),
            (
                4,
                "+33612345678",
                "name: Must not contain control characters"
            ),
            (6, "+33612345679", "tags.0: Must have at most 50 characters"),
            (
                8,
                "+33612345671",
                "More cells than the header has; put cells with commas in double quotes"
            ),
            (9, "+33 6 12 34 56 70", "Same number as line 7"),
        ]
    );
    assert_eq!((read.skipped, read.invalid, read.total()), (1, 5, 7));
}

fn lines(text: &str) -> Vec<u64> {
    let read = file(text).expect("read");
    let mut lines: Vec<_> = read.rows.iter().map(|row| row.line).collect();
    lines.extend(read.report.iter().map(|entry| entry.line));
    lines.sort_unstable();
    lines
}

#[test]
fn a_row_is_told_by_the_line_it_begins_in_however_lines_end() {
    let rows = "phone,name|+33612345670,a||+33612345671,\"b|c\"|nobody,d|+33612345672,e";
    for end in ["\n", "\r\n", "\r"] {
        let text = rows.replace('|', end);
        // The second row has a name of two lines.
        assert_eq!(lines(&text), [2, 4, 6, 7], "{end:?}");
        assert_eq!(
            lines(&format!("\u{feff}{end}{text}{end}")),
            [3, 5, 7, 8],
            "{end:?}"
        );
    }
}

#[test]
fn what_the_database_cannot_keep_is_told_and_not_shown() {
    let read = file(
        "phone,name,tags\n\
         +33612345670,a\0b,\n\
         +33612345671,a,x|y\0\n\
         +336\0,a,\n\
         +33612345672,\u{85}a\u{1}b,\n",
    );
    let read = read.expect("read");
    assert_eq!((read.rows.len(), read.invalid), (0, 4));
    let shown = |entry: &ReportEntry| format!("{}{}", entry.phone, entry.reason);
    assert!(
        !read
            .report
            .iter()
            .any(|it| shown(it).contains(char::is_control))
    );
    assert_eq!(read.report[2].phone, "+336\u{fffd}");
}

#[test]
fn a_row_with_more_than_anybody_reads_is_told_in_few_words() {
    let tags =
        |tag: &str, count| format!("phone,tags\n+33612345670,{}\n", vec![tag; count].join("|"));
    let bad = "x".repeat(51);
    for (text, reason) in [
        (
            tags(&bad, 9),
            "tags.0: Must have at most 50 characters; tags.1: Must have at most 50 characters; \
             tags.2: Must have at most 50 characters; and 6 more",
        ),
        (tags("a", 100_000), "tags: There are too many"),
    ] {
        let read = file(&text).expect("read");
        assert_eq!(read.report[0].reason, reason);
    }
    assert_eq!(file(&tags("a", 1000)).expect("read").rows[0].tags, ["a"]);
}

#[test]
fn a_line_that_names_the_comma_is_skipped_and_counted() {
    for first in ["sep=,", "\"sep=,\"", "SEP=,,"] {
        let read = file(&format!(
            "{first}\r\nphone,name\r\n+33612345678,a\r\n0,b\r\n"
        ));
        let read = read.expect(first);
        assert_eq!(read.rows, [row(3, "+33612345678", Some("a"), &[])]);
        assert_eq!(read.report[0].line, 4);
    }
}

#[test]
fn a_marked_number_is_a_number() {
    let read = file("phone\n'+33612345678\n").expect("read");
    assert_eq!(read.rows, [row(2, "+33612345678", None, &[])]);
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut file = b"phone,name,tags\n".to_vec();
        file.extend(bytes);
        if let Ok(read) = read(file.as_slice()) {
            prop_assert_eq!(read.report.len(), (read.skipped + read.invalid) as usize);
        }
    }
}
