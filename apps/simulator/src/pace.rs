//! Simulated time: every delay is multiplied by one factor that can change while it runs.

use std::time::{Duration, Instant};

use tokio::sync::watch;

/// The time factor of one gateway.
pub(crate) struct Pace {
    scale: watch::Sender<f64>,
}

impl Pace {
    pub(crate) fn new(scale: f64) -> Self {
        Self {
            scale: watch::Sender::new(scale.max(0.0)),
        }
    }

    pub(crate) fn scale(&self) -> f64 {
        *self.scale.borrow()
    }

    pub(crate) fn set(&self, scale: f64) {
        self.scale.send_replace(scale.max(0.0));
    }

    /// Whether delays are switched off altogether.
    pub(crate) fn is_instant(&self) -> bool {
        self.scale() <= 0.0
    }

    /// Waits for so much simulated time. A change of the factor counts for what is left.
    pub(crate) async fn pause(&self, simulated: Duration) {
        if simulated.is_zero() || self.is_instant() {
            return;
        }
        let mut changes = self.scale.subscribe();
        let mut left = simulated;
        loop {
            let scale = *changes.borrow_and_update();
            if scale <= 0.0 {
                return;
            }
            let begun = Instant::now();
            tokio::select! {
                () = tokio::time::sleep(left.mul_f64(scale)) => return,
                _ = changes.changed() => {
                    left = left.saturating_sub(begun.elapsed().div_f64(scale));
                }
            }
        }
    }

    /// Like [`Pace::pause`], but never ends while delays are off: a QR code must not expire
    /// the moment it is shown.
    pub(crate) async fn pause_or_forever(&self, simulated: Duration) {
        let mut changes = self.scale.subscribe();
        while *changes.borrow_and_update() <= 0.0 {
            if changes.changed().await.is_err() {
                return;
            }
        }
        self.pause(simulated).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scale_of_zero_does_not_wait() {
        let begun = Instant::now();
        Pace::new(0.0).pause(Duration::from_hours(1)).await;
        assert!(begun.elapsed() < Duration::from_mins(1));
    }

    #[tokio::test]
    async fn a_wait_in_progress_notices_that_time_was_switched_off() {
        let pace = Pace::new(1.0);
        let waiting = pace.pause(Duration::from_hours(1));
        let change = async { pace.set(0.0) };
        tokio::time::timeout(
            Duration::from_mins(1),
            futures_util::future::join(waiting, change),
        )
        .await
        .unwrap();
    }
}
