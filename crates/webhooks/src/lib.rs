//! Outgoing webhooks: who wants to hear of what, how a delivery is signed, and when it is tried
//! again.
//!
//! Knows endpoints, events by name and deliveries; refuses to know what an event means or how a
//! request is made. Start at [`endpoint`] for what users manage, at [`signing`] for what receivers
//! verify, at [`deliver`] for how a delivery lives and at [`health`] for how a receiver in trouble
//! is treated.
//!
//! The ports to implement are in [`ports`]: stores, and a [`WebhookSender`](ports::WebhookSender) that posts.
//! Signing and the check of addresses take none. Mocks come with the feature `mocks`.
//!
//! ```
//! use msgflash_kernel::{CountingRandom, Id};
//! use msgflash_webhooks::{signing, target};
//! use time::macros::datetime;
//! use uuid::Uuid;
//!
//! // A real one is unpredictable.
//! let secret = signing::new_secret(&CountingRandom::default());
//! let event = Id::new(Uuid::from_u128(1));
//! let now = datetime!(2026-05-20 12:00 UTC);
//! let headers = signing::headers(&secret, None, event, now, b"{}");
//! assert_eq!(headers[0].0, "X-MsgFlash-Signature");
//!
//! assert!(target::check("url", "https://hooks.example.com/in", false).is_ok());
//! assert!(target::check("url", "https://127.0.0.1/in", false).is_err());
//! ```

pub mod again;
pub mod deliver;
pub mod delivery;
pub mod endpoint;
pub mod error;
pub mod event_name;
pub mod fan_out;
pub mod flow;
pub mod health;
pub mod log;
pub mod manage;
pub mod ports;
pub mod record;
pub mod schedule;
pub mod signing;
pub mod target;

pub use again::SendAgain;
pub use deliver::Deliverer;
pub use delivery::{Delivery, DeliveryId, DueDelivery};
pub use endpoint::{Endpoint, EndpointId};
pub use error::WebhookError;
pub use event_name::EventName;
pub use fan_out::FanOut;
pub use log::DeliveryLog;
pub use manage::{
    ChangeEndpoint, CreateEndpoint, DeleteEndpoint, EndpointChange, EndpointOrder, ReadEndpoints,
};
pub use record::{Recorded, Recorder};
pub use schedule::Schedule;

#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockAttemptStore, MockDeliveryQueue, MockDeliveryReader, MockDeliveryStore, MockEndpointReader,
    MockEndpointStore, MockHealthStore, MockListeners, MockRaisedEvents, MockWebhookSender,
};
