//! Counting what waits, now and then, for `/metrics`.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::gauge;
use msgflash_kernel::{Clock, StoreError, Tick};
use msgflash_messaging::dispatch::ports::QueueReader;
use msgflash_messaging::dispatch::{Class, QueueState};
use msgflash_messaging::receipt::ports::Inbox;
use msgflash_webhooks::ports::DeliveryReader;

/// At most one look in this time.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// A look that takes long is made less often: it may cost the database one part in so many.
const SHARE: u32 = 100;

/// Looks how full the queues are, seldom enough that nobody notices.
pub(super) struct Sampler {
    queue: Arc<dyn QueueReader>,
    inbox: Arc<dyn Inbox>,
    deliveries: Arc<dyn DeliveryReader>,
    clock: Arc<dyn Clock>,
    next: Mutex<Instant>,
}

impl Sampler {
    pub(super) fn new(
        queue: Arc<dyn QueueReader>,
        inbox: Arc<dyn Inbox>,
        deliveries: Arc<dyn DeliveryReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            queue,
            inbox,
            deliveries,
            clock,
            next: Mutex::new(Instant::now()),
        }
    }

    /// Looks, when it is time again. One that fails leaves the numbers as they were.
    pub(super) async fn tick(&self) -> Result<Tick, StoreError> {
        let begun = Instant::now();
        if begun < *self.next.lock().expect("no panic under the lock") {
            return Ok(Tick::Idle);
        }
        let sampled = self.sample().await;
        let took = begun.elapsed();
        *self.next.lock().expect("no panic under the lock") = begun + took * SHARE;
        sampled.map(|()| Tick::Idle)
    }

    #[expect(clippy::cast_precision_loss, reason = "depths stay far below 2^52")]
    async fn sample(&self) -> Result<(), StoreError> {
        let shares = self.queue.depth().await?;
        let now = self.clock.now();
        // Every series is written each time: one that is left out would keep its last number.
        for class in Class::ALL {
            let of = |state| {
                let mut those = shares.iter();
                those.find(move |it| it.class == class && it.state == state)
            };
            for state in QueueState::ALL {
                let count = of(state).map_or(0, |it| it.count);
                let labels = [("state", state.as_str()), ("class", class.as_str())];
                gauge!("msgflash_queue_entries", &labels).set(count as f64);
            }
            let oldest = of(QueueState::Ready).and_then(|it| it.oldest);
            let age = oldest.map_or(0.0, |since| (now - since).as_seconds_f64());
            gauge!("msgflash_queue_oldest_ready_seconds", "class" => class.as_str())
                .set(age.max(0.0));
        }
        gauge!("msgflash_inbox_events").set(self.inbox.depth().await? as f64);
        let backlog = self.deliveries.backlog(now).await?;
        gauge!("msgflash_webhook_backlog").set(backlog.waiting as f64);
        let age = backlog
            .oldest
            .map_or(0.0, |made| (now - made).as_seconds_f64());
        gauge!("msgflash_webhook_backlog_oldest_seconds").set(age.max(0.0));
        gauge!("msgflash_webhook_endpoints_disabled").set(backlog.disabled as f64);
        let states = [("open", backlog.paused), ("half_open", backlog.probed)];
        for (state, count) in states {
            gauge!("msgflash_webhook_breakers", "state" => state).set(count as f64);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::SystemClock;
    use msgflash_messaging::dispatch::ports::MockQueueReader;
    use msgflash_messaging::receipt::ports::MockInbox;
    use msgflash_webhooks::{MockDeliveryReader, delivery::Backlog};

    use super::*;

    #[tokio::test]
    async fn a_look_that_took_long_is_not_repeated_soon() {
        let mut queue = MockQueueReader::new();
        queue.expect_depth().times(1).returning(|| {
            let begun = Instant::now();
            // Work, not sleep: what counts is that time passed.
            while begun.elapsed() < Duration::from_millis(20) {
                std::hint::spin_loop();
            }
            Ok(Vec::new())
        });
        let mut inbox = MockInbox::new();
        inbox.expect_depth().times(1).returning(|| Ok(0));
        let mut deliveries = MockDeliveryReader::new();
        deliveries
            .expect_backlog()
            .times(1)
            .returning(|_| Ok(Backlog::default()));
        let sampler = Sampler::new(
            Arc::new(queue),
            Arc::new(inbox),
            Arc::new(deliveries),
            Arc::new(SystemClock),
        );
        let begun = Instant::now();
        for _ in 0..3 {
            sampler.tick().await.expect("no failure");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "it proves nothing"
        );
    }
}
