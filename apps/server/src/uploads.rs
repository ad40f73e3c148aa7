//! How many files are taken in at once: each lies in memory while it is read.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use msgflash_kernel::UserId;

/// Files in hand, of one person.
const EACH: usize = 2;

/// Who has files in hand. Cheap to clone; all clones count together.
#[derive(Clone)]
pub struct Uploads {
    held: Arc<Mutex<HashMap<UserId, usize>>>,
    /// Files in hand, of everybody.
    all: usize,
}

/// A place, until it is dropped.
pub struct Place {
    uploads: Uploads,
    user: UserId,
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// This person has enough in hand.
    Person,
    /// The process has.
    Process,
}

impl Uploads {
    /// Room for so many.
    pub fn of(all: usize) -> Self {
        let held = Arc::default();
        Self { held, all }
    }

    /// A place for one more file of somebody.
    pub fn enter(&self, user: UserId) -> Result<Place, Full> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.values().sum::<usize>() >= self.all {
            return Err(Full::Process);
        }
        let count = held.entry(user).or_default();
        if *count >= EACH {
            return Err(Full::Person);
        }
        *count += 1;
        Ok(Place {
            uploads: self.clone(),
            user,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut held = self
            .uploads
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = held.get_mut(&self.user) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::Id;
    use uuid::Uuid;

    use super::*;

    fn user(n: u128) -> UserId {
        Id::new(Uuid::from_u128(n))
    }

    #[test]
    fn nobody_takes_all_places_and_places_come_back() {
        let uploads = Uploads::of(16);
        let (one, two) = (uploads.enter(user(1)), uploads.enter(user(1)));
        assert!(one.is_ok() && two.is_ok());
        assert_eq!(uploads.enter(user(1)).err(), Some(Full::Person));
        let others: Vec<_> = (2..=15).map(|n| uploads.enter(user(n))).collect();
        assert!(others.iter().all(Result::is_ok));
        assert_eq!(uploads.enter(user(99)).err(), Some(Full::Process));
        drop(one);
        assert!(uploads.enter(user(99)).is_ok());
        assert!(uploads.enter(user(1)).is_ok());
        drop((two, others));
        assert!(uploads.held.lock().unwrap().is_empty());
    }
}
