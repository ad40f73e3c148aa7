//! Writing contacts as CSV, a part at a time.

use csv::{QuoteStyle, WriterBuilder};
use msgflash_kernel::Phone;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use super::cell::{joined, marked};
use crate::suppression::Suppression;

const CONTACTS: &[u8] = b"phone,name,tags,groups,createdAt\n";
const SUPPRESSIONS: &[u8] = b"phone,reason,source,createdAt\n";

/// Moments as everywhere else in the API.
const MOMENT: &[BorrowedFormatItem<'static>] =
    format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");

/// One contact to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportRow {
    /// Number.
    pub phone: Phone,
    /// Full name.
    pub name: String,
    /// Free labels.
    pub tags: Vec<String>,
    /// Names of the groups it is in.
    pub groups: Vec<String>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// Writes a file in parts, so that it never lies in memory as a whole.
#[derive(Debug, Default)]
pub struct Writer {
    has_begun: bool,
}

impl Writer {
    /// The next part of a file of contacts: these rows, and the header before the first of them.
    pub fn part(&mut self, rows: &[ExportRow]) -> Vec<u8> {
        let rows = rows.iter().map(|row| {
            [
                // A number begins with a plus and is meant to; it holds nothing but digits.
                row.phone.to_string(),
                marked(&row.name),
                marked(&joined(&row.tags)),
                marked(&joined(&row.groups)),
                moment(row.created_at),
            ]
        });
        self.written(CONTACTS, rows)
    }

    /// The next part of a file of numbers that are not to be written to, likewise.
    pub fn suppressions(&mut self, rows: &[Suppression]) -> Vec<u8> {
        let rows = rows.iter().map(|row| {
            [
                row.phone.to_string(),
                marked(row.reason.as_deref().unwrap_or_default()),
                row.source.as_str().to_owned(),
                moment(row.created_at),
            ]
        });
        self.written(SUPPRESSIONS, rows)
    }

    fn written<const N: usize>(
        &mut self,
        header: &[u8],
        rows: impl Iterator<Item = [String; N]>,
    ) -> Vec<u8> {
        let mut part = Vec::new();
        if !self.has_begun {
            self.has_begun = true;
            part.extend_from_slice(header);
        }
        // A program that parts by semicolons takes a number and what follows it for one cell, and
        // one that begins with a plus. With an open quote in it that is no formula.
        let mut csv = WriterBuilder::new()
            .quote_style(QuoteStyle::NonNumeric)
            .from_writer(part);
        for cells in rows {
            csv.write_record(cells).expect("memory takes everything");
        }
        csv.into_inner().expect("memory takes everything")
    }
}

fn moment(at: OffsetDateTime) -> String {
    let written = at.to_offset(UtcOffset::UTC).format(&MOMENT);
    written.expect("every moment has these parts")
}
