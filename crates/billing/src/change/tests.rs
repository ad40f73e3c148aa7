use std::sync::Arc;

use msgflash_kernel::{Fault as _, Id};
use time::Duration;
use uuid::Uuid;

use super::*;
use crate::agreement::Wish;
use crate::checkout::{BuyPlan, PurchaseOrder};
use crate::model::{Model, START};
use crate::ports::TeamLoad;
use crate::provider::{CheckoutPage, MockPaymentProvider, ProviderError};
use crate::sample::{account, month, paid};
use crate::settle::HandleEvent;
use crate::subscription::BillingProvider;
use crate::upkeep::TurnCalendar;

/// An account that pays for a plan through Stripe, in its first month.
async fn paying_for(code: &str) -> Model {
    let model = Model::on("free");
    let events = HandleEvent::new(model.ports(), model.queue());
    events.handle(&paid("sub_1", code, 0)).await.unwrap();
    model
}

fn change(model: &Model) -> ChangePlan {
    ChangePlan::new(model.ports())
}

fn wish(model: &Model) -> Wish {
    model.get().current().expect("an agreement").wish.clone()
}

#[tokio::test]
async fn a_downgrade_waits_for_the_end_of_the_period() {
    let model = paying_for("max").await;
    let scheduled = change(&model).lower(account(), "pro").await.unwrap();
    assert_eq!(
        (scheduled.plan.as_str(), scheduled.at),
        ("pro", month(0).end)
    );
    assert_eq!(
        (model.code().as_str(), wish(&model)),
        ("max", Wish::Charge("pro".to_owned()))
    );
    model.clock().advance(month(0).end - START);
    let calendar = TurnCalendar::new(model.ports(), model.queue());
    calendar.tick().await.unwrap();
    assert_eq!(model.code(), "pro");
    assert_eq!(model.told(), ["plan_changed", "plan_changed"]);
}

#[tokio::test]
async fn a_downgrade_that_its_provider_could_not_be_told_of_is_refused() {
    let model = paying_for("max").await;
    let model = model.offering(crate::catalogue::Catalogue::default());
    let refused = change(&model).lower(account(), "pro").await.unwrap_err();
    assert_eq!(refused.code(), "INTERNAL_ERROR");
    assert_eq!(model.get().subscription.scheduled_action, None);
}

#[tokio::test]
async fn undoing_lets_the_provider_charge_for_what_is_held() {
    let model = paying_for("max").await;
    change(&model).lower(account(), "pro").await.unwrap();
    assert_eq!(change(&model).keep(account()).await.unwrap(), "max");
    assert_eq!(wish(&model), Wish::Charge("max".to_owned()));
    change(&model).cancel(account()).await.unwrap();
    assert_eq!(wish(&model), Wish::Stop);
    change(&model).keep(account()).await.unwrap();
    assert!(!model.get().current().unwrap().is_untold());
}

#[tokio::test]
async fn cancelling_twice_answers_the_same() {
    let model = paying_for("pro").await;
    let first = change(&model).cancel(account()).await.unwrap();
    model.clock().advance(Duration::DAY);
    assert_eq!(change(&model).cancel(account()).await.unwrap(), first);
    assert_eq!((first.plan.as_str(), first.at), ("free", month(0).end));
}

#[tokio::test]
async fn an_unknown_plan_is_missing_unless_the_subscription_is_over() {
    let model = paying_for("max").await;
    let refused = change(&model).lower(account(), "gold").await.unwrap_err();
    assert_eq!(refused.code(), "NOT_FOUND");
    model.clock().advance(Duration::days(60));
    let refused = change(&model).lower(account(), "gold").await.unwrap_err();
    assert_eq!(refused.code(), "SUBSCRIPTION_INACTIVE");
}

#[tokio::test]
async fn nothing_is_written_where_teams_block() {
    let model = paying_for("pro").await;
    let team = TeamLoad {
        team: Id::new(Uuid::from_u128(7)),
        seats: 2,
    };
    model.set(|stored| stored.teams.push(team));
    let refused = change(&model).cancel(account()).await.unwrap_err();
    assert_eq!(refused.code(), "PLAN_CHANGE_BLOCKED_ACTIVE_TEAMS");
    assert_eq!(model.get().subscription.scheduled_action, None);
    assert_eq!(wish(&model), Wish::Charge("pro".to_owned()));
}

