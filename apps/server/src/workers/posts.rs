//! The deliverer's loop: posts side by side, so that a slow receiver holds up nobody else.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use msgflash_kernel::{Groups, StoreError, groups};
use msgflash_webhooks::delivery::{Attempt, DueDelivery, Next};
use msgflash_webhooks::flow::Flows;
use msgflash_webhooks::{Deliverer, EndpointId, Recorded, Recorder};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tracing::{Instrument as _, error, info_span, warn};

use super::{Bell, POLL, Pause, Yard};
use crate::http::metrics;

/// Posts under way at once.
const POSTS: usize = 512;
/// Deliveries claimed and not recorded yet, at most.
const HELD: usize = 4096;
/// Attempts recorded in one transaction, at most.
const GROUP: usize = 256;

type Claimed = Result<Vec<DueDelivery>, StoreError>;

/// What a post tells the loop.
enum News {
    /// It ended; quickly or not if it arrived.
    Posted(EndpointId, Option<Duration>),
    /// What became of it is recorded, or never will be.
    Recorded(EndpointId),
}

impl Yard {
    /// Runs the deliverer, and records what became of its posts in groups: whatever ends while one
    /// commit is in flight forms the next.
    pub(crate) fn run_posts(&self, deliverer: Arc<Deliverer>, recorder: Recorder, bell: Arc<Bell>) {
        let (front, worker) = groups::<Attempt, Recorded>(GROUP);
        let recorder = Arc::new(recorder);
        self.tracker.spawn(worker.run(move |attempts| {
            let recorder = Arc::clone(&recorder);
            async move {
                let answers = AssertUnwindSafe(recorder.record(&attempts)).catch_unwind();
                let lost = |_| Recorded::Lost("it panicked".to_owned());
                let answers = answers.await;
                answers.unwrap_or_else(|_| attempts.iter().map(lost).collect())
            }
        }));
        let (tell, told) = unbounded_channel();
        let desk = Desk {
            yard: self.clone(),
            deliverer,
            front,
            flows: Flows::default(),
            tell,
        };
        let work = desk.run(told, bell);
        self.tracker
            .spawn(work.instrument(info_span!("worker", worker = "deliverer")));
    }
}

/// The one place that knows what is under way.
struct Desk {
    yard: Yard,
    deliverer: Arc<Deliverer>,
    front: Groups<Attempt, Recorded>,
    flows: Flows,
    tell: UnboundedSender<News>,
}

impl Desk {
    async fn run(mut self, mut told: UnboundedReceiver<News>, bell: Arc<Bell>) {
        let mut pause = Pause::default();
        let mut claiming: Option<JoinHandle<Claimed>> = None;
        let mut look = true;
        let mut resting = false;
        let mut again = Instant::now();
        let stop = self.yard.stop.clone();
        while !stop.is_cancelled() {
            while self.flows.posting() < POSTS
                && let Some(due) = self.flows.start_next()
            {
                self.post(due);
            }
            let hungry = look || (!resting && self.flows.wants_more());
            if claiming.is_none() && hungry && self.flows.held() < HELD {
                claiming = Some(self.claim());
                look = false;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(news) = told.recv() => {
                    self.hear(&news);
                    while let Ok(news) = told.try_recv() {
                        self.hear(&news);
                    }
                }
                claimed = finished(&mut claiming) => {
                    claiming = None;
                    let claimed = claimed.unwrap_or_else(|_| Err(StoreError::Failed("it panicked".into())));
                    resting = claimed.is_err();
                    again = Instant::now() + match claimed {
                        Ok(due) => {
                            pause.reset();
                            self.flows.take_in(due);
                            POLL
                        }
                        Err(cause) => pause.after(&cause),
                    };
                }
                () = bell.heard(), if !resting && !look => look = true,
                () = tokio::time::sleep_until(again), if claiming.is_none() && !look => {
                    look = true;
                    resting = false;
                    again = Instant::now() + POLL;
                }
            }
        }
        let mut left = self.flows.give_back();
        if let Some(Ok(Ok(late))) = match claiming {
            Some(claiming) => Some(claiming.await),
            None => None,
        } {
            left.extend(late);
        }
        if let Err(cause) = self.deliverer.release(&left).await {
            // Their leases run out by themselves.
            warn!(%cause, "claimed deliveries were not given back");
        }
    }

    fn claim(&self) -> JoinHandle<Claimed> {
        let deliverer = Arc::clone(&self.deliverer);
        let rooms = self.flows.rooms();
        let limit = u32::try_from(HELD - self.flows.held()).unwrap_or(0);
        self.yard
            .tracker
            .spawn(async move { deliverer.claim(limit, &rooms).await })
    }

    fn post(&self, due: DueDelivery) {
        let deliverer = Arc::clone(&self.deliverer);
        let front = self.front.clone();
        let mut slip = Slip {
            endpoint: due.endpoint,
            tell: self.tell.clone(),
            quickly: None,
            is_posted: false,
        };
        let span = info_span!(
            "delivery",
            delivery.id = %due.id,
            event.id = %due.event,
            request.id = due.request.as_deref().unwrap_or(""),
        );
        let work = async move {
            let begun = Instant::now();
            let attempt = deliverer.post(&due).await;
            let took = begun.elapsed();
            let Some(attempt) = attempt else {
                // Its lease ran out while it waited for its turn: whoever claims it next posts it.
                return;
            };
            metrics::posted(outcome(attempt.next), took);
            slip.quickly = (attempt.next == Next::Delivered).then_some(took);
            slip.posted();
            match front.join(attempt).await {
                Ok(Recorded::Kept) => {}
                Ok(Recorded::SwitchedOff(off)) => {
                    metrics::switched_off(off.reason.kind());
                    warn!(
                        webhook.id = %off.endpoint, account.id = %off.account,
                        reason = off.reason.text(), "a webhook was switched off"
                    );
                }
                Ok(Recorded::Lost(cause)) => {
                    metrics::unrecorded();
                    error!(delivery.id = %due.id, cause, "a delivery was not recorded");
                }
                Err(cause) => error!(delivery.id = %due.id, %cause, "a delivery was not recorded"),
            }
        };
        self.yard.tracker.spawn(work.instrument(span));
    }

    fn hear(&mut self, news: &News) {
        match news {
            News::Posted(endpoint, quickly) => self.flows.posted(*endpoint, *quickly),
            News::Recorded(endpoint) => self.flows.recorded(*endpoint),
        }
    }
}

/// Tells the loop that a place is free, whatever becomes of the task.
struct Slip {
    endpoint: EndpointId,
    tell: UnboundedSender<News>,
    quickly: Option<Duration>,
    is_posted: bool,
}

impl Slip {
    fn posted(&mut self) {
        self.is_posted = true;
        // Nobody hears it once the loop has ended, and nobody has to.
        drop(self.tell.send(News::Posted(self.endpoint, self.quickly)));
    }
}

impl Drop for Slip {
    fn drop(&mut self) {
        if !self.is_posted {
            self.posted();
        }
        drop(self.tell.send(News::Recorded(self.endpoint)));
    }
}

async fn finished(claiming: &mut Option<JoinHandle<Claimed>>) -> Result<Claimed, JoinError> {
    match claiming {
        Some(claiming) => claiming.await,
        None => pending().await,
    }
}

fn outcome(next: Next) -> &'static str {
    match next {
        Next::Delivered => "delivered",
        Next::Retry(_) => "retried",
        Next::Failed => "failed",
        Next::Gone => "gone",
    }
}
