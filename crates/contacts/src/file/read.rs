//! Reading contacts from CSV, record by record.

use std::collections::HashMap;
use std::io::{self, Read};

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use msgflash_kernel::{Fault, Kind, Phone};

use columns::{Columns, Row};
use lines::Lines;

mod columns;
mod lines;
mod quotes;

/// How large a file may be, in bytes.
pub const MAX_BYTES: u64 = 5 * 1024 * 1024;
/// How many rows a file may have, the header aside.
pub const MAX_ROWS: u32 = 10_000;

const BOM: [u8; 3] = [0xEF, 0xBB, 0xBF];

/// Whoever sends nothing else is not read for ever.
const MAX_MARKS: usize = 100;

/// Why a file as a whole cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is no such CSV.
    #[error("{0}")]
    Format(String),
    /// It has too many bytes or rows.
    #[error("{0}")]
    TooLarge(String),
    /// It broke off while it was read.
    #[error("The file could not be read")]
    Broken(#[source] io::Error),
}

impl Fault for FileError {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Format(_) | Self::Broken(_) => "CSV_INVALID_FORMAT",
            Self::TooLarge(_) => "CSV_TOO_LARGE",
        }
    }
}

/// A row that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportRow {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// Number.
    pub phone: Phone,
    /// Full name, when the row has one.
    pub name: Option<String>,
    /// Free labels, each once.
    pub tags: Vec<String>,
}

/// A row of a file of numbers that are not to be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SuppressionRow {
    /// Number.
    pub phone: Phone,
    /// Why, when the row says it.
    pub reason: Option<String>,
}

/// A row that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportEntry {
    /// Where the row begins; the header is line 1.
    pub line: u64,
    /// What stands where the number should be.
    pub phone: String,
    /// A sentence for people.
    pub reason: String,
}

/// A file that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadFile<R = ImportRow> {
    /// Rows that can be taken, in their order.
    pub rows: Vec<R>,
    /// The others.
    pub report: Vec<ReportEntry>,
    /// How many of the others repeat a number of a row before.
    pub skipped: u32,
    /// How many of the others say something that cannot be taken.
    pub invalid: u32,
}

impl<R> Default for ReadFile<R> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            report: Vec::new(),
            skipped: 0,
            invalid: 0,
        }
    }
}

impl<R> ReadFile<R> {
    /// How many rows the file has.
    pub fn total(&self) -> u32 {
        let taken = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        taken
            .saturating_add(self.skipped)
            .saturating_add(self.invalid)
    }
}

/// Why a row was skipped.
pub(super) fn repeats(first: u64) -> String {
    format!("Same number as line {first}")
}

/// Reads a file of contacts.
pub fn read(file: impl Read) -> Result<ReadFile, FileError> {
    read_as(file)
}

/// Reads a file of numbers that are not to be written to.
pub fn read_suppressions(file: impl Read) -> Result<ReadFile<SuppressionRow>, FileError> {
    read_as(file)
}

/// Reads a file. Rows are judged one by one; only what makes the whole unreadable refuses it.
fn read_as<R: Row>(file: impl Read) -> Result<ReadFile<R>, FileError> {
    let mut records = Records::new(file)?;
    let mut record = ByteRecord::new();
    let columns = header::<R>(&mut records, &mut record)?;
    let mut read = ReadFile::default();
    let mut lines: HashMap<Phone, u64> = HashMap::new();
    while let Some(line) = records.next(&mut record)? {
        if record.iter().all(|cell| cell.trim_ascii().is_empty()) {
            continue; // Spreadsheets leave such rows at the end.
        }
        if read.total() >= MAX_ROWS {
            return Err(FileError::TooLarge(format!(
                "The file has more than {MAX_ROWS} rows"
            )));
        }
        let cells = text_of(&record, line)?;
        match R::read(&columns, &cells, line) {
            Ok(row) => match lines.get(&row.phone()) {
                None => {
                    lines.insert(row.phone(), line);
                    read.rows.push(row);
                }
                Some(first) => {
                    read.skipped += 1;
                    let reason = repeats(*first);
                    read.report.push(columns.report(&cells, line, reason));
                }
            },
            Err(reason) => {
                read.invalid += 1;
                read.report.push(columns.report(&cells, line, reason));
            }
        }
    }
    Ok(read)
}

/// Reads the header, and what may stand before it.
fn header<R: Row>(
    records: &mut Records<impl Read>,
    record: &mut ByteRecord,
) -> Result<Columns, FileError> {
    let empty = || FileError::Format("The file is empty".into());
    let mut line = records.next(record)?.ok_or_else(empty)?;
    if let Some(separator) = columns::separator(&text_of(record, line)?) {
        if let Some(hint) = columns::foreign(separator) {
            return Err(FileError::Format(hint.into()));
        }
        if separator == ',' {
            line = records.next(record)?.ok_or_else(empty)?;
        }
    }
    Columns::of(&text_of(record, line)?, R::OPTIONAL).map_err(FileError::Format)
}

/// The records of a file, which is never read further than it may be large.
struct Records<R>(Reader<Lines<io::Take<R>>>);

impl<R: Read> Records<io::Chain<io::Cursor<Vec<u8>>, R>> {
    fn new(file: R) -> Result<Self, FileError> {
        // One byte more than a file may have tells that it has more.
        let file = without_bom(file)?.take(MAX_BYTES + 1);
        let csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(Lines::of(file));
        Ok(Self(csv))
    }
}

impl<R: Read> Records<R> {
    /// Reads one record more, and answers the line it begins in; `None` at the end.
    fn next(&mut self, record: &mut ByteRecord) -> Result<Option<u64>, FileError> {
        let more = self.0.read_byte_record(record);
        if self.0.get_ref().inner().limit() == 0 {
            return Err(FileError::TooLarge("The file has more than 5 MB".into()));
        }
        let more = more.map_err(|error| match error.into_kind() {
            ErrorKind::Io(cause) => FileError::Broken(cause),
            _ => FileError::Format("The file is no CSV that can be read".into()),
        })?;
        // The last row would have taken all the rows below it into a cell.
        if let Some(line) = self.0.get_ref().never_closed() {
            let message = format!("The quote opened in line {line} is never closed");
            return Err(FileError::Format(message));
        }
        let byte = record.position().map_or(0, csv::Position::byte);
        Ok(more.then(|| self.0.get_mut().line_of(byte)))
    }
}

/// The file behind the mark that some programs put before UTF-8, and others once more. The CSV reader
/// would take off one that reaches it in a single piece, and leave one that does not.
fn without_bom<R: Read>(mut file: R) -> Result<io::Chain<io::Cursor<Vec<u8>>, R>, FileError> {
    let mut start = Vec::with_capacity(BOM.len());
    for _ in 0..MAX_MARKS {
        start.clear();
        file.by_ref()
            .take(BOM.len() as u64)
            .read_to_end(&mut start)
            .map_err(FileError::Broken)?;
        if start != BOM {
            return Ok(io::Cursor::new(start).chain(file));
        }
    }
    let message = "The file begins with nothing but byte order marks";
    Err(FileError::Format(message.into()))
}

fn text_of(record: &ByteRecord, line: u64) -> Result<Vec<&str>, FileError> {
    let cells: Result<Vec<_>, _> = record.iter().map(std::str::from_utf8).collect();
    cells.map_err(|_| {
        let message = format!("Line {line} is not UTF-8 text; save the file as \"CSV UTF-8\"");
        FileError::Format(message)
    })
}

#[cfg(test)]
mod tests;
