//! The use cases of opt-out lists, which both surfaces use.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use msgflash_contacts::suppression::ports::{Silence, SuppressionReader, SuppressionUnits};
use msgflash_contacts::suppression::{
    AddSuppressions, ChangeOptOut, ExportSuppressions, ReadSuppressions, RemoveSuppression,
};
use msgflash_kernel::Clock;
use msgflash_messaging::dispatch::stop::Pauses;

/// What opt-out lists need.
pub struct SuppressionsPorts {
    /// Changes them.
    pub units: Arc<dyn SuppressionUnits>,
    /// Shows them.
    pub reader: Arc<dyn SuppressionReader>,
    /// Waits for calls that were about to be made.
    pub silence: Arc<dyn Silence>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// Everything that can be done with opt-out lists.
pub struct Suppressions {
    /// Puts numbers on them.
    pub add: AddSuppressions,
    /// Reads them.
    pub read: ReadSuppressions,
    /// Takes numbers off.
    pub remove: RemoveSuppression,
    /// Sets what is done about stop words.
    pub change_settings: ChangeOptOut,
    /// Writes them into files.
    pub export: ExportSuppressions,
}

impl Suppressions {
    /// Wires the use cases.
    pub fn new(ports: SuppressionsPorts) -> Self {
        let SuppressionsPorts {
            units,
            reader,
            silence,
            clock,
        } = ports;
        Self {
            add: AddSuppressions::new(Arc::clone(&units), silence, Arc::clone(&clock)),
            read: ReadSuppressions::new(Arc::clone(&reader)),
            remove: RemoveSuppression::new(Arc::clone(&units)),
            change_settings: ChangeOptOut::new(units, Arc::clone(&clock)),
            export: ExportSuppressions::new(reader, clock),
        }
    }
}

/// Waits by the runtime's timer.
pub struct TimerPauses;

#[async_trait]
impl Pauses for TimerPauses {
    async fn pause(&self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
