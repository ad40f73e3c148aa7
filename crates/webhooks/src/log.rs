//! Reading what became of deliveries.

use std::sync::Arc;

use msgflash_kernel::{Cursor, Page, PageRequest, Problems, WorkspaceId};

use crate::delivery::{DeliveryEntry, DeliveryFilter, DeliveryId};
use crate::endpoint::EndpointId;
use crate::error::WebhookError;
use crate::ports::{DeliveryReader, EndpointReader};

/// Reads the deliveries of an endpoint.
pub struct DeliveryLog {
    endpoints: Arc<dyn EndpointReader>,
    deliveries: Arc<dyn DeliveryReader>,
}

impl DeliveryLog {
    /// Wires the use case.
    pub fn new(endpoints: Arc<dyn EndpointReader>, deliveries: Arc<dyn DeliveryReader>) -> Self {
        Self {
            endpoints,
            deliveries,
        }
    }

    /// One delivery.
    pub async fn find(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        id: DeliveryId,
    ) -> Result<DeliveryEntry, WebhookError> {
        let found = self.deliveries.find(workspace, endpoint, id).await?;
        found.ok_or(WebhookError::NoDelivery(id))
    }

    /// A page, newest first. A cursor belongs to the endpoint and the filter it was made with.
    pub async fn page(
        &self,
        workspace: WorkspaceId,
        endpoint: EndpointId,
        filter: &DeliveryFilter,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page<DeliveryEntry>, WebhookError> {
        let scope = filter.scope(endpoint);
        let is_key = |key: &str| DeliveryId::parse(key).is_some();
        let after = cursor.map(|text| Cursor::given(text, &scope, is_key));
        let after = after.transpose().map_err(Problems::from)?;
        if self.endpoints.find(workspace, endpoint).await?.is_none() {
            return Err(WebhookError::NoEndpoint(endpoint));
        }
        let page = PageRequest { limit, after };
        Ok(self
            .deliveries
            .page(workspace, endpoint, filter, &page)
            .await?)
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Fault as _, Id};
    use uuid::Uuid;

    use super::*;
    use crate::delivery::DeliveryStatus;
    use crate::ports::{MockDeliveryReader, MockEndpointReader};

    #[tokio::test]
    async fn a_cursor_of_another_endpoint_or_filter_is_refused() {
        let log = DeliveryLog::new(
            Arc::new(MockEndpointReader::new()),
            Arc::new(MockDeliveryReader::new()),
        );
        let id = |number| Id::new(Uuid::from_u128(number));
        let failed = DeliveryFilter {
            status: Some(DeliveryStatus::Failed),
            ..DeliveryFilter::default()
        };
        let foreign = [
            failed.cursor(id(8), Id::new(Uuid::nil())),
            DeliveryFilter::default().cursor(id(7), Id::new(Uuid::nil())),
            Cursor::new(failed.scope(id(7)), "not an id"),
        ];
        for cursor in foreign {
            let refused = log
                .page(
                    Id::new(Uuid::nil()),
                    id(7),
                    &failed,
                    20,
                    Some(&cursor.encode()),
                )
                .await
                .expect_err("refused");
            assert_eq!(refused.code(), "VALIDATION_ERROR");
        }
    }
}
