//! A unit of work made of mocks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{StoreError, Unit};

use crate::ports::{AccountUnit, AccountUnits, KeyStore, MockKeyStore, MockUserStore, UserStore};

/// One mock per port.
#[derive(Default)]
pub(crate) struct FakeUnit {
    pub(crate) users: MockUserStore,
    pub(crate) keys: MockKeyStore,
    committed: Arc<AtomicBool>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl AccountUnit for FakeUnit {
    fn users(&mut self) -> &mut dyn UserStore {
        &mut self.users
    }
    fn keys(&mut self) -> &mut dyn KeyStore {
        &mut self.keys
    }
}

/// Hands out the unit that was prepared.
#[derive(Clone, Default)]
pub(crate) struct FakeUnits {
    next: Arc<Mutex<FakeUnit>>,
    committed: Arc<AtomicBool>,
}

impl FakeUnits {
    /// Prepares the next unit.
    pub(crate) fn with(&self, prepare: impl FnOnce(&mut FakeUnit)) {
        prepare(&mut self.next.lock().expect("one test, one thread"));
    }

    /// Whether the unit was committed.
    pub(crate) fn committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl AccountUnits for FakeUnits {
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError> {
        let mut unit = std::mem::take(&mut *self.next.lock().expect("one test, one thread"));
        unit.committed = Arc::clone(&self.committed);
        Ok(Box::new(unit))
    }
}
