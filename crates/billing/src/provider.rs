//! What billing needs from a payment provider.

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Fault, Kind};
use time::OffsetDateTime;

use crate::event::{CheckoutId, PaymentEvent};
use crate::subscription::BillingProvider;

/// What somebody wants to buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutOrder {
    /// The purchase. With the rest of the order it makes the key of idempotency.
    pub checkout: CheckoutId,
    /// Who pays.
    pub account: AccountId,
    /// The code of the plan.
    pub plan: String,
    /// What the provider calls it.
    pub product: String,
    /// The payer's address, to fill in the form.
    pub email: String,
    /// The payer's name, likewise.
    pub name: String,
    /// Where the browser goes after paying.
    pub success_url: String,
    /// Where it goes after giving up.
    pub cancel_url: String,
}

/// A page where a purchase is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckoutPage {
    /// What the provider calls the purchase.
    pub reference: String,
    /// Where the page is.
    pub url: String,
}

/// What a provider is to do about an agreement. Each says all of it, so that it can be repeated and
/// does not depend on what was said before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// Go on charging, from the next period on for this product.
    Charge {
        /// What the provider calls it.
        product: String,
    },
    /// Charge no more after the present period.
    Stop,
    /// End now, and give nothing back.
    End,
}

/// A call that claims to come from a provider.
#[derive(Clone, Debug)]
pub struct WebhookCall {
    /// Names and values; those that are no text are left out.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
    /// When it came.
    pub at: OffsetDateTime,
}

impl WebhookCall {
    /// The first header of this name, whatever its capitals.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter();
        let mut found = found.filter(|(it, _)| it.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }
}

/// Takes money.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait PaymentProvider: Send + Sync {
    /// Which one it is.
    fn name(&self) -> BillingProvider;
    /// Makes a page where a purchase is paid. `None` where somebody takes the money by hand.
    async fn checkout(&self, order: &CheckoutOrder) -> Result<Option<CheckoutPage>, ProviderError>;
    /// Tells it what to do about an agreement, called `agreement` there. Repeating it changes
    /// nothing; an agreement that is over already counts as told.
    async fn instruct(
        &self,
        agreement: &str,
        instruction: &Instruction,
    ) -> Result<(), ProviderError>;
    /// Whether a call looks like one of its own, by its headers alone: its body is read after that. That
    /// it is one, [`PaymentProvider::read`] proves.
    fn recognises(&self, call: &WebhookCall) -> bool;
    /// Proves a call and reads it.
    async fn read(&self, call: &WebhookCall) -> Result<PaymentEvent, WebhookError>;
}

/// A provider did not do as it was asked. Texts have no keys, addresses or names of people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// It did not answer in time.
    #[error("The payment provider did not answer in time")]
    TimedOut,
    /// It cannot be reached, or says that it cannot serve.
    #[error("The payment provider is not available")]
    Unavailable,
    /// It refused, or answered what makes no sense.
    #[error("The payment provider refused the request")]
    Refused(String),
    /// The operator has not set it up so that this can be done.
    #[error("The payment provider is not set up")]
    NotSetUp(String),
}

impl Fault for ProviderError {
    fn kind(&self) -> Kind {
        match self {
            Self::TimedOut | Self::Unavailable | Self::Refused(_) => Kind::Upstream,
            Self::NotSetUp(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TimedOut => "PROVIDER_TIMEOUT",
            Self::Unavailable => "PROVIDER_UNAVAILABLE",
            Self::Refused(_) => "PROVIDER_ERROR",
            Self::NotSetUp(_) => "INTERNAL_ERROR",
        }
    }
}

/// Why a call is not taken for word of a provider.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// It is not signed by the provider.
    #[error("The signature is not valid")]
    Forged,
    /// It was signed too long ago, or is said to come from the future.
    #[error("The signature is out of date")]
    Stale,
    /// It is signed, and cannot be read all the same.
    #[error("The event cannot be read: {0}")]
    Malformed(&'static str),
    /// What it says could not be looked up; it is to come again.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// Nobody here takes such calls.
    #[error("Payments are not taken here")]
    NotTaken,
}

impl Fault for WebhookError {
    fn kind(&self) -> Kind {
        match self {
            Self::Forged | Self::Stale => Kind::Unauthenticated,
            Self::Malformed(_) => Kind::Invalid,
            Self::Provider(_) => Kind::Unavailable,
            Self::NotTaken => Kind::Missing,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Forged | Self::Stale => "UNAUTHORIZED",
            Self::Malformed(_) => "BAD_REQUEST",
            Self::Provider(_) => "SERVICE_UNAVAILABLE",
            Self::NotTaken => "NOT_FOUND",
        }
    }
}
