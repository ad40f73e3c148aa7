//! Which quotes are open, noted while a file is read.

/// Where in a cell a file stands. It follows the rules of what reads the cells: a quote opens only
/// where a cell begins, and two of them in quotes are one that closes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quotes {
    /// A cell begins.
    #[default]
    Begin,
    /// Quotes mean nothing here.
    Bare,
    /// The quote that opened in this line has not been closed.
    Open(u64),
    /// A quote closed, unless one more follows. It opened in this line.
    Shut(u64),
}

impl Quotes {
    /// Behind the next byte, which stands in `line`.
    pub(super) const fn then(self, byte: u8, line: u64) -> Self {
        match (self, byte) {
            (Self::Begin, b'"') => Self::Open(line),
            (Self::Open(opened), b'"') => Self::Shut(opened),
            (Self::Open(opened), _) | (Self::Shut(opened), b'"') => Self::Open(opened),
            (_, b',' | b'\r' | b'\n') => Self::Begin,
            _ => Self::Bare,
        }
    }

    /// The line of the quote that is open.
    pub(super) const fn open(self) -> Option<u64> {
        match self {
            Self::Open(line) => Some(line),
            Self::Begin | Self::Bare | Self::Shut(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use csv::ReaderBuilder;
    use proptest::prelude::*;

    use super::*;

    fn behind(text: &str) -> Quotes {
        let bytes = text.bytes();
        bytes.fold(Quotes::default(), |quotes, byte| quotes.then(byte, 1))
    }

    /// Whether what reads the cells takes a row that follows for a row.
    fn is_closed(text: &str) -> bool {
        let text = format!("{text}\nrow");
        let mut csv = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .from_reader(text.as_bytes());
        let last = csv.records().last().expect("a row").expect("text");
        last.iter().eq(["row"])
    }

    #[test]
    fn a_quote_opens_where_a_cell_begins_and_two_are_one() {
        for (text, open) in [
            ("\"a", true),
            ("a,\"", true),
            ("\"a\"\"", true),
            ("\"a\"\"\"", false),
            ("\"a\"b\"", false),
            ("a\"", false),
            (" \"a", false),
            ("\"a\nb", true),
            ("\"a\"\n\"", true),
        ] {
            assert_eq!(behind(text).open().is_some(), open, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn it_agrees_with_what_reads_the_cells(text in "[\",a\r\n]{0,12}") {
            prop_assert_eq!(behind(&text).open().is_none(), is_closed(&text));
        }
    }
}
