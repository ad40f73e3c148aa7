//! Plans and payments over a store that answers nothing.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_billing::{
    BillingPorts, BillingUnit, BillingUnits, Catalogue, MockBillingQueue, MockMeterReader,
    MockNoticeQueue, MockNoticeReader, MockOperatorReader, PlanUnit, PlanUnits,
};
use msgflash_kernel::{FixedClock, NoAnnouncement, SequentialIds, StoreError};
use msgflash_payments::ManualPayments;

use super::mailing::NoUnits;
use crate::billing::{BillingDesk, BillingDeskPorts, PaymentProviders};

struct Nobody;

#[async_trait]
impl BillingUnits for Nobody {
    async fn begin(&self) -> Result<Box<dyn BillingUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}

#[async_trait]
impl PlanUnits for Nobody {
    async fn begin(&self) -> Result<Box<dyn PlanUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}

/// Plans and payments; money is taken by hand.
pub(super) fn desk(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> BillingDesk {
    BillingDesk::new(BillingDeskPorts {
        billing: BillingPorts {
            units: Arc::new(Nobody),
            catalogue: Arc::new(Catalogue::default()),
            announce: Arc::new(NoAnnouncement),
            clock: clock.clone(),
            ids: ids.clone(),
        },
        queue: Arc::new(MockBillingQueue::new()),
        plans: Arc::new(Nobody),
        meters: Arc::new(MockMeterReader::new()),
        notices: Arc::new(MockNoticeReader::new()),
        to_mail: Arc::new(MockNoticeQueue::new()),
        mails: Arc::new(NoUnits),
        operator: Arc::new(MockOperatorReader::new()),
        providers: PaymentProviders {
            seller: Arc::new(ManualPayments),
            all: vec![Arc::new(ManualPayments)],
        },
        portal: "https://app.example.com".to_owned(),
    })
}
