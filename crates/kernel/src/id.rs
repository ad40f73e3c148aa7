//! Typed identifiers and where they come from.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU64, Ordering as Atomic};

use uuid::Uuid;

/// A UUID that remembers what it identifies, so that mixing two kinds does not compile.
pub struct Id<T>(Uuid, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// Wraps a raw UUID.
    pub const fn new(raw: Uuid) -> Self {
        Self(raw, PhantomData)
    }

    /// The raw UUID.
    pub const fn uuid(self) -> Uuid {
        self.0
    }

    /// Reads the hyphenated form; anything else is `None`.
    pub fn parse(raw: &str) -> Option<Self> {
        // The other spellings `Uuid` accepts (braces, urn, simple) would give one resource several
        // addresses.
        if raw.len() != 36 {
            return None;
        }
        Uuid::try_parse(raw).ok().map(Self::new)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
impl<T> fmt::Display for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A source of fresh ids.
pub trait Ids: Send + Sync {
    /// A UUID nobody has seen; version 7, so that index order follows time.
    fn next(&self) -> Uuid;
}

/// Production ids: UUIDv7 from the operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct RandomIds;

impl Ids for RandomIds {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one production source of ids"
    )]
    fn next(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Predictable ids for tests: 1, 2, 3 and so on.
#[derive(Debug, Default)]
pub struct SequentialIds(AtomicU64);

impl Ids for SequentialIds {
    fn next(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.0.fetch_add(1, Atomic::Relaxed) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Thing;

    #[test]
    fn reads_the_hyphenated_form_only() {
        let id = Id::<Thing>::new(RandomIds.next());
        assert_eq!(Id::parse(&id.to_string()), Some(id));
        assert_eq!(Id::<Thing>::parse(&id.uuid().simple().to_string()), None);
        assert_eq!(Id::<Thing>::parse(&format!("{{{id}}}")), None);
        assert_eq!(Id::<Thing>::parse("msg-1"), None);
    }

    #[test]
    fn later_ids_sort_later() {
        let first = RandomIds.next();
        let second = RandomIds.next();
        assert!(first < second);
    }
}
