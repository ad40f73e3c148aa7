//! Plans, subscriptions and payments.

use std::sync::Arc;

use msgflash_billing::{
    BillingError, BillingProvider, BillingReader, Features, Limits, PaymentStatus, ScheduledAction,
    SetPlan, SubscriptionStatus, SubscriptionUnits,
};
use msgflash_kernel::{AccountId, Workspace};
use time::Duration;

use crate::stage::{NOW, Stage, clock, fresh};

mod agreements;
mod books;
mod catalogue;
mod checkouts;
mod effects;
mod events;
mod holdings;
mod meters;
mod notices;
mod places;
mod queue;
mod side_by_side;
mod standings;

fn limits(counts: [u32; 7], groups: Option<u32>) -> Limits {
    let [instances, keys, endpoints, outbound, requests, teams, seats] = counts.map(Some);
    Limits {
        max_instances: instances,
        max_api_keys: keys,
        max_webhook_endpoints: endpoints,
        max_contact_groups: groups,
        monthly_outbound_quota: outbound,
        monthly_api_request_quota: requests,
        max_teams: teams,
        max_seats_per_team: seats,
    }
}

#[tokio::test]
async fn the_plans_on_offer_are_the_default_catalogue() {
    let stage = Stage::new().await;
    let offered = stage.postgres.active_plans().await.expect("read");
    let everything = Features {
        campaigns: true,
        statuses: true,
        voice_notes: true,
        webhooks: true,
        number_lookups: true,
    };
    let expected = [
        (
            "free",
            "Free",
            0,
            limits([1, 1, 3, 500, 500, 0, 0], Some(10)),
        ),
        (
            "pro",
            "Pro",
            19,
            limits([5, 5, 15, 50_000, 150_000, 2, 4], Some(50)),
        ),
        (
            "max",
            "MAX",
            39,
            limits([20, 10, 50, 150_000, 500_000, 4, 8], None),
        ),
    ];
    assert_eq!(offered.len(), expected.len());
    for (rank, (plan, (code, name, price, limits))) in (0..).zip(offered.iter().zip(expected)) {
        assert_eq!(
            (plan.code.as_str(), plan.name.as_str(), plan.price),
            (code, name, price)
        );
        assert_eq!(
            (plan.currency.as_str(), plan.is_active, plan.rank),
            ("EUR", true, rank)
        );
        assert_eq!(plan.limits, limits, "{code}");
        assert_eq!(
            plan.features,
            Features {
                statuses: rank > 0,
                ..everything
            },
            "{code}"
        );
    }
}

#[tokio::test]
async fn a_new_version_is_offered_and_the_old_one_kept_by_its_holders() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let units = Arc::new(stage.postgres.clone());
    let before = SetPlan::new(units.clone(), clock())
        .set(account, "pro")
        .await
        .expect("set");
    stage
        .session()
        .await
        .batch_execute(
            "CREATE TEMP TABLE next AS SELECT * FROM plans WHERE code = 'pro'; \
             UPDATE next SET id = gen_random_uuid(), version = 2, price = 25; \
             INSERT INTO plans SELECT * FROM next",
        )
        .await
        .expect("a new version");

    let offered = stage.postgres.active_plans().await.expect("read");
    let prices: Vec<_> = offered
        .iter()
        .map(|plan| (plan.code.as_str(), plan.price))
        .collect();
    assert_eq!(prices, [("free", 0), ("pro", 25), ("max", 39)]);
    let held = stage
        .postgres
        .entitlement(account)
        .await
        .expect("read")
        .expect("held");
    assert_eq!(held.plan, before.plan);
    let after = SetPlan::new(units, clock())
        .set(account, "pro")
        .await
        .expect("set");
    assert_eq!(after.plan.price, 25);
}

#[tokio::test]
async fn a_subscription_keeps_everything_that_is_saved() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let mut unit = SubscriptionUnits::begin(&stage.postgres)
        .await
        .expect("a unit");
    let mut changed = unit
        .subscriptions()
        .lock(account)
        .await
        .expect("read")
        .expect("a subscription");
    changed.status = SubscriptionStatus::PastDue;
    changed.provider = BillingProvider::Stripe;
    changed.period_end = Some(NOW + Duration::days(30));
    changed.cancel_at_period_end = true;
    changed.scheduled_plan = Some("free".to_owned());
    changed.scheduled_at = changed.period_end;
    changed.scheduled_action = Some(ScheduledAction::Cancel);
    changed.past_due_since = Some(NOW);
    unit.subscriptions().save(&changed).await.expect("saved");
    unit.commit().await.expect("committed");
    let held = stage
        .postgres
        .entitlement(account)
        .await
        .expect("read")
        .expect("held");
    assert_eq!(held.subscription, changed);

    // What is no longer planned goes away again.
    let set = SetPlan::new(Arc::new(stage.postgres.clone()), clock());
    let expected = set.set(account, "max").await.expect("set");
    let held = stage.postgres.entitlement(account).await.expect("read");
    assert_eq!(held, Some(expected));
}

#[tokio::test]
async fn retired_and_unknown_plans_cannot_be_set() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let set = SetPlan::new(Arc::new(stage.postgres.clone()), clock());
    for code in ["starter", "plus", "gold"] {
        let refused = set.set(account, code).await;
        assert!(
            matches!(refused, Err(BillingError::UnknownPlan(_))),
            "{code}"
        );
    }
    let refused = set.set(fresh(), "pro").await;
    assert!(matches!(refused, Err(BillingError::NoSubscription)));
    assert_eq!(
        stage.postgres.entitlement(fresh()).await.expect("read"),
        None
    );
}

async fn pay(stage: &Stage, account: AccountId, count: i32) {
    stage
        .session()
        .await
        .execute(
            "INSERT INTO payments (id, account_id, provider, plan_code, plan_name, amount, \
               currency, status, created_at) \
             SELECT gen_random_uuid(), $1::text::uuid, 'dodo', 'pro', 'Pro', 1000 + n, 'EUR', \
               'succeeded', timestamptz '2026-05-01' + n / 2 * interval '1 day' \
             FROM generate_series(1, $2::int) n",
            &[&account.to_string(), &count],
        )
        .await
        .expect("payments");
}

#[tokio::test]
async fn payments_come_in_pages_newest_first() {
    let stage = Stage::new().await;
    let account = Workspace::personal(stage.user("lea@shop.test").await.id).account;
    let other = Workspace::personal(stage.user("max@shop.test").await.id).account;
    pay(&stage, account, 5).await;
    pay(&stage, other, 3).await;

    let mut amounts = Vec::new();
    for (page, length) in [(1, 2), (2, 2), (3, 1), (4, 0)] {
        let found = stage
            .postgres
            .payments(account, page, 2)
            .await
            .expect("read");
        assert_eq!(
            (found.payments.len(), found.total),
            (length, 5),
            "page {page}"
        );
        amounts.extend(found.payments.iter().map(|payment| payment.amount));
        let ends_in_order = found
            .payments
            .is_sorted_by(|one, next| one.created_at >= next.created_at);
        assert!(ends_in_order, "page {page}");
    }
    // Two of them share each moment: no page repeats or misses one.
    amounts.sort_unstable();
    assert_eq!(amounts, [1001, 1002, 1003, 1004, 1005]);
    let first = stage
        .postgres
        .payments(account, 1, 1)
        .await
        .expect("read")
        .payments
        .remove(0);
    assert_eq!(
        (first.provider.as_str(), first.status),
        ("dodo", PaymentStatus::Succeeded)
    );
}
