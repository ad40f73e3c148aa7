//! Whatever an event says of its origin: a plan is given for a purchase that was begun here.

use msgflash_kernel::Id;
use uuid::Uuid;

use super::*;
use crate::event::CheckoutId;

/// The payment of the purchase of one plan, for something else.
fn for_product(product: Option<&str>) -> PaymentEvent {
    PaymentEvent {
        product: product.map(str::to_owned),
        ..paid("sub_1", "max", 0)
    }
}

fn with_checkout(checkout: Option<CheckoutId>) -> PaymentEvent {
    let mut event = paid("sub_1", "max", 0);
    event.origin.checkout = checkout;
    event
}

#[tokio::test]
async fn a_payment_for_another_product_buys_nothing_and_is_ended() {
    let unknown = Id::new(Uuid::from_u128(0xbad));
    for event in [
        for_product(Some("price_pro")),
        for_product(Some("price_of_a_mug")),
        for_product(None),
        with_checkout(None),
        with_checkout(Some(unknown)),
    ] {
        let model = Model::on("free");
        assert_eq!(handle(&model, &event).await, Outcome::Unneeded);
        let stored = model.get();
        assert_eq!((model.code().as_str(), stored.current()), ("free", None));
        assert_eq!(stored.agreements[0].wish, Wish::End);
        assert!(stored.agreements[0].is_untold());
        // It goes on as it began.
        let next = PaymentEvent {
            id: "next".to_owned(),
            ..event
        };
        assert_eq!(handle(&model, &next).await, Outcome::Unneeded);
        assert_eq!(
            (model.code().as_str(), stored.agreements.len()),
            ("free", 1)
        );
    }
}

#[tokio::test]
async fn what_was_begun_by_somebody_else_or_elsewhere_buys_nothing() {
    for is_provider in [false, true] {
        let model = Model::on("free");
        model.set(|stored| {
            for it in &mut stored.checkouts {
                if is_provider {
                    it.provider = BillingProvider::Dodo;
                } else {
                    it.account = Id::new(Uuid::from_u128(0xbad));
                }
            }
        });
        let event = paid("sub_1", "max", 0);
        assert_eq!(handle(&model, &event).await, Outcome::Unneeded);
        let stored = model.get();
        assert_eq!(model.code(), "free");
        assert!(stored.payments.is_empty(), "it is no payment for a plan");
        assert!(stored.checkouts.iter().all(|it| it.paid_at.is_none()));
    }
}

#[tokio::test]
async fn other_things_that_a_payer_buys_are_no_payments_for_the_plan() {
    let model = paying_for("pro").await;
    let mut mug = paid("sub_1", "pro", 0);
    mug.id = "mug".to_owned();
    (mug.agreement, mug.period) = (None, None);
    mug.payment = Some("in_mug".to_owned());
    mug.origin.checkout = None;
    assert_eq!(handle(&model, &mug).await, Outcome::Noted);
    assert!(!model.get().payments.contains_key("in_mug"));
}

#[tokio::test]
async fn two_pages_of_one_purchase_that_are_both_paid_leave_one_agreement() {
    let model = paying_for("pro").await;
    model.clock().advance(Duration::DAY);
    let mut second = paid("sub_2", "pro", 0);
    second.period = second.period.map(|it| crate::period::PaidPeriod {
        start: it.start + Duration::DAY,
        end: it.end + Duration::DAY,
    });
    assert_eq!(handle(&model, &second).await, Outcome::Unneeded);
    let stored = model.get();
    assert_eq!(stored.current().unwrap().reference, "sub_1");
    assert_eq!(stored.subscription.period_end, Some(month(0).end));
    let other = stored.agreements.iter().find(|it| it.reference == "sub_2");
    assert_eq!(other.unwrap().wish, Wish::End);
    assert_eq!(stored.payments.len(), 2, "both are shown: one goes back");
}

#[tokio::test]
async fn who_buys_the_same_again_after_it_was_ended_rests_on_the_new_one() {
    let model = paying_for("pro").await;
    handle(&model, &ended("sub_1", START)).await;
    assert_eq!(
        handle(&model, &paid("sub_2", "pro", 1)).await,
        Outcome::Applied
    );
    let stored = model.get();
    assert_eq!(stored.current().unwrap().reference, "sub_2");
    assert_eq!(stored.subscription.scheduled_action, None);
}

