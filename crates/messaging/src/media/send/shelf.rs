//! The files that were sent last.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::media::MediaId;

/// A bounded number of bytes, those used last first.
#[derive(Debug)]
pub(super) struct Shelf {
    most: u64,
    files: Mutex<VecDeque<(MediaId, Bytes)>>,
}

impl Shelf {
    pub(super) fn of(most: u64) -> Self {
        let files = Mutex::default();
        Self { most, files }
    }

    pub(super) fn find(&self, id: MediaId) -> Option<Bytes> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let at = files.iter().position(|it| it.0 == id)?;
        let found = files.remove(at)?;
        let bytes = found.1.clone();
        files.push_front(found);
        Some(bytes)
    }

    pub(super) fn keep(&self, id: MediaId, bytes: Bytes) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.retain(|it| it.0 != id);
        files.push_front((id, bytes));
        let mut held = 0;
        let mut fits = |it: &(MediaId, Bytes)| {
            held += it.1.len() as u64;
            held <= self.most
        };
        let keep = files.iter().take_while(|it| fits(it)).count();
        files.truncate(keep);
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn what_was_used_longest_ago_makes_room() {
        let shelf = Shelf::of(10);
        let id = |n| Id::new(Uuid::from_u128(n));
        let four = Bytes::from_static(b"four");
        shelf.keep(id(1), four.clone());
        shelf.keep(id(2), four.clone());
        assert_eq!(shelf.find(id(1)), Some(four.clone()));
        shelf.keep(id(3), four.clone());
        assert_eq!(shelf.find(id(2)), None);
        assert_eq!(
            (shelf.find(id(1)), shelf.find(id(3))),
            (Some(four.clone()), Some(four))
        );
        shelf.keep(id(4), Bytes::from_static(b"more than ten"));
        assert_eq!(shelf.find(id(4)), None, "what never fits is not kept");
    }
}
