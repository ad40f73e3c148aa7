//! Contacts as CSV: what people bring along, and what they take away.
//!
//! What is written here reads back to the same contacts, in whatever program it was looked at
//! meanwhile: cells that a spreadsheet would run as formulas are marked, and the mark is known.

mod cell;
mod numbers;
mod read;
mod write;

pub use read::{
    FileError, ImportRow, MAX_BYTES, MAX_ROWS, ReadFile, ReportEntry, SuppressionRow, read,
    read_suppressions,
};
pub use write::{ExportRow, Writer};

#[cfg(test)]
mod tests;
