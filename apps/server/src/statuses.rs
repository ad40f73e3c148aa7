//! The use cases of WhatsApp statuses.

use std::sync::Arc;
use std::time::Duration;

use msgflash_kernel::{Outcome, ReplayKey, StoreError};
use msgflash_messaging::MessagingError;
use msgflash_messaging::status::ports::StatusReader;
use msgflash_messaging::status::{PublishPorts, PublishStatus, ReadStatuses, Status, StatusOrder};
use tokio::time::{Instant, sleep};
use tracing::Instrument as _;

/// How long an equal request is waited for.
const WAIT: Duration = Duration::from_secs(10);
/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Everything that can be done with statuses.
pub struct Statuses {
    publish: Arc<PublishStatus>,
    /// Lists them.
    pub read: ReadStatuses,
}

impl Statuses {
    /// Wires the use cases.
    pub fn new(ports: PublishPorts, reader: Arc<dyn StatusReader>) -> Self {
        Self {
            publish: Arc::new(PublishStatus::new(ports)),
            read: ReadStatuses::new(reader),
        }
    }

    /// Publishes a status. While an equal request is at work its answer is waited for, some seconds.
    pub async fn publish(
        &self,
        order: StatusOrder,
        once: Option<&ReplayKey>,
    ) -> Result<Outcome<Status>, MessagingError> {
        let until = Instant::now() + WAIT;
        loop {
            match self.attempt(order.clone(), once.cloned()).await {
                Err(MessagingError::ReplayBusy) if Instant::now() < until => sleep(LOOK).await,
                done => return done,
            }
        }
    }

    /// A task of its own: a client that goes away must not cut off a call that was marked.
    async fn attempt(
        &self,
        order: StatusOrder,
        once: Option<ReplayKey>,
    ) -> Result<Outcome<Status>, MessagingError> {
        let publish = Arc::clone(&self.publish);
        let work = async move { publish.publish(order, once.as_ref()).await };
        let done = tokio::spawn(work.in_current_span()).await;
        done.unwrap_or_else(|gone| Err(StoreError::Failed(gone.into()).into()))
    }
}
