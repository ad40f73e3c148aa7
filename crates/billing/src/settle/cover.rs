//! What a paid period changes.

use msgflash_kernel::StoreError;

use super::subject::Subject;
use super::{HandleEvent, Outcome};
use crate::agreement::{Agreement, Wish};
use crate::event::PaymentEvent;
use crate::period::PaidPeriod;
use crate::plan::Plan;
use crate::ports::Standing;
use crate::subscription::{GRACE, ScheduledAction};
use crate::turn::Turn;

/// What a provider charged for, of what it may charge for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charged {
    /// The plan that is held.
    Held,
    /// The lower plan that is to come.
    Lower,
    /// The higher plan that was bought, though a lower one took over.
    Bought,
    /// It does not say, or nobody knows what it calls the plan.
    Unsaid,
    /// Something else.
    Other,
}

impl HandleEvent {
    pub(super) async fn cover(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        subject: &Subject,
    ) -> Result<Outcome, StoreError> {
        let (Some(period), Some(reference)) = (event.covers(), &event.agreement) else {
            return Ok(Outcome::Noted);
        };
        match &subject.agreement {
            Some(it) if it.is_current => self.renew(turn, event, period).await,
            Some(it) if it.has_begun => tell_again(turn, it.clone()).await,
            known => match subject.sold(event) {
                Some(plan) => {
                    let new = self.agreement(turn, event, reference, plan);
                    self.begin(turn, event, period, plan, resumed(new, known.as_ref()))
                        .await
                }
                None => self.decline(turn, event, reference, subject).await,
            },
        }
    }

    /// The first payment of an agreement.
    async fn begin(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        period: PaidPeriod,
        plan: &Plan,
        agreement: Agreement,
    ) -> Result<Outcome, StoreError> {
        if turn.standing.plan.price == 0 && period.end + GRACE <= turn.now() {
            // Told when all of it is over. Who has what costs nothing by now keeps that, and the next
            // payment begins it.
            set_paid(turn, event).await?;
            return Ok(Outcome::Unneeded);
        }
        let is_over = agreement.ended_at.is_some();
        let outcome = buy(turn, plan, event, period, Some(agreement)).await?;
        if is_over && outcome == Outcome::Applied {
            self.leave(turn).await?;
        }
        Ok(outcome)
    }

    /// Money for what was not sold here. The agreement is kept, so that its provider is told to end it.
    async fn decline(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        reference: &str,
        subject: &Subject,
    ) -> Result<Outcome, StoreError> {
        if let Some(known) = &subject.agreement {
            return tell_again(turn, known.clone()).await;
        }
        let plan = subject.plan.as_ref().unwrap_or(&turn.standing.plan);
        let mut it = self.agreement(turn, event, reference, plan);
        it.supersede();
        it.has_begun = false;
        turn.store().save_agreement(&it).await?;
        Ok(Outcome::Unneeded)
    }

    /// One more period of the current agreement.
    async fn renew(
        &self,
        turn: &mut Turn<'_>,
        event: &PaymentEvent,
        period: PaidPeriod,
    ) -> Result<Outcome, StoreError> {
        let (charged, now) = (self.charged(&turn.standing, event), turn.now());
        let standing = &mut turn.standing;
        let Some(current) = &mut standing.agreement else {
            return Ok(Outcome::Noted);
        };
        current.covered_at = current.covered_at.max(event.occurred_at);
        if !standing.subscription.cover(period) {
            let recovers = standing.subscription.recover(period, now);
            return Ok(if recovers {
                Outcome::Applied
            } else {
                Outcome::Noted
            });
        }
        let is_over = current.ended_at.is_some();
        let mut outcome = Outcome::Applied;
        match charged {
            Charged::Held => {
                // What was lowered to keeps its price from now on, like anything that was bought.
                current.bought = standing.plan.id;
                current.bought_code.clone_from(&standing.plan.code);
                current.product.clone_from(&event.product);
                standing.subscription.put_off_downgrade(period);
            }
            Charged::Bought => raise(turn, period).await?,
            Charged::Lower | Charged::Unsaid => {}
            Charged::Other => outcome = Outcome::Unexpected,
        }
        if is_over {
            self.leave(turn).await?;
        }
        Ok(outcome)
    }

