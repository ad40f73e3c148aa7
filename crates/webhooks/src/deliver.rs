//! Claim deliveries, post them, judge the answers.

use std::sync::Arc;
use std::time::Duration;

use msgflash_kernel::{Clock, Random, StoreError};
use time::OffsetDateTime;

use crate::delivery::{Attempt, DueDelivery, Next, PostError, Response, Room, SignedRequest};
use crate::flow;
use crate::ports::{DeliveryQueue, WebhookSender};
use crate::schedule::{LONGEST_ASKED, Schedule, asked_wait};
use crate::signing;

/// How long a claimed delivery may wait here for its turn.
const LEASE_MARGIN: Duration = Duration::from_secs(20);
/// Deliveries given up in one statement.
const GIVEN_UP_AT_ONCE: u32 = 1000;

/// Delivers what is due.
pub struct Deliverer {
    queue: Arc<dyn DeliveryQueue>,
    sender: Arc<dyn WebhookSender>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    schedule: Schedule,
    timeout: Duration,
}

impl Deliverer {
    /// Wires it. `timeout` is how long the sender may take for one request.
    pub fn new(
        queue: Arc<dyn DeliveryQueue>,
        sender: Arc<dyn WebhookSender>,
        random: Arc<dyn Random>,
        clock: Arc<dyn Clock>,
        schedule: Schedule,
        timeout: Duration,
    ) -> Self {
        Self {
            queue,
            sender,
            random,
            clock,
            schedule,
            timeout,
        }
    }

    /// Claims up to `limit` due deliveries. Each must be given to [`Self::post`] or to
    /// [`Self::release`]; one that is forgotten is claimed again when its lease ran out.
    pub async fn claim(&self, limit: u32, rooms: &[Room]) -> Result<Vec<DueDelivery>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let lease = now + self.timeout + LEASE_MARGIN;
        self.queue
            .claim(now, lease, limit, rooms, flow::FIRST)
            .await
    }

    /// Makes one attempt of a claimed delivery; `None` when too little is left of its lease to end
    /// before somebody else begins.
    pub async fn post(&self, due: &DueDelivery) -> Option<Attempt> {
        if self.clock.now() + self.timeout > due.lease {
            return None;
        }
        let Some(body) = &due.body else {
            return Some(Attempt {
                error: Some("the payload is no longer kept".to_owned()),
                posted: false,
                ..attempt(due)
            });
        };
        let answer = self.sender.post(&self.request(due, body)).await;
        Some(self.judge(due, answer, self.clock.now()))
    }

    /// Gives back what was claimed and not posted.
    pub async fn release(&self, due: &[DueDelivery]) -> Result<(), StoreError> {
        if due.is_empty() {
            return Ok(());
        }
        self.queue.release(due, self.clock.now()).await
    }

    /// Ends some of what waits for endpoints that are switched off; answers how many.
    pub async fn give_up(&self) -> Result<usize, StoreError> {
        self.queue.give_up(GIVEN_UP_AT_ONCE, self.clock.now()).await
    }

    fn request(&self, due: &DueDelivery, body: &str) -> SignedRequest {
        let now = self.clock.now();
        let mut headers = vec![
            ("Content-Type", "application/json".to_owned()),
            ("User-Agent", "MsgFlash-Webhooks/1.0".to_owned()),
            ("X-MsgFlash-Event", due.name.clone()),
            ("X-MsgFlash-Delivery", due.id.to_string()),
            ("X-MsgFlash-Attempt", (due.attempts + 1).to_string()),
        ];
        headers.extend(signing::headers(
            &due.secret,
            due.previous_secret.as_ref(),
            due.event,
            now,
            body.as_bytes(),
        ));
        SignedRequest {
            url: due.url.clone(),
            headers,
            body: body.to_owned(),
        }
    }

    /// The decision about one attempt.
    fn judge(
        &self,
        due: &DueDelivery,
        answer: Result<Response, PostError>,
        now: OffsetDateTime,
    ) -> Attempt {
        let mut attempt = attempt(due);
        let mut asked = None;
        match answer {
            Ok(response) => {
                attempt.response_status = Some(response.status);
                attempt.excerpt = Some(response.excerpt).filter(|text| !text.is_empty());
                match response.status {
                    200..=299 => {
                        attempt.next = Next::Delivered;
                        return attempt;
                    }
                    status => attempt.error = Some(format!("HTTP {status}")),
                }
                if response.status == 410 {
                    attempt.next = Next::Gone;
                    return attempt;
                }
                if matches!(response.status, 429 | 503) {
                    asked = response
                        .retry_after
                        .and_then(|header| asked_wait(&header, now))
                        .map(|wait| wait.min(LONGEST_ASKED));
                }
            }
            Err(error) => attempt.error = Some(error.to_string()),
        }
        attempt.asked = asked.map(|wait| now + wait);
        let made = attempt.attempts.saturating_sub(due.spent);
        if let Some(at) = self.schedule.next(made, asked, now, &*self.random) {
            attempt.next = Next::Retry(at);
        }
        attempt
    }
}

/// An attempt that failed for good, until something better is known of it.
fn attempt(due: &DueDelivery) -> Attempt {
    Attempt {
        id: due.id,
        endpoint: due.endpoint,
        attempts: due.attempts + 1,
        response_status: None,
        excerpt: None,
        error: None,
        asked: None,
        posted: true,
        next: Next::Failed,
    }
}

#[cfg(test)]
mod tests;
