use std::sync::Arc;

use msgflash_kernel::Fault as _;
use time::Duration;

use super::*;
use crate::agreement::Wish;
use crate::model::{Model, START};
use crate::sample::{account, month, paid};
use crate::settle::HandleEvent;
use crate::subscription::SubscriptionStatus;

fn payment(plan: &str, reference: &str) -> SeenPayment {
    SeenPayment {
        account: account(),
        plan: plan.to_owned(),
        months: 1,
        money: None,
        reference: reference.to_owned(),
    }
}

async fn confirm(model: &Model, it: SeenPayment) -> Result<Outcome, PlanChangeError> {
    ConfirmPayment::new(model.ports()).confirm(it).await
}

#[tokio::test]
async fn a_confirmed_payment_begins_a_month() {
    let model = Model::on("free");
    assert_eq!(
        confirm(&model, payment("pro", "T-1")).await.unwrap(),
        Outcome::Applied
    );
    let it = model.get().subscription;
    assert_eq!(
        (model.code().as_str(), it.provider),
        ("pro", BillingProvider::Manual)
    );
    assert_eq!(
        (it.period_start, it.period_end),
        (START, Some(month(0).end))
    );
    let paid = model.get().payments["T-1"].clone();
    assert_eq!(paid.money.unwrap().amount, 1900);
}

#[tokio::test]
async fn a_payment_by_hand_closes_the_purchase_it_is_for() {
    let model = Model::on("free");
    begin(&model, "pro").await;
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    let stored = model.get();
    let begun = stored.checkouts.last().expect("a purchase");
    assert_eq!((begun.product.as_ref(), begun.paid_at), (None, Some(START)));
    assert_eq!(model.code(), "pro");
}

/// A purchase of a plan that is paid by hand, in the version that is on offer.
async fn begin(model: &Model, plan: &str) {
    let mut manual = crate::provider::MockPaymentProvider::new();
    manual.expect_name().return_const(BillingProvider::Manual);
    manual.expect_checkout().returning(|_| Ok(None));
    let shop = crate::checkout::BuyPlan::new(model.ports(), Arc::new(manual), String::new());
    let order = crate::checkout::PurchaseOrder {
        account: account(),
        plan: plan.to_owned(),
        email: "ana@example.com".to_owned(),
        name: "Ana".to_owned(),
    };
    shop.begin(order).await.unwrap();
}

/// The terms of a plan change: what is stored is its next version.
fn dearer(model: &Model, code: &str, price: u32) {
    let mut plan = crate::sample::plan(&crate::sample::catalogue(), code);
    plan.id = msgflash_kernel::Id::new(uuid::Uuid::from_u128(u128::from(price)));
    plan.price = price;
    model.set(|stored| stored.plans.push(plan));
}

#[tokio::test]
async fn who_ordered_before_terms_changed_pays_and_gets_what_was_ordered() {
    let model = Model::on("free");
    begin(&model, "pro").await;
    dearer(&model, "pro", 25);
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    let stored = model.get();
    assert_eq!(stored.plan(stored.subscription.plan).price, 19);
    assert_eq!(stored.payments["T-1"].money.as_ref().unwrap().amount, 1900);
    let open = stored.checkouts.iter();
    let mut open = open.filter(|it| it.provider == BillingProvider::Manual);
    assert!(open.all(|it| it.paid_at.is_some()));
}

#[tokio::test]
async fn a_plan_without_an_end_is_not_given_one() {
    let model = Model::on("free");
    let assign = AssignPlan::new(model.ports());
    assign.assign(account(), "pro").await.unwrap();
    let refused = confirm(&model, payment("pro", "T-1")).await.unwrap_err();
    assert_eq!(refused.code(), "INVALID_PLAN_CHANGE");
    let stored = model.get();
    assert_eq!(stored.subscription.period_end, None);
    assert!(stored.payments.is_empty() && stored.events.is_empty());
}

#[tokio::test]
async fn the_same_payment_counts_once() {
    let model = Model::on("free");
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    assert_eq!(
        confirm(&model, payment("pro", "T-1")).await.unwrap(),
        Outcome::Seen
    );
    assert_eq!(model.get().subscription.period_end, Some(month(0).end));
}

