//! Pages of a list, walked by keyset cursors.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fault::Problems;

/// Which page of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// How many items at most.
    pub limit: u32,
    /// Where the page before ended; `None` is the first page.
    pub after: Option<Cursor>,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// Cuts a page out of `limit + 1` rows: the extra row only tells that there is more.
    pub fn cut(mut rows: Vec<T>, limit: u32, cursor_of: impl Fn(&T) -> Cursor) -> Self {
        let limit = limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = if more {
            rows.last().map(cursor_of)
        } else {
            None
        };
        Self { items: rows, next }
    }

    /// The same page with other items.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> Page<U> {
        Page {
            items: self.items.into_iter().map(each).collect(),
            next: self.next,
        }
    }
}

/// A place in one particular list: its scope (list, sort, filters) and the key of the last row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    scope: String,
    key: String,
}

/// The text is no cursor, or belongs to another list, sort or filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor does not belong to this list")]
pub struct InvalidCursor;

impl Cursor {
    /// A cursor for the list named by `scope`, after the row with `key`.
    pub fn new(scope: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            scope: scope.into(),
            key: key.into(),
        }
    }

    /// The key of the row after which the page begins.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The opaque, URL-safe text that callers pass back.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}\u{1f}{}", self.scope, self.key))
    }

    /// Reads a cursor that must belong to `scope`.
    pub fn decode(text: &str, scope: &str) -> Result<Self, InvalidCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let plain = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let (found, key) = plain.split_once('\u{1f}').ok_or(InvalidCursor)?;
        if found != scope {
            return Err(InvalidCursor);
        }
        Ok(Self::new(found, key))
    }

    /// Reads the cursor a caller gave, which must belong to `scope` and have a key that `is_key`.
    pub fn given(
        text: &str,
        scope: &str,
        is_key: impl FnOnce(&str) -> bool,
    ) -> Result<Self, InvalidCursor> {
        let cursor = Self::decode(text, scope)?;
        if is_key(&cursor.key) {
            Ok(cursor)
        } else {
            Err(InvalidCursor)
        }
    }
}

impl From<InvalidCursor> for Problems {
    fn from(_: InvalidCursor) -> Self {
        Self::one("cursor", "invalid_cursor", "The cursor is not of this list")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_the_trip_and_keeps_its_scope() {
        let cursor = Cursor::new("messages|status=sent", "0190-key");
        let text = cursor.encode();
        assert!(
            text.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
        assert_eq!(Cursor::decode(&text, "messages|status=sent"), Ok(cursor));
        assert_eq!(Cursor::decode(&text, "messages|"), Err(InvalidCursor));
        assert_eq!(Cursor::decode("?", "messages|"), Err(InvalidCursor));
    }

    #[test]
    fn the_extra_row_only_tells_that_there_is_more() {
        let page = Page::cut(vec![1, 2, 3], 2, |n| Cursor::new("s", n.to_string()));
        assert_eq!(page.items, [1, 2]);
        assert_eq!(page.next.as_ref().map(Cursor::key), Some("2"));
        let last = Page::cut(vec![1, 2], 2, |n| Cursor::new("s", n.to_string()));
        assert_eq!(last.next, None);
    }
}
