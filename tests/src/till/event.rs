//! What payment providers tell, and how they prove that it is them.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use standardwebhooks::Webhook;
use time::OffsetDateTime;

use super::{Brand, Page, Till, dodo, stripe};
use crate::calendar::{in_days, now};
use crate::{Client, Reply};

/// Where they tell it.
pub const WEBHOOK: &str = "/api/payments/webhook";

/// The time a payment is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first moment.
    pub start: OffsetDateTime,
    /// The moment after its last.
    pub end: OffsetDateTime,
}

impl Period {
    /// From so many days from now, to so many.
    pub fn days(from: f64, to: f64) -> Self {
        Self {
            start: in_days(from),
            end: in_days(to),
        }
    }
}

/// Something that somebody bought, as the provider has it.
#[derive(Clone, Debug)]
pub struct Sale {
    /// Where.
    pub brand: Brand,
    /// What the provider calls the subscription.
    pub agreement: String,
    /// What it calls the payer.
    pub customer: String,
    /// What it calls what was bought.
    pub product: String,
    /// What comes back with every event.
    pub metadata: Value,
    /// What is paid each time, in minor units.
    pub amount: i64,
}

impl Sale {
    pub(super) fn new(brand: Brand, agreement: String, customer: String, page: Page) -> Self {
        let amount = if page.product.ends_with("max") {
            3900
        } else {
            1900
        };
        Self {
            brand,
            agreement,
            customer,
            amount,
            product: page.product,
            metadata: page.metadata,
        }
    }

    /// The first, second, … payment, as the provider calls it.
    pub fn payment(&self, number: u32) -> String {
        let kind = match self.brand {
            Brand::Dodo => "pay",
            Brand::Stripe => "in",
        };
        format!("{kind}_{}_{number}", self.agreement)
    }

    /// Tells that a period was paid, in all the events that this takes.
    pub fn paid(&self, number: u32, period: Period, at: OffsetDateTime) -> Vec<Event> {
        let payment = self.payment(number);
        match self.brand {
            Brand::Dodo => dodo::paid(self, &payment, period, at),
            Brand::Stripe => stripe::paid(self, &payment, period, at),
        }
    }

    /// Tells that it was not.
    pub fn failed(&self, number: u32, period: Period, at: OffsetDateTime) -> Vec<Event> {
        let payment = self.payment(number);
        match self.brand {
            Brand::Dodo => dodo::failed(self, &payment, period, at),
            Brand::Stripe => stripe::failed(self, &payment, period, at),
        }
    }

    /// Tells that nothing is charged any more.
    pub fn ended(&self, at: OffsetDateTime) -> Event {
        match self.brand {
            Brand::Dodo => dodo::over(self, "cancelled", at),
            Brand::Stripe => stripe::ended(self, at),
        }
    }

    /// Tells that a payment is under way, as Dodo Payments does.
    pub fn pending(&self, number: u32, at: OffsetDateTime) -> Event {
        assert_eq!(self.brand, Brand::Dodo, "others do not tell");
        dodo::pending(self, &self.payment(number), at)
    }

    /// Tells that the subscription began, as Dodo Payments does beside what it tells of each period.
    pub fn began(&self, period: Period, at: OffsetDateTime) -> Event {
        assert_eq!(self.brand, Brand::Dodo, "others do not tell");
        dodo::began(self, period, at)
    }

    /// Tells that the subscription has come to one of the ends that Dodo Payments knows: `cancelled`,
    /// `expired` or `failed`.
    pub fn over(&self, how: &str, at: OffsetDateTime) -> Event {
        assert_eq!(self.brand, Brand::Dodo, "others have one end");
        dodo::over(self, how, at)
    }

    /// Tells that a payment went back. Stripe is asked which invoice that was.
    pub fn refunded(&self, till: &Till, number: u32, at: OffsetDateTime) -> Event {
        let payment = self.payment(number);
        match self.brand {
            Brand::Dodo => dodo::refunded(self, &payment, at),
            Brand::Stripe => {
                till.invoiced(&stripe::intent(&payment), &payment);
                stripe::refunded(self, &payment, at)
            }
        }
    }

    /// Tells that half of a payment went back.
    pub fn partly_refunded(&self, till: &Till, number: u32, at: OffsetDateTime) -> Event {
        let payment = self.payment(number);
        match self.brand {
            Brand::Dodo => dodo::partly_refunded(self, &payment, at),
            Brand::Stripe => {
                till.invoiced(&stripe::intent(&payment), &payment);
                stripe::partly_refunded(self, &payment, at)
            }
        }
    }
}

/// One event, that can be told as often as it takes.
#[derive(Clone, Debug)]
pub struct Event {
    brand: Brand,
    /// What the provider calls it, however often it tells it.
    pub id: String,
    /// What it says.
    pub body: Value,
}

impl Event {
    /// An event of any content.
    pub fn new(brand: Brand, id: impl Into<String>, body: Value) -> Self {
        let id = id.into();
        Self { brand, id, body }
    }

    /// Tells it.
    pub async fn tell(&self, server: &Client) -> Reply {
        self.tell_signed(server, self.brand.secret(), now()).await
    }

    /// Tells it with a signature by this secret, of this time.
    pub async fn tell_signed(&self, server: &Client, secret: &str, at: OffsetDateTime) -> Reply {
        let signed = self.signed(server, secret, at);
        signed.post(WEBHOOK, &self.body).await
    }

    /// Tells it to a server that may not be there, or may go away meanwhile.
    pub async fn try_tell(&self, server: &Client) -> Option<Reply> {
        let signed = self.signed(server, self.brand.secret(), now());
        signed.try_post(WEBHOOK, &self.body).await
    }

    /// A client with the headers that prove this event.
    pub fn signed(&self, server: &Client, secret: &str, at: OffsetDateTime) -> Client {
        let (stamp, body) = (at.unix_timestamp(), self.body.to_string());
        match self.brand {
            Brand::Dodo => {
                let signer = Webhook::new(secret).expect("a secret of the standard's form");
                let proof = signer.sign(&self.id, stamp, body.as_bytes());
                server
                    .header("webhook-id", &self.id)
                    .header("webhook-timestamp", &stamp.to_string())
                    .header("webhook-signature", &proof.expect("text can be signed"))
            }
            Brand::Stripe => {
                let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
                let mut mac = mac.expect("any length will do");
                mac.update(format!("{stamp}.{body}").as_bytes());
                let proof = hex::encode(mac.finalize().into_bytes());
                server.header("stripe-signature", &format!("t={stamp},v1={proof}"))
            }
        }
    }
}
