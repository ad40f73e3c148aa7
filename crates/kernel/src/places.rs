//! What an account has of something that its plan caps.

/// How many of something an account has, and how many it may have, both at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Places {
    /// How many it has. Where nothing caps it, nobody need have counted, and it may be 0.
    pub taken: u32,
    /// How many it may have; `None` is unlimited.
    pub cap: Option<u32>,
}

impl Places {
    /// Whether there is no room for one more.
    pub fn are_taken(self) -> bool {
        self.cap.is_some_and(|cap| self.taken >= cap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_more_fits_below_the_cap_and_anything_without_one() {
        for (taken, cap, are_taken) in [
            (0, Some(0), true),
            (4, Some(5), false),
            (5, Some(5), true),
            (9, Some(5), true),
            (900, None, false),
        ] {
            let places = Places { taken, cap };
            assert_eq!(places.are_taken(), are_taken, "{places:?}");
        }
    }
}
