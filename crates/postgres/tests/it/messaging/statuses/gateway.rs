//! A gateway for statuses alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use msgflash_kernel::Phone;
use msgflash_messaging::provider::*;
use time::OffsetDateTime;

/// Takes every status and counts, or loses every answer.
pub(super) struct Gateway {
    pub(super) calls: Arc<AtomicUsize>,
    pub(super) answers: bool,
}

#[async_trait]
impl WhatsAppProvider for Gateway {
    async fn publish_status(&self, _: &str, _: &OutboundStatus) -> Result<Accepted, SendFailure> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if !self.answers {
            return Err(SendFailure::Unknown("no answer".into()));
        }
        Ok(Accepted {
            key_id: Some(format!("3EB0{call}")),
            address: None,
        })
    }
    fn status_echo(&self, _: &StatusContent) -> Echo {
        unimplemented!()
    }
    async fn find_statuses(
        &self,
        _: &str,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        unimplemented!()
    }
    async fn create(&self, _: &NewSession) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn connect(&self, _: &str, _: Option<Phone>) -> Result<Pairing, ProviderError> {
        unimplemented!()
    }
    async fn state(&self, _: &str) -> Result<LinkState, ProviderError> {
        unimplemented!()
    }
    async fn fetch(&self, _: &str) -> Result<Option<SessionInfo>, ProviderError> {
        unimplemented!()
    }
    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        unimplemented!()
    }
    async fn restart(&self, _: &str) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn logout(&self, _: &str) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn delete(&self, _: &str) -> Result<(), ProviderError> {
        unimplemented!()
    }
    async fn send(&self, _: &str, _: &Outbound) -> Result<Accepted, SendFailure> {
        unimplemented!()
    }
    fn expected_echo(&self, _: &Outbound) -> Echo {
        unimplemented!()
    }
    async fn check_numbers(&self, _: &str, _: &[Phone]) -> Result<Vec<NumberCheck>, ProviderError> {
        unimplemented!()
    }
    async fn find_sent(
        &self,
        _: &str,
        _: Phone,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        unimplemented!()
    }
    async fn find_by_key(&self, _: &str, _: &str) -> Result<Option<SentRecord>, ProviderError> {
        unimplemented!()
    }
    async fn receipts_of(&self, _: &str, _: &str) -> Result<Option<ReceiptRank>, ProviderError> {
        unimplemented!()
    }
    async fn version(&self) -> Result<String, ProviderError> {
        unimplemented!()
    }
}
