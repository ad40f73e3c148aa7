//! Look-ups that nobody made, for the tests of this crate.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{FixedClock, NoNudge, SequentialIds, StoreError};
use msgflash_messaging::instance::ports::MockInstanceReader;
use msgflash_messaging::lookup::ports::{
    LookupUnit, LookupUnits, MockCheckReader, MockLookupReader,
};
use msgflash_messaging::provider::MockWhatsAppProvider;

use crate::lookups::{Lookups, LookupsPorts};

struct NoUnits;

#[async_trait]
impl LookupUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn LookupUnit>, StoreError> {
        unreachable!("nothing is looked up here")
    }
}

/// The use cases over ports that nobody may call.
pub(crate) fn lookups(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> Lookups {
    Lookups::new(LookupsPorts {
        units: Arc::new(NoUnits),
        lookups: Arc::new(MockLookupReader::new()),
        checks: Arc::new(MockCheckReader::new()),
        instances: Arc::new(MockInstanceReader::new()),
        provider: Arc::new(MockWhatsAppProvider::new()),
        wake: Arc::new(NoNudge),
        clock: clock.clone(),
        ids: ids.clone(),
    })
}
