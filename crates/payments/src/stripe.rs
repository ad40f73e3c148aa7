//! Stripe: Checkout in subscription mode, and its signed webhooks.

mod event;

use async_trait::async_trait;
use msgflash_billing::{
    BillingProvider, CheckoutOrder, CheckoutPage, Instruction, PaymentEvent, PaymentProvider,
    ProviderError, WebhookCall, WebhookError,
};
use msgflash_kernel::Secret;
use reqwest::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded::Serializer;

use crate::origin::metadata;
use crate::page::page;
use crate::signature::verify_stripe;
use crate::transport::{InvalidConfig, Transport, text};

/// The version of the API that we speak. Events come in the version of their endpoint, which may be
/// older: both shapes are read.
const VERSION: &str = "2025-08-27.basil";
/// States of a subscription that is over.
const OVER: [&str; 2] = ["canceled", "incomplete_expired"];

/// How to reach Stripe.
#[derive(Clone, Debug)]
pub struct StripeConfig {
    /// Where: `https://api.stripe.com`.
    pub base: String,
    /// The secret key, or a restricted one.
    pub api_key: Secret<String>,
    /// The secret of the webhook endpoint.
    pub webhook_secret: Secret<String>,
}

impl StripeConfig {
    /// Checks everything that can be checked without asking anybody.
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if self.webhook_secret.reveal().is_empty() {
            return Err(InvalidConfig::Secret);
        }
        Transport::check(&self.base, self.api_key.reveal()).map(drop)
    }
}

/// Stripe.
pub struct StripePayments {
    http: Transport,
    secret: Secret<String>,
}

impl StripePayments {
    /// Checks the configuration; nothing is asked yet. A TLS provider must have been installed for the
    /// process.
    pub fn new(config: &StripeConfig) -> Result<Self, InvalidConfig> {
        config.check()?;
        Ok(Self {
            http: Transport::new(&config.base, config.api_key.reveal())?,
            secret: config.webhook_secret.clone(),
        })
    }

    async fn post(&self, path: &[&str], form: &[(&str, &str)]) -> Result<Value, ProviderError> {
        let request = self.http.client().post(self.http.url(path));
        self.http.expect(with_form(request, encoded(form))).await
    }

    /// The state of a subscription; `None` when it is over, or was never there.
    async fn running(&self, agreement: &str) -> Result<Option<Value>, ProviderError> {
        let url = self.http.url(&["v1", "subscriptions", agreement]);
        let request = self
            .http
            .client()
            .get(url)
            .header("Stripe-Version", VERSION);
        let answer = self.http.ask(request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = answer.success()?;
        let is_over = body["status"].as_str().is_some_and(|it| OVER.contains(&it));
        Ok(Some(body).filter(|_| !is_over))
    }

    /// A new price counts from the next invoice on: nothing is set off.
    async fn charge(
        &self,
        agreement: &str,
        running: &Value,
        price: &str,
    ) -> Result<(), ProviderError> {
        let item = text(&running["items"]["data"][0]["id"]);
        let item = item.ok_or_else(|| ProviderError::Refused("it tells no item".to_owned()))?;
        let form = [
            ("cancel_at_period_end", "false"),
            ("items[0][id]", item.as_str()),
            ("items[0][price]", price),
            ("proration_behavior", "none"),
        ];
        let path = ["v1", "subscriptions", agreement];
        self.post(&path, &form).await.map(drop)
    }

    async fn end(&self, agreement: &str) -> Result<(), ProviderError> {
        let url = self.http.url(&["v1", "subscriptions", agreement]);
        let request = self
            .http
            .client()
            .delete(url)
            .header("Stripe-Version", VERSION);
        let answer = self.http.ask(request).await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(());
        }
        answer.success().map(drop)
    }

    /// The invoice that a payment was for; newer charges do not name it.
    async fn invoice_of(&self, intent: &str) -> Result<Option<String>, ProviderError> {
        let mut url = self.http.url(&["v1", "invoice_payments"]);
        url.query_pairs_mut()
            .append_pair("payment[type]", "payment_intent")
            .append_pair("payment[payment_intent]", intent)
            .append_pair("limit", "1");
        let request = self
            .http
            .client()
            .get(url)
            .header("Stripe-Version", VERSION);
        let found = self.http.expect(request).await?;
        Ok(event::reference(&found["data"][0]["invoice"]))
    }
}

fn encoded(form: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(form).finish()
}

fn with_form(request: RequestBuilder, form: String) -> RequestBuilder {
    request
        .header("Stripe-Version", VERSION)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
}

/// What a page is asked for with.
fn checkout_form(order: &CheckoutOrder) -> String {
    let checkout = order.checkout.to_string();
    let facts = metadata(order);
    let facts = facts.each_ref().map(|(name, it)| (*name, it.as_str()));
    let of_session = facts.map(|(name, it)| (format!("metadata[{name}]"), it));
    // What belongs to the subscription comes back with each of its invoices.
    let of_subscription =
        facts.map(|(name, it)| (format!("subscription_data[metadata][{name}]"), it));
    let mut form = vec![
        ("mode", "subscription"),
        ("line_items[0][price]", order.product.as_str()),
        ("line_items[0][quantity]", "1"),
        ("customer_email", order.email.as_str()),
        ("client_reference_id", checkout.as_str()),
        ("success_url", order.success_url.as_str()),
        ("cancel_url", order.cancel_url.as_str()),
    ];
    let facts = of_session.iter().chain(&of_subscription);
    form.extend(facts.map(|(name, value)| (name.as_str(), *value)));
    encoded(&form)
}

/// Whoever asks once more for the same page is answered with it. A key that comes with another form is
/// refused for a day: who has another address by now, or a plan another price, is to get a page.
fn idempotency_key(order: &CheckoutOrder, form: &str) -> String {
    format!("{}-{}", order.checkout, hex::encode(Sha256::digest(form)))
}

#[async_trait]
impl PaymentProvider for StripePayments {
    fn name(&self) -> BillingProvider {
        BillingProvider::Stripe
    }

    async fn checkout(&self, order: &CheckoutOrder) -> Result<Option<CheckoutPage>, ProviderError> {
        let form = checkout_form(order);
        let key = idempotency_key(order, &form);
        let url = self.http.url(&["v1", "checkout", "sessions"]);
        let request = with_form(self.http.client().post(url), form);
        let request = request.header("Idempotency-Key", key);
        let answer = self.http.expect(request).await?;
        page(&answer, "id", "url").map(Some)
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
                let path = ["v1", "subscriptions", agreement];
                let stop = [("cancel_at_period_end", "true")];
                self.post(&path, &stop).await.map(drop)
            }
            Instruction::End => self.end(agreement).await,
        }
    }

    fn recognises(&self, call: &WebhookCall) -> bool {
        call.header("stripe-signature").is_some()
    }

    async fn read(&self, call: &WebhookCall) -> Result<PaymentEvent, WebhookError> {
        verify_stripe(&self.secret, call)?;
        let (mut event, intent) = event::read(&call.body)?;
        if let Some(intent) = intent {
            event.payment = self.invoice_of(&intent).await?;
        }
        Ok(event)
    }
}
