//! Events into deliveries.

use std::sync::Arc;

use msgflash_kernel::{Clock, StoreError, Tick};

use crate::ports::FanOutStore;

const BATCH: u32 = 500;

/// Writes one delivery per event and interested endpoint.
pub struct FanOut {
    store: Arc<dyn FanOutStore>,
    clock: Arc<dyn Clock>,
}

impl FanOut {
    /// Wires it.
    pub fn new(store: Arc<dyn FanOutStore>, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// Handles one batch of events.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        Ok(Tick::of(self.store.fan_out(self.clock.now(), BATCH).await?))
    }
}
