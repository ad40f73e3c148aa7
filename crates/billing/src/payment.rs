//! What was paid.

use msgflash_kernel::{AccountId, Id};
use time::OffsetDateTime;

use crate::event::Money;
use crate::period::PaidPeriod;
use crate::subscription::BillingProvider;

/// Marker of [`PaymentId`].
pub enum PaymentMark {}
/// The id of a payment.
pub type PaymentId = Id<PaymentMark>;

/// The published states of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentStatus {
    /// The money arrived.
    Succeeded,
    /// It did not.
    Failed,
    /// Not known yet.
    Pending,
    /// It went back.
    Refunded,
}

impl PaymentStatus {
    /// Whether a payment in this state may come to `next`. Events come in any order: what arrived is
    /// not undone by older word of a failure, and what went back stays back.
    pub fn may_become(self, next: Self) -> bool {
        const fn rank(status: PaymentStatus) -> u8 {
            match status {
                PaymentStatus::Pending => 0,
                PaymentStatus::Failed => 1,
                PaymentStatus::Succeeded => 2,
                PaymentStatus::Refunded => 3,
            }
        }
        rank(next) > rank(self)
    }
}

/// A payment as a provider's event tells of it. The store keeps one per provider and reference, and
/// lets its state change only as [`PaymentStatus::may_become`] says; a period that is known stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentNews {
    /// Its id, if it is new.
    pub id: PaymentId,
    /// Who pays.
    pub account: AccountId,
    /// Who collected it.
    pub provider: BillingProvider,
    /// What the provider calls it.
    pub reference: String,
    /// The plan bought.
    pub plan_code: String,
    /// The plan's name.
    pub plan_name: String,
    /// How much; `None` when the event does not say.
    pub money: Option<Money>,
    /// The state it leaves the payment in.
    pub status: PaymentStatus,
    /// The period paid for, where the event says it.
    pub period: Option<PaidPeriod>,
    /// When it happened.
    pub at: OffsetDateTime,
}

/// One payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// Who collected it, such as `dodo`.
    pub provider: String,
    /// The plan bought.
    pub plan_code: String,
    /// The plan's name at that time.
    pub plan_name: String,
    /// Amount in minor units: 1900 is 19.00.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Its state.
    pub status: PaymentStatus,
    /// Start of the period paid for.
    pub period_start: Option<OffsetDateTime>,
    /// End of the period paid for.
    pub period_end: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

/// One page of the payment history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentPage {
    /// Newest first.
    pub payments: Vec<Payment>,
    /// How many there are in all.
    pub total: u64,
}

#[cfg(test)]
mod tests {
    use super::PaymentStatus::{Failed, Pending, Refunded, Succeeded};

    #[test]
    fn payments_only_move_on() {
        assert!(Pending.may_become(Failed) && Failed.may_become(Succeeded));
        assert!(Succeeded.may_become(Refunded) && Pending.may_become(Refunded));
        assert!(!Succeeded.may_become(Failed) && !Refunded.may_become(Succeeded));
        assert!(!Succeeded.may_become(Succeeded));
    }
}
