//! What was paid.

use msgflash_kernel::Id;
use time::OffsetDateTime;

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
