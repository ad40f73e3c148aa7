use msgflash_kernel::Id;
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::catalogue::Catalogue;
use crate::model::START;
use crate::sample;

fn plan(code: &str) -> Plan {
    sample::plan(&Catalogue::default(), code)
}

fn on(code: &str) -> Standing {
    let plan = plan(code);
    let mut subscription = sample::subscription(&plan);
    if plan.price > 0 {
        subscription.period_end = Some(START + Duration::days(20));
    }
    Standing {
        subscription,
        plan,
        agreement: None,
    }
}

fn with(code: &str, status: SubscriptionStatus) -> Standing {
    let mut it = on(code);
    it.subscription.status = status;
    it.subscription.past_due_since = Some(START - Duration::DAY);
    if status == SubscriptionStatus::PastDue {
        it.subscription.period_end = it.subscription.past_due_since;
    }
    it
}

fn teams(seats: &[u32]) -> Vec<TeamLoad> {
    let numbered = (1..).zip(seats);
    let teams = numbered.map(|(n, seats)| TeamLoad {
        team: Id::new(Uuid::from_u128(n)),
        seats: *seats,
    });
    teams.collect()
}

fn code<T: std::fmt::Debug>(outcome: Result<T, PlanChangeError>) -> &'static str {
    outcome.expect_err("must be refused").code()
}

#[test]
fn only_a_higher_plan_on_offer_is_bought() {
    let free = on("free");
    assert!(free.may_buy(&plan("pro"), START).is_ok() && free.may_buy(&plan("max"), START).is_ok());
    for not_sold in ["free", "starter", "plus"] {
        assert_eq!(code(free.may_buy(&plan(not_sold), START)), "BAD_REQUEST");
    }
    assert_eq!(
        code(on("pro").may_buy(&plan("pro"), START)),
        "INVALID_PLAN_CHANGE"
    );
    assert_eq!(
        code(on("max").may_buy(&plan("pro"), START)),
        "INVALID_PLAN_CHANGE"
    );
    // A retired plan stands where its rank is.
    assert_eq!(
        code(on("starter").may_buy(&plan("pro"), START)),
        "INVALID_PLAN_CHANGE"
    );
    assert!(on("starter").may_buy(&plan("max"), START).is_ok());
}

#[test]
fn whoever_owes_a_payment_can_buy_the_same_again() {
    use SubscriptionStatus::{Expired, PastDue};
    assert!(with("pro", PastDue).may_buy(&plan("pro"), START).is_ok());
    let mut early = with("pro", PastDue);
    early.subscription.period_end = Some(START + Duration::DAY);
    assert_eq!(
        code(early.may_buy(&plan("pro"), START)),
        "INVALID_PLAN_CHANGE",
        "what is paid is not over"
    );
    assert_eq!(
        code(with("max", PastDue).may_buy(&plan("pro"), START)),
        "INVALID_PLAN_CHANGE"
    );
    assert!(with("max", Expired).may_buy(&plan("pro"), START).is_ok());
    assert_eq!(
        code(with("max", Expired).may_buy(&plan("free"), START)),
        "BAD_REQUEST"
    );
}

#[test]
fn a_downgrade_goes_down_and_not_to_the_free_plan() {
    let max = on("max");
    assert!(max.may_lower(&plan("pro"), &[], START).is_ok());
    for wrong in ["free", "max", "plus", "starter"] {
        assert_eq!(
            code(max.may_lower(&plan(wrong), &[], START)),
            "INVALID_PLAN_CHANGE"
        );
    }
    assert_eq!(
        code(on("pro").may_lower(&plan("max"), &[], START)),
        "INVALID_PLAN_CHANGE"
    );
    let expired = with("max", SubscriptionStatus::Expired);
    assert_eq!(
        code(expired.may_lower(&plan("pro"), &[], START)),
        "SUBSCRIPTION_INACTIVE"
    );
}

#[test]
fn one_change_is_scheduled_at_a_time() {
    let mut max = on("max");
    let at = max.lower(&plan("pro"), START);
    assert_eq!(Some(at), max.subscription.period_end);
    assert_eq!(
        code(max.may_lower(&plan("pro"), &[], START)),
        "DOWNGRADE_ALREADY_SCHEDULED"
    );
    // A cancellation takes the place of a downgrade.
    assert_eq!(max.cancel(&plan("free"), START), at);
    assert!(max.subscription.cancel_at_period_end && max.is_cancelled());
    assert_eq!(
        code(max.may_lower(&plan("pro"), &[], START)),
        "DOWNGRADE_ALREADY_SCHEDULED"
    );
    assert_eq!(max.cancel(&plan("free"), START + Duration::DAY), at);
    assert!(max.keep().is_ok());
    assert_eq!(code(max.keep()), "NO_SCHEDULED_CHANGE");
}

#[test]
fn the_free_plan_is_not_cancelled() {
    let free = plan("free");
    assert_eq!(
        code(on("free").may_cancel(&free, &[], START)),
        "ALREADY_ON_FREE_PLAN"
    );
    assert!(on("pro").may_cancel(&free, &[], START).is_ok());
    let expired = with("pro", SubscriptionStatus::Expired);
    assert_eq!(
        code(expired.may_cancel(&free, &[], START)),
        "SUBSCRIPTION_INACTIVE"
    );
}

#[test]
fn teams_block_a_plan_that_cannot_host_them() {
    let blocked = |code: &str, seats: &[u32]| match plan(code).host(&teams(seats)) {
        Ok(()) => 0,
        Err(PlanChangeError::BlockedByTeams(ids)) => ids.len(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(blocked("pro", &[4, 4]), 0);
    assert_eq!(
        blocked("pro", &[1, 1, 1]),
        3,
        "any of them may be the one to go"
    );
    assert_eq!(blocked("pro", &[4, 5]), 1, "only the one that is too full");
    assert_eq!(blocked("free", &[1]), 1);
    assert_eq!(blocked("free", &[]), 0);
    let error = on("max").may_lower(&plan("pro"), &teams(&[5, 2]), START);
    let error = error.expect_err("blocked");
    let first = Uuid::from_u128(1).to_string();
    assert_eq!(error.details(), Some(json!({ "teamIds": [first] })));
    assert_eq!(
        (error.kind(), error.code()),
        (Kind::Conflict, "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS")
    );
    assert!(
        on("pro")
            .may_cancel(&plan("free"), &teams(&[1]), START)
            .is_err()
    );
}

#[test]
fn what_is_past_changes_at_once() {
    let mut it = with("pro", SubscriptionStatus::PastDue);
    it.subscription.period_end = Some(START - Duration::DAY);
    assert_eq!(it.cancel(&plan("free"), START), START);
    let mut endless = on("pro");
    endless.subscription.period_end = None;
    assert_eq!(endless.cancel(&plan("free"), START), START);
}
