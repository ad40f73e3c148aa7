//! Plans, subscriptions and payments.

use msgflash_billing::{
    AssignPlan, BillingError, BillingProvider, BillingReader, Features, Limits, PaymentStatus,
    PlanChangeError, ScheduledAction, SubscriptionStatus,
};
use msgflash_kernel::{AccountId, Workspace};
use time::Duration;

use self::books::Books;
use crate::stage::{NOW, Stage, fresh};

mod agreements;
mod books;
mod catalogue;
mod checkouts;
mod effects;
mod events;
mod holdings;
mod meters;
mod notices;
mod operator;
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
    let books = Books::new().await;
    let assign = AssignPlan::new(books.ports());
    let before = assign.assign(books.account, "pro").await.expect("assigned");
    books
        .run(
            "CREATE TEMP TABLE next AS SELECT * FROM plans WHERE code = 'pro'; \
             UPDATE next SET id = gen_random_uuid(), version = 2, price = 25; \
             INSERT INTO plans SELECT * FROM next",
        )
        .await;

    let offered = books.postgres().active_plans().await.expect("read");
    let prices: Vec<_> = offered
        .iter()
        .map(|plan| (plan.code.as_str(), plan.price))
        .collect();
    assert_eq!(prices, [("free", 0), ("pro", 25), ("max", 39)]);
    assert_eq!(books.held(books.account).await.plan, before.plan);
    let after = assign.assign(books.account, "pro").await.expect("assigned");
    assert_eq!(after.plan.price, 25);
}

#[tokio::test]
async fn a_subscription_keeps_everything_that_is_saved() {
    let books = Books::new().await;
    let mut changed = books.standing().await.subscription;
    changed.status = SubscriptionStatus::PastDue;
    changed.provider = BillingProvider::Stripe;
    changed.period_end = Some(NOW + Duration::days(30));
    changed.cancel_at_period_end = true;
    changed.scheduled_plan = Some("free".to_owned());
    changed.scheduled_at = changed.period_end;
    changed.scheduled_action = Some(ScheduledAction::Cancel);
    changed.past_due_since = Some(NOW);
    let mut unit = books.unit().await;
    unit.standings().save(&changed).await.expect("saved");
    unit.commit().await.expect("committed");
    assert_eq!(books.held(books.account).await.subscription, changed);

    // What is no longer planned goes away again.
    let assign = AssignPlan::new(books.ports());
    let expected = assign.assign(books.account, "max").await.expect("assigned");
    assert_eq!(books.held(books.account).await, expected);
}

#[tokio::test]
async fn retired_and_unknown_plans_cannot_be_assigned() {
    let books = Books::new().await;
    let assign = AssignPlan::new(books.ports());
    for code in ["starter", "plus", "gold"] {
        let refused = assign.assign(books.account, code).await;
        let unknown = PlanChangeError::Billing(BillingError::UnknownPlan(code.to_owned()));
        let refused = refused.expect_err(code).to_string();
        assert_eq!(refused, unknown.to_string());
    }
    let refused = assign.assign(fresh(), "pro").await;
    assert!(matches!(
        refused,
        Err(PlanChangeError::Billing(BillingError::NoSubscription))
    ));
    let nobody = books.postgres().entitlement(fresh()).await.expect("read");
    assert_eq!(nobody, None);
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
