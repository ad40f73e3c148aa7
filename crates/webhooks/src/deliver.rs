//! Claim a delivery, post it, record what became of it.

use std::sync::Arc;
use std::time::Duration;

use msgflash_kernel::{Clock, Random, StoreError, Tick};
use time::OffsetDateTime;

use crate::delivery::{Attempt, DueDelivery, Next, PostError, Response, SignedRequest};
use crate::ports::{DeliveryQueue, WebhookSender};
use crate::schedule::{Schedule, asked_wait};
use crate::signing;

/// Posts to one endpoint at once: a slow receiver cannot take all places.
const PER_ENDPOINT: u32 = 8;
/// Requests of one tick.
const BATCH: u32 = 64;
/// A claim outlives the request's own limit by this much.
const LEASE_MARGIN: Duration = Duration::from_secs(20);

/// Delivers what is due.
pub struct Deliverer {
    queue: Arc<dyn DeliveryQueue>,
    sender: Arc<dyn WebhookSender>,
    random: Arc<dyn Random>,
    clock: Arc<dyn Clock>,
    schedule: Schedule,
    lease: Duration,
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
            lease: timeout + LEASE_MARGIN,
        }
    }

    /// Claims up to `limit` due deliveries. Each must be given to [`Self::work`].
    pub async fn claim(&self, limit: u32) -> Result<Vec<DueDelivery>, StoreError> {
        if limit == 0 {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        self.queue
            .claim(now, now + self.lease, limit, PER_ENDPOINT)
            .await
    }

    /// One attempt of a claimed delivery.
    pub async fn work(&self, due: DueDelivery) -> Result<(), StoreError> {
        let request = self.request(&due);
        let answer = self.sender.post(&request).await;
        let now = self.clock.now();
        let attempt = self.judge(&due, answer, now);
        self.queue.settle(&[attempt], now).await
    }

    /// One batch, its requests side by side: it takes as long as the slowest of them. A loop that
    /// must not wait for slow receivers claims and works by itself.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let due = self.claim(BATCH).await?;
        let count = due.len();
        let work = due.into_iter().map(|due| self.work(due));
        futures_util::future::join_all(work)
            .await
            .into_iter()
            .collect::<Result<(), _>>()?;
        Ok(Tick::of(count))
    }

    fn request(&self, due: &DueDelivery) -> SignedRequest {
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
            due.event,
            now,
            due.body.as_bytes(),
        ));
        SignedRequest {
            url: due.url.clone(),
            headers,
            body: due.body.clone(),
        }
    }

    /// The decision about one attempt.
    fn judge(
        &self,
        due: &DueDelivery,
        answer: Result<Response, PostError>,
        now: OffsetDateTime,
    ) -> Attempt {
        let attempts = due.attempts + 1;
        let mut attempt = Attempt {
            id: due.id,
            endpoint: due.endpoint,
            attempts,
            response_status: None,
            excerpt: None,
            error: None,
            next: Next::Failed,
        };
        let mut asked = None;
        match answer {
            Ok(response) => {
                attempt.response_status = Some(response.status);
                attempt.excerpt = Some(response.excerpt).filter(|text| !text.is_empty());
                asked = response
                    .retry_after
                    .and_then(|header| asked_wait(&header, now));
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
            }
            Err(error) => attempt.error = Some(error.to_string()),
        }
        if let Some(at) = self.schedule.next(attempts, asked, now, &*self.random) {
            attempt.next = Next::Retry(at);
        }
        attempt
    }
}

#[cfg(test)]
mod tests;
