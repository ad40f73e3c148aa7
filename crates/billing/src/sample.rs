//! Values for tests.

use msgflash_kernel::{AccountId, Id};
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::catalogue::{Catalogue, DEFAULT};
use crate::checkout::Checkout;
use crate::event::{CheckoutId, Money, Origin, PaymentEvent, PaymentEventKind};
use crate::model::START;
use crate::period::PaidPeriod;
use crate::plan::Plan;
use crate::subscription::{BillingProvider, Subscription, SubscriptionStatus};

/// Somebody.
pub(crate) fn account() -> AccountId {
    Id::new(Uuid::from_u128(0xacc0))
}

/// A stored version of a plan; its id follows from its place in the catalogue.
pub(crate) fn plan(catalogue: &Catalogue, code: &str) -> Plan {
    let place = catalogue.offers().iter().position(|it| it.code == code);
    let place = place.unwrap_or_else(|| panic!("no plan {code}"));
    let id = Id::new(Uuid::from_u128(0x9_0000 + place as u128));
    catalogue.offers()[place].version(id)
}

/// The catalogue that is compiled in, with what Stripe calls its plans.
pub(crate) fn catalogue() -> Catalogue {
    let products = ["Pro", "MAX"].map(|name| {
        let code = name.to_ascii_lowercase();
        let line = format!("name = \"{name}\"\n");
        let products = format!("{line}products = {{ stripe = \"price_{code}\" }}\n");
        (line, products)
    });
    let mut text = DEFAULT.to_owned();
    for (line, products) in products {
        text = text.replacen(&line, &products, 1);
    }
    Catalogue::parse(&text).expect("a catalogue")
}

/// The purchase of a plan at Stripe with which [`paid`] begins.
pub(crate) fn checkout(plan: &Plan) -> Checkout {
    Checkout {
        id: purchase(&plan.code),
        account: account(),
        plan: plan.id,
        provider: BillingProvider::Stripe,
        product: Some(format!("price_{}", plan.code)),
        page: None,
        created_at: START - Duration::DAY,
        paid_at: None,
    }
}

fn purchase(code: &str) -> CheckoutId {
    let number = code.bytes().fold(0, |sum, it| sum * 256 + u128::from(it));
    Id::new(Uuid::from_u128(number))
}

/// An active subscription without an end.
pub(crate) fn subscription(plan: &Plan) -> Subscription {
    Subscription {
        id: Id::new(Uuid::from_u128(0x50b)),
        account: account(),
        plan: plan.id,
        status: SubscriptionStatus::Active,
        provider: BillingProvider::None,
        period_start: datetime!(2026-05-01 0:00 UTC),
        period_end: None,
        cancel_at_period_end: false,
        scheduled_plan: None,
        scheduled_at: None,
        scheduled_action: None,
        past_due_since: None,
    }
}

/// A period that begins so many months after tests do.
pub(crate) fn month(n: u32) -> PaidPeriod {
    let start = PaidPeriod::months(START, n).end;
    PaidPeriod {
        start,
        end: PaidPeriod::months(START, n + 1).end,
    }
}

/// Word of Stripe that a month of an agreement is paid: one event for money and period.
pub(crate) fn paid(agreement: &str, plan: &str, n: u32) -> PaymentEvent {
    let period = month(n);
    PaymentEvent {
        id: format!("paid-{agreement}-{n}"),
        provider: BillingProvider::Stripe,
        kind: PaymentEventKind::Paid,
        occurred_at: period.start,
        origin: Origin {
            account: Some(account()),
            plan: Some(plan.to_owned()),
            checkout: Some(purchase(plan)),
        },
        customer: Some("cus_1".to_owned()),
        agreement: Some(agreement.to_owned()),
        payment: Some(format!("in_{agreement}_{n}")),
        product: Some(format!("price_{plan}")),
        money: Some(Money {
            amount: 1900,
            currency: "EUR".to_owned(),
        }),
        period: Some(period),
    }
}

/// Word that the charge for a month failed.
pub(crate) fn failed(agreement: &str, plan: &str, n: u32) -> PaymentEvent {
    PaymentEvent {
        id: format!("failed-{agreement}-{n}"),
        kind: PaymentEventKind::Failed,
        ..paid(agreement, plan, n)
    }
}

/// Word that an agreement is over.
pub(crate) fn ended(agreement: &str, at: OffsetDateTime) -> PaymentEvent {
    PaymentEvent {
        id: format!("ended-{agreement}"),
        kind: PaymentEventKind::Ended,
        occurred_at: at,
        payment: None,
        money: None,
        period: None,
        ..paid(agreement, "pro", 0)
    }
}
