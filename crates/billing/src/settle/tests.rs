use time::Duration;

use super::*;
use crate::event::Origin;
use crate::lifecycle::Transition;
use crate::model::{Model, START};
use crate::payment::PaymentStatus;
use crate::sample::{account, ended, failed, month, paid};
use crate::subscription::{BillingProvider, ScheduledAction, SubscriptionStatus};

async fn handle(model: &Model, event: &PaymentEvent) -> Outcome {
    let events = HandleEvent::new(model.ports(), model.queue());
    events.handle(event).await.expect("the model does not fail")
}

async fn paying_for(code: &str) -> Model {
    let model = Model::on("free");
    assert_eq!(
        handle(&model, &paid("sub_1", code, 0)).await,
        Outcome::Applied
    );
    model
}

fn status(model: &Model) -> SubscriptionStatus {
    model.get().subscription.status
}

#[tokio::test]
async fn a_payment_begins_a_full_period_of_the_plan() {
    let model = paying_for("pro").await;
    let it = model.get().subscription;
    assert_eq!(
        (model.code().as_str(), it.provider),
        ("pro", BillingProvider::Stripe)
    );
    assert_eq!(
        (it.period_start, it.period_end),
        (month(0).start, Some(month(0).end))
    );
    let stored = model.get();
    let payment = &stored.payments["in_sub_1_0"];
    assert_eq!(
        (payment.plan_code.as_str(), payment.status),
        ("pro", PaymentStatus::Succeeded)
    );
    assert_eq!(model.told(), ["plan_changed"]);
}

#[tokio::test]
async fn an_event_is_handled_once() {
    let model = paying_for("pro").await;
    let before = model.get();
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 0)).await,
        Outcome::Seen
    );
    let after = model.get();
    assert_eq!(
        (after.subscription, after.notices),
        (before.subscription, before.notices)
    );
}

#[tokio::test]
async fn money_and_period_may_be_told_apart_and_in_any_order() {
    let whole = paid("sub_1", "pro", 0);
    let money = PaymentEvent {
        id: "money".to_owned(),
        period: None,
        ..whole.clone()
    };
    let period = PaymentEvent {
        id: "period".to_owned(),
        kind: PaymentEventKind::Covered,
        payment: None,
        money: None,
        ..whole
    };
    for order in [[&money, &period], [&period, &money]] {
        let model = Model::on("free");
        for event in order {
            handle(&model, event).await;
        }
        assert_eq!(
            (model.code().as_str(), model.get().payments.len()),
            ("pro", 1)
        );
        let payment = model.get().payments["in_sub_1_0"].clone();
        assert_eq!(
            payment.plan_code, "pro",
            "also when the period is not known yet"
        );
    }
}

#[tokio::test]
async fn renewals_move_the_end_forward_and_never_back() {
    let model = paying_for("pro").await;
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 2)).await,
        Outcome::Applied
    );
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Noted
    );
    assert_eq!(model.get().subscription.period_end, Some(month(2).end));
    assert_eq!(model.get().payments.len(), 3);
}

#[tokio::test]
async fn a_failure_gives_seven_days_from_the_end_of_what_is_paid() {
    let model = paying_for("pro").await;
    model.clock().advance(month(0).end - START + Duration::HOUR);
    assert_eq!(
        handle(&model, &failed("sub_1", "pro", 1)).await,
        Outcome::Applied
    );
    let it = model.get().subscription;
    assert_eq!(
        (it.status, it.past_due_since),
        (SubscriptionStatus::PastDue, Some(month(0).end))
    );
    let end = month(0).end + GRACE;
    assert_eq!(it.due(end), Some(Transition::Expire { at: end }));
    assert_eq!(model.told(), ["plan_changed", "payment_failed"]);
}

#[tokio::test]
async fn a_failure_that_was_mended_before_it_was_told_changes_nothing() {
    let model = paying_for("pro").await;
    handle(&model, &paid("sub_1", "pro", 1)).await;
    assert_eq!(
        handle(&model, &failed("sub_1", "pro", 1)).await,
        Outcome::Noted
    );
    let on_hold = PaymentEvent {
        id: "on_hold".to_owned(),
        period: None,
        ..failed("sub_1", "pro", 1)
    };
    assert_eq!(handle(&model, &on_hold).await, Outcome::Noted);
    assert_eq!(status(&model), SubscriptionStatus::Active);
}

#[tokio::test]
async fn a_late_payment_mends_even_an_expired_subscription() {
    let model = paying_for("pro").await;
    model
        .clock()
        .advance(month(0).end - START + Duration::days(10));
    handle(&model, &failed("sub_1", "pro", 1)).await;
    assert_eq!(status(&model), SubscriptionStatus::Expired);
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Applied
    );
    let it = model.get().subscription;
    assert_eq!(
        (it.status, it.past_due_since),
        (SubscriptionStatus::Active, None)
    );
    assert_eq!(it.period_end, Some(month(1).end));
}

