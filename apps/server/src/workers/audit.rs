//! Recounting the ledger, now and then.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::gauge;
use msgflash_kernel::{Clock, StoreError, Tick};
use msgflash_quotas::{ChargedIn, Drift, LedgerAudit, Recount};
use tracing::error;

/// How often.
pub(super) const EVERY: Duration = Duration::from_mins(10);
/// Counting messages takes longer, the more there are: it may take one part in so many of the time.
const SHARE: u32 = 100;

/// Recounts, unless another process is at it, and tells of what differs. It repairs nothing: which
/// side is wrong is for a person to find out.
pub(super) struct Audit {
    ledger: Arc<dyn LedgerAudit>,
    clock: Arc<dyn Clock>,
    /// When messages may be counted again.
    next: Mutex<Instant>,
}

impl Audit {
    pub(super) fn new(ledger: Arc<dyn LedgerAudit>, clock: Arc<dyn Clock>) -> Self {
        Self {
            ledger,
            clock,
            next: Mutex::new(Instant::now()),
        }
    }

    pub(super) async fn tick(&self) -> Result<Tick, StoreError> {
        if let Some(recount) = self.ledger.recount().await? {
            show("queue", &recount, |it| {
                error!(
                    account.id = %it.account,
                    period = it.period.to_i32(),
                    reserved = it.ledger,
                    queued = it.found,
                    "the ledger differs from the queue"
                );
            });
        }
        let begun = Instant::now();
        if begun < *self.next.lock().expect("no panic under the lock") {
            return Ok(Tick::Idle);
        }
        let months = ChargedIn::recounted(self.clock.now());
        let recounted = self.ledger.recount_accepted(&months).await;
        let took = begun.elapsed();
        *self.next.lock().expect("no panic under the lock") = begun + took * SHARE;
        if let Some(recount) = recounted? {
            show("messages", &recount, |it| {
                error!(
                    account.id = %it.account,
                    period = it.period.to_i32(),
                    accepted = it.ledger,
                    charged = it.found,
                    "the ledger differs from the messages"
                );
            });
        }
        Ok(Tick::Idle)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a drift stays far below 2^52")]
fn show(against: &'static str, recount: &Recount, tell: impl Fn(&Drift)) {
    gauge!("msgflash_ledger_drift", "against" => against).set(recount.drift as f64);
    recount.found.iter().for_each(tell);
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use msgflash_kernel::{FixedClock, Id};
    use msgflash_quotas::{MockLedgerAudit, Period};

    use super::*;
    use crate::testing::samples::NOW;

    #[tokio::test]
    async fn both_halves_of_the_ledger_are_shown_and_a_long_one_is_not_repeated_soon() {
        let mut ledger = MockLedgerAudit::new();
        ledger
            .expect_recount()
            .times(2)
            .returning(|| Ok(Some(Recount::default())));
        ledger
            .expect_recount_accepted()
            .times(1)
            .returning(|months| {
                let begun = Instant::now();
                // Work, not sleep: what counts is that time passed.
                while begun.elapsed() < Duration::from_millis(20) {
                    std::hint::spin_loop();
                }
                assert_eq!(months[1].period, Period::of(NOW));
                let mut recount = Recount::default();
                recount.add([Drift {
                    account: Id::new(uuid::Uuid::nil()),
                    period: months[0].period,
                    ledger: 7,
                    found: 4,
                }]);
                Ok(Some(recount))
            });
        let audit = Audit::new(Arc::new(ledger), Arc::new(FixedClock::at(NOW)));
        let recorder = PrometheusBuilder::new().build_recorder();
        let shown = recorder.handle();
        let _shown_here = metrics::set_default_local_recorder(&recorder);
        let begun = Instant::now();
        for _ in 0..2 {
            audit.tick().await.expect("no failure");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "it proves nothing"
        );
        for line in [
            "msgflash_ledger_drift{against=\"queue\"} 0",
            "msgflash_ledger_drift{against=\"messages\"} 3",
        ] {
            assert!(shown.render().contains(line), "{}", shown.render());
        }
    }
}
