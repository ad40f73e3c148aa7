//! Plans, subscriptions and payments: what an account may do and what it paid.
//!
//! Knows no plan by name: every gate reads the plan row that the account's subscription holds.
//! Start at [`plan`] for what a plan grants, at [`catalogue`] for where plans come from and at
//! [`subscription`] for when one is usable. [`lifecycle`] is what time changes about it, [`settle`]
//! what payment providers change, [`rules`] what people may; [`turn`] is how any of it is written.
//!
//! Asking what an account may do takes one port, [`BillingReader`]. Keeping subscriptions takes [`BillingUnits`]
//! and [`PlanUnits`], selling them a [`PaymentProvider`]. Mocks come with the feature `mocks`.
//!
//! ```
//! use msgflash_billing::{Catalogue, catalogue};
//! use msgflash_kernel::Id;
//! use uuid::Uuid;
//!
//! let catalogue = Catalogue::parse(catalogue::DEFAULT).expect("the one that comes along is sound");
//! let mut offers = catalogue.offers().iter();
//! let free = offers.find(|it| it.code == catalogue.fallback()).expect("it is on offer");
//! let plan = free.version(Id::new(Uuid::from_u128(1)));
//! assert_eq!(plan.price, 0);
//! ```

pub mod agreement;
pub mod catalogue;
pub mod change;
pub mod checkout;
pub mod effects;
pub mod error;
pub mod event;
pub mod lifecycle;
pub mod notice;
pub mod operator;
pub mod payment;
pub mod period;
pub mod plan;
pub mod ports;
pub mod provider;
pub mod quota;
pub mod rules;
pub mod settle;
mod standing;
pub mod subscription;
pub mod turn;
pub mod upkeep;

#[cfg(test)]
mod model;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod sequences;

pub use agreement::{Agreement, AgreementId, Wish};
pub use catalogue::{Catalogue, CatalogueChange, Existing, InvalidCatalogue, Offer};
pub use change::{ChangePlan, ScheduledChange};
pub use checkout::{BuyPlan, Checkout, Purchase, PurchaseOrder};
pub use effects::{
    Effects, EndpointState, HeldEndpoint, HeldEndpointId, HeldInstance, HeldInstanceId, HeldKey,
    HeldKeyId, Holdings, InstanceState,
};
pub use error::BillingError;
pub use event::{CheckoutId, Money, Origin, PaymentEvent, PaymentEventKind};
pub use lifecycle::Transition;
pub use notice::{KeptNotice, MailNotice, Meter, Notice, NoticeId, NoticeKind, Threshold};
pub use operator::{
    AssignPlan, ConfirmPayment, HandledEvent, PendingPurchase, SeenPayment, StoredPlan, WANTED,
};
pub use payment::{Payment, PaymentId, PaymentNews, PaymentPage, PaymentStatus};
pub use period::{PaidPeriod, minor_units};
pub use plan::{Features, Limits, Plan, PlanId};
pub use ports::{
    BillingQueue, BillingReader, BillingUnit, BillingUnits, CheckoutStore, EventStore,
    HoldingStore, NoticeQueue, NoticeReader, NoticeStore, OperatorReader, PlanStore, PlanUnit,
    PlanUnits, Standing, StandingStore, TeamLoad,
};
pub use provider::{
    CheckoutOrder, CheckoutPage, Instruction, PaymentProvider, ProviderError, WebhookCall,
    WebhookError,
};
pub use quota::{MeterReader, MeterReading, TellQuota, WatchQuota};
pub use rules::PlanChangeError;
pub use settle::{HandleEvent, Outcome};
pub use subscription::{
    BillingProvider, Entitlement, GRACE, ScheduledAction, Subscription, SubscriptionId,
    SubscriptionStatus,
};
pub use turn::BillingPorts;
pub use upkeep::{SyncCatalogue, TellProviders, TurnCalendar};

#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockBillingQueue, MockBillingReader, MockCheckoutStore, MockEventStore, MockHoldingStore,
    MockNoticeQueue, MockNoticeReader, MockNoticeStore, MockOperatorReader, MockPlanStore,
    MockStandingStore,
};
#[cfg(any(test, feature = "mocks"))]
pub use provider::MockPaymentProvider;
#[cfg(any(test, feature = "mocks"))]
pub use quota::MockMeterReader;
