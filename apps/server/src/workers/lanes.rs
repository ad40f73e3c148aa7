//! The dispatcher's loop: lanes side by side, so that a slow call holds up its own lane alone.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use msgflash_kernel::{Clock, Nudge as _};
use msgflash_messaging::InstanceId;
use msgflash_messaging::dispatch::dispatcher::{Dispatcher, Step};
use msgflash_messaging::dispatch::ports::Wake;
use msgflash_postgres::Postgres;
use tokio::time::Instant;
use tracing::{Instrument as _, debug, error, info_span, warn};

use super::{Bell, POLL, Pause, Yard, slots};

/// Calls under way at once.
const CALLS: usize = 2048;
/// A note of another process names no lanes, so all are looked at, and not more often than this.
const LOOK: Duration = Duration::from_millis(200);
/// Past this many, naming lanes is not cheaper than looking at all.
const MOST_NAMED: usize = 4096;

/// The bell of the lanes, and which of them it rings for.
#[derive(Debug)]
pub struct LaneBell {
    bell: Arc<Bell>,
    named: Mutex<HashSet<InstanceId>>,
}

impl LaneBell {
    /// Rings `bell`.
    pub fn new(bell: Arc<Bell>) -> Self {
        Self {
            bell,
            named: Mutex::default(),
        }
    }

    fn take(&self) -> Vec<InstanceId> {
        let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
        named.drain().collect()
    }
}

impl Wake for LaneBell {
    fn wake(&self, lanes: &[InstanceId]) {
        if lanes.is_empty() {
            return;
        }
        {
            let mut named = self.named.lock().unwrap_or_else(PoisonError::into_inner);
            if named.len() < MOST_NAMED {
                named.extend(lanes);
            }
        }
        self.bell.nudge();
    }
}

/// Tells the owners of other lanes that there is something for them.
async fn tell(postgres: Postgres) {
    if let Err(cause) = postgres.notify(crate::notices::LANES, "").await {
        debug!(%cause, "others were not told; they look by themselves");
    }
}

impl Yard {
    /// Runs the dispatcher until told to stop; then its lanes go to others once its calls are over.
    pub(crate) fn run_lanes(
        &self,
        dispatcher: Arc<Dispatcher>,
        clock: Arc<dyn Clock>,
        bell: Arc<Bell>,
        woken: Arc<LaneBell>,
        then: Arc<Bell>,
        postgres: Postgres,
    ) {
        let slots = slots(CALLS);
        let (stop, tracker) = (self.stop.clone(), self.tracker.clone());
        let work = async move {
            let mut pause = Pause::default();
            let (mut looked, mut told) = (Instant::now(), Instant::now());
            while !stop.is_cancelled() {
                let free = slots.available_permits();
                let done = AssertUnwindSafe(dispatcher.step(free)).catch_unwind().await;
                let done = done.unwrap_or_else(|_| {
                    Err(msgflash_kernel::StoreError::Failed("it panicked".into()))
                });
                let wait = match done {
                    Ok(Step { calls, next }) => {
                        pause.reset();
                        let made = calls.len();
                        for call in calls {
                            let slot = Arc::clone(&slots).acquire_owned().await;
                            let (dispatcher, then) = (Arc::clone(&dispatcher), Arc::clone(&then));
                            let bell = Arc::clone(&bell);
                            tracker.spawn(async move {
                                match AssertUnwindSafe(dispatcher.call(call)).catch_unwind().await {
                                    Ok(Ok(())) => then.nudge(),
                                    Ok(Err(cause)) => {
                                        warn!(%cause, "an outcome is kept until the database is back");
                                    }
                                    // Its mark stays, so its outcome is looked up when its time is over.
                                    Err(_) => error!("a call panicked"),
                                }
                                drop(slot);
                                bell.nudge();
                            });
                        }
                        if made > 0 && made < free {
                            continue;
                        }
                        let now = clock.now();
                        next.map_or(POLL, |at| {
                            Duration::try_from(at - now).unwrap_or_default().min(POLL)
                        })
                        // What is due and cannot go waits for a call to end, which rings.
                        .max(Duration::from_millis(20))
                    }
                    Err(cause) => pause.after(&cause),
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = bell.heard() => {
                        let named = woken.take();
                        if named.is_empty() && looked.elapsed() >= LOOK {
                            looked = Instant::now();
                            dispatcher.wake_all();
                        }
                        if !dispatcher.wake(&named) && told.elapsed() >= LOOK {
                            told = Instant::now();
                            tracker.spawn(tell(postgres.clone()));
                        }
                    }
                    () = tokio::time::sleep(wait) => {}
                }
            }
        };
        self.tracker
            .spawn(work.instrument(info_span!("worker", worker = "dispatcher")));
    }
}
