//! No provider: an operator sees the money, and says so with a command.

use async_trait::async_trait;
use msgflash_billing::{
    BillingProvider, CheckoutOrder, CheckoutPage, Instruction, PaymentEvent, PaymentProvider,
    ProviderError, WebhookCall, WebhookError,
};

/// Payments that an operator confirms.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManualPayments;

#[async_trait]
impl PaymentProvider for ManualPayments {
    fn name(&self) -> BillingProvider {
        BillingProvider::Manual
    }

    async fn checkout(&self, _: &CheckoutOrder) -> Result<Option<CheckoutPage>, ProviderError> {
        Ok(None)
    }

    async fn instruct(&self, _: &str, _: &Instruction) -> Result<(), ProviderError> {
        Ok(())
    }

    fn recognises(&self, _: &WebhookCall) -> bool {
        false
    }

    async fn read(&self, _: &WebhookCall) -> Result<PaymentEvent, WebhookError> {
        Err(WebhookError::NotTaken)
    }
}
