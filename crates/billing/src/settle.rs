//! What a provider's event changes.
//!
//! Events come more than once and in any order. Each is handled once, by its id. What is paid is
//! had: a period only ever moves an end forward, and older word of a failure changes nothing. One
//! agreement is current; payments of others are recorded, and change nothing.

use std::sync::Arc;

use msgflash_kernel::{Id, StoreError};

use crate::agreement::{Agreement, Wish};
use crate::event::{PaymentEvent, PaymentEventKind};
use crate::notice::NoticeKind;
use crate::payment::PaymentNews;
use crate::period::PaidPeriod;
use crate::plan::Plan;
use crate::ports::BillingQueue;
use crate::subscription::GRACE;
use crate::turn::{BillingPorts, Turn};

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded, and what it says is true now.
    Applied,
    /// It is recorded; there was nothing to change.
    Noted,
    /// It was handled before.
    Seen,
    /// It is about nobody here.
    Unknown,
    /// It is recorded: money came for an agreement that nothing rests on. Somebody should look at
    /// it, and perhaps give the money back.
    Unneeded,
}

/// Handles events of payment providers.
pub struct HandleEvent {
    ports: BillingPorts,
    queue: Arc<dyn BillingQueue>,
}

impl HandleEvent {
    /// Wires the use case.
    pub fn new(ports: BillingPorts, queue: Arc<dyn BillingQueue>) -> Self {
        Self { ports, queue }
    }

    /// Handles one event, which was proven to be the provider's.
    pub async fn handle(&self, event: &PaymentEvent) -> Result<Outcome, StoreError> {
        if event.kind == PaymentEventKind::Other {
            return Ok(Outcome::Noted);
        }
        let Some(account) = self.queue.payer(event).await? else {
            return Ok(Outcome::Unknown);
        };
        let Some(mut turn) = Turn::begin(&self.ports, account).await? else {
            return Ok(Outcome::Unknown);
        };
        let now = turn.now();
        if !turn.unit.events().record(event, account, now).await? {
            return Ok(Outcome::Seen);
        }
        let bought = self.bought(&mut turn, event).await?;
        let outcome = match event.kind {
            PaymentEventKind::Paid | PaymentEventKind::Covered => {
                self.cover(&mut turn, event, bought.as_ref()).await?
            }
            PaymentEventKind::Failed => fail(&mut turn, event),
            PaymentEventKind::Ended => self.end(&mut turn, event).await?,
            PaymentEventKind::Pending | PaymentEventKind::Refunded | PaymentEventKind::Other => {
                Outcome::Noted
            }
        };
        self.note_payment(&mut turn, event, bought).await?;
        turn.finish().await?;
        Ok(outcome)
    }

    /// The plan version that the event is about: of its agreement, else of its purchase, else the
    /// newest of the plan it names.
    async fn bought(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
    ) -> Result<Option<Plan>, StoreError> {
        let account = turn.account();
        let agreement = match &event.agreement {
            Some(reference) => {
                let store = turn.store();
                store.agreement(account, event.provider, reference).await?
            }
            None => None,
        };
        if agreement.as_ref().is_some_and(|it| it.is_current) {
            return Ok(Some(turn.standing.plan.clone()));
        }
        if let Some(agreement) = agreement {
            return turn.store().plan(agreement.bought).await;
        }
        if let Some(id) = event.origin.checkout
            && let Some(checkout) = turn.unit.checkouts().find(id).await?
            && checkout.account == account
        {
            return turn.store().plan(checkout.plan).await;
        }
        match &event.origin.plan {
            Some(code) => turn.store().newest_plan(code).await,
            None => Ok(None),
        }
    }

    async fn cover(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        bought: Option<&Plan>,
    ) -> Result<Outcome, StoreError> {
        let Some(period) = event.covers() else {
            return Ok(Outcome::Noted);
        };
        let Some(reference) = &event.agreement else {
            return match bought {
                Some(plan) if turn.standing.is_prolonged_by(plan) => {
                    prolong(turn, event, period).await
                }
                Some(plan) => buy(turn, plan, event, period, None).await,
                None => Ok(Outcome::Noted),
            };
        };
        if let Some(current) = turn.standing.agreement_called(event.provider, reference) {
            current.covered_at = current.covered_at.max(event.occurred_at);
            let is_news = turn.standing.subscription.cover(period);
            return Ok(if is_news {
                Outcome::Applied
            } else {
                Outcome::Noted
            });
        }
        let account = turn.account();
        let store = turn.store();
        let known = store.agreement(account, event.provider, reference).await?;
        match (known, bought) {
            (Some(_), _) => Ok(Outcome::Unneeded),
            (None, None) => Ok(Outcome::Noted),
            (None, Some(plan)) => {
                let agreement = self.agreement(turn, event, reference, plan);
                buy(turn, plan, event, period, Some(agreement)).await
            }
        }
    }