#[tokio::test]
async fn a_charge_that_fails_in_the_middle_of_what_is_paid_leaves_the_higher_plan() {
    let model = paying_for("max").await;
    let early = PaymentEvent {
        occurred_at: START + Duration::DAY,
        ..failed("sub_1", "max", 1)
    };
    model.clock().advance(Duration::days(2));
    assert_eq!(handle(&model, &early).await, Outcome::Applied);
    assert_eq!(status(&model), SubscriptionStatus::PastDue);
    assert_eq!(
        handle(&model, &paid("sub_2", "pro", 0)).await,
        Outcome::Unneeded
    );
    assert_eq!(model.code(), "max");
}

#[tokio::test]
async fn a_renewal_for_another_product_is_had_and_looked_at() {
    let model = paying_for("max").await;
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Unexpected
    );
    let it = model.get().subscription;
    assert_eq!(
        (model.code().as_str(), it.period_end),
        ("max", Some(month(1).end))
    );
}

#[tokio::test]
async fn a_downgrade_waits_while_the_higher_plan_is_still_charged_for() {
    for (code, at) in [("max", month(1).end), ("pro", month(0).end)] {
        let model = paying_for("max").await;
        let change = crate::change::ChangePlan::new(model.ports());
        change.lower(account(), "pro").await.unwrap();
        let outcome = handle(&model, &paid("sub_1", code, 1)).await;
        assert_eq!(outcome, Outcome::Applied);
        let it = model.get().subscription;
        assert_eq!(
            (it.scheduled_at, it.period_end),
            (Some(at), Some(month(1).end))
        );
    }
}

#[tokio::test]
async fn what_was_lowered_to_keeps_the_price_it_was_first_charged_at() {
    let model = paying_for("max").await;
    let change = crate::change::ChangePlan::new(model.ports());
    change.lower(account(), "pro").await.unwrap();
    model.clock().advance(month(0).end - START);
    handle(&model, &paid("sub_1", "pro", 1)).await;
    let stored = model.get();
    let current = stored.current().unwrap();
    assert_eq!(
        (current.bought_code.as_str(), current.product.as_deref()),
        ("pro", Some("price_pro"))
    );
}

#[tokio::test]
async fn a_month_of_the_higher_plan_that_was_billed_before_is_had_before_the_lower_one() {
    let model = paying_for("max").await;
    let change = crate::change::ChangePlan::new(model.ports());
    change.lower(account(), "pro").await.unwrap();
    model.clock().advance(month(0).end - START + Duration::HOUR);
    crate::upkeep::TurnCalendar::new(model.ports(), model.queue())
        .tick()
        .await
        .unwrap();
    assert_eq!(model.code(), "pro");
    assert_eq!(
        handle(&model, &paid("sub_1", "max", 1)).await,
        Outcome::Applied
    );
    let it = model.get().subscription;
    assert_eq!(
        (model.code().as_str(), it.scheduled_plan.as_deref()),
        ("max", Some("pro"))
    );
    assert_eq!(
        (it.scheduled_at, it.period_end),
        (Some(month(1).end), Some(month(1).end))
    );
    let wish = model.get().current().unwrap().wish.clone();
    assert_eq!(wish, Wish::Charge("pro".to_owned()));
}

#[tokio::test]
async fn what_charges_although_it_was_ended_is_ended_once_more() {
    let model = paying_for("pro").await;
    handle(&model, &paid("sub_2", "max", 0)).await;
    model.set(|stored| {
        for it in &mut stored.agreements {
            it.told = it.wish.clone();
        }
    });
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Unneeded
    );
    let stored = model.get();
    let old = stored.agreements.iter().find(|it| it.reference == "sub_1");
    assert!(old.unwrap().is_untold());
    assert!(!stored.current().unwrap().is_untold());
}

#[tokio::test]
async fn word_that_it_is_paid_all_the_same_ends_the_worry() {
    let model = paying_for("pro").await;
    model.clock().advance(Duration::DAY);
    let early = PaymentEvent {
        occurred_at: START + Duration::HOUR,
        period: None,
        ..failed("sub_1", "pro", 1)
    };
    handle(&model, &early).await;
    assert_eq!(status(&model), SubscriptionStatus::PastDue);
    let again = PaymentEvent {
        id: "again".to_owned(),
        ..paid("sub_1", "pro", 0)
    };
    assert_eq!(handle(&model, &again).await, Outcome::Applied);
    let it = model.get().subscription;
    assert_eq!(
        (it.status, it.past_due_since),
        (SubscriptionStatus::Active, None)
    );
}