#[tokio::test]
async fn another_payment_prolongs_what_is_held() {
    let model = Model::on("free");
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    let mut more = payment("pro", "T-2");
    more.months = 2;
    confirm(&model, more).await.unwrap();
    assert_eq!(model.get().subscription.period_end, Some(month(2).end));
    assert_eq!(
        model.get().payments["T-2"].money.as_ref().unwrap().amount,
        3800
    );
}

#[tokio::test]
async fn who_pays_late_pays_what_is_owed_and_who_was_away_begins_anew() {
    let model = Model::on("free");
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    model
        .clock()
        .advance(month(0).end - START + Duration::days(3));
    confirm(&model, payment("pro", "T-2")).await.unwrap();
    let it = model.get().subscription;
    assert_eq!(
        (it.status, it.period_end),
        (SubscriptionStatus::Active, Some(month(1).end))
    );
    model.clock().advance(Duration::days(200));
    confirm(&model, payment("pro", "T-3")).await.unwrap();
    let it = model.get().subscription;
    let now = model.ports().clock.now();
    assert_eq!(
        (it.status, it.period_start),
        (SubscriptionStatus::Active, now)
    );
}

#[tokio::test]
async fn a_lower_plan_does_not_take_the_place_of_a_paid_one() {
    let model = Model::on("free");
    confirm(&model, payment("max", "T-1")).await.unwrap();
    let refused = confirm(&model, payment("pro", "T-2")).await.unwrap_err();
    assert_eq!(refused.code(), "INVALID_PLAN_CHANGE");
    assert!(!model.get().payments.contains_key("T-2"));
    assert_eq!(model.code(), "max");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let model = Model::on("free");
    let mut forever = payment("pro", "T-1");
    forever.months = 37;
    assert_eq!(
        confirm(&model, forever).await.unwrap_err().code(),
        "INVALID_PLAN_CHANGE"
    );
    let nameless = payment("pro", " ");
    assert_eq!(
        confirm(&model, nameless).await.unwrap_err().code(),
        "INVALID_PLAN_CHANGE"
    );
    let unknown = confirm(&model, payment("gold", "T-1")).await;
    assert_eq!(unknown.unwrap_err().code(), "NOT_FOUND");
    let free = confirm(&model, payment("free", "T-1")).await;
    assert_eq!(free.unwrap_err().code(), "BAD_REQUEST");
}

#[tokio::test]
async fn an_operator_gives_a_plan_without_an_end_and_ends_what_is_charged_for() {
    let model = Model::on("free");
    let events = HandleEvent::new(model.ports(), model.queue());
    events.handle(&paid("sub_1", "pro", 0)).await.unwrap();
    let assign = AssignPlan::new(model.ports());
    let held = assign.assign(account(), "max").await.unwrap();
    assert_eq!(
        (held.plan.code.as_str(), held.subscription.period_end),
        ("max", None)
    );
    assert_eq!(held.subscription.provider, BillingProvider::Manual);
    assert_eq!(model.get().current(), None);
    assert_eq!(model.get().agreements[0].wish, Wish::End);
    let refused = assign.assign(account(), "plus").await.unwrap_err();
    assert_eq!(refused.code(), "NOT_FOUND", "retired plans are not given");
    let back = assign.assign(account(), "free").await.unwrap();
    assert_eq!(back.subscription.provider, BillingProvider::None);
}

#[tokio::test]
async fn a_month_of_what_is_to_be_lowered_is_had_before_that() {
    let model = Model::on("free");
    confirm(&model, payment("max", "T-1")).await.unwrap();
    let change = crate::change::ChangePlan::new(model.ports());
    change.lower(account(), "pro").await.unwrap();
    confirm(&model, payment("max", "T-2")).await.unwrap();
    let it = model.get().subscription;
    assert_eq!(
        (it.scheduled_at, it.period_end),
        (Some(month(1).end), Some(month(1).end))
    );
}

#[tokio::test]
async fn blanks_around_a_reference_make_no_other_one() {
    let model = Model::on("free");
    confirm(&model, payment("pro", "T-1")).await.unwrap();
    let again = confirm(&model, payment("pro", " T-1 ")).await.unwrap();
    assert_eq!(again, Outcome::Seen);
}
