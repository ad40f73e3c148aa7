//! The port, fulfilled: one line per call, the work is in the topics.

use async_trait::async_trait;
use msgflash_kernel::Phone;
use msgflash_messaging::provider::{
    Accepted, Echo, FoundSent, LinkState, NewSession, NumberCheck, Outbound, OutboundStatus,
    Pairing, ProviderError, ReceiptRank, SendFailure, SentRecord, SessionInfo, StatusContent,
    WhatsAppProvider,
};
use time::OffsetDateTime;

use crate::client::EvolutionClient;
use crate::echo::{expected_echo, status_echo};
use crate::verdict;
use crate::wire::outbound;

#[async_trait]
impl WhatsAppProvider for EvolutionClient {
    async fn create(&self, session: &NewSession) -> Result<(), ProviderError> {
        self.create_session(session).await
    }

    async fn connect(&self, session: &str, phone: Option<Phone>) -> Result<Pairing, ProviderError> {
        self.link(session, phone).await
    }

    async fn state(&self, session: &str) -> Result<LinkState, ProviderError> {
        self.live_state(session).await
    }

    async fn fetch(&self, session: &str) -> Result<Option<SessionInfo>, ProviderError> {
        self.stored(session).await
    }

    async fn fetch_all(&self) -> Result<Vec<SessionInfo>, ProviderError> {
        self.all_stored().await
    }

    async fn restart(&self, session: &str) -> Result<(), ProviderError> {
        self.reopen(session).await
    }

    async fn logout(&self, session: &str) -> Result<(), ProviderError> {
        self.unlink(session).await
    }

    async fn delete(&self, session: &str) -> Result<(), ProviderError> {
        self.drop_session(session).await
    }

    async fn send(&self, session: &str, outbound: &Outbound) -> Result<Accepted, SendFailure> {
        let request = outbound::request(outbound)
            .map_err(|reason| SendFailure::Refused(reason.to_owned()))?;
        let path = ["message", request.verb, session];
        match self.deliver(&path, &request.body).await {
            Ok(answer) => verdict::of_send(&answer, request.is_media),
            Err(lost) => Err(verdict::of_lost_send(lost)),
        }
    }

    fn expected_echo(&self, outbound: &Outbound) -> Echo {
        expected_echo(outbound)
    }

    async fn publish_status(
        &self,
        session: &str,
        status: &OutboundStatus,
    ) -> Result<Accepted, SendFailure> {
        let request = outbound::status(status);
        let path = ["message", request.verb, session];
        match self.deliver(&path, &request.body).await {
            Ok(answer) => verdict::of_send(&answer, request.is_media),
            Err(lost) => Err(verdict::of_lost_send(lost)),
        }
    }

    fn status_echo(&self, status: &StatusContent) -> Echo {
        status_echo(status)
    }

    async fn find_statuses(
        &self,
        session: &str,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        self.stored_statuses(session, from, until).await
    }

    async fn check_numbers(
        &self,
        session: &str,
        numbers: &[Phone],
    ) -> Result<Vec<NumberCheck>, ProviderError> {
        self.ask_numbers(session, numbers).await
    }

    async fn find_sent(
        &self,
        session: &str,
        to: Phone,
        from: OffsetDateTime,
        until: OffsetDateTime,
    ) -> Result<FoundSent, ProviderError> {
        self.stored_to(session, to, from, until).await
    }

    async fn find_by_key(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<SentRecord>, ProviderError> {
        self.stored_under(session, key_id).await
    }

    async fn receipts_of(
        &self,
        session: &str,
        key_id: &str,
    ) -> Result<Option<ReceiptRank>, ProviderError> {
        self.stored_receipts(session, key_id).await
    }

    async fn version(&self) -> Result<String, ProviderError> {
        self.read_version().await
    }
}
