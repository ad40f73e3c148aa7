//! How far a list is walked for one page.
//!
//! A list is read in its order, and each row is asked whether it fits. How many rows one request
//! looks at is bounded: the page then ends where the walk ended, not at the last row that fitted,
//! and the next page goes on from there.

use msgflash_contacts::Total;
use msgflash_contacts::list::PartRequest;

/// Rows of the first step of a walk. Most pages are full by then.
const FIRST: i64 = 512;

/// One step: some rows of a list, behind each other.
pub(super) struct Step<P> {
    /// How many rows it looked at; fewer than it was to look at mean that the list ended.
    pub(super) looked: i64,
    /// The places of those that fit, in the list's order.
    pub(super) fitting: Vec<P>,
    /// The place of the last row it looked at.
    pub(super) last: Option<P>,
}

/// A walk under way.
pub(super) struct Walk<P> {
    /// How many more rows it may look at.
    left: i64,
    /// How many fitting ones are enough.
    enough: Option<usize>,
    fitting: Vec<P>,
    /// Behind which place it goes on.
    after: Option<P>,
    has_ended: bool,
}

/// What a walk found.
pub(super) enum Found<P> {
    /// The page, and what is known of the whole.
    Page(Leaf<P>),
    /// Too little within the bound.
    Little(Leaf<P>),
}

/// The places of a page.
pub(super) struct Leaf<P> {
    pub(super) places: Vec<P>,
    pub(super) next: Option<P>,
    pub(super) total: Option<Total>,
}

impl<P: Clone> Walk<P> {
    /// A walk for `part` that looks at `bound` rows at most. To count, it goes all the way.
    pub(super) fn new(part: &PartRequest<P>, bound: u32) -> Self {
        Self {
            left: i64::from(bound),
            enough: (!part.count).then_some(part.limit as usize + 1),
            fitting: Vec::new(),
            after: part.after.clone(),
            has_ended: false,
        }
    }

    /// Where the next step begins and how many rows it looks at; `None` when the walk is over.
    pub(super) fn step(&self) -> Option<(Option<&P>, i64)> {
        let has_enough = self.enough.is_some_and(|it| self.fitting.len() >= it);
        if self.has_ended || has_enough || self.left <= 0 {
            return None;
        }
        let rows = match self.enough {
            Some(_) if self.fitting.is_empty() => self.left.min(FIRST),
            _ => self.left,
        };
        Some((self.after.as_ref(), rows))
    }

    /// Notes what a step of `rows` rows found.
    pub(super) fn took(&mut self, rows: i64, step: Step<P>) {
        self.has_ended = step.looked < rows;
        self.left -= step.looked;
        self.fitting.extend(step.fitting);
        self.after = step.last.or(self.after.take());
    }

    /// The page this makes.
    pub(super) fn found(self, part: &PartRequest<P>) -> Found<P> {
        let limit = part.limit as usize;
        let seen = self.fitting.len() as u64;
        let counted = Total {
            count: seen,
            is_exact: self.has_ended,
        };
        let total = part.count.then_some(counted);
        let is_full = self.fitting.len() > limit;
        let mut places = self.fitting;
        places.truncate(limit);
        let next = if is_full {
            places.last().cloned()
        } else {
            self.after.filter(|_| !self.has_ended)
        };
        let leaf = Leaf {
            places,
            next,
            total,
        };
        if is_full || self.has_ended {
            Found::Page(leaf)
        } else {
            Found::Little(leaf)
        }
    }
}

impl<P: Clone> Leaf<P> {
    /// A page out of up to `limit + 1` places that are all there is behind where it begins.
    pub(super) fn cut(mut places: Vec<P>, limit: u32, total: Option<Total>) -> Self {
        let limit = limit as usize;
        let more = places.len() > limit;
        places.truncate(limit);
        let next = places.last().filter(|_| more).cloned();
        Self {
            places,
            next,
            total,
        }
    }
}

/// A stored count.
pub(super) fn exactly(stored: i64) -> Total {
    Total::exactly(u64::try_from(stored).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks a list of the numbers below `end`, of which every `nth` fits, page by page.
    fn pages(end: u32, nth: u32, limit: u32, bound: u32) -> Vec<(Vec<u32>, Option<Total>)> {
        let mut pages = Vec::new();
        let mut after = None;
        loop {
            let part = PartRequest {
                limit,
                count: after.is_none(),
                after,
            };
            let mut walk = Walk::new(&part, bound);
            while let Some((after, rows)) = walk.step() {
                let begin = after.map_or(0, |it| it + 1);
                let looked: Vec<u32> = (begin..end)
                    .take(usize::try_from(rows).expect("a count"))
                    .collect();
                let step = Step {
                    looked: i64::try_from(looked.len()).expect("a count"),
                    fitting: looked.iter().copied().filter(|it| it % nth == 0).collect(),
                    last: looked.last().copied(),
                };
                walk.took(rows, step);
            }
            let (Found::Page(leaf) | Found::Little(leaf)) = walk.found(&part);
            pages.push((leaf.places, leaf.total));
            after = leaf.next;
            if after.is_none() {
                return pages;
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn every_fitting_row_is_met_once_in_order(
            end in 0u32..2000, nth in 1u32..400, limit in 1u32..40, bound in 1u32..1500,
        ) {
            let walked = pages(end, nth, limit, bound);
            let met: Vec<u32> = walked.iter().flat_map(|(page, _)| page.clone()).collect();
            let expected: Vec<u32> = (0..end).filter(|it| it % nth == 0).collect();
            proptest::prop_assert!(walked.iter().all(|(page, _)| page.len() <= limit as usize));
            let total = walked[0].1.expect("counted with the first page");
            if total.is_exact {
                proptest::prop_assert_eq!(total.count, expected.len() as u64);
            } else {
                proptest::prop_assert!(total.count <= expected.len() as u64);
            }
            proptest::prop_assert_eq!(met, expected);
        }
    }

    #[test]
    fn a_list_within_the_bound_is_counted_exactly() {
        assert_eq!(pages(100, 10, 5, 101)[0].1, Some(Total::exactly(10)));
        assert_eq!(pages(100, 10, 5, 50)[0].1, Some(Total::at_least(5)));
    }
}
