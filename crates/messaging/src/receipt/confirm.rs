//! Receipts whose events were lost: the provider is asked for what it stored.
//!
//! A message without any receipt is unconfirmed, never failed: the phone may be off. It is asked
//! for a few times, later each time, and what is found goes into the inbox like any receipt.

use std::sync::Arc;

use metrics::counter;
use msgflash_kernel::{Clock, Id, Ids, Nudge, StoreError, Tick};
use time::Duration;
use tracing::{debug, info};

use super::ports::{Inbox, InboxItem, StoredReceipt, Unconfirmed, UnconfirmedStore};
use crate::provider::{ProviderError, ReceiptRank, WhatsAppProvider};

/// How many messages are asked for in one look.
const AT_ONCE: u32 = 100;
/// Nobody else looks meanwhile; longer than a look takes.
const LEASE: Duration = Duration::minutes(5);
/// A provider that is away is asked again after this.
const AWAY: Duration = Duration::minutes(1);
/// When a message is asked for again that is still without a receipt.
const LATER: [Duration; 2] = [Duration::HOUR, Duration::DAY];

/// The ports asking needs.
#[derive(Clone)]
pub struct ConfirmPorts {
    /// What has no receipt yet.
    pub unconfirmed: Arc<dyn UnconfirmedStore>,
    /// Who may know more.
    pub provider: Arc<dyn WhatsAppProvider>,
    /// Where receipts go.
    pub inbox: Arc<dyn Inbox>,
    /// Wakes whoever applies them.
    pub receipts: Arc<dyn Nudge>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Asks for receipts that never came.
pub struct AskForReceipts {
    ports: ConfirmPorts,
    /// How old a message without a receipt is when it is asked for, look by look.
    ages: [Duration; 3],
}

impl AskForReceipts {
    /// Wires it. Messages are asked for when they are `after` old.
    pub fn new(ports: ConfirmPorts, after: Duration) -> Self {
        let ages = [after, LATER[0].max(after), LATER[1].max(after)];
        Self { ports, ages }
    }

    /// Asks for a bounded number of messages of each age.
    pub async fn tick(&self) -> Result<Tick, StoreError> {
        let mut is_more = false;
        let mut asked = 0;
        for (look, age) in (0..).zip(self.ages) {
            let now = self.ports.clock.now();
            let until = now - age;
            let store = &self.ports.unconfirmed;
            let claimed = store.claim(look, until, AT_ONCE, now, now + LEASE).await?;
            let Some(found) = claimed else {
                continue; // Somebody else is looking.
            };
            let done = self.ask(&found).await?;
            if look == 0 {
                counter!("msgflash_unconfirmed_total").increment(done as u64);
            }
            asked += done;
            let now = self.ports.clock.now();
            if done < found.len() {
                // Those that were not asked come again.
                let last = done.checked_sub(1).map(|at| &found[at]);
                store.resume(look, last.cloned(), now + AWAY).await?;
            } else if found.len() == AT_ONCE as usize {
                store.resume(look, found.last().cloned(), now).await?;
                is_more = true;
            } else {
                store.finish(look, until).await?;
            }
        }
        Ok(Tick::of(if is_more { asked } else { 0 }))
    }

    /// Asks for each, and puts what is known into the inbox. Answers how many were asked for: a
    /// provider that is away is left alone.
    async fn ask(&self, found: &[Unconfirmed]) -> Result<usize, StoreError> {
        let mut receipts = Vec::new();
        let mut asked = 0;
        for it in found {
            match self
                .ports
                .provider
                .receipts_of(&it.session, &it.key_id)
                .await
            {
                Ok(None | Some(ReceiptRank::Nothing)) => {}
                Ok(Some(rank)) => receipts.push(InboxItem::Receipt(StoredReceipt {
                    id: Id::new(self.ports.ids.next()),
                    instance: it.instance,
                    key_id: it.key_id.clone(),
                    rank,
                    received_at: self.ports.clock.now(),
                    tries: 0,
                })),
                Err(
                    ProviderError::Timeout
                    | ProviderError::Unavailable
                    | ProviderError::LicenceRequired
                    | ProviderError::Unauthorized,
                ) => break,
                // It would be the same another time.
                Err(error) => debug!(instance.id = %it.instance, %error, "no receipts to be had"),
            }
            asked += 1;
        }
        if !receipts.is_empty() {
            info!(
                count = receipts.len(),
                "receipts were found whose events never came"
            );
            self.ports.inbox.store(&receipts).await?;
            self.ports.receipts.nudge();
        }
        Ok(asked)
    }
}

#[cfg(test)]
mod tests;
