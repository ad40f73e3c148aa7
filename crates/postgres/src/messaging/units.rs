//! The units messaging works in.

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::SuppressionStore;
use msgflash_kernel::{Outbox, StoreError};
use msgflash_messaging::campaign::ports::TallyStore;
use msgflash_messaging::dispatch::ports::QueueStore;
use msgflash_messaging::dispatch::trace::TraceStore;
use msgflash_messaging::instance::ports::{InstanceStore, InstanceUnit, InstanceUnits};
use msgflash_messaging::message::ports::{MessageStore, SettleUnit, SettleUnits};
use msgflash_messaging::receipt::ports::{
    EventStore, EventUnit, EventUnits, ReceiptStore, ReceiptUnit, ReceiptUnits,
};
use msgflash_quotas::LedgerStore;

use crate::pool::Postgres;
use crate::unit::PgUnit;

impl SettleUnit for PgUnit {
    fn messages(&mut self) -> &mut dyn MessageStore {
        self
    }
    fn queue(&mut self) -> &mut dyn QueueStore {
        self
    }
    fn traces(&mut self) -> &mut dyn TraceStore {
        self
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        self
    }
    fn ledger(&mut self) -> &mut dyn LedgerStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl SettleUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn SettleUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

impl InstanceUnit for PgUnit {
    fn instances(&mut self) -> &mut dyn InstanceStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl InstanceUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn InstanceUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl ReceiptUnit for PgUnit {
    async fn abandon(self: Box<Self>) {
        self.roll_back().await;
    }
    fn receipts(&mut self) -> &mut dyn ReceiptStore {
        self
    }
    fn tallies(&mut self) -> &mut dyn TallyStore {
        self
    }
    fn outbox(&mut self) -> &mut dyn Outbox {
        self
    }
}

#[async_trait]
impl ReceiptUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn ReceiptUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

#[async_trait]
impl EventUnit for PgUnit {
    async fn abandon(self: Box<Self>) {
        self.roll_back().await;
    }
    fn events(&mut self) -> &mut dyn EventStore {
        self
    }
    fn instances(&mut self) -> &mut dyn InstanceStore {
        self
    }
    fn suppressions(&mut self) -> &mut dyn SuppressionStore {
        self
    }
}

#[async_trait]
impl EventUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn EventUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}
