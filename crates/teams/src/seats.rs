//! Places in a team.

/// How the places of a team are taken. Whoever was asked and may still come has a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seats {
    /// How many the owner's plan allows, the owner's own included; `None` is unlimited.
    pub limit: Option<u32>,
    /// Members.
    pub active: u32,
    /// Pending invitations.
    pub pending: u32,
}

impl Seats {
    /// Places that are taken.
    pub const fn used(self) -> u32 {
        self.active.saturating_add(self.pending)
    }

    /// Places that are left; `None` is unlimited.
    pub fn available(self) -> Option<u32> {
        self.limit.map(|limit| limit.saturating_sub(self.used()))
    }

    /// Whether `more` can be asked.
    pub fn have_room_for(self, more: u32) -> bool {
        self.limit
            .is_none_or(|limit| self.used().saturating_add(more) <= limit)
    }

    /// Whether somebody who was asked can come: their place is taken by themselves, but the plan may
    /// have shrunk since.
    pub fn have_room_to_join(self) -> bool {
        self.limit.is_none_or(|limit| self.active < limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(limit: Option<u32>, active: u32, pending: u32) -> Seats {
        Seats {
            limit,
            active,
            pending,
        }
    }

    #[test]
    fn whoever_was_asked_has_a_place() {
        let it = seats(Some(4), 2, 1);
        assert_eq!((it.used(), it.available()), (3, Some(1)));
        assert!(it.have_room_for(1) && !it.have_room_for(2));
        let full = seats(Some(4), 1, 3);
        assert!(!full.have_room_for(1) && full.have_room_to_join());
    }

    #[test]
    fn a_smaller_plan_leaves_nothing_and_never_less() {
        let shrunk = seats(Some(2), 2, 3);
        assert_eq!(shrunk.available(), Some(0));
        assert!(!shrunk.have_room_to_join());
        assert!(!seats(Some(0), 1, 0).have_room_to_join());
    }

    #[test]
    fn an_unlimited_plan_has_room_for_everybody() {
        let it = seats(None, 500, 500);
        assert_eq!(it.available(), None);
        assert!(it.have_room_for(1000) && it.have_room_to_join());
    }
}
