//! The use cases of number look-ups.

use std::sync::Arc;

use msgflash_kernel::{Clock, Ids, Nudge};
use msgflash_messaging::instance::ports::InstanceReader;
use msgflash_messaging::lookup::ports::{CheckReader, LookupReader, LookupUnits};
use msgflash_messaging::lookup::{AskNumbers, LookUpNumbers, LookUpPorts, ReadLookups};
use msgflash_messaging::provider::WhatsAppProvider;

/// What look-ups need.
pub struct LookupsPorts {
    /// Changes look-ups.
    pub units: Arc<dyn LookupUnits>,
    /// Shows them.
    pub lookups: Arc<dyn LookupReader>,
    /// What was found out before.
    pub checks: Arc<dyn CheckReader>,
    /// Instances.
    pub instances: Arc<dyn InstanceReader>,
    /// The gateway.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Wakes whoever works on long lists.
    pub wake: Arc<dyn Nudge>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Everything that can be done with look-ups.
pub struct Lookups {
    /// Looks numbers up.
    pub start: LookUpNumbers,
    /// Reads look-ups.
    pub read: ReadLookups,
}

impl Lookups {
    /// Wires the use cases.
    pub fn new(ports: LookupsPorts) -> Self {
        let clock = Arc::clone(&ports.clock);
        let ask = Arc::new(AskNumbers::new(ports.checks, ports.provider, clock));
        Self {
            start: LookUpNumbers::new(LookUpPorts {
                units: ports.units,
                instances: ports.instances,
                ask,
                clock: ports.clock,
                ids: ports.ids,
                wake: ports.wake,
            }),
            read: ReadLookups::new(ports.lookups),
        }
    }
}
