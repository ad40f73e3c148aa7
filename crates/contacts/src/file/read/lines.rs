//! Where lines begin, noted while a file is read, and how much of each is passed on.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::columns::MAX_CELLS;
use super::quotes::Quotes;

/// So many cells of a row are passed on. Whoever reads them has to remember where each ends, and
/// 5 MB of commas are millions.
const CELLS: usize = MAX_CELLS + 1;

/// A reader that knows its lines. They end with a line feed, a carriage return, or both: what is
/// read above counts line feeds alone, and takes empty lines before a row for its part.
pub(super) struct Lines<R> {
    inner: R,
    /// Beginnings of the lines that are not empty, not within a cell and not passed: place among
    /// the bytes that are passed on, and number.
    begun: VecDeque<(u64, u64)>,
    line: u64,
    place: u64,
    last: u8,
    quotes: Quotes,
    cells: usize,
    has_ended: bool,
}

impl<R> Lines<R> {
    pub(super) fn of(inner: R) -> Self {
        Self {
            inner,
            begun: VecDeque::new(),
            line: 1,
            place: 0,
            last: b'\n',
            quotes: Quotes::default(),
            cells: 1,
            has_ended: false,
        }
    }

    /// What it reads from.
    pub(super) fn inner(&self) -> &R {
        &self.inner
    }

    /// The number of the first line that is not empty and begins at `place` or behind it. Places
    /// are asked for in their order.
    pub(super) fn line_of(&mut self, place: u64) -> u64 {
        while self.begun.front().is_some_and(|(begin, _)| *begin < place) {
            self.begun.pop_front();
        }
        self.begun.front().map_or(self.line, |(_, line)| *line)
    }

    /// The line of a quote that is open at the end of the file.
    pub(super) fn never_closed(&self) -> Option<u64> {
        self.quotes.open().filter(|_| self.has_ended)
    }

    /// Moves what is passed on to the front, and answers how much that is.
    fn note(&mut self, bytes: &mut [u8]) -> usize {
        let mut passed = 0;
        for at in 0..bytes.len() {
            let byte = bytes[at];
            let is_between = self.quotes == Quotes::Begin;
            self.quotes = self.quotes.then(byte, self.line);
            match (self.last, byte) {
                (b'\r', b'\n') => {}
                (_, b'\r' | b'\n') => self.line += 1,
                (b'\r' | b'\n', _) if is_between => self.begun.push_back((self.place, self.line)),
                _ => {}
            }
            self.last = byte;
            match (self.quotes, byte) {
                (Quotes::Begin, b',') => self.cells += 1,
                (Quotes::Begin, _) => self.cells = 1,
                _ => {}
            }
            if self.cells <= CELLS {
                bytes[passed] = byte;
                passed += 1;
                self.place += 1;
            }
        }
        passed
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inner.read(buffer)?;
            self.has_ended = count == 0;
            let passed = self.note(&mut buffer[..count]);
            // Nothing at all would mean the end.
            if passed > 0 || self.has_ended {
                return Ok(passed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<(u64, u64)> {
        let mut lines = Lines::of(text.as_bytes());
        // However the text is cut.
        let mut one = [0; 1];
        while lines.read(&mut one).expect("memory") > 0 {}
        lines.begun.into()
    }

    #[test]
    fn every_end_of_a_line_counts_once_and_empty_lines_begin_nothing() {
        assert_eq!(lines(""), []);
        assert_eq!(lines("a\nb\n"), [(0, 1), (2, 2)]);
        assert_eq!(lines("a\r\nb\r\n"), [(0, 1), (3, 2)]);
        assert_eq!(lines("a\rb\r"), [(0, 1), (2, 2)]);
        assert_eq!(lines("a\n\nb"), [(0, 1), (3, 3)]);
        assert_eq!(lines("a\r\rb"), [(0, 1), (3, 3)]);
        assert_eq!(lines("\r\n\r\na"), [(4, 3)]);
    }

    #[test]
    fn a_row_is_where_its_first_byte_is() {
        let mut lines = Lines::of("a\r\n\r\nb\nc".as_bytes());
        io::read_to_string(&mut lines).expect("memory");
        // The place behind a carriage return is still the end of that line.
        let found = [0, 2, 3, 5, 7].map(|place| lines.line_of(place));
        assert_eq!(found, [1, 3, 3, 3, 4]);
    }

    #[test]
    fn cells_that_nobody_reads_are_left_out_and_lines_keep_their_numbers() {
        let many = format!("{}\"b\r\nb\",", "a,".repeat(CELLS));
        let text = format!("{many}\r\nc\n{many}\n\nd");
        let short = "a,".repeat(CELLS);
        let short = short.trim_end_matches(',');
        let passed = format!("{short}\r\nc\n{short}\n\nd");
        for size in [1, 2, 1000, 100_000] {
            let (mut lines, mut met) = (Lines::of(text.as_bytes()), Vec::new());
            let mut buffer = vec![0; size];
            loop {
                let count = lines.read(&mut buffer).expect("memory");
                if count == 0 {
                    break;
                }
                met.extend_from_slice(&buffer[..count]);
            }
            assert!(met == passed.as_bytes(), "in pieces of {size}");
            let row = short.len() as u64;
            let places = [0, row + 1, row + 4, 2 * row + 5];
            assert_eq!(places.map(|place| lines.line_of(place)), [1, 3, 4, 7]);
        }
    }

    #[test]
    fn lines_within_a_cell_are_not_remembered() {
        assert_eq!(lines("\"a\nb\n\",\"\nc\"\nd"), [(0, 1), (12, 5)]);
    }
}
