//! There and back.

use msgflash_kernel::Phone;
use proptest::prelude::*;
use time::macros::datetime;

use super::*;
use crate::rules;

/// Text as the rules let it through: trimmed, in one line, not empty.
fn text(longest: usize) -> impl Strategy<Value = String> {
    let sign = prop_oneof![
        Just('\''),
        Just('='),
        Just('+'),
        Just('-'),
        Just('@'),
        Just('|'),
        Just('\\'),
        Just('"'),
        Just(','),
        Just(';'),
        Just(' '),
        any::<char>(),
    ];
    prop::collection::vec(sign, 1..=longest).prop_filter_map("nothing is left", move |signs| {
        rules::text(&signs.into_iter().collect::<String>(), longest).ok()
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(
        contacts in prop::collection::btree_map(
            33_600_000_000_u64..33_700_000_000,
            (text(12), prop::collection::btree_set(text(8), 0..4)),
            0..8,
        ),
    ) {
        let rows: Vec<ExportRow> = contacts
            .into_iter()
            .map(|(number, (name, tags))| ExportRow {
                phone: Phone::parse(&number.to_string()).expect("a number"),
                name,
                tags: tags.into_iter().collect(),
                groups: vec!["=a|b".into(), "two\nlines; =1".into()],
                created_at: datetime!(2026-05-20 10:00 UTC),
            })
            .collect();
        let mut writer = Writer::default();
        let mut bytes = Vec::new();
        for part in rows.chunks(3) {
            bytes.extend(writer.part(part));
        }
        bytes.extend(writer.part(&[]));
        let read = read(bytes.as_slice()).expect("ours");
        prop_assert_eq!(&read.report, &vec![]);
        prop_assert_eq!(read.rows.len(), rows.len());
        for (back, row) in read.rows.iter().zip(&rows) {
            prop_assert_eq!(back.phone, row.phone);
            prop_assert_eq!(back.name.as_ref(), Some(&row.name));
            prop_assert_eq!(&back.tags, &row.tags);
        }
    }
}

/// What a program makes of a file that parts cells by another sign and knows the same quotes.
fn seen(bytes: &[u8], separator: u8) -> Vec<String> {
    let mut csv = csv::ReaderBuilder::new()
        .delimiter(separator)
        .has_headers(false)
        .flexible(true)
        .from_reader(bytes);
    let rows = csv.records().map(|row| row.expect("text"));
    rows.flat_map(|row| row.iter().map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

proptest! {
    #[test]
    fn no_cell_is_a_formula_however_the_file_is_parted(
        name in "[;=+\" ',0]{1,9}",
        tag in "[;=+\" ',|0]{1,9}",
    ) {
        let row = ExportRow {
            phone: Phone::parse("+33612345678").expect("a number"),
            name,
            tags: vec![tag.clone()],
            groups: vec![tag],
            created_at: datetime!(2026-05-20 10:00 UTC),
        };
        let bytes = Writer::default().part(&[row]);
        for separator in *b",;\t" {
            for cell in seen(&bytes, separator) {
                // A number, or one with something behind it that cannot stand there.
                let shown = match cell.trim_start().strip_prefix("+33612345678") {
                    Some("") => continue,
                    Some(rest) => {
                        prop_assert!(rest.starts_with(",\"") || rest.starts_with(",0"), "{rest}");
                        continue;
                    }
                    None => cell.trim_start(),
                };
                prop_assert!(!shown.starts_with(['=', '+', '-', '@']), "{shown:?}");
            }
        }
    }
}