fn order(plan: &str) -> PurchaseOrder {
    PurchaseOrder {
        account: account(),
        plan: plan.to_owned(),
        email: "ana@example.com".to_owned(),
        name: "Ana".to_owned(),
    }
}

fn shop(model: &Model, provider: MockPaymentProvider) -> BuyPlan {
    let portal = "https://portal.example".to_owned();
    BuyPlan::new(model.ports(), Arc::new(provider), portal)
}

fn provider(name: BillingProvider) -> MockPaymentProvider {
    let mut provider = MockPaymentProvider::new();
    provider.expect_name().return_const(name);
    provider
}

fn selling() -> Model {
    let text = crate::catalogue::DEFAULT.replacen(
        "name = \"Pro\"\n",
        "name = \"Pro\"\nproducts = { stripe = \"price_pro\" }\n",
        1,
    );
    Model::on("free").offering(crate::catalogue::Catalogue::parse(&text).unwrap())
}

/// How many purchases were begun since tests did.
fn begun(model: &Model) -> usize {
    let stored = model.get();
    let new = stored.checkouts.iter().filter(|it| it.created_at >= START);
    new.count()
}

#[tokio::test]
async fn a_purchase_leads_to_one_page_and_changes_nothing_yet() {
    let model = selling();
    let mut stripe = provider(BillingProvider::Stripe);
    let asked = stripe.expect_checkout().times(1);
    asked.returning(|order| {
        assert_eq!(
            (order.product.as_str(), order.plan.as_str()),
            ("price_pro", "pro")
        );
        assert_eq!(
            order.success_url,
            "https://portal.example/billing?success=true"
        );
        assert_eq!(
            order.cancel_url,
            "https://portal.example/billing?cancelled=true"
        );
        let (reference, url) = ("cs_1".to_owned(), "https://pay.example/1".to_owned());
        Ok(Some(CheckoutPage { reference, url }))
    });
    let shop = shop(&model, stripe);
    let first = shop.begin(order("pro")).await.unwrap();
    assert_eq!(first.url.as_deref(), Some("https://pay.example/1"));
    assert_eq!(
        shop.begin(order("pro")).await.unwrap(),
        first,
        "two pages would be paid twice"
    );
    assert_eq!((model.code().as_str(), begun(&model)), ("free", 1));
}

#[tokio::test]
async fn whoever_is_refused_a_second_page_is_shown_the_first() {
    let model = selling();
    let mut stripe = provider(BillingProvider::Stripe);
    let other = model.clone();
    stripe.expect_checkout().returning(move |order| {
        // The other call ends meanwhile.
        other.set(|stored| {
            let begun = stored.checkouts.iter_mut();
            for it in begun.filter(|it| it.id == order.checkout) {
                it.page = Some(CheckoutPage {
                    reference: "cs_1".to_owned(),
                    url: "https://pay.example/1".to_owned(),
                });
            }
        });
        Err(ProviderError::Refused("409".to_owned()))
    });
    let shown = shop(&model, stripe).begin(order("pro")).await.unwrap();
    assert_eq!(shown.url.as_deref(), Some("https://pay.example/1"));
}

#[tokio::test]
async fn where_the_operator_confirms_there_is_no_page() {
    let model = Model::on("free");
    let mut manual = provider(BillingProvider::Manual);
    manual.expect_checkout().returning(|_| Ok(None));
    let purchase = shop(&model, manual).begin(order("max")).await.unwrap();
    assert_eq!((purchase.url, purchase.plan.as_str()), (None, "max"));
    assert_eq!(begun(&model), 1, "the operator sees who wants what");
}

#[tokio::test]
async fn trouble_of_a_provider_has_its_code() {
    let model = selling();
    let mut stripe = provider(BillingProvider::Stripe);
    stripe
        .expect_checkout()
        .returning(|_| Err(ProviderError::TimedOut));
    let shop = shop(&model, stripe);
    let refused = |plan: &'static str| async { shop.begin(order(plan)).await.unwrap_err().code() };
    assert_eq!(refused("pro").await, "PROVIDER_TIMEOUT");
    assert_eq!(
        refused("max").await,
        "INTERNAL_ERROR",
        "it has no price there"
    );
    assert_eq!(refused("gold").await, "NOT_FOUND");
    assert_eq!(refused("free").await, "BAD_REQUEST");
}
