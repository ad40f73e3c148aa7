//! Statuses that nobody published, for the tests of this crate.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, SequentialIds, StoreError};
use msgflash_messaging::instance::ports::MockInstanceReader;
use msgflash_messaging::provider::MockWhatsAppProvider;
use msgflash_messaging::status::ports::{MockStatusReader, StatusUnit, StatusUnits};
use msgflash_messaging::status::{PublishPorts, Settled};
use time::Duration;

use crate::api::v1::statuses::ANSWERS;
use crate::statuses::Statuses;

struct NoUnits;

#[async_trait]
impl StatusUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn StatusUnit>, StoreError> {
        unreachable!("nothing is published here")
    }
}

/// The use cases over ports that nobody may call.
pub(crate) fn statuses(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> Statuses {
    let units = Arc::new(NoUnits);
    let ports = PublishPorts {
        units: units.clone(),
        instances: Arc::new(MockInstanceReader::new()),
        provider: Arc::new(MockWhatsAppProvider::new()),
        files: None,
        settled: Settled::new(units, clock.clone(), ANSWERS),
        clock: clock.clone(),
        ids: ids.clone(),
        lease: Duration::minutes(2),
    };
    Statuses::new(ports, Arc::new(MockStatusReader::new()))
}
