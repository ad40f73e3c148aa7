//! Rows of files and reports as JSON.

use msgflash_contacts::file::{ImportRow, ReportEntry};
use msgflash_kernel::{Phone, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A row of a file, as JSON.
#[derive(Deserialize, Serialize)]
struct Row {
    line: u64,
    phone: i64,
    name: Option<String>,
    tags: Vec<String>,
}

/// A row that was not taken, as JSON.
#[derive(Deserialize, Serialize)]
struct Entry {
    line: u64,
    phone: String,
    reason: String,
}

pub(super) fn rows_json(rows: &[ImportRow]) -> Result<Value, StoreError> {
    let row = |row: &ImportRow| Row {
        line: row.line,
        phone: row.phone.to_i64(),
        name: row.name.clone(),
        tags: row.tags.clone(),
    };
    json(&rows.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn report_json(report: &[ReportEntry]) -> Result<Value, StoreError> {
    let entry = |entry: &ReportEntry| Entry {
        line: entry.line,
        phone: entry.phone.clone(),
        reason: entry.reason.clone(),
    };
    json(&report.iter().map(entry).collect::<Vec<_>>())
}

fn json<T: Serialize>(value: &T) -> Result<Value, StoreError> {
    serde_json::to_value(value)
        .map_err(|error| StoreError::corrupt("contact_import_chunks", error.to_string()))
}

pub(super) fn read_rows(stored: Value) -> Result<Vec<ImportRow>, StoreError> {
    let place = "contact_import_chunks.rows";
    let rows: Vec<Row> = serde_json::from_value(stored).map_err(|it| unreadable(place, &it))?;
    rows.into_iter()
        .map(|row| {
            Ok(ImportRow {
                line: row.line,
                phone: Phone::from_i64(row.phone).map_err(|_| {
                    StoreError::corrupt(place, format!("phone in line {}", row.line))
                })?,
                name: row.name,
                tags: row.tags,
            })
        })
        .collect()
}

pub(super) fn read_report(stored: Value) -> Result<Vec<ReportEntry>, StoreError> {
    let entries: Vec<Entry> = serde_json::from_value(stored)
        .map_err(|it| unreadable("contact_import_chunks.errors", &it))?;
    let entry = |it: Entry| ReportEntry {
        line: it.line,
        phone: it.phone,
        reason: it.reason,
    };
    Ok(entries.into_iter().map(entry).collect())
}

/// What the decoder says may quote what people wrote, so only the kind of trouble is told.
fn unreadable(place: &'static str, error: &serde_json::Error) -> StoreError {
    StoreError::corrupt(place, format!("{:?} error", error.classify()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_and_reports_read_back() {
        let row = ImportRow {
            line: 7,
            phone: Phone::parse("+33612345678").expect("a number"),
            name: Some("Zoë".into()),
            tags: vec!["a|b".into()],
        };
        let nameless = ImportRow {
            name: None,
            ..row.clone()
        };
        let rows = vec![row, nameless];
        let kept = rows_json(&rows).expect("kept");
        assert_eq!(read_rows(kept).expect("read"), rows);
        let report = vec![ReportEntry {
            line: 8,
            phone: "+33 6".into(),
            reason: "phone: Must be an international phone number".into(),
        }];
        let kept = report_json(&report).expect("kept");
        assert_eq!(read_report(kept).expect("read"), report);
    }

    #[test]
    fn trouble_is_told_without_what_people_wrote() {
        for stored in [
            json!({}),
            json!(["Lina"]),
            json!([{ "line": 7, "phone": "Lina", "name": null, "tags": [] }]),
            json!([{ "line": 7, "phone": -336, "name": "Lina", "tags": [] }]),
        ] {
            let told = read_rows(stored).expect_err("corrupt").to_string();
            assert!(!told.contains("Lina") && !told.contains("336"), "{told}");
        }
    }
}
