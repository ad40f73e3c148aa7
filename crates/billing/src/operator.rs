//! What operators decide about subscriptions: by hand, and with the same rules as everybody.

use msgflash_kernel::AccountId;
use time::{Duration, OffsetDateTime};

use crate::error::BillingError;
use crate::event::{CheckoutId, Money, Origin, PaymentEvent, PaymentEventKind};
use crate::period::{PaidPeriod, minor_units};
use crate::plan::Plan;
use crate::ports::Standing;
use crate::rules::PlanChangeError;
use crate::settle::{Outcome, buy, note_payment, prolong};
use crate::subscription::{BillingProvider, Entitlement};
use crate::turn::{BillingPorts, Turn};

/// The most months that one payment is for.
pub const MOST_MONTHS: u32 = 36;

/// How long a purchase that was begun waits for a payment by hand.
pub const WANTED: Duration = Duration::days(90);

/// A plan as it is stored, retired or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPlan {
    /// Its newest version.
    pub plan: Plan,
    /// Which one that is, from 1.
    pub version: u32,
    /// How many accounts hold it, in any version.
    pub holders: u64,
}

/// A purchase that waits for a payment by hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingPurchase {
    /// Who buys.
    pub account: AccountId,
    /// Their address.
    pub email: String,
    /// The code of the plan.
    pub plan: String,
    /// Its name.
    pub plan_name: String,
    /// What the version that was on offer costs per month, in whole units of `currency`.
    pub price: u32,
    /// ISO 4217 code.
    pub currency: String,
    /// When it was begun.
    pub created_at: OffsetDateTime,
}

/// An event of a payment provider, or a payment by hand, that was handled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandledEvent {
    /// Who told.
    pub provider: String,
    /// What they call it.
    pub id: String,
    /// The stored name of what happened, such as `paid`.
    pub kind: String,
    /// Whose it is.
    pub account: AccountId,
    /// Their address; `None` of an account that is gone.
    pub email: Option<String>,
    /// When it happened, as they say.
    pub occurred_at: OffsetDateTime,
    /// When it was handled.
    pub handled_at: OffsetDateTime,
}

/// A payment that an operator has seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPayment {
    /// Who paid.
    pub account: AccountId,
    /// The code of the plan paid for.
    pub plan: String,
    /// For how many months, 1 to 36.
    pub months: u32,
    /// How much; `None` is the plan's price for these months.
    pub money: Option<Money>,
    /// What the operator calls the payment, such as the number of a transfer. The same one counts
    /// once, however often it is confirmed.
    pub reference: String,
}

/// Confirms payments that no provider tells of.
pub struct ConfirmPayment {
    ports: BillingPorts,
}

impl ConfirmPayment {
    /// Wires the use case.
    pub fn new(ports: BillingPorts) -> Self {
        Self { ports }
    }

    /// Takes a payment as made. The same plan is prolonged; a higher one, or any for whoever has no
    /// usable one, begins now, in the version that was on offer when its purchase was begun.
    pub async fn confirm(&self, payment: SeenPayment) -> Result<Outcome, PlanChangeError> {
        let mut payment = payment;
        payment.reference = payment.reference.trim().to_owned();
        if !(1..=MOST_MONTHS).contains(&payment.months) || payment.reference.is_empty() {
            return Err(PlanChangeError::InvalidChange(
                "A payment has a reference, and is for 1 to 36 months",
            ));
        }
        let turn = Turn::begin(&self.ports, payment.account).await?;
        let mut turn = turn.ok_or(BillingError::NoSubscription)?;
        let (wanted, plan) = self.wanted(&mut turn, &payment).await?;
        let (account, now) = (turn.account(), turn.now());
        let period = turn.standing.period_by_hand(&plan, payment.months, now);
        let event = event(payment, &plan, period, wanted, now);
        if !turn.unit.events().record(&event, account, now).await? {
            let recorded = turn.unit.events().account_of(&event).await?;
            return match recorded.filter(|it| *it != account) {
                None => Ok(Outcome::Seen),
                Some(_) => Err(PlanChangeError::InvalidChange(
                    "A payment of another account was confirmed with this reference",
                )),
            };
        }
        let outcome = pay(&mut turn, &plan, &event, period).await?;
        note_payment(&mut turn, &event, &plan, &*self.ports.ids).await?;
        turn.finish().await?;
        Ok(outcome)
    }

