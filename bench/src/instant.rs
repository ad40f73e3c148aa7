//! A provider in this process that takes every message at once, and remembers what it took.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant as Moment;

use async_trait::async_trait;
use msgflash_kernel::Phone;
use msgflash_messaging::message::content::Content;
use msgflash_messaging::provider::{
    Accepted, Address, Echo, FoundSent, LinkState, NewSession, NumberCheck, Outbound,
    OutboundStatus, Pairing, ProviderError, ReceiptRank, SendFailure, SentRecord, SessionInfo,
    StatusContent, WhatsAppProvider,
};
use time::OffsetDateTime;

/// The receiving side of a drain.
#[derive(Debug, Default)]
pub(crate) struct Instant {
    calls: AtomicU64,
    /// When the first and the last message came.
    moments: Mutex<Option<(Moment, Moment)>>,
    /// Session and number of each message: a second one to the same would be sent twice.
    seen: Mutex<HashSet<(String, i64)>>,
}

impl Instant {
    /// Calls that were made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Acquire)
    }

    /// When the first and the last of them began.
    pub(crate) fn moments(&self) -> Option<(Moment, Moment)> {
        self.moments.lock().ok().and_then(|moments| *moments)
    }

    /// Recipients that were reached, each counted once for each session.
    pub(crate) fn recipients(&self) -> u64 {
        self.seen.lock().map_or(0, |seen| seen.len() as u64)
    }
}

#[async_trait]
impl WhatsAppProvider for Instant {
    async fn send(&self, session: &str, outbound: &Outbound) -> Result<Accepted, SendFailure> {
        if let Ok(mut moments) = self.moments.lock() {
            let now = Moment::now();
            let first = moments.map_or(now, |(first, _)| first);
            *moments = Some((first, now));
        }
        // Whoever sees the call counted sees its moment.
        let call = self.calls.fetch_add(1, Ordering::AcqRel);
        if let Ok(mut seen) = self.seen.lock() {
            seen.insert((session.to_owned(), outbound.to.to_i64()));
        }
        Ok(Accepted {
            // As long as WhatsApp's ids are.
            key_id: Some(format!("3EB0{call:016X}")),
            address: Some(Address::Phone(outbound.to)),
        })
    }

    fn expected_echo(&self, outbound: &Outbound) -> Echo {
        let text = match &outbound.content {
            Content::Text(text) => Some(text.clone()),
            _ => None,
        };
        Echo { kind: "text", text }
    }

    async fn state(&self, _: &str) -> Result<LinkState, ProviderError> {
        Ok(LinkState::Open)
    }

    async fn create(&self, _: &NewSession) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn connect(&self, _: &str, _: Option<Phone>) -> Result<Pairing, ProviderError> {
        Ok(Pairing::AlreadyOpen)
    }

    async fn fetch(&self, session: &str) -> Result<Option<SessionInfo>, ProviderError> {
        Ok(Some(SessionInfo {
            session: session.to_owned(),
            state: LinkState::Open,
            owner: None,
            disconnection_code: None,
        }))
    }

    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        Ok(Vec::new())
    }

    async fn restart(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn logout(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn delete(&self, _: &str) -> Result<(), ProviderError> {
        Ok(())
    }

    async fn publish_status(&self, _: &str, _: &OutboundStatus) -> Result<Accepted, SendFailure> {
        Err(SendFailure::Refused("nothing is published here".to_owned()))
    }

    fn status_echo(&self, _: &StatusContent) -> Echo {
        Echo {
            kind: "text",
            text: None,
        }
    }

    async fn find_statuses(
        &self,
        _: &str,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        Ok(FoundSent::default())
    }

    async fn check_numbers(&self, _: &str, _: &[Phone]) -> Result<Vec<NumberCheck>, ProviderError> {
        Ok(Vec::new())
    }

    async fn find_sent(
        &self,
        _: &str,
        _: Phone,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        Ok(FoundSent::default())
    }

    async fn find_by_key(&self, _: &str, _: &str) -> Result<Option<SentRecord>, ProviderError> {
        Ok(None)
    }

    async fn receipts_of(&self, _: &str, _: &str) -> Result<Option<ReceiptRank>, ProviderError> {
        Ok(None)
    }

    async fn version(&self) -> Result<String, ProviderError> {
        Ok("instant".to_owned())
    }
}
