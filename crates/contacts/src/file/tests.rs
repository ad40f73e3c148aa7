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
                groups: vec!["=a|b".into(), "two\nlines".into()],
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