    /// The purchase that the payment is for, if one was begun, and the version it pays for.
    async fn wanted(
        &self,
        turn: &mut Turn<'_>,
        payment: &SeenPayment,
    ) -> Result<(Option<CheckoutId>, Plan), PlanChangeError> {
        let (account, since) = (turn.account(), turn.now() - WANTED);
        let newest = turn.store().newest_plan(&payment.plan).await?;
        let newest = newest.ok_or(PlanChangeError::UnknownPlan)?;
        if newest.price == 0 {
            return Err(PlanChangeError::NotForSale);
        }
        let checkouts = turn.unit.checkouts();
        let wanted = checkouts.open(account, &newest.code, BillingProvider::Manual, since);
        let wanted = wanted.await?;
        let plan = match &wanted {
            _ if turn.standing.is_prolonged_by(&newest) => Some(turn.standing.plan.clone()),
            Some(wanted) => turn.store().plan(wanted.plan).await?,
            None => None,
        };
        Ok((wanted.map(|it| it.id), plan.unwrap_or(newest)))
    }
}

async fn pay(
    turn: &mut Turn<'_>,
    plan: &Plan,
    event: &PaymentEvent,
    period: PaidPeriod,
) -> Result<Outcome, PlanChangeError> {
    let standing = &turn.standing;
    if standing.is_prolonged_by(plan) {
        if standing.subscription.period_end.is_none() {
            let why = "The plan has no end: there is nothing to prolong";
            return Err(PlanChangeError::InvalidChange(why));
        }
        return Ok(prolong(turn, event, period).await?);
    }
    if !standing.yields_to(plan, period, turn.now()) {
        let why = "A plan that is worth as much or more is paid already";
        return Err(PlanChangeError::InvalidChange(why));
    }
    Ok(buy(turn, plan, event, period, None).await?)
}

fn event(
    payment: SeenPayment,
    plan: &Plan,
    period: PaidPeriod,
    checkout: Option<CheckoutId>,
    now: OffsetDateTime,
) -> PaymentEvent {
    let price = Money {
        amount: minor_units(plan.price, &plan.currency) * i64::from(payment.months),
        currency: plan.currency.clone(),
    };
    PaymentEvent {
        id: payment.reference.clone(),
        provider: BillingProvider::Manual,
        kind: PaymentEventKind::Paid,
        occurred_at: now,
        origin: Origin {
            account: Some(payment.account),
            plan: Some(plan.code.clone()),
            checkout,
        },
        customer: None,
        agreement: None,
        payment: Some(payment.reference),
        product: None,
        money: Some(payment.money.unwrap_or(price)),
        period: Some(period),
    }
}

impl Standing {
    /// The time that a payment made by hand is for: it follows on what is paid, or owed, for the same
    /// plan; else it begins now.
    fn period_by_hand(&self, plan: &Plan, months: u32, now: OffsetDateTime) -> PaidPeriod {
        let is_more = self.is_prolonged_by(plan);
        let start = self.subscription.period_end.filter(|_| is_more);
        let start = start.unwrap_or(now);
        PaidPeriod::months(start, months)
    }
}

/// Puts accounts on plans by the operator's word, without a payment and without an end.
pub struct AssignPlan {
    ports: BillingPorts,
}

impl AssignPlan {
    /// Wires the use case.
    pub fn new(ports: BillingPorts) -> Self {
        Self { ports }
    }

    /// The newest version of a plan on offer takes effect now. What a provider charges for ends.
    pub async fn assign(
        &self,
        account: AccountId,
        code: &str,
    ) -> Result<Entitlement, PlanChangeError> {
        let turn = Turn::begin(&self.ports, account).await?;
        let mut turn = turn.ok_or(BillingError::NoSubscription)?;
        let plan = turn.store().newest_plan(code).await?;
        let plan = plan.filter(|plan| plan.is_active);
        let plan = plan.ok_or_else(|| BillingError::UnknownPlan(code.to_owned()))?;
        let now = turn.now();
        turn.detach().await?;
        turn.standing.subscription.fall_back(&plan, now);
        if plan.price > 0 {
            turn.standing.subscription.provider = BillingProvider::Manual;
        }
        turn.standing.plan = plan;
        let Standing {
            subscription, plan, ..
        } = turn.finish().await?;
        Ok(Entitlement { subscription, plan })
    }
}

#[cfg(test)]
mod tests;
