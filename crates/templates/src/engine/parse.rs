//! Reading a body, one character at a time.
//!
//! The reader gets characters and never the text, so it cannot look back or ahead: the time it
//! takes grows with the length of the text and with nothing else.

use super::flaw::{Flaw, Flaws, MAX_FLAWS, Mistake};
use super::program::{Piece, Variable};
use super::source::{Namespace, Source};
use super::{MAX_PLACEHOLDER, MAX_PLACEHOLDERS};

/// The pieces of a body and its variables, or everything wrong with it.
pub(super) fn parse(
    symbols: impl Iterator<Item = char>,
) -> Result<(Vec<Piece>, Vec<Variable>), Flaws> {
    let mut reader = Reader::default();
    for symbol in symbols {
        reader.read(symbol);
        reader.here.pass(symbol);
    }
    reader.finish()
}

/// A place in the text.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: usize,
    line: usize,
    column: usize,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            offset: 0,
            line: 1,
            column: 1,
        }
    }
}

impl Place {
    fn pass(&mut self, symbol: char) {
        self.offset += symbol.len_utf8();
        if symbol == '\n' {
            self.line += 1;
            self.column = 1;
        } else {
            self.column += 1;
        }
    }

    /// So many braces further.
    fn after_braces(self, count: usize) -> Self {
        Self {
            offset: self.offset + count,
            column: self.column + count,
            ..self
        }
    }
}

/// Where in a placeholder the reader is, if it is in one.
#[derive(Clone, Copy, Debug, Default)]
enum State {
    /// In text.
    #[default]
    Text,
    /// Behind opening braces, from `at` on; one alone is text.
    Braces { at: Place, count: usize },
    /// Before the path.
    Lead { open: Place },
    /// In the path.
    Path { open: Place, path: Path },
    /// In the blanks behind the path.
    Trail { open: Place, path: Path },
    /// Behind the first closing brace. There is no path in `{{}`.
    Closing {
        open: Place,
        path: Option<Path>,
        brace: Place,
    },
}

/// What is known about the path being read; its characters are in [`Reader::path`].
#[derive(Clone, Copy, Debug)]
struct Path {
    from: Place,
    /// The last character, if it is a dot.
    dot: Option<Place>,
}

#[derive(Default)]
struct Reader {
    here: Place,
    state: State,
    /// The characters of the path being read, up to one too many.
    path: String,
    /// Where the text begins that no piece holds yet.
    text_from: usize,
    pieces: Vec<Piece>,
    variables: Vec<Variable>,
    flaws: Vec<Flaw>,
    has_too_many: bool,
}

impl Reader {
    fn read(&mut self, symbol: char) {
        self.state = match self.state {
            State::Text => self.text(symbol),
            State::Braces { at, count } if symbol == '{' => State::Braces {
                at,
                count: count + 1,
            },
            State::Braces { count: 1, .. } => State::Text,
            State::Braces { at, count } => {
                if count > 2 {
                    self.note(Mistake::TooManyBraces, at);
                }
                self.lead(at.after_braces(count - 2), symbol)
            }
            State::Lead { open } => self.lead(open, symbol),
            State::Path { open, path } => self.path(open, path, symbol),
            State::Trail { open, path } => self.trail(open, path, symbol),
            State::Closing { open, path, .. } if symbol == '}' => {
                self.close(open, path);
                State::Text
            }
            State::Closing { brace, .. } => {
                self.note(Mistake::HalfClosed, brace);
                self.text(symbol)
            }
        };
    }

    /// In text, where only an opening brace may mean something.
    fn text(&self, symbol: char) -> State {
        match symbol {
            '{' => State::Braces {
                at: self.here,
                count: 1,
            },
            _ => State::Text,
        }
    }

    fn lead(&mut self, open: Place, symbol: char) -> State {
        match symbol {
            blank if is_blank(blank) => State::Lead { open },
            '}' => State::Closing {
                open,
                path: None,
                brace: self.here,
            },
            '.' => self.refuse(Mistake::EmptyName, self.here, symbol),
            word if is_word(word) => {
                self.path.clear();
                self.path.push(word);
                let from = self.here;
                State::Path {
                    open,
                    path: Path { from, dot: None },
                }
            }
            other => self.unexpected(open, other),
        }
    }