#[tokio::test]
async fn an_upgrade_drops_what_was_scheduled_and_ends_the_old_agreement() {
    let model = paying_for("pro").await;
    model.set(|it| {
        it.subscription.cancel_at_period_end = true;
        it.subscription.scheduled_action = Some(ScheduledAction::Cancel);
        it.subscription.scheduled_at = it.subscription.period_end;
    });
    handle(&model, &paid("sub_2", "max", 0)).await;
    let stored = model.get();
    assert_eq!(model.code(), "max");
    assert_eq!(stored.subscription.scheduled_action, None);
    let old = stored.agreements.iter().find(|it| it.reference == "sub_1");
    assert_eq!(old.unwrap().wish, Wish::End);
    assert_eq!(stored.current().unwrap().reference, "sub_2");
}

#[tokio::test]
async fn two_purchases_told_in_any_order_leave_the_higher_plan() {
    for order in [["pro", "max"], ["max", "pro"]] {
        let model = Model::on("free");
        for code in order {
            handle(&model, &paid(&format!("sub_{code}"), code, 0)).await;
        }
        let stored = model.get();
        assert_eq!((model.code().as_str(), stored.payments.len()), ("max", 2));
        assert_eq!(stored.current().unwrap().reference, "sub_max");
        assert!(
            stored
                .agreements
                .iter()
                .all(|it| it.is_current || it.wish == Wish::End)
        );
    }
}

#[tokio::test]
async fn money_for_an_agreement_that_was_replaced_is_recorded_and_flagged() {
    let model = paying_for("pro").await;
    handle(&model, &paid("sub_2", "max", 0)).await;
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Unneeded
    );
    assert_eq!(
        (model.code().as_str(), model.get().payments.len()),
        ("max", 3)
    );
    assert_eq!(model.get().subscription.period_end, Some(month(0).end));
}

#[tokio::test]
async fn what_a_provider_ends_is_used_up_and_then_falls_back() {
    let model = paying_for("pro").await;
    handle(&model, &ended("sub_1", START)).await;
    let it = model.get().subscription;
    assert_eq!(
        (it.status, it.cancel_at_period_end),
        (SubscriptionStatus::Active, true)
    );
    assert_eq!(
        it.due(month(0).end),
        Some(Transition::FallBack { at: month(0).end })
    );
    // A renewal that happened before and is told of after it is had all the same.
    handle(&model, &paid("sub_1", "pro", 1)).await;
    assert_eq!(model.get().subscription.scheduled_at, Some(month(1).end));
}

#[tokio::test]
async fn giving_up_on_a_missing_payment_leaves_the_grace_as_it_is() {
    let model = paying_for("pro").await;
    model.clock().advance(month(0).end - START + Duration::DAY);
    handle(&model, &failed("sub_1", "pro", 1)).await;
    handle(
        &model,
        &ended("sub_1", model.get().subscription.period_end.unwrap()),
    )
    .await;
    assert_eq!(status(&model), SubscriptionStatus::PastDue);
    assert_eq!(model.get().subscription.scheduled_action, None);
}

#[tokio::test]
async fn a_renewal_that_comes_after_a_downgrade_pays_for_the_lower_plan() {
    for late in [Duration::ZERO, Duration::hours(2)] {
        let model = paying_for("max").await;
        let change = crate::change::ChangePlan::new(model.ports());
        change.lower(account(), "pro").await.unwrap();
        model.clock().advance(month(0).end - START + late);
        assert_eq!(
            handle(&model, &paid("sub_1", "pro", 1)).await,
            Outcome::Applied
        );
        let it = model.get().subscription;
        assert_eq!(
            (model.code().as_str(), it.period_end),
            ("pro", Some(month(1).end))
        );
        assert_eq!(model.get().payments["in_sub_1_1"].plan_code, "pro");
    }
}

#[tokio::test]
async fn a_refund_marks_the_payment_and_takes_nothing_away() {
    let model = paying_for("pro").await;
    let refund = PaymentEvent {
        id: "refund".to_owned(),
        kind: PaymentEventKind::Refunded,
        ..paid("sub_1", "pro", 0)
    };
    assert_eq!(handle(&model, &refund).await, Outcome::Noted);
    assert_eq!(
        model.get().payments["in_sub_1_0"].status,
        PaymentStatus::Refunded
    );
    assert_eq!(
        (model.code().as_str(), status(&model)),
        ("pro", SubscriptionStatus::Active)
    );
}

#[tokio::test]
async fn a_refund_told_before_its_payment_stays_a_refund() {
    let model = Model::on("free");
    let refund = PaymentEvent {
        id: "refund".to_owned(),
        kind: PaymentEventKind::Refunded,
        ..paid("sub_1", "pro", 0)
    };
    handle(&model, &refund).await;
    handle(&model, &paid("sub_1", "pro", 0)).await;
    assert_eq!(
        model.get().payments["in_sub_1_0"].status,
        PaymentStatus::Refunded
    );
}

#[tokio::test]
async fn what_is_about_nobody_here_changes_nothing() {
    let model = Model::on("free");
    let mut stranger = paid("sub_9", "pro", 0);
    stranger.origin = Origin::default();
    assert_eq!(handle(&model, &stranger).await, Outcome::Unknown);
    assert_eq!(
        (model.code().as_str(), model.get().payments.len()),
        ("free", 0)
    );
    let mut other = paid("sub_1", "pro", 0);
    other.kind = PaymentEventKind::Other;
    assert_eq!(handle(&model, &other).await, Outcome::Noted);
    assert!(model.get().events.is_empty());
}

mod order;
mod sold;
