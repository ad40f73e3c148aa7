//! The plans an operator offers, as one file says.
//!
//! The file is the wish, the stored plans are what subscribers hold: [`Catalogue::compare`] says how
//! the stored ones are to change so that the wish comes true without rewriting what was bought.

mod compare;
mod parse;

use std::fmt;

use crate::plan::{Features, Limits, Plan, PlanId};
use crate::provider::ProviderError;
use crate::subscription::BillingProvider;

pub use compare::CatalogueChange;

/// The catalogue of those who bring none.
pub const DEFAULT: &str = include_str!("catalogue/default.toml");

/// What becomes of the subscribers of a plan whose terms change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// They keep what they bought.
    #[default]
    Grandfathered,
    /// They get the new terms, at the next look.
    Moved,
}

/// One plan of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The published code.
    pub code: String,
    /// The name shown to people.
    pub name: String,
    /// Price per month in whole units of `currency`.
    pub price: u32,
    /// ISO 4217 code.
    pub currency: String,
    /// Its place between the others.
    pub rank: u32,
    /// Whether it is kept for those who have it, and no longer sold.
    pub is_retired: bool,
    /// How much of everything.
    pub limits: Limits,
    /// What is possible at all.
    pub features: Features,
    /// What Dodo Payments calls it: the id of a product.
    pub dodo_product: Option<String>,
    /// What Stripe calls it: the id of a recurring price.
    pub stripe_price: Option<String>,
}

impl Offer {
    /// The plan as a row of its own.
    pub fn version(&self, id: PlanId) -> Plan {
        Plan {
            id,
            code: self.code.clone(),
            name: self.name.clone(),
            price: self.price,
            currency: self.currency.clone(),
            is_active: !self.is_retired,
            rank: self.rank,
            limits: self.limits,
            features: self.features,
        }
    }

    /// What a provider calls it; `None` when it cannot be bought there.
    pub fn product(&self, provider: BillingProvider) -> Option<&str> {
        match provider {
            BillingProvider::Dodo => self.dodo_product.as_deref(),
            BillingProvider::Stripe => self.stripe_price.as_deref(),
            BillingProvider::None | BillingProvider::Manual => None,
        }
    }
}

/// All plans, checked: codes are unique, ranks of plans on offer differ, and the fallback costs
/// nothing, ranks below all others and is on offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    fallback: String,
    existing: Existing,
    offers: Vec<Offer>,
}

impl Catalogue {
    /// Reads a catalogue, and checks all of it.
    ///
    /// # Errors
    /// Everything that is wrong with it, not the first thing alone.
    pub fn parse(text: &str) -> Result<Self, InvalidCatalogue> {
        parse::parse(text)
    }

    /// The code of the plan of those who pay nothing.
    pub fn fallback(&self) -> &str {
        &self.fallback
    }

    /// What becomes of subscribers when terms change.
    pub fn existing(&self) -> Existing {
        self.existing
    }

    /// The plans, by rank.
    pub fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// The plan of this code.
    pub fn offer(&self, code: &str) -> Option<&Offer> {
        self.offers.iter().find(|it| it.code == code)
    }

    /// What a provider calls the plan of this code.
    ///
    /// # Errors
    /// The operator has not said it: it can be neither bought nor changed to there.
    pub fn product(&self, code: &str, provider: BillingProvider) -> Result<String, ProviderError> {
        let product = self.offer(code).and_then(|it| it.product(provider));
        product.map(str::to_owned).ok_or_else(|| {
            let provider = provider.as_str();
            ProviderError::NotSetUp(format!("plan {code} has no product of {provider}"))
        })
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::parse(DEFAULT).expect("the catalogue that is compiled in is tested")
    }
}

/// One thing wrong with a catalogue, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueProblem {
    /// The plan it is about; `None` for the file as a whole.
    pub plan: Option<String>,
    /// The key, dotted inside the plan; empty for the plan, or the file, as a whole.
    pub key: String,
    /// What is wrong, as a sentence without a full stop.
    pub message: String,
}

impl fmt::Display for CatalogueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.plan, self.key.as_str()) {
            (Some(plan), "") => write!(f, "plan {plan}: {}", self.message),
            (Some(plan), key) => write!(f, "plan {plan}, {key}: {}", self.message),
            (None, "") => f.write_str(&self.message),
            (None, key) => write!(f, "{key}: {}", self.message),
        }
    }
}

/// Everything wrong with a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue of plans is not valid:{}", list(.0))]
pub struct InvalidCatalogue(pub Vec<CatalogueProblem>);

fn list(problems: &[CatalogueProblem]) -> String {
    let lines: Vec<_> = problems.iter().map(ToString::to_string).collect();
    format!("\n  {}", lines.join("\n  "))
}

#[cfg(test)]
mod tests;
