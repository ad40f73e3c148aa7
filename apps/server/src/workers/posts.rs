//! The deliverer's loop: posts side by side, so that a slow receiver holds up nobody else.

use std::sync::Arc;

use msgflash_kernel::Nudge as _;
use msgflash_webhooks::Deliverer;
use tracing::{Instrument as _, error, info_span};

use super::{Bell, POLL, Pause, Yard, slots};

/// Posts under way at once.
const POSTS: usize = 64;

impl Yard {
    /// Runs the deliverer.
    pub(crate) fn run_posts(&self, deliverer: Arc<Deliverer>, bell: Arc<Bell>) {
        let slots = slots(POSTS);
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        let work = async move {
            let mut pause = Pause::default();
            while !stop.is_cancelled() {
                let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
                let wait = match deliverer.claim(free).await {
                    Ok(due) => {
                        pause.reset();
                        for due in due {
                            let slot = Arc::clone(&slots).acquire_owned().await;
                            let (deliverer, bell) = (Arc::clone(&deliverer), Arc::clone(&bell));
                            tracker.spawn(async move {
                                let delivery = due.id;
                                if let Err(cause) = deliverer.work(due).await {
                                    error!(delivery.id = %delivery, %cause, "a delivery was not recorded");
                                }
                                drop(slot);
                                bell.nudge();
                            });
                        }
                        POLL
                    }
                    Err(cause) => pause.after(&cause),
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = bell.heard() => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        };
        self.tracker
            .spawn(work.instrument(info_span!("worker", worker = "deliverer")));
    }
}
