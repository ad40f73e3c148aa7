//! What payment providers tell, in words that are the same for all of them.

use msgflash_kernel::{AccountId, Id};
use time::OffsetDateTime;

use crate::payment::PaymentStatus;
use crate::period::PaidPeriod;
use crate::subscription::BillingProvider;

/// Marker of [`CheckoutId`].
pub enum CheckoutMark {}
/// The id of a purchase that was begun.
pub type CheckoutId = Id<CheckoutMark>;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaymentEventKind {
    /// Money arrived. With a period, that period is paid.
    Paid,
    /// A period of an agreement is paid; the money is told of by another event.
    Covered,
    /// A charge is on its way.
    Pending,
    /// A charge failed, or an agreement waits for its payment.
    Failed,
    /// An agreement is over: the provider charges no more.
    Ended,
    /// All money of a payment went back.
    Refunded,
    /// Nothing that matters here.
    Other,
}

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Money {
    /// In minor units: 1900 is 19.00 EUR.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: String,
}

/// What we gave a provider at checkout, and get back with every event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// Who pays.
    pub account: Option<AccountId>,
    /// The code of the plan bought.
    pub plan: Option<String>,
    /// The purchase it began with.
    pub checkout: Option<CheckoutId>,
}

/// One event of a payment provider, proven to be theirs. Events come more than once and in any
/// order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentEvent {
    /// What the provider calls it: the same for all its deliveries.
    pub id: String,
    /// Who tells.
    pub provider: BillingProvider,
    /// What happened.
    pub kind: PaymentEventKind,
    /// When, as the provider says.
    pub occurred_at: OffsetDateTime,
    /// Where it began.
    pub origin: Origin,
    /// What the provider calls the payer.
    pub customer: Option<String>,
    /// What it calls the agreement.
    pub agreement: Option<String>,
    /// What it calls the payment.
    pub payment: Option<String>,
    /// What it calls what was bought.
    pub product: Option<String>,
    /// How much.
    pub money: Option<Money>,
    /// The period that was, or was not, paid.
    pub period: Option<PaidPeriod>,
}

impl PaymentEvent {
    /// The state in which it leaves its payment; `None` when it says nothing about one. Of money that went
    /// back [`PaymentEvent::refunds`] tells.
    pub fn payment_status(&self) -> Option<PaymentStatus> {
        self.payment.as_ref()?;
        match self.kind {
            PaymentEventKind::Paid => Some(PaymentStatus::Succeeded),
            PaymentEventKind::Pending => Some(PaymentStatus::Pending),
            PaymentEventKind::Failed => Some(PaymentStatus::Failed),
            PaymentEventKind::Covered
            | PaymentEventKind::Ended
            | PaymentEventKind::Refunded
            | PaymentEventKind::Other => None,
        }
    }

    /// The payment whose money went back.
    pub fn refunds(&self) -> Option<&str> {
        let is_refund = self.kind == PaymentEventKind::Refunded;
        self.payment.as_deref().filter(|_| is_refund)
    }

    /// The period that it says is paid.
    pub fn covers(&self) -> Option<PaidPeriod> {
        let pays = matches!(
            self.kind,
            PaymentEventKind::Paid | PaymentEventKind::Covered
        );
        self.period
            .filter(|period| pays && period.start < period.end)
    }
}
