//! Counting what waits, now and then, for `/metrics`.
//!
//! One process counts for all: a queue that is long enough to be worth a look takes long to count.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use metrics::gauge;
use msgflash_kernel::{Clock, StoreError, Tick};
use msgflash_messaging::dispatch::ports::{LaneStore, QueueReader, QueueShare};
use msgflash_messaging::dispatch::{Class, QueueState};
use msgflash_messaging::receipt::ports::Inbox;
use msgflash_webhooks::delivery::Backlog;
use msgflash_webhooks::ports::DeliveryReader;
use time::OffsetDateTime;
use uuid::Uuid;

/// At most one look in this time.
pub(super) const EVERY: Duration = Duration::from_secs(10);
/// A look that takes long is made less often: it may cost the database one part in so many.
const SHARE: u32 = 100;

/// Which worker this is, and how to see whether it is the first.
pub(super) struct Turn {
    pub(super) lanes: Arc<dyn LaneStore>,
    pub(super) worker: Uuid,
    /// A worker that was silent for so long does not count any more.
    pub(super) silence: time::Duration,
}

impl Turn {
    /// Whether this worker does what one of them is enough for.
    pub(super) async fn is_ours(&self) -> Result<bool, StoreError> {
        self.lanes.is_first(self.worker, self.silence).await
    }
}

/// Looks how full the queues are, seldom enough that nobody notices.
pub(super) struct Sampler {
    turn: Turn,
    queue: Arc<dyn QueueReader>,
    inbox: Arc<dyn Inbox>,
    deliveries: Arc<dyn DeliveryReader>,
    clock: Arc<dyn Clock>,
    next: Mutex<Instant>,
}

/// What one look saw.
#[derive(Default)]
struct Sample {
    shares: Vec<QueueShare>,
    inbox: u64,
    backlog: Backlog,
}

impl Sampler {
    pub(super) fn new(
        turn: Turn,
        queue: Arc<dyn QueueReader>,
        inbox: Arc<dyn Inbox>,
        deliveries: Arc<dyn DeliveryReader>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            turn,
            queue,
            inbox,
            deliveries,
            clock,
            next: Mutex::new(Instant::now()),
        }
    }

    /// Looks, when it is time again and nobody else does. A look that fails leaves the numbers as
    /// they were.
    pub(super) async fn tick(&self) -> Result<Tick, StoreError> {
        let begun = Instant::now();
        if begun < *self.next.lock().expect("no panic under the lock") {
            return Ok(Tick::Idle);
        }
        let looked = self.look().await;
        let took = begun.elapsed();
        *self.next.lock().expect("no panic under the lock") = begun + took * SHARE;
        looked.map(|()| Tick::Idle)
    }

    async fn look(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let sample = if self.turn.is_ours().await? {
            Sample {
                shares: self.queue.depth().await?,
                inbox: self.inbox.depth().await?,
                backlog: self.deliveries.backlog(now).await?,
            }
        } else {
            // Whoever was the first and is it no more must not go on showing what it saw then.
            Sample::default()
        };
        show(&sample, now);
        Ok(())
    }
}

#[expect(clippy::cast_precision_loss, reason = "depths stay far below 2^52")]
fn show(sample: &Sample, now: OffsetDateTime) {
    // Every series is written each time: one that is left out would keep its last number.
    for class in Class::ALL {
        let of = |state| {
            let mut those = sample.shares.iter();
            those.find(move |it| it.class == class && it.state == state)
        };
        for state in QueueState::ALL {
            let count = of(state).map_or(0, |it| it.count);
            let labels = [("state", state.as_str()), ("class", class.as_str())];
            gauge!("msgflash_queue_entries", &labels).set(count as f64);
        }
        let oldest = of(QueueState::Ready).and_then(|it| it.oldest);
        let age = oldest.map_or(0.0, |since| (now - since).as_seconds_f64());
        gauge!("msgflash_queue_oldest_ready_seconds", "class" => class.as_str()).set(age.max(0.0));
    }
    gauge!("msgflash_inbox_events").set(sample.inbox as f64);
    let backlog = &sample.backlog;
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
}

#[cfg(test)]
mod tests {
    use metrics_exporter_prometheus::PrometheusBuilder;
    use msgflash_kernel::SystemClock;
    use msgflash_messaging::dispatch::ports::{MockLaneStore, MockQueueReader};
    use msgflash_messaging::receipt::ports::MockInbox;
    use msgflash_webhooks::MockDeliveryReader;

    use super::*;

    /// A sampler whose turn it is as `first` says, one time after the other.
    fn sampler(queue: MockQueueReader, first: &'static [bool]) -> Sampler {
        let mut lanes = MockLaneStore::new();
        let mut turns = first.iter().copied();
        lanes
            .expect_is_first()
            .times(first.len())
            .returning(move |_, _| Ok(turns.next().expect("counted")));
        let mut inbox = MockInbox::new();
        inbox.expect_depth().returning(|| Ok(7));
        let mut deliveries = MockDeliveryReader::new();
        deliveries
            .expect_backlog()
            .returning(|_| Ok(Backlog::default()));
        let turn = Turn {
            lanes: Arc::new(lanes),
            worker: Uuid::nil(),
            silence: time::Duration::SECOND,
        };
        Sampler::new(
            turn,
            Arc::new(queue),
            Arc::new(inbox),
            Arc::new(deliveries),
            Arc::new(SystemClock),
        )
    }

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
        let sampler = sampler(queue, &[true]);
        let begun = Instant::now();
        for _ in 0..3 {
            sampler.tick().await.expect("no failure");
        }
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "it proves nothing"
        );
    }

    #[tokio::test]
    async fn whoever_is_not_the_first_counts_nothing_and_shows_nothing_old() {
        let mut queue = MockQueueReader::new();
        queue.expect_depth().times(2).returning(|| Ok(Vec::new()));
        let sampler = sampler(queue, &[true, false, true]);
        let recorder = PrometheusBuilder::new().build_recorder();
        let shown = recorder.handle();
        let _shown_here = metrics::set_default_local_recorder(&recorder);
        for events in ["7", "0", "7"] {
            sampler.look().await.expect("no failure");
            let line = format!("msgflash_inbox_events {events}\n");
            assert!(shown.render().contains(&line), "{}", shown.render());
        }
    }
}
