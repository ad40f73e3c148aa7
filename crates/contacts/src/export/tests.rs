use std::sync::Mutex;

use msgflash_kernel::{Fault as _, Id, Phone};
use time::macros::datetime;
use uuid::Uuid;

use super::*;
use crate::ports::MockExportReader;
use crate::testing::{clock, group_id, own};

fn people(count: u32) -> Vec<(ContactId, ExportRow)> {
    (0..count)
        .map(|n| {
            let row = ExportRow {
                phone: Phone::from_i64(33_612_000_000 + i64::from(n)).expect("a number"),
                name: format!("Lina {n}"),
                tags: vec!["vip".into(), "a|b".into()],
                groups: vec!["=Lyon".into()],
                created_at: datetime!(2026-05-19 23:30:00.12 -2),
            };
            (Id::new(Uuid::from_u128(u128::from(n) + 1)), row)
        })
        .collect()
}

/// A book of so many people, and the parts that were asked of it.
fn export(count: u32) -> (ExportContacts, Arc<Mutex<Vec<usize>>>) {
    let (people, asked) = (people(count), Arc::<Mutex<Vec<usize>>>::default());
    let mut reader = MockExportReader::new();
    let noted = Arc::clone(&asked);
    reader
        .expect_rows()
        .returning(move |workspace, group, after, limit| {
            assert_eq!((workspace, group), (own().id, None));
            let behind = people
                .iter()
                .filter(|(id, _)| after.is_none_or(|it| *id > it));
            let part: Vec<_> = behind.take(limit as usize).cloned().collect();
            noted.lock().unwrap().push(part.len());
            Ok(part)
        });
    (ExportContacts::new(Arc::new(reader), clock()), asked)
}

async fn whole(export: &ExportContacts) -> (Vec<usize>, String) {
    let mut export = export.begin(own().id, None).await.expect("begun");
    let (mut sizes, mut text) = (Vec::new(), String::new());
    while let Some(part) = export.next().await.expect("a part") {
        let part = String::from_utf8(part).expect("text");
        sizes.push(part.lines().count());
        text.push_str(&part);
    }
    assert_eq!(export.next().await.expect("the end"), None);
    (sizes, text)
}

#[tokio::test]
async fn a_file_comes_in_parts_of_which_none_is_empty() {
    for (count, parts, looks) in [
        (0, vec![1], vec![0]),
        (3, vec![4], vec![3]),
        (200, vec![201], vec![200, 0]),
        (500, vec![201, 200, 100], vec![200, 200, 100]),
    ] {
        let (export, asked) = export(count);
        assert_eq!(whole(&export).await.0, parts);
        assert_eq!(*asked.lock().unwrap(), looks);
    }
}

#[tokio::test]
async fn a_row_has_its_labels_in_one_cell_each_and_runs_nowhere() {
    let (export, _) = export(1);
    assert_eq!(
        whole(&export).await.1,
        "phone,name,tags,groups,createdAt\n\
         +33612000000,\"Lina 0\",\"vip|a\\|b\",\"'=Lyon\",\"2026-05-20T01:30:00.120Z\"\n"
    );
}

#[tokio::test]
async fn a_file_is_named_by_its_day() {
    let (export, _) = export(0);
    let export = export.begin(own().id, None).await.expect("begun");
    assert_eq!(export.file_name(), "contacts-2026-05-20.csv");
}

#[tokio::test]
async fn an_unknown_group_is_not_found() {
    let mut reader = MockExportReader::new();
    reader.expect_has_group().returning(|_, _| Ok(false));
    let export = ExportContacts::new(Arc::new(reader), clock());
    let refused = export.begin(own().id, Some(group_id())).await;
    assert_eq!(refused.map(drop).expect_err("refused").code(), "NOT_FOUND");
}
