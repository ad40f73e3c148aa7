//! What a provider's event changes.
//!
//! Events come more than once and in any order. Each is handled once, by its id. What is paid is
//! had: a period only ever moves an end forward, and older word of a failure changes nothing. One
//! agreement is current; payments of others are recorded, and change nothing.
//!
//! What an event says of its origin is no proof: anybody may pay for anything and name any account.
//! A plan is given for a purchase that was begun here, and paid for with the product it was begun for.

mod cover;
mod subject;

use std::sync::Arc;

use msgflash_kernel::{Id, Ids, StoreError};

use crate::agreement::{Agreement, Wish};
use crate::event::{PaymentEvent, PaymentEventKind};
use crate::notice::NoticeKind;
use crate::payment::PaymentNews;
use crate::plan::Plan;
use crate::ports::BillingQueue;
use crate::subscription::GRACE;
use crate::turn::{BillingPorts, Turn};

pub(crate) use cover::{buy, prolong};
use subject::Subject;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is recorded, and what it says is true now.
    Applied,
    /// It is applied: a period is paid. Yet what the provider charged for is not what is held, nor what
    /// is to come. Somebody should look at it.
    Unexpected,
    /// It is recorded; there was nothing to change.
    Noted,
    /// It was handled before.
    Seen,
    /// It is about nobody here.
    Unknown,
    /// It is recorded: money came for an agreement that nothing rests on, and that the provider is
    /// told to end. Somebody should look at it, and perhaps give the money back.
    Unneeded,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Applied,
        Self::Unexpected,
        Self::Noted,
        Self::Seen,
        Self::Unknown,
        Self::Unneeded,
    ];

    /// Its name, for logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unexpected => "unexpected",
            Self::Noted => "noted",
            Self::Seen => "seen",
            Self::Unknown => "unknown",
            Self::Unneeded => "unneeded",
        }
    }
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
        let turn = match self.queue.payer(event).await? {
            Some(account) => Turn::begin(&self.ports, account).await?,
            None => None,
        };
        let Some(mut turn) = turn else {
            return self.keep_refund(event).await;
        };
        let (account, now) = (turn.account(), turn.now());
        if !turn.unit.events().record(event, account, now).await? {
            return Ok(Outcome::Seen);
        }
        let subject = Subject::of(&mut turn, event).await?;
        let outcome = match event.kind {
            PaymentEventKind::Paid | PaymentEventKind::Covered => {
                self.cover(&mut turn, event, &subject).await?
            }
            PaymentEventKind::Failed => fail(&mut turn, event),
            PaymentEventKind::Ended => self.end(&mut turn, event, subject.clone()).await?,
            PaymentEventKind::Refunded => refund(&mut turn, event).await?,
            PaymentEventKind::Pending | PaymentEventKind::Other => Outcome::Noted,
        };
        if let Some(plan) = subject.plan {
            note_payment(&mut turn, event, &plan, &*self.ports.ids).await?;
        }
        turn.finish().await?;
        Ok(outcome)
    }

    /// A refund that is told before its payment waits for it: nobody can say yet whose it is.
    async fn keep_refund(&self, event: &PaymentEvent) -> Result<Outcome, StoreError> {
        let Some(payment) = event.refunds() else {
            return Ok(Outcome::Unknown);
        };
        let mut unit = self.ports.units.begin().await?;
        let now = self.ports.clock.now();
        let events = unit.events();
        events.note_refund(event.provider, payment, now).await?;
        unit.commit().await?;
        Ok(Outcome::Unknown)
    }

    /// The provider charges no more. What is paid stays; what is owed is owed to the end of the grace.
    async fn end(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        subject: Subject,
    ) -> Result<Outcome, StoreError> {
        let Some(reference) = &event.agreement else {
            return Ok(Outcome::Noted);
        };
        let at = event.occurred_at;
        if let Some(current) = turn.standing.agreement_called(event.provider, reference) {
            current.ended_at.get_or_insert(at);
            self.leave(turn).await?;
            return Ok(Outcome::Applied);
        }
        let known = match (subject.agreement, subject.plan) {
            (Some(known), _) => Some(known),
            // That it was paid may be told after that it is over.
            (None, Some(plan)) => {
                let mut it = self.agreement(turn, event, reference, &plan);
                it.supersede();
                (it.told, it.has_begun) = (Wish::End, false);
                Some(it)
            }
            (None, None) => None,
        };
        if let Some(mut known) = known {
            known.ended_at.get_or_insert(at);
            turn.store().save_agreement(&known).await?;
        }
        Ok(Outcome::Noted)
    }

    /// Nobody charges for the next period: what is paid is used up.
    async fn leave(&self, turn: &mut Turn<'_>) -> Result<(), StoreError> {
        let (fallback, now) = (turn.fallback().await?, turn.now());
        turn.standing.leave(&fallback, now);
        Ok(())
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
            has_begun: true,
            covered_at: event.occurred_at,
            wish: Wish::Charge(plan.code.clone()),
            told: Wish::Charge(plan.code.clone()),
            ended_at: None,
        }
    }
}

/// Records what an event says about a payment, which is for this plan.
pub(crate) async fn note_payment(
    turn: &mut Turn<'_>,
    event: &PaymentEvent,
    plan: &Plan,
    ids: &dyn Ids,
) -> Result<(), StoreError> {
    let (Some(status), Some(reference)) = (event.payment_status(), event.payment.clone()) else {
        return Ok(());
    };
    let news = PaymentNews {
        id: Id::new(ids.next()),
        account: turn.account(),
        provider: event.provider,
        reference,
        plan_code: plan.code.clone(),
        plan_name: plan.name.clone(),
        money: event.money.clone(),
        status,
        period: event.period,
        at: event.occurred_at,
    };
    turn.unit.events().note_payment(&news).await
}

async fn refund(turn: &mut Turn<'_>, event: &PaymentEvent) -> Result<Outcome, StoreError> {
    if let Some(payment) = event.refunds() {
        let now = turn.now();
        let events = turn.unit.events();
        events.note_refund(event.provider, payment, now).await?;
    }
    Ok(Outcome::Noted)
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
