//! Pages of lists that are filtered while they are walked.
//!
//! A filter may fit few rows of a large book, so one request looks at a bounded number of rows: a
//! page may hold fewer items than asked for, none even, while the list goes on. It ends where
//! [`Listing::next`] is `None`.

use msgflash_kernel::{Cursor, InvalidCursor, Problems};

/// How many items a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// So many, or at least so many.
    pub count: u64,
    /// Whether there are no more than that.
    pub is_exact: bool,
}

impl Total {
    /// No more and no fewer.
    pub const fn exactly(count: u64) -> Self {
        Self {
            count,
            is_exact: true,
        }
    }

    /// So many were seen, and there may be more.
    pub const fn at_least(count: u64) -> Self {
        Self {
            count,
            is_exact: false,
        }
    }
}

/// One page of a list, as callers get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// How many the whole list has. What must be counted is counted with the first page.
    pub total: Total,
    /// Where the next page begins; `None` on the last page.
    pub next: Option<Cursor>,
}

/// Which part of a list is wanted from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRequest<P> {
    /// How many items at most.
    pub limit: u32,
    /// The place after which it begins; `None` is the beginning of the list.
    pub after: Option<P>,
    /// Whether the total is wanted. It is always told where it is known without counting.
    pub count: bool,
}

/// A part of a list, as the store finds it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T, P> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// The place of the last row looked at, which need not be an item; `None` when the list ended.
    pub next: Option<P>,
    /// How many the whole list has.
    pub total: Option<Total>,
}

impl<T, P> Part<T, P> {
    /// A list without items.
    pub const fn empty() -> Self {
        Self {
            items: Vec::new(),
            next: None,
            total: Some(Total::exactly(0)),
        }
    }

    /// The same part with other items.
    pub(crate) fn map<U>(self, each: impl FnMut(T) -> U) -> Part<U, P> {
        Part {
            items: self.items.into_iter().map(each).collect(),
            next: self.next,
            total: self.total,
        }
    }
}

/// A place in a list, as text of a cursor.
pub(crate) trait Place: Sized {
    fn write(&self) -> String;
    fn read(text: &str) -> Option<Self>;
}

/// A list between the caller's cursor and the store's places.
pub(crate) struct Walk {
    scope: String,
    total: Option<Total>,
}

impl Walk {
    /// What to ask the store for. A cursor belongs to the list named by `scope`, and carries the
    /// total that was counted with the first page.
    pub(crate) fn begin<P: Place>(
        scope: String,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<(Self, PartRequest<P>), Problems> {
        let mut walk = Self { scope, total: None };
        let mut after = None;
        if let Some(text) = cursor {
            let cursor = Cursor::decode(text, &walk.scope).map_err(|_| foreign_cursor())?;
            let (total, place) = cursor.key().split_once(';').ok_or_else(foreign_cursor)?;
            if !total.is_empty() {
                walk.total = Some(read_total(total).ok_or_else(foreign_cursor)?);
            }
            after = Some(P::read(place).ok_or_else(foreign_cursor)?);
        }
        let request = PartRequest {
            limit,
            count: after.is_none(),
            after,
        };
        Ok((walk, request))
    }

    /// The page a part makes.
    pub(crate) fn page<T, P: Place>(self, part: Part<T, P>) -> Listing<T> {
        let seen = part.items.len() as u64;
        let total = part.total.or(self.total);
        let next = part.next.map(|place| {
            let key = format!("{};{}", write_total(total), place.write());
            Cursor::new(self.scope, key)
        });
        Listing {
            items: part.items,
            total: total.unwrap_or(Total::at_least(seen)),
            next,
        }
    }
}

/// The refusal of a cursor that was made for another list, or made up.
pub(crate) fn foreign_cursor() -> Problems {
    InvalidCursor.into()
}

fn write_total(total: Option<Total>) -> String {
    match total {
        None => String::new(),
        Some(total) if total.is_exact => total.count.to_string(),
        Some(total) => format!("{}+", total.count),
    }
}

fn read_total(text: &str) -> Option<Total> {
    match text.strip_suffix('+') {
        Some(count) => count.parse().ok().map(Total::at_least),
        None => text.parse().ok().map(Total::exactly),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Place for String {
        fn write(&self) -> String {
            self.clone()
        }
        fn read(text: &str) -> Option<Self> {
            (text != "nowhere").then(|| text.to_owned())
        }
    }

    fn begin(cursor: Option<&str>) -> Result<(Walk, PartRequest<String>), Problems> {
        Walk::begin("list".into(), 10, cursor)
    }

    #[test]
    fn the_total_is_counted_once_and_carried_along() {
        let (walk, first) = begin(None).expect("the first page");
        assert!(first.count && first.after.is_none());
        let page = walk.page(Part::<u8, String> {
            items: vec![],
            next: Some("a;b".into()),
            total: Some(Total::at_least(7)),
        });
        assert!(page.items.is_empty());
        let text = page.next.expect("it goes on").encode();
        let (walk, second) = begin(Some(&text)).expect("the second page");
        assert_eq!(
            (second.count, second.after.as_deref()),
            (false, Some("a;b"))
        );
        let page = walk.page(Part::<u8, String> {
            items: vec![1],
            next: None,
            total: None,
        });
        assert_eq!((page.total, page.next), (Total::at_least(7), None));
    }

    #[test]
    fn a_total_that_is_known_wins_over_the_carried_one() {
        let cursor = Cursor::new("list", "7;a").encode();
        let (walk, _) = begin(Some(&cursor)).expect("a page");
        let page = walk.page(Part::<u8, String>::empty());
        assert_eq!(page.total, Total::exactly(0));
    }

    #[test]
    fn cursors_of_other_lists_and_made_up_ones_are_refused() {
        for cursor in [
            Cursor::new("other", "7;a"),
            Cursor::new("list", "a"),
            Cursor::new("list", "-1;a"),
            Cursor::new("list", "x+;a"),
            Cursor::new("list", ";nowhere"),
        ] {
            let refused = begin(Some(&cursor.encode()))
                .map(drop)
                .expect_err("refused");
            assert_eq!(refused.0[0].field, "cursor");
        }
        assert!(begin(Some("?")).is_err());
    }
}
