//! Payments.

use diesel::prelude::*;
use msgflash_billing::{Payment, PaymentStatus};
use msgflash_kernel::{Id, StoreError};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::schema::payments;

#[derive(Queryable, Selectable)]
#[diesel(table_name = payments, check_for_backend(diesel::pg::Pg))]
pub(super) struct PaymentRow {
    id: Uuid,
    provider: String,
    plan_code: String,
    plan_name: String,
    amount: i64,
    currency: String,
    status: String,
    period_start: Option<OffsetDateTime>,
    period_end: Option<OffsetDateTime>,
    created_at: OffsetDateTime,
}

impl TryFrom<PaymentRow> for Payment {
    type Error = StoreError;

    fn try_from(row: PaymentRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: Id::new(row.id),
            provider: row.provider,
            plan_code: row.plan_code,
            plan_name: row.plan_name,
            amount: row.amount,
            currency: row.currency,
            status: STATUSES
                .into_iter()
                .find(|status| word(*status) == row.status)
                .ok_or_else(|| StoreError::corrupt("payments.status", row.status))?,
            period_start: row.period_start,
            period_end: row.period_end,
            created_at: row.created_at,
        })
    }
}

const STATUSES: [PaymentStatus; 4] = [
    PaymentStatus::Succeeded,
    PaymentStatus::Failed,
    PaymentStatus::Pending,
    PaymentStatus::Refunded,
];

/// The stored word of a state.
pub(super) const fn word(status: PaymentStatus) -> &'static str {
    match status {
        PaymentStatus::Succeeded => "succeeded",
        PaymentStatus::Failed => "failed",
        PaymentStatus::Pending => "pending",
        PaymentStatus::Refunded => "refunded",
    }
}