    fn path(&mut self, open: Place, path: Path, symbol: char) -> State {
        match (symbol, path.dot) {
            ('.', Some(_)) => self.refuse(Mistake::EmptyName, self.here, symbol),
            (next, _) if next == '.' || is_word(next) => {
                // One more than allowed is enough to know.
                if self.path.len() <= MAX_PLACEHOLDER {
                    self.path.push(next);
                }
                let dot = (next == '.').then_some(self.here);
                State::Path {
                    open,
                    path: Path { dot, ..path },
                }
            }
            (_, Some(dot)) => self.refuse(Mistake::EmptyName, dot, symbol),
            (_, None) => self.trail(open, path, symbol),
        }
    }

    fn trail(&mut self, open: Place, path: Path, symbol: char) -> State {
        match symbol {
            blank if is_blank(blank) => State::Trail { open, path },
            '}' => State::Closing {
                open,
                path: Some(path),
                brace: self.here,
            },
            next if next == '.' || is_word(next) => self.refuse(Mistake::Split, self.here, symbol),
            other => self.unexpected(open, other),
        }
    }

    /// A character that no path has.
    fn unexpected(&mut self, open: Place, symbol: char) -> State {
        if symbol == '{' {
            self.refuse(Mistake::Unclosed, open, symbol)
        } else {
            self.refuse(Mistake::BadCharacter(symbol), self.here, symbol)
        }
    }

    /// Notes a mistake and goes on as in text: what follows is told as well.
    fn refuse(&mut self, mistake: Mistake, at: Place, symbol: char) -> State {
        self.note(mistake, at);
        self.text(symbol)
    }

    fn note(&mut self, mistake: Mistake, at: Place) {
        if self.flaws.len() < MAX_FLAWS {
            self.flaws.push(Flaw {
                mistake,
                offset: at.offset,
                line: at.line,
                column: at.column,
            });
        }
    }

    /// The second closing brace: a placeholder is complete.
    fn close(&mut self, open: Place, path: Option<Path>) {
        let Some(path) = path else {
            return self.note(Mistake::Empty, open);
        };
        match self.variable() {
            Ok(variable) => {
                self.end_text(open.offset);
                let to = self.here.offset + 1;
                self.pieces.push(Piece::Value {
                    from: open.offset,
                    to,
                    variable,
                });
                self.text_from = to;
            }
            // Told once; the others need not be counted to be too many.
            Err(Mistake::TooMany) if self.has_too_many => {}
            Err(mistake) => {
                self.has_too_many |= mistake == Mistake::TooMany;
                self.note(mistake, path.from);
            }
        }
    }

    /// Which variable the path is. At most twenty are compared, at most fifty characters each.
    fn variable(&mut self) -> Result<usize, Mistake> {
        let Some((namespace, rest)) = self.path.split_once('.') else {
            return Err(Mistake::Bare(self.path.clone()));
        };
        let Some(namespace) = Namespace::parse(namespace) else {
            return Err(Mistake::UnknownNamespace(namespace.to_owned()));
        };
        if self.path.len() > MAX_PLACEHOLDER {
            return Err(Mistake::TooLong);
        }
        let known = self.variables.iter().position(|it| it.path == self.path);
        match known {
            Some(place) => Ok(place),
            None if self.variables.len() == MAX_PLACEHOLDERS => Err(Mistake::TooMany),
            None => {
                self.variables.push(Variable {
                    path: self.path.clone(),
                    source: Source::find(namespace, rest),
                });
                Ok(self.variables.len() - 1)
            }
        }
    }

    /// The text up to a placeholder or the end becomes a piece.
    fn end_text(&mut self, to: usize) {
        if self.text_from < to {
            let from = self.text_from;
            self.pieces.push(Piece::Text { from, to });
        }
    }

    fn finish(mut self) -> Result<(Vec<Piece>, Vec<Variable>), Flaws> {
        match self.state {
            State::Text | State::Braces { count: 1, .. } => {}
            State::Braces { at, count } => {
                if count > 2 {
                    self.note(Mistake::TooManyBraces, at);
                }
                self.note(Mistake::Unclosed, at.after_braces(count - 2));
            }
            State::Lead { open }
            | State::Path { open, .. }
            | State::Trail { open, .. }
            | State::Closing { open, .. } => self.note(Mistake::Unclosed, open),
        }
        if !self.flaws.is_empty() {
            return Err(Flaws(self.flaws));
        }
        self.end_text(self.here.offset);
        Ok((self.pieces, self.variables))
    }
}

/// What a name is made of.
fn is_word(symbol: char) -> bool {
    symbol.is_ascii_alphanumeric() || symbol == '_'
}

/// What may stand around a path. The mark of byte order counts too, because some editors leave one
/// where they paste.
fn is_blank(symbol: char) -> bool {
    symbol.is_whitespace() || symbol == '\u{feff}'
}

#[cfg(test)]
mod tests;
