//! Telling account holders how much of a month's allowance is used.

use std::sync::Arc;

use msgflash_kernel::{AccountId, Id, StoreError};

use crate::notice::{Meter, Notice, NoticeKind, Threshold};
use crate::turn::BillingPorts;

/// How a meter of an account stands in a month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeterReading {
    /// Whose.
    pub account: AccountId,
    /// The month: 202605 is May 2026.
    pub period: i32,
    /// Which meter.
    pub meter: Meter,
    /// What was used.
    pub used: u64,
    /// What the plan allows; `None` is unlimited.
    pub limit: Option<u32>,
}

/// Tells of thresholds, once per month, meter and threshold.
pub struct TellQuota {
    ports: BillingPorts,
}

impl TellQuota {
    /// Wires the use case.
    pub fn new(ports: BillingPorts) -> Self {
        Self { ports }
    }

    /// Tells what these readings have reached and nobody was told; answers how much that was.
    pub async fn look(&self, readings: &[MeterReading]) -> Result<usize, StoreError> {
        let mut told = 0;
        // Most have reached nothing: no transaction for those.
        for it in readings {
            if Threshold::reached(it.used, it.limit).is_some() && self.tell(it).await? {
                told += 1;
            }
        }
        Ok(told)
    }

    async fn tell(&self, it: &MeterReading) -> Result<bool, StoreError> {
        let mut unit = self.ports.units.begin().await?;
        let notices = unit.notices();
        let told = notices.told(it.account, it.period, it.meter).await?;
        let Some((threshold, limit)) = Threshold::newly(it.used, it.limit, told).zip(it.limit)
        else {
            return Ok(false);
        };
        let notice = Notice {
            id: Id::new(self.ports.ids.next()),
            account: it.account,
            kind: NoticeKind::QuotaReached {
                meter: it.meter,
                threshold,
                used: it.used,
                limit,
            },
            at: self.ports.clock.now(),
        };
        let (account, period, meter) = (it.account, it.period, it.meter);
        notices.set_told(account, period, meter, threshold).await?;
        notices.append(&[notice]).await?;
        unit.commit().await?;
        Ok(true)
    }
}

/// Where the readings come from that are worth a look.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait::async_trait]
pub trait MeterReader: Send + Sync {
    /// Meters of the month that have reached a threshold nobody was told of.
    async fn worth_a_look(&self, period: i32, limit: u32) -> Result<Vec<MeterReading>, StoreError>;
}

/// Tells of all meters that are worth a look.
pub struct WatchQuota {
    tell: TellQuota,
    readings: Arc<dyn MeterReader>,
}

impl WatchQuota {
    /// Wires the use case.
    pub fn new(ports: BillingPorts, readings: Arc<dyn MeterReader>) -> Self {
        let tell = TellQuota::new(ports);
        Self { tell, readings }
    }

    /// Looks at some meters of a month.
    pub async fn tick(&self, period: i32) -> Result<msgflash_kernel::Tick, StoreError> {
        let found = self.readings.worth_a_look(period, 100).await?;
        Ok(msgflash_kernel::Tick::of(self.tell.look(&found).await?))
    }
}

#[cfg(test)]
mod tests;
