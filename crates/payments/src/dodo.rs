//! Dodo Payments: hosted checkout, and webhooks of the Standard Webhooks kind.

mod event;

use async_trait::async_trait;
use msgflash_billing::{
    BillingProvider, CheckoutOrder, CheckoutPage, Instruction, PaymentEvent, PaymentProvider,
    ProviderError, WebhookCall, WebhookError,
};
use msgflash_kernel::Secret;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::origin::metadata;
use crate::page::page;
use crate::signature::StandardSecret;
use crate::transport::{InvalidConfig, Transport};

/// States of a subscription that is over.
const OVER: [&str; 3] = ["cancelled", "expired", "failed"];
/// Its word for a change of product that is not there to be taken back.
const NOTHING_SCHEDULED: &str = "SCHEDULED_PLAN_CHANGE_NOT_FOUND";

/// How to reach Dodo Payments.
#[derive(Clone, Debug)]
pub struct DodoConfig {
    /// Where: `https://live.dodopayments.com`, or `https://test.dodopayments.com`.
    pub base: String,
    /// The API key.
    pub api_key: Secret<String>,
    /// The secret of the webhook endpoint.
    pub webhook_secret: Secret<String>,
}

impl DodoConfig {
    /// Checks everything that can be checked without asking anybody.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        Transport::check(&self.base, self.api_key.reveal())?;
        let secret = StandardSecret::parse(self.webhook_secret.reveal());
        secret.map(drop).map_err(|_| InvalidConfig::Secret)
    }
}

/// Dodo Payments.
pub struct DodoPayments {
    http: Transport,
    secret: StandardSecret,
}

impl DodoPayments {
    /// Checks the configuration; nothing is asked yet. A TLS provider must have been installed for the
    /// process.
    pub fn new(config: &DodoConfig) -> Result<Self, InvalidConfig> {
        let secret = StandardSecret::parse(config.webhook_secret.reveal());
        Ok(Self {
            http: Transport::new(&config.base, config.api_key.reveal())?,
            secret: secret.map_err(|_| InvalidConfig::Secret)?,
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<Value, ProviderError> {
        let url = self.http.url(path);
        let request = self.http.client().request(method, url).json(body);
        self.http.expect(request).await
    }

    /// The state of a subscription; `None` when it is over, or was never there.
    async fn running(&self, agreement: &str) -> Result<Option<Value>, ProviderError> {
        let url = self.http.url(&["subscriptions", agreement]);
        let answer = self.http.ask(self.http.client().get(url)).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = answer.success()?;
        let is_over = body["status"].as_str().is_some_and(|it| OVER.contains(&it));
        Ok(Some(body).filter(|_| !is_over))
    }

    /// Takes back a change of product that is to come. Where there is none, that is as well; whatever
    /// else is refused may leave one there, and is an error.
    async fn unschedule(&self, agreement: &str) -> Result<(), ProviderError> {
        let path = ["subscriptions", agreement, "change-plan", "scheduled"];
        let request = self.http.client().delete(self.http.url(&path));
        let answer = self.http.ask(request).await?;
        if answer.status == StatusCode::NOT_FOUND || answer.code() == Some(NOTHING_SCHEDULED) {
            return Ok(());
        }
        answer.success().map(drop)
    }

    async fn patch(&self, agreement: &str, body: &Value) -> Result<(), ProviderError> {
        let path = ["subscriptions", agreement];
        self.call(Method::PATCH, &path, body).await.map(drop)
    }

    async fn charge(
        &self,
        agreement: &str,
        running: &Value,
        product: &str,
    ) -> Result<(), ProviderError> {
        self.unschedule(agreement).await?;
        let go_on = json!({ "cancel_at_next_billing_date": false });
        self.patch(agreement, &go_on).await?;
        if running["product_id"].as_str() == Some(product) {
            return Ok(());
        }
        let path = ["subscriptions", agreement, "change-plan"];
        let change = json!({
            "product_id": product, "quantity": 1, "effective_at": "next_billing_date",
            // For that date no other mode is taken. Charged in full is the period it begins.
            "proration_billing_mode": "full_immediately",
        });
        self.call(Method::POST, &path, &change).await.map(drop)
    }
}

#[async_trait]
impl PaymentProvider for DodoPayments {
    fn name(&self) -> BillingProvider {
        BillingProvider::Dodo
    }

    async fn checkout(&self, order: &CheckoutOrder) -> Result<Option<CheckoutPage>, ProviderError> {
        let body = json!({
            "product_cart": [{ "product_id": order.product, "quantity": 1 }],
            "customer": { "email": order.email, "name": order.name },
            "return_url": order.success_url,
            "metadata": metadata(order).into_iter().collect::<Value>(),
        });
        let answer = self.call(Method::POST, &["checkouts"], &body).await?;
        page(&answer, "session_id", "checkout_url").map(Some)
    }

    async fn instruct(
        &self,
        agreement: &str,
        instruction: &Instruction,
    ) -> Result<(), ProviderError> {
        let Some(running) = self.running(agreement).await? else {
            return Ok(());
        };
        match instruction {
            Instruction::Charge { product } => self.charge(agreement, &running, product).await,
            Instruction::Stop => {
                self.unschedule(agreement).await?;
                let stop = json!({ "cancel_at_next_billing_date": true });
                self.patch(agreement, &stop).await
            }
            Instruction::End => {
                let end = json!({ "status": "cancelled" });
                self.patch(agreement, &end).await
            }
        }
    }

    fn recognises(&self, call: &WebhookCall) -> bool {
        call.header("webhook-signature").is_some()
    }

    async fn read(&self, call: &WebhookCall) -> Result<PaymentEvent, WebhookError> {
        let id = self.secret.verify(call)?;
        event::read(id, &call.body)
    }
}
