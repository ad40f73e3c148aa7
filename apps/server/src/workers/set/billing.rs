//! The loops about plans and payments.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::counter;
use msgflash_billing::{Agreement, ProviderError, WatchQuota};
use msgflash_kernel::{Clock, StoreError, Tick};
use msgflash_quotas::Period;
use tracing::warn;

use super::Bells;
use super::loops::each;
use crate::billing::BillingDesk;
use crate::workers::sampler::Turn;
use crate::workers::{Bell, POLL, Yard};

/// A look at allowances that takes long is made less often: it may cost the database one part in so many.
const SHARE: u32 = 100;
/// How often it is seen whether subscribers are to be moved to newer versions of their plans.
const MOVING: Duration = Duration::from_mins(1);

/// What a worker process does about plans and payments.
pub(super) struct BillingWork {
    desk: Arc<BillingDesk>,
    watch: Watch,
}

impl BillingWork {
    pub(super) fn new(desk: Arc<BillingDesk>, turn: Turn, clock: Arc<dyn Clock>) -> Self {
        let watch = Watch {
            turn,
            quota: Arc::clone(&desk.quota),
            clock,
            next: Mutex::new(Instant::now()),
        };
        Self { desk, watch }
    }

    /// Starts the loops.
    pub(super) fn start(self, yard: &Yard, bells: &Bells) {
        let Self { desk, watch } = self;
        yard.run(
            "calendar",
            Bell::new(),
            POLL,
            vec![bells.billing.clone()],
            each(Arc::clone(&desk), |it| async move { turn(&it).await }),
        );
        yard.run(
            "payment-providers",
            bells.billing.clone(),
            POLL,
            vec![],
            each(Arc::clone(&desk), |it| async move { tell(&it).await }),
        );
        yard.run(
            "billing-notices",
            Bell::new(),
            POLL,
            vec![bells.mails.clone()],
            each(Arc::clone(&desk), |it| async move { mail(&it).await }),
        );
        yard.run(
            "quota-notices",
            Bell::new(),
            POLL * 5,
            vec![],
            each(Arc::new(watch), |it| async move { it.tick().await }),
        );
        yard.run(
            "plans",
            Bell::new(),
            MOVING,
            vec![],
            each(Arc::clone(&desk.sync), |it| async move { it.tick().await }),
        );
    }
}

/// How much a step did.
const fn count(done: Tick) -> u64 {
    match done {
        Tick::Idle => 0,
        Tick::Did(count) => count as u64,
    }
}

/// Brings up subscriptions whose time has come.
async fn turn(desk: &BillingDesk) -> Result<Tick, StoreError> {
    let done = desk.calendar.tick().await?;
    counter!("msgflash_billing_turns_total").increment(count(done));
    Ok(done)
}

/// Writes notices as mail.
async fn mail(desk: &BillingDesk) -> Result<Tick, StoreError> {
    let done = desk.mails.tick().await?;
    counter!("msgflash_notices_mailed_total").increment(count(done));
    Ok(done)
}

/// Tells a provider of one agreement. It is asked again when it did not do as it was told.
async fn tell(desk: &BillingDesk) -> Result<Tick, StoreError> {
    let is_told = AtomicBool::new(true);
    let failed = |agreement: &Agreement, error: &ProviderError| {
        is_told.store(false, Ordering::Relaxed);
        warn!(
            payment.provider = agreement.provider.as_str(),
            payment.agreement = agreement.reference,
            cause = ?error,
            "the payment provider was not told"
        );
    };
    let done = desk.tell.tick(&failed).await?;
    if let Tick::Did(_) = done {
        let outcome = if is_told.load(Ordering::Relaxed) {
            "told"
        } else {
            "failed"
        };
        counter!("msgflash_payment_instructions_total", "outcome" => outcome).increment(1);
    }
    Ok(done)
}

/// Looks how much of the month's allowances is used, seldom enough that nobody notices. One process
/// does it for all.
struct Watch {
    turn: Turn,
    quota: Arc<WatchQuota>,
    clock: Arc<dyn Clock>,
    next: Mutex<Instant>,
}

impl Watch {
    async fn tick(&self) -> Result<Tick, StoreError> {
        let begun = Instant::now();
        let is_time = *self.next.lock().expect("no panic under the lock") <= begun;
        if !is_time || !self.turn.is_ours().await? {
            return Ok(Tick::Idle);
        }
        let period = Period::of(self.clock.now()).to_i32();
        let looked = self.quota.tick(period).await;
        // Whoever was told of something may have more to tell at once.
        if !matches!(looked, Ok(Tick::Did(_))) {
            let next = begun + begun.elapsed() * SHARE;
            *self.next.lock().expect("no panic under the lock") = next;
        }
        looked
    }
}
