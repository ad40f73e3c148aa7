//! What somebody agreed with a payment provider: that it charges them each period, until told
//! otherwise.

use msgflash_kernel::{AccountId, Id};
use time::OffsetDateTime;

use crate::plan::PlanId;
use crate::subscription::BillingProvider;

/// Marker of [`AgreementId`].
pub enum AgreementMark {}
/// The id of an agreement.
pub type AgreementId = Id<AgreementMark>;

/// What a provider is to do about an agreement from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Charge for the plan of this code, from the next period on.
    Charge(String),
    /// Charge no more; what is paid stays paid.
    Stop,
    /// End now: something else took its place.
    End,
}

/// A subscription at a payment provider. Of all agreements of an account at most one is current;
/// the wish of the others is [`Wish::End`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Its id.
    pub id: AgreementId,
    /// Who pays.
    pub account: AccountId,
    /// Who charges.
    pub provider: BillingProvider,
    /// What the provider calls it.
    pub reference: String,
    /// What the provider calls the payer.
    pub customer: Option<String>,
    /// The plan version bought with it.
    pub bought: PlanId,
    /// The code of that plan.
    pub bought_code: String,
    /// What the provider calls what was bought; `None` when it did not say.
    pub product: Option<String>,
    /// Whether the subscription rests on it.
    pub is_current: bool,
    /// Whether a purchase that was begun here was paid with it. What was not is kept to be ended, or
    /// because its end was told first.
    pub has_begun: bool,
    /// When the provider last said that a period is paid: older word of a failure is out of date.
    pub covered_at: OffsetDateTime,
    /// What the provider is to do.
    pub wish: Wish,
    /// What it was last told, and confirmed.
    pub told: Wish,
    /// When it ended at the provider.
    pub ended_at: Option<OffsetDateTime>,
}

impl Agreement {
    /// Whether the provider has to be told something.
    pub fn is_untold(&self) -> bool {
        self.ended_at.is_none() && self.wish != self.told
    }

    /// Something else took its place.
    pub fn supersede(&mut self) {
        self.is_current = false;
        self.wish = Wish::End;
    }
}
