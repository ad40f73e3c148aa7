//! Files that are refused as a whole.

use std::fmt::Write as _;

use super::*;

fn refusal(text: &str) -> (&'static str, String) {
    let error = file(text).expect_err("refused");
    (error.code(), error.to_string())
}

#[test]
fn files_that_are_no_such_csv_say_what_to_do() {
    for (text, hint) in [
        ("", "empty"),
        ("\u{feff}", "empty"),
        ("phone;name\n+33612345678;Lina\n", "semicolons"),
        ("\u{feff}phone;name\r\n+33612345678;Lina\r\n", "semicolons"),
        ("\"phone\";\"name\"\n", "semicolons"),
        ("\"name\"; \"Phone\" ;\"first, last\"\n", "semicolons"),
        ("name\tphone\nLina\t+33612345678\n", "tabs"),
        ("number,name\n+33612345678,Lina\n", "\"phone\""),
        ("phone,name,Phone\n", "\"phone\" twice"),
        ("sep=;\nphone;name\n+33612345678;Lina\n", "semicolons"),
        ("\u{feff}\"SEP=;\"\r\nphone;name\r\n", "semicolons"),
        ("sep=\t\nphone\tname\n", "tabs"),
        ("sep=|\nphone|name\n", "\"phone\""),
        ("sep=,\nphone;name\n", "semicolons"),
        ("sep=,\n", "empty"),
    ] {
        let (code, message) = refusal(text);
        assert_eq!(code, "CSV_INVALID_FORMAT", "{text:?}");
        assert!(message.contains(hint), "{text:?}: {message}");
    }
    let latin1 = b"phone,name\n+33612345678,Zo\xeb\n";
    let error = read(latin1.as_slice()).expect_err("refused");
    assert!(error.to_string().contains("Line 2 is not UTF-8"), "{error}");
}

#[test]
fn a_quote_that_is_never_closed_swallows_no_rows() {
    let rest = "oops\n+33612345679,b\n+33612345670,c\n";
    for (text, line) in [
        (format!("phone,notes\n+33612345678,\"{rest}"), 2),
        (format!("\u{feff}phone,\"notes\n+33612345678,{rest}"), 1),
        (format!("\"phone,notes\n+33612345678,{rest}"), 1),
        // Read long before it is looked at.
        (
            format!("phone,notes\r\n\"+33612345678\",\"two\r\nlines\"\r\n\"0\"\"{rest}"),
            4,
        ),
    ] {
        assert_eq!(
            refusal(&text),
            (
                "CSV_INVALID_FORMAT",
                format!("The quote opened in line {line} is never closed")
            ),
            "{text:?}"
        );
    }
    for fine in [
        "phone,notes\n+33612345678,\"\"",
        "phone,notes\n+33612345678,\"a\"\"\"",
        "phone,notes\n+33612345678,5\" 6\"",
        "phone,notes\n+33612345678,5\"\n",
    ] {
        assert_eq!(file(fine).expect(fine).rows.len(), 1, "{fine:?}");
    }
}

#[test]
fn more_cells_than_anybody_has_are_refused() {
    let header = |cells: usize| format!("phone{}\n+33612345678\n", ",x".repeat(cells - 1));
    assert_eq!(file(&header(1000)).expect("read").rows.len(), 1);
    let (code, message) = refusal(&header(1001));
    assert_eq!(code, "CSV_INVALID_FORMAT");
    assert!(message.contains("more than 1000 columns"), "{message}");

    // Nobody looks at what stands so far to the right, be it no text.
    let mut wide = b"x,phone\n1,+33612345678".to_vec();
    wide.extend(b",x".repeat(1000));
    wide.extend(b",\xff".repeat(1_000_000));
    wide.extend(b"\n1,+33612345679\n");
    let read = read(wide.as_slice()).expect("read");
    assert_eq!((read.rows.len(), read.invalid), (1, 1));
    assert_eq!(
        (read.report[0].line, read.report[0].phone.as_str()),
        (2, "+33612345678")
    );
}

#[test]
fn ten_thousand_rows_fit_and_one_more_does_not() {
    let mut text = String::from("phone\n");
    for n in 0..MAX_ROWS {
        let _ = writeln!(text, "+3361{n:07}");
    }
    assert_eq!(file(&text).expect("read").total(), MAX_ROWS);
    text.push_str("+33700000000\n");
    assert_eq!(refusal(&text).0, "CSV_TOO_LARGE");
}

/// Reads for ever; whoever wants all of it gets stuck.
struct Endless;

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(b'x');
        Ok(buffer.len())
    }
}

#[test]
fn a_file_is_read_no_further_than_it_may_be_large() {
    let exact = |bytes: u64| {
        let header = "phone,name\n+33612345678,";
        let rest = usize::try_from(bytes).expect("small") - header.len();
        format!("{header}{}", "x".repeat(rest))
    };
    let read = file(&exact(MAX_BYTES)).expect("as large as can be");
    assert_eq!(read.invalid, 1, "such a name is too long");
    assert_eq!(refusal(&exact(MAX_BYTES + 1)).0, "CSV_TOO_LARGE");
    // The mark before UTF-8 is not counted, and hides nothing.
    let marked = |bytes| format!("\u{feff}{}", exact(bytes));
    assert!(file(&marked(MAX_BYTES)).is_ok());
    assert_eq!(refusal(&marked(MAX_BYTES + 1)).0, "CSV_TOO_LARGE");
    let error = read_all(Endless);
    assert_eq!(error.code(), "CSV_TOO_LARGE");
}

/// Breaks off.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("who knows"))
    }
}

#[test]
fn refusals_are_sentences() {
    let error = read_all("phone\n".as_bytes().chain(Broken));
    assert_eq!(
        (error.code(), error.to_string().as_str()),
        ("CSV_INVALID_FORMAT", "The file could not be read")
    );
}

fn read_all(file: impl Read) -> FileError {
    read(file).expect_err("refused")
}
