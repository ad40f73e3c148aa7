//! Opt-out lists that nobody is on, for the tests of this crate.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::{SuppressionUnit, SuppressionUnits};
use msgflash_contacts::{MockSilence, MockSuppressionReader};
use msgflash_kernel::{FixedClock, StoreError};

use crate::suppressions::{Suppressions, SuppressionsPorts};

struct NoUnits;

#[async_trait]
impl SuppressionUnits for NoUnits {
    async fn begin(&self) -> Result<Box<dyn SuppressionUnit>, StoreError> {
        unreachable!("no list is changed here")
    }
}

/// A reader that finds nobody.
pub(crate) fn nobody() -> MockSuppressionReader {
    let mut reader = MockSuppressionReader::new();
    reader.expect_find().returning(|_, _| Ok(None));
    reader
}

/// The use cases over lists that nobody may change.
pub(crate) fn suppressions(clock: &Arc<FixedClock>) -> Suppressions {
    Suppressions::new(SuppressionsPorts {
        units: Arc::new(NoUnits),
        reader: Arc::new(nobody()),
        silence: Arc::new(MockSilence::new()),
        clock: clock.clone(),
    })
}