    fn charged(&self, standing: &Standing, event: &PaymentEvent) -> Charged {
        let offered = |code: &str| {
            let offer = self.ports.catalogue.offer(code);
            offer.and_then(|it| it.product(event.provider))
        };
        let code = standing.plan.code.as_str();
        let agreement = standing.agreement.as_ref();
        let bought = agreement.filter(|it| it.bought_code == code);
        let held = bought.and_then(|it| it.product.as_deref());
        let held = held.or_else(|| offered(code));
        let it = &standing.subscription;
        let lowers = it.scheduled_action == Some(ScheduledAction::Downgrade);
        let lower = it.scheduled_plan.as_deref().filter(|_| lowers);
        let left = agreement.filter(|it| it.bought_code != code);
        let left = left.and_then(|it| it.product.as_deref());
        match (event.product.as_deref(), held) {
            (Some(product), _) if lower.and_then(offered) == Some(product) => Charged::Lower,
            (Some(product), Some(held)) if product == held => Charged::Held,
            (Some(product), _) if left == Some(product) => Charged::Bought,
            (Some(_), Some(_)) => Charged::Other,
            (None, _) | (_, None) => Charged::Unsaid,
        }
    }
}

/// Nothing rests on it, and it charges all the same: the provider is told to end it once more, whatever
/// it made of that before.
async fn tell_again(turn: &mut Turn<'_>, mut it: Agreement) -> Result<Outcome, StoreError> {
    if it.ended_at.is_none() {
        it.told = Wish::Charge(it.bought_code.clone());
        turn.store().save_agreement(&it).await?;
    }
    Ok(Outcome::Unneeded)
}

/// The period was charged for what was bought, because the provider had not heard of the lower plan, or had
/// sent the bill before. What is paid is had: the lower plan takes over when that is over.
async fn raise(turn: &mut Turn<'_>, period: PaidPeriod) -> Result<(), StoreError> {
    let Some(bought) = turn.standing.agreement.as_ref().map(|it| it.bought) else {
        return Ok(());
    };
    let plan = turn.store().plan(bought).await?;
    if let Some(plan) = plan.filter(|it| it.rank > turn.standing.plan.rank) {
        let lower = std::mem::replace(&mut turn.standing.plan, plan);
        let it = &mut turn.standing.subscription;
        it.plan = bought;
        if it.scheduled_action.is_none() {
            it.scheduled_action = Some(ScheduledAction::Downgrade);
            it.scheduled_plan = Some(lower.code);
            it.scheduled_at = Some(period.end);
        }
    }
    Ok(())
}

/// A new agreement, or one of which only the end was told so far.
fn resumed(new: Agreement, known: Option<&Agreement>) -> Agreement {
    let Some(known) = known else {
        return new;
    };
    Agreement {
        id: known.id,
        told: Wish::Charge(new.bought_code.clone()),
        ended_at: known.ended_at,
        ..new
    }
}

async fn set_paid(turn: &mut Turn<'_>, event: &PaymentEvent) -> Result<(), StoreError> {
    let now = turn.now();
    match event.origin.checkout {
        Some(checkout) => turn.unit.checkouts().set_paid(checkout, now).await,
        None => Ok(()),
    }
}

/// Puts a paid plan in place of what is there, unless that is worth more: a purchase that was paid
/// and told of late must not take away what was bought after it.
pub(crate) async fn buy(
    turn: &mut Turn<'_>,
    plan: &Plan,
    event: &PaymentEvent,
    period: PaidPeriod,
    agreement: Option<Agreement>,
) -> Result<Outcome, StoreError> {
    set_paid(turn, event).await?;
    if !turn.standing.yields_to(plan, period, turn.now()) {
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
pub(crate) async fn prolong(
    turn: &mut Turn<'_>,
    event: &PaymentEvent,
    period: PaidPeriod,
) -> Result<Outcome, StoreError> {
    turn.detach().await?;
    turn.standing.subscription.provider = event.provider;
    set_paid(turn, event).await?;
    let is_news = turn.standing.subscription.cover(period);
    turn.standing.subscription.put_off_downgrade(period);
    Ok(if is_news {
        Outcome::Applied
    } else {
        Outcome::Unneeded
    })
}
