//! A provider that prints what it would send.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use msgflash_kernel::Phone;
use msgflash_messaging::provider::{
    Accepted, Address, Echo, FoundSent, LinkState, NewSession, NumberCheck, Outbound,
    OutboundStatus, Pairing, ProviderError, ReceiptRank, SendFailure, SentRecord, SessionInfo,
    StatusContent, WhatsAppProvider,
};
use time::OffsetDateTime;

/// Prints messages. Everybody has WhatsApp but one.
pub(crate) struct Console {
    without: Phone,
    sent: AtomicU32,
}

impl Console {
    /// A provider in whose world this number has no WhatsApp.
    pub(crate) fn without(without: Phone) -> Self {
        Self {
            without,
            sent: AtomicU32::new(0),
        }
    }
}

/// Everything but sending belongs to parts of the crate that this service does not use: linking
/// phones, statuses, look-ups, finding out what became of a call.
#[async_trait]
impl WhatsAppProvider for Console {
    async fn send(&self, session: &str, outbound: &Outbound) -> Result<Accepted, SendFailure> {
        if outbound.to == self.without {
            return Err(SendFailure::NoWhatsApp);
        }
        let text = outbound.content.body().unwrap_or_default();
        println!("[{session}] to {}: {text}", outbound.to);
        let number = self.sent.fetch_add(1, Ordering::Relaxed) + 1;
        Ok(Accepted {
            key_id: Some(format!("PRINTED-{number}")),
            address: Some(Address::Phone(outbound.to)),
        })
    }

    fn expected_echo(&self, outbound: &Outbound) -> Echo {
        Echo {
            kind: outbound.content.kind().as_str(),
            text: outbound.content.body(),
        }
    }

    async fn create(&self, _: &NewSession) -> Result<(), ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn connect(&self, _: &str, _: Option<Phone>) -> Result<Pairing, ProviderError> {
        Ok(Pairing::AlreadyOpen)
    }

    async fn state(&self, _: &str) -> Result<LinkState, ProviderError> {
        Ok(LinkState::Open)
    }

    async fn fetch(&self, _: &str) -> Result<Option<SessionInfo>, ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn restart(&self, _: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn logout(&self, _: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn delete(&self, _: &str) -> Result<(), ProviderError> {
        Err(ProviderError::Unavailable)
    }

    async fn publish_status(&self, _: &str, _: &OutboundStatus) -> Result<Accepted, SendFailure> {
        Err(SendFailure::GatewayDown("statuses are not printed".into()))
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
        Err(ProviderError::Unavailable)
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
        Ok("console".into())
    }
}
