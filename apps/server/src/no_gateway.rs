//! The provider of a server that was told of no gateway: away, always.

use async_trait::async_trait;
use msgflash_kernel::Phone;
use msgflash_messaging::provider::{
    Accepted, Echo, FoundSent, LinkState, NewSession, NumberCheck, Outbound, OutboundStatus,
    Pairing, ProviderError, ReceiptRank, SendFailure, SentRecord, SessionInfo, StatusContent,
    WhatsAppProvider,
};
use time::OffsetDateTime;

/// Refuses every call, as a gateway that is away would.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct NoGateway;

const AWAY: ProviderError = ProviderError::Unavailable;

#[async_trait]
impl WhatsAppProvider for NoGateway {
    async fn create(&self, _: &NewSession) -> Result<(), ProviderError> {
        Err(AWAY)
    }
    async fn connect(&self, _: &str, _: Option<Phone>) -> Result<Pairing, ProviderError> {
        Err(AWAY)
    }
    async fn state(&self, _: &str) -> Result<LinkState, ProviderError> {
        Err(AWAY)
    }
    async fn fetch(&self, _: &str) -> Result<Option<SessionInfo>, ProviderError> {
        Err(AWAY)
    }
    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        Err(AWAY)
    }
    async fn restart(&self, _: &str) -> Result<(), ProviderError> {
        Err(AWAY)
    }
    async fn logout(&self, _: &str) -> Result<(), ProviderError> {
        Err(AWAY)
    }
    async fn delete(&self, _: &str) -> Result<(), ProviderError> {
        Err(AWAY)
    }
    async fn send(&self, _: &str, _: &Outbound) -> Result<Accepted, SendFailure> {
        Err(SendFailure::GatewayDown(
            "no gateway is configured".to_owned(),
        ))
    }
    fn expected_echo(&self, _: &Outbound) -> Echo {
        Echo {
            kind: "text",
            text: None,
        }
    }
    async fn publish_status(&self, _: &str, _: &OutboundStatus) -> Result<Accepted, SendFailure> {
        Err(SendFailure::GatewayDown(
            "no gateway is configured".to_owned(),
        ))
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
        Err(AWAY)
    }
    async fn check_numbers(&self, _: &str, _: &[Phone]) -> Result<Vec<NumberCheck>, ProviderError> {
        Err(AWAY)
    }
    async fn find_sent(
        &self,
        _: &str,
        _: Phone,
        _: OffsetDateTime,
        _: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        Err(AWAY)
    }
    async fn find_by_key(&self, _: &str, _: &str) -> Result<Option<SentRecord>, ProviderError> {
        Err(AWAY)
    }
    async fn receipts_of(&self, _: &str, _: &str) -> Result<Option<ReceiptRank>, ProviderError> {
        Err(AWAY)
    }
    async fn version(&self) -> Result<String, ProviderError> {
        Err(AWAY)
    }
}
