//! From the plans that are stored to those the operator wants.

use super::{Catalogue, Offer};
use crate::plan::Plan;

/// One change of the stored plans. None touches the terms of a version that somebody may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogueChange {
    /// A new version of a plan, or a new plan: whoever buys from now on gets it.
    Add(Offer),
    /// All versions of a plan stand elsewhere between the others.
    Rank {
        /// Which plan.
        code: String,
        /// Its new rank.
        rank: u32,
    },
    /// A plan is sold again: its newest version.
    Sell {
        /// Which plan.
        code: String,
    },
    /// No version of a plan is sold any more.
    Retire {
        /// Which plan.
        code: String,
    },
}

impl Catalogue {
    /// What makes the stored plans those of the catalogue. `newest` are the newest versions of all
    /// plans, retired ones included. Comparing again after that finds nothing.
    pub fn compare(&self, newest: &[Plan]) -> Vec<CatalogueChange> {
        let mut changes = Vec::new();
        for offer in &self.offers {
            let stored = newest.iter().find(|plan| plan.code == offer.code);
            compare_one(offer, stored, &mut changes);
        }
        // What the file does not name is not sold, and stays with those who have it.
        let gone = newest
            .iter()
            .filter(|plan| plan.is_active && self.offer(&plan.code).is_none());
        changes.extend(gone.map(|plan| CatalogueChange::Retire {
            code: plan.code.clone(),
        }));
        changes
    }
}

fn compare_one(offer: &Offer, stored: Option<&Plan>, changes: &mut Vec<CatalogueChange>) {
    let Some(stored) = stored else {
        changes.push(CatalogueChange::Add(offer.clone()));
        return;
    };
    let code = || offer.code.clone();
    if stored.rank != offer.rank {
        changes.push(CatalogueChange::Rank {
            code: code(),
            rank: offer.rank,
        });
    }
    if offer.has_the_terms_of(stored) {
        match (offer.is_retired, stored.is_active) {
            (true, true) => changes.push(CatalogueChange::Retire { code: code() }),
            (false, false) => changes.push(CatalogueChange::Sell { code: code() }),
            _ => {}
        }
    } else {
        if offer.is_retired && stored.is_active {
            changes.push(CatalogueChange::Retire { code: code() });
        }
        changes.push(CatalogueChange::Add(offer.clone()));
    }
}

impl Offer {
    /// Whether a stored version says the same about what is bought. Its rank and whether it is sold
    /// are no part of that.
    fn has_the_terms_of(&self, stored: &Plan) -> bool {
        self.name == stored.name
            && self.price == stored.price
            && self.currency == stored.currency
            && self.limits == stored.limits
            && self.features == stored.features
    }
}
