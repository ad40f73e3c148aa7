//! Ends and refunds that are told before what they end, and periods told when they are over.

use super::*;

#[tokio::test]
async fn an_end_that_is_told_before_the_first_payment_counts_after_it() {
    let model = Model::on("free");
    assert_eq!(handle(&model, &ended("sub_1", START)).await, Outcome::Noted);
    assert!(model.get().current().is_none());
    assert!(!model.get().agreements[0].is_untold(), "it is over there");
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 0)).await,
        Outcome::Applied
    );
    let stored = model.get();
    assert_eq!((model.code().as_str(), stored.agreements.len()), ("pro", 1));
    let it = stored.subscription;
    assert_eq!(
        (it.scheduled_action, it.scheduled_at),
        (Some(ScheduledAction::Cancel), Some(month(0).end)),
        "nobody charges for the next month"
    );
    model.clock().advance(month(0).end - START);
    crate::upkeep::TurnCalendar::new(model.ports(), model.queue())
        .tick()
        .await
        .unwrap();
    assert_eq!(model.code(), "free");
}

#[tokio::test]
async fn the_end_of_what_was_not_sold_here_is_not_kept() {
    let model = Model::on("free");
    let mut stranger = ended("sub_1", START);
    stranger.origin.checkout = None;
    assert_eq!(handle(&model, &stranger).await, Outcome::Noted);
    assert!(model.get().agreements.is_empty());
}

#[tokio::test]
async fn a_refund_of_which_nobody_knows_the_payer_waits_for_the_payment() {
    let model = Model::on("free");
    let refund = PaymentEvent {
        id: "refund".to_owned(),
        kind: PaymentEventKind::Refunded,
        agreement: None,
        origin: Origin::default(),
        ..paid("sub_1", "pro", 0)
    };
    assert_eq!(handle(&model, &refund).await, Outcome::Unknown);
    handle(&model, &paid("sub_1", "pro", 0)).await;
    assert_eq!(
        model.get().payments["in_sub_1_0"].status,
        PaymentStatus::Refunded
    );
    assert_eq!(model.code(), "pro", "the period is had all the same");
}

#[tokio::test]
async fn a_month_that_is_told_when_it_is_long_over_takes_nothing_from_who_pays_nothing() {
    let model = Model::on("free");
    model.clock().advance(month(0).end + GRACE - START);
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 0)).await,
        Outcome::Unneeded
    );
    let stored = model.get();
    assert_eq!((model.code().as_str(), stored.payments.len()), ("free", 1));
    assert_eq!(status(&model), SubscriptionStatus::Active);
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Applied
    );
    assert_eq!(model.code(), "pro");
}

#[tokio::test]
async fn a_month_that_is_long_over_takes_nothing_from_who_paid_by_hand_meanwhile() {
    let model = Model::on("free");
    let confirm = crate::operator::ConfirmPayment::new(model.ports());
    let year = crate::operator::SeenPayment {
        account: account(),
        plan: "pro".to_owned(),
        months: 12,
        money: None,
        reference: "T-1".to_owned(),
    };
    confirm.confirm(year).await.unwrap();
    let before = model.get().subscription;
    model.clock().advance(Duration::days(60));
    assert_eq!(
        handle(&model, &paid("sub_1", "max", 0)).await,
        Outcome::Unneeded
    );
    assert_eq!(model.get().subscription, before);
}

#[tokio::test]
async fn what_is_paid_after_the_end_was_told_is_used_up() {
    let model = paying_for("pro").await;
    model.clock().advance(month(0).end - START + Duration::DAY);
    handle(&model, &failed("sub_1", "pro", 1)).await;
    handle(&model, &ended("sub_1", month(0).end)).await;
    assert_eq!(
        handle(&model, &paid("sub_1", "pro", 1)).await,
        Outcome::Applied
    );
    let it = model.get().subscription;
    assert_eq!(
        (it.scheduled_action, it.scheduled_at),
        (Some(ScheduledAction::Cancel), Some(month(1).end))
    );
}
