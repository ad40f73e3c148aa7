//! Background work: loops and their end. The work itself is in the domains.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use msgflash_kernel::{Nudge, StoreError, Tick};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, debug, error, info_span, warn};

mod audit;
mod comparing;
mod lanes;
mod posts;
mod sampler;
mod set;

pub use lanes::LaneBell;
pub use set::{Bells, Workers, WorkersHandle};
pub(crate) use set::{LEASE_MARGIN, span};

/// A nudge that one loop waits for.
#[derive(Debug, Default)]
pub struct Bell(Notify);

impl Bell {
    /// A bell that many may ring.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub(crate) async fn heard(&self) {
        self.0.notified().await;
    }
}

impl Nudge for Bell {
    fn nudge(&self) {
        self.0.notify_one();
    }
}

/// How often a loop looks without being nudged: the database is the truth, nudges only shorten.
const POLL: Duration = Duration::from_secs(1);
/// The longest pause after errors in a row.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Where loops run, and when they stop.
#[derive(Clone)]
pub(crate) struct Yard {
    tracker: TaskTracker,
    /// No new work.
    stop: CancellationToken,
}

impl Yard {
    /// Runs something endless that may be cut off anywhere.
    pub(crate) fn spawn_until_stopped(&self, work: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.tracker.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = work => {}
            }
        });
    }

    /// Runs `tick` until idle, then waits for the bell or for `every`, until told to stop. Errors
    /// are logged, backed off and survived. Whenever something was done, `then` is rung.
    pub(crate) fn run<F, W>(
        &self,
        name: &'static str,
        bell: Arc<Bell>,
        every: Duration,
        then: Vec<Arc<Bell>>,
        tick: F,
    ) where
        F: Fn() -> W + Send + 'static,
        W: Future<Output = Result<Tick, StoreError>> + Send,
    {
        let stop = self.stop.clone();
        let work = async move {
            let mut pause = Pause::default();
            while !stop.is_cancelled() {
                // A panic in one step must not end the loop for the life of the process.
                let done = AssertUnwindSafe(tick()).catch_unwind().await;
                let done = done.unwrap_or_else(|_| Err(StoreError::Failed("it panicked".into())));
                let wait = match done {
                    Ok(Tick::Did(count)) => {
                        debug!(count, "did");
                        pause.reset();
                        for bell in &then {
                            bell.nudge();
                        }
                        continue;
                    }
                    Ok(Tick::Idle) => {
                        pause.reset();
                        every
                    }
                    Err(cause) => pause.after(&cause),
                };
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = bell.heard(), if wait == every => {}
                    () = tokio::time::sleep(wait) => {}
                }
            }
        };
        self.tracker
            .spawn(work.instrument(info_span!("worker", worker = name)));
    }
}

/// The pause after errors in a row: longer each time, up to a bound.
#[derive(Debug, Default)]
pub(crate) struct Pause(u32);

impl Pause {
    fn reset(&mut self) {
        self.0 = 0;
    }

    fn after(&mut self, cause: &StoreError) -> Duration {
        self.0 = (self.0 + 1).min(8);
        let pause = (Duration::from_millis(250) * 2u32.pow(self.0)).min(LONGEST_PAUSE);
        let source = std::error::Error::source(cause).map(ToString::to_string);
        if matches!(cause, StoreError::Unavailable(_)) {
            warn!(%cause, source, pause_ms = pause.as_millis(), "the database is away");
        } else {
            error!(%cause, source, "background work failed");
        }
        pause
    }
}

/// Bounds how much of one kind runs at once.
pub(crate) fn slots(count: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(count))
}