    fn agreement(
        &self,
        turn: &Turn<'_>,
        event: &PaymentEvent,
        reference: &str,
        plan: &Plan,
    ) -> Agreement {
        Agreement {
            id: Id::new(self.ports.ids.next()),
            account: turn.account(),
            provider: event.provider,
            reference: reference.to_owned(),
            customer: event.customer.clone(),
            bought: plan.id,
            bought_code: plan.code.clone(),
            product: event.product.clone(),
            is_current: true,
            covered_at: event.occurred_at,
            wish: Wish::Charge(plan.code.clone()),
            told: Wish::Charge(plan.code.clone()),
            ended_at: None,
        }
    }

    /// The provider charges no more. What is paid stays; what is owed is owed to the end of the grace.
    async fn end(&self, turn: &mut Turn<'_>, event: &PaymentEvent) -> Result<Outcome, StoreError> {
        let Some(reference) = &event.agreement else {
            return Ok(Outcome::Noted);
        };
        let (at, now) = (event.occurred_at, turn.now());
        if let Some(current) = turn.standing.agreement_called(event.provider, reference) {
            current.ended_at.get_or_insert(at);
            let fallback = turn.fallback().await?;
            turn.standing.leave(&fallback, now);
            return Ok(Outcome::Applied);
        }
        let account = turn.account();
        let store = turn.store();
        if let Some(mut known) = store.agreement(account, event.provider, reference).await? {
            known.ended_at.get_or_insert(at);
            store.save_agreement(&known).await?;
        }
        Ok(Outcome::Noted)
    }

    async fn note_payment(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        bought: Option<Plan>,
    ) -> Result<(), StoreError> {
        let (Some(status), Some(reference)) = (event.payment_status(), event.payment.clone())
        else {
            return Ok(());
        };
        let plan = bought.unwrap_or_else(|| turn.standing.plan.clone());
        let news = PaymentNews {
            id: Id::new(self.ports.ids.next()),
            account: turn.account(),
            provider: event.provider,
            reference,
            plan_code: plan.code,
            plan_name: plan.name,
            money: event.money.clone(),
            status,
            period: event.period,
            at: event.occurred_at,
        };
        turn.unit.events().note_payment(&news).await
    }
}

/// Puts a paid plan in place of what is there, unless that is worth more: a purchase that was paid
/// and told of late must not take away what was bought after it.
async fn buy(
    turn: &mut Turn<'_>,
    plan: &Plan,
    event: &PaymentEvent,
    period: PaidPeriod,
    agreement: Option<Agreement>,
) -> Result<Outcome, StoreError> {
    let now = turn.now();
    if let Some(checkout) = event.origin.checkout {
        turn.unit.checkouts().set_paid(checkout, now).await?;
    }
    if !turn.standing.yields_to(plan, period) {
        if let Some(mut unneeded) = agreement {
            unneeded.supersede();
            turn.store().save_agreement(&unneeded).await?;
        }
        return Ok(Outcome::Unneeded);
    }
    turn.attach(agreement).await?;
    turn.standing.subscription.buy(plan, event.provider, period);
    turn.standing.plan = plan.clone();
    Ok(Outcome::Applied)
}

/// Somebody paid by hand for more of the version they have, whatever is on offer by now.
async fn prolong(
    turn: &mut Turn<'_>,
    event: &PaymentEvent,
    period: PaidPeriod,
) -> Result<Outcome, StoreError> {
    turn.detach().await?;
    turn.standing.subscription.provider = event.provider;
    if let Some(checkout) = event.origin.checkout {
        let now = turn.now();
        turn.unit.checkouts().set_paid(checkout, now).await?;
    }
    let is_news = turn.standing.subscription.cover(period);
    Ok(if is_news {
        Outcome::Applied
    } else {
        Outcome::Unneeded
    })
}

/// Word of a failure counts when no later word says that the period is paid.
fn fail(turn: &mut Turn<'_>, event: &PaymentEvent) -> Outcome {
    let Some(reference) = &event.agreement else {
        return Outcome::Noted;
    };
    let paid_until = turn.standing.subscription.period_end;
    let is_paid = event
        .period
        .zip(paid_until)
        .is_some_and(|(period, end)| period.end <= end);
    let Some(current) = turn.standing.agreement_called(event.provider, reference) else {
        return Outcome::Noted;
    };
    if is_paid || event.occurred_at <= current.covered_at {
        return Outcome::Noted;
    }
    let Some(since) = turn.standing.subscription.miss(event.occurred_at) else {
        return Outcome::Noted;
    };
    turn.notify(NoticeKind::PaymentFailed {
        usable_until: since + GRACE,
    });
    Outcome::Applied
}

#[cfg(test)]
mod tests;
