//! Recounting the ledger, now and then.

use std::sync::Arc;
use std::time::Duration;

use metrics::gauge;
use msgflash_kernel::{StoreError, Tick};
use msgflash_quotas::LedgerAudit;
use tracing::error;

/// How often.
pub(super) const EVERY: Duration = Duration::from_mins(10);

/// Recounts once, unless another process is at it, and tells of what differs. It repairs nothing:
/// which side is wrong is for a person to find out.
#[expect(clippy::cast_precision_loss, reason = "a drift stays far below 2^52")]
pub(super) async fn tick(ledger: Arc<dyn LedgerAudit>) -> Result<Tick, StoreError> {
    let Some(recount) = ledger.recount().await? else {
        return Ok(Tick::Idle);
    };
    gauge!("msgflash_ledger_drift").set(recount.drift as f64);
    for it in &recount.found {
        error!(
            account.id = %it.account,
            period = it.period.to_i32(),
            reserved = it.reserved,
            queued = it.queued,
            "the ledger differs from the queue"
        );
    }
    Ok(Tick::Idle)
}
