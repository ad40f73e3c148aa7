//! Where lines begin, noted while a file is read.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::quotes::Quotes;

/// A reader that knows its lines. They end with a line feed, a carriage return, or both: what is
/// read above counts line feeds alone, and takes empty lines before a row for its part.
pub(super) struct Lines<R> {
    inner: R,
    /// Beginnings of the lines that are not empty and have not been passed: place and number.
    begun: VecDeque<(u64, u64)>,
    line: u64,
    place: u64,
    last: u8,
    quotes: Quotes,
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

    fn note(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.quotes = self.quotes.then(*byte, self.line);
            match (self.last, *byte) {
                (b'\r', b'\n') => {}
                (_, b'\r' | b'\n') => self.line += 1,
                (b'\r' | b'\n', _) => self.begun.push_back((self.place, self.line)),
                _ => {}
            }
            self.last = *byte;
            self.place += 1;
        }
    }
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.has_ended = count == 0;
        self.note(&buffer[..count]);
        Ok(count)
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
}
