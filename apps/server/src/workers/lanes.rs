//! The dispatcher's loop: lanes side by side, so that a slow call holds up its own lane alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use msgflash_kernel::{Nudge as _, Tick};
use msgflash_messaging::dispatch::dispatcher::Dispatcher;
use tracing::{Instrument as _, error, info_span};

use super::{Bell, POLL, Pause, Yard, slots};

/// Calls under way at once.
const CALLS: usize = 256;

impl Yard {
    /// Runs the dispatcher. A lane may call again `gap` after its last call: that is when its next
    /// message is looked for.
    pub(crate) fn run_lanes(
        &self,
        dispatcher: Arc<Dispatcher>,
        bell: Arc<Bell>,
        gap: Duration,
        then: Arc<Bell>,
    ) {
        let slots = slots(CALLS);
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        let work = async move {
            let mut pause = Pause::default();
            while !stop.is_cancelled() {
                let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
                let wait = match dispatcher.claim(free).await {
                    Ok(lanes) => {
                        pause.reset();
                        for lane in lanes {
                            let slot = Arc::clone(&slots).acquire_owned().await;
                            let (dispatcher, then) = (Arc::clone(&dispatcher), Arc::clone(&then));
                            let (bell, stop) = (Arc::clone(&bell), stop.clone());
                            let begun = Instant::now();
                            tracker.spawn(async move {
                                let done = dispatcher.work(lane).await;
                                drop(slot);
                                match done {
                                    Ok(Tick::Did(_)) => then.nudge(),
                                    Ok(Tick::Idle) => return,
                                    Err(cause) => {
                                        error!(instance.id = %lane, %cause, "a lane failed");
                                        return;
                                    }
                                }
                                tokio::select! {
                                    () = stop.cancelled() => {}
                                    () = tokio::time::sleep_until((begun + gap).into()) => bell.nudge(),
                                }
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
            .spawn(work.instrument(info_span!("worker", worker = "dispatcher")));
    }
}
