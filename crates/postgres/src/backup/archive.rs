//! The file: gzip around text that `psql` could read.
//!
//! ```text
//! -- MsgFlash backup {"format":1,"version":"…","at":"…","postgres":"…","migrations":[…],"tables":[…]}
//! COPY "users" ("id", "email", …) FROM stdin;
//! <a line for each row, as COPY writes it>
//! \.
//! COPY …
//! -- end {"rows":[3,…],"sha256":"<of everything above>"}
//! ```
//!
//! Without the last line it is not whole, and nothing of it is used. Statements are never taken out
//! of a file: it must have exactly those that its first line announces.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};

use bytes::BytesMut;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use super::{BackupError, quoted};

/// What we write, and the newest we read.
pub(super) const FORMAT: u32 = 1;

const FIRST: &str = "-- MsgFlash backup ";
const LAST: &str = "-- end ";
/// COPY's own mark; no row looks like it.
const NO_MORE_ROWS: &[u8] = b"\\.\n";
/// A first line is far shorter; what has a longer one is something else.
const LONGEST_FIRST_LINE: u64 = 1 << 20;
/// How much is read before it is handed on.
const CHUNK: usize = 1 << 16;

/// The first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    /// The version of the program that wrote it.
    pub(super) version: String,
    /// The moment it shows, by the database's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub(super) at: OffsetDateTime,
    /// The version of the server it came from.
    pub(super) postgres: String,
    /// The versions of the migrations that were applied.
    pub(super) migrations: Vec<String>,
    /// In the order in which they follow.
    pub(super) tables: Vec<Table>,
}

/// A table and its columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<String>,
}

impl Table {
    fn columns(&self) -> String {
        let columns: Vec<_> = self.columns.iter().map(|name| quoted(name)).collect();
        columns.join(", ")
    }

    /// The statement that reads it. A query, because a partitioned table cannot be read otherwise.
    pub(super) fn copy_out(&self) -> String {
        let (columns, name) = (self.columns(), quoted(&self.name));
        format!("COPY (SELECT {columns} FROM {name}) TO STDOUT")
    }

    /// The statement that fills it, and its line in the file.
    pub(super) fn copy_in(&self) -> String {
        format!(
            "COPY {} ({}) FROM stdin;",
            quoted(&self.name),
            self.columns()
        )
    }
}

/// What every format has.
#[derive(Deserialize)]
struct Lead {
    format: u32,
    version: String,
}

/// The last line.
#[derive(Serialize, Deserialize)]
struct Footer {
    rows: Vec<u64>,
    sha256: String,
}

/// Writes one.
pub(super) struct Writer<W: Write> {
    out: GzEncoder<W>,
    hash: Sha256,
    rows: Vec<u64>,
}

impl<W: Write> Writer<W> {
    pub(super) fn begin(out: W, header: &Header) -> Result<Self, BackupError> {
        let mut writer = Self {
            out: GzEncoder::new(out, Compression::default()),
            hash: Sha256::new(),
            rows: Vec::new(),
        };
        let header = serde_json::to_string(header).expect("plain values");
        writer.put(format!("{FIRST}{header}\n").as_bytes())?;
        Ok(writer)
    }

    pub(super) fn table(&mut self, table: &Table) -> Result<(), BackupError> {
        self.rows.push(0);
        self.put(format!("{}\n", table.copy_in()).as_bytes())
    }

    /// Whole rows of the table at hand, as COPY wrote them.
    pub(super) fn rows(&mut self, rows: &[u8]) -> Result<(), BackupError> {
        let count = rows.split(|byte| *byte == b'\n').count() - 1;
        *self.rows.last_mut().expect("a table has begun") += count as u64;
        self.put(rows)
    }

    pub(super) fn end_table(&mut self) -> Result<(), BackupError> {
        self.put(NO_MORE_ROWS)
    }

    /// Ends the file; answers where it went and how many rows each table has.
    pub(super) fn finish(self) -> Result<(W, Vec<u64>), BackupError> {
        let footer = Footer {
            rows: self.rows,
            sha256: hex::encode(self.hash.finalize()),
        };
        let text = serde_json::to_string(&footer).expect("plain values");
        let mut out = self.out;
        out.write_all(format!("{LAST}{text}\n").as_bytes())
            .and_then(|()| out.finish())
            .map(|out| (out, footer.rows))
            .map_err(BackupError::write)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.hash.update(bytes);
        self.out.write_all(bytes).map_err(BackupError::write)
    }
}

/// Reads one.
pub(super) struct Reader<R: Read> {
    input: BufReader<GzDecoder<R>>,
    hash: Sha256,
    line: Vec<u8>,
    rows: Vec<u64>,
}

