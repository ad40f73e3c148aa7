use time::macros::datetime;

use super::*;
use crate::catalogue::Catalogue;
use crate::sample;

const END: OffsetDateTime = datetime!(2026-06-01 0:00 UTC);

fn plan(code: &str) -> Plan {
    sample::plan(&Catalogue::default(), code)
}

/// A paid subscription to MAX that ends at `END`.
fn paid(provider: BillingProvider) -> Subscription {
    let mut it = sample::subscription(&plan("max"));
    it.provider = provider;
    it.period_start = datetime!(2026-05-01 0:00 UTC);
    it.period_end = Some(END);
    it
}

/// All steps that are due, taken in their order.
fn catch_up(it: &mut Subscription, now: OffsetDateTime) -> Vec<Transition> {
    let mut taken = Vec::new();
    while let Some(step) = it.due(now) {
        let code = match &step {
            Transition::Downgrade { to, .. } => to.clone(),
            _ => "free".to_owned(),
        };
        it.pass(&step, &plan(&code));
        taken.push(step);
    }
    taken
}

#[test]
fn a_missing_payment_is_noticed_at_once_where_somebody_confirms_it() {
    let mut it = paid(BillingProvider::Manual);
    assert_eq!(it.due(END - Duration::SECOND), None);
    assert_eq!(it.due_at(), Some(END));
    assert_eq!(catch_up(&mut it, END), [Transition::PastDue { since: END }]);
    assert_eq!(it.status, SubscriptionStatus::PastDue);
}

#[test]
fn a_provider_gets_a_day_to_tell_of_a_renewal() {
    let mut it = paid(BillingProvider::Stripe);
    assert_eq!(it.due(END + Duration::hours(23)), None);
    let steps = catch_up(&mut it, END + Duration::DAY);
    assert_eq!(steps, [Transition::PastDue { since: END }]);
    // The grace began when the payment was missing.
    assert!(it.is_usable(END + Duration::days(7) - Duration::SECOND));
    assert!(!it.is_usable(END + Duration::days(7)));
}

#[test]
fn a_server_that_was_away_for_months_takes_every_step_once() {
    let mut it = paid(BillingProvider::Dodo);
    it.scheduled_plan = Some("pro".to_owned());
    it.scheduled_action = Some(ScheduledAction::Downgrade);
    it.scheduled_at = Some(END);
    let later = END + Duration::days(200);
    let (to, at) = ("pro".to_owned(), END);
    let expected = [
        Transition::Downgrade { to, at },
        Transition::PastDue { since: END },
        Transition::Expire { at: END + GRACE },
    ];
    assert_eq!(catch_up(&mut it, later), expected);
    assert_eq!(
        (it.plan, it.status),
        (plan("pro").id, SubscriptionStatus::Expired)
    );
    assert_eq!(catch_up(&mut it, later + Duration::days(200)), []);
}

#[test]
fn a_cancelled_subscription_falls_back_and_owes_nothing() {
    let mut it = paid(BillingProvider::Manual);
    it.cancel_at_period_end = true;
    it.scheduled_action = Some(ScheduledAction::Cancel);
    it.scheduled_at = Some(END);
    assert_eq!(catch_up(&mut it, END), [Transition::FallBack { at: END }]);
    assert_eq!(it.plan, plan("free").id);
    assert_eq!((it.provider, it.period_end), (BillingProvider::None, None));
    assert!(!it.cancel_at_period_end);
    assert_eq!(it.due_at(), None);
}

#[test]
fn the_old_state_of_cancelled_ends_with_its_period() {
    let mut it = paid(BillingProvider::Dodo);
    it.status = SubscriptionStatus::Cancelled;
    assert_eq!(catch_up(&mut it, END), [Transition::FallBack { at: END }]);
    assert_eq!(it.status, SubscriptionStatus::Active);
}

#[test]
fn a_subscription_without_an_end_has_nothing_due() {
    let mut it = paid(BillingProvider::Manual);
    it.period_end = None;
    assert_eq!(it.due_at(), None);
}