impl<R: Read> Reader<R> {
    /// Begins with the first line. A file of a newer format is refused by its version.
    pub(super) fn open(input: R, ours: &str) -> Result<(Self, Header), BackupError> {
        let mut input = BufReader::with_capacity(CHUNK, GzDecoder::new(input));
        let mut line = Vec::new();
        let mut start = input.by_ref().take(LONGEST_FIRST_LINE);
        // What is no gzip at all is told apart from what is a torn one.
        match start.read_until(b'\n', &mut line) {
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                return Err(BackupError::NotABackup);
            }
            read => read.map_err(BackupError::read)?,
        };
        let text = line.strip_prefix(FIRST.as_bytes());
        let text = text.ok_or(BackupError::NotABackup)?;
        let unreadable = |_| BackupError::Damaged("its first line cannot be read".to_owned());
        let lead: Lead = serde_json::from_slice(text).map_err(unreadable)?;
        if lead.format > FORMAT {
            return Err(BackupError::Newer {
                made_by: lead.version,
                why: format!(
                    "{ours} reads format {FORMAT}, and it has format {}",
                    lead.format
                ),
            });
        }
        let header = serde_json::from_slice(text).map_err(unreadable)?;
        let mut hash = Sha256::new();
        hash.update(&line);
        let reader = Self {
            input,
            hash,
            line,
            rows: Vec::new(),
        };
        Ok((reader, header))
    }

    /// Goes on to the next table, which must be this one.
    pub(super) fn table(&mut self, table: &Table) -> Result<(), BackupError> {
        self.next_line()?;
        if self.line.trim_ascii_end() != table.copy_in().as_bytes() {
            let name = &table.name;
            let what = format!("the table {name} does not begin where it should");
            return Err(BackupError::Damaged(what));
        }
        self.rows.push(0);
        Ok(())
    }

    /// The next rows of the table at hand; `None` after the last.
    pub(super) fn rows(&mut self) -> Result<Option<BytesMut>, BackupError> {
        let mut rows = BytesMut::with_capacity(CHUNK);
        while rows.len() < CHUNK {
            if self.line == NO_MORE_ROWS {
                break;
            }
            self.next_line()?;
            if self.line != NO_MORE_ROWS {
                *self.rows.last_mut().expect("a table has begun") += 1;
                rows.extend_from_slice(&self.line);
            }
        }
        Ok((!rows.is_empty()).then_some(rows))
    }

    /// Reads the end, and holds it against what came before. Answers the rows of each table.
    pub(super) fn finish(mut self) -> Result<Vec<u64>, BackupError> {
        let hash = hex::encode(self.hash.clone().finalize());
        self.next_line()?;
        let footer = self.line.strip_prefix(LAST.as_bytes());
        let footer = footer.and_then(|text| serde_json::from_slice::<Footer>(text).ok());
        let damaged = |what: &str| BackupError::Damaged(what.to_owned());
        let footer = footer.ok_or_else(|| damaged("it has no end"))?;
        if footer.sha256 != hash {
            return Err(damaged("its checksum is another"));
        }
        if footer.rows != self.rows {
            return Err(damaged("it has another number of rows"));
        }
        // The end of the compressed stream has a checksum too; it is looked at only there.
        let more = self.input.fill_buf().map_err(BackupError::read)?;
        if !more.is_empty() {
            return Err(damaged("something follows its end"));
        }
        Ok(footer.rows)
    }

    /// Reads to the end and says whether the file is whole, wherever reading has stopped.
    pub(super) fn ends_whole(mut self) -> bool {
        loop {
            let hash = self.hash.clone();
            if self.next_line().is_err() {
                return false;
            }
            // What looks like an end may be a row; the end is what nothing follows.
            let Ok(more) = self.input.fill_buf() else {
                return false;
            };
            if more.is_empty() {
                let footer = self.line.strip_prefix(LAST.as_bytes());
                let footer = footer.and_then(|text| serde_json::from_slice::<Footer>(text).ok());
                return footer.is_some_and(|it| it.sha256 == hex::encode(hash.finalize()));
            }
        }
    }

    fn next_line(&mut self) -> Result<(), BackupError> {
        self.line.clear();
        self.input
            .read_until(b'\n', &mut self.line)
            .map_err(BackupError::read)?;
        if self.line.last() != Some(&b'\n') {
            return Err(BackupError::Damaged("it ends early".to_owned()));
        }
        self.hash.update(&self.line);
        Ok(())
    }
}

/// Names for a sentence: the first few, and how many more.
pub(super) fn named(names: &[String]) -> String {
    const FEW: usize = 3;
    let mut text = names[..names.len().min(FEW)].join(", ");
    if names.len() > FEW {
        let more = names.len() - FEW;
        write!(text, " and {more} more").expect("text takes everything");
    }
    text
}

#[cfg(test)]
mod tests;
