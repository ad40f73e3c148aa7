//! `/api/v1/billing`: plans, subscription and payments.

use blackbox::{Account, Stack};
use serde_json::{Value, json};

use super::text;

#[tokio::test(flavor = "multi_thread")]
async fn three_plans_are_on_offer_with_their_numbers() {
    let stack = Stack::start().await;
    let account = stack.account("free").await;
    let reply = account.client.get("/api/v1/billing/plans").await;
    let plan = |code: &str, name: &str, price: u32, limits: [Value; 8], statuses: bool| {
        let [
            instances,
            keys,
            hooks,
            groups,
            outbound,
            requests,
            teams,
            seats,
        ] = limits;
        json!({
            "code": code, "name": name, "priceEur": price, "currency": "EUR", "isActive": true,
            "limits": {
                "maxInstances": instances, "maxApiKeys": keys, "maxWebhookEndpoints": hooks,
                "maxContactGroups": groups, "monthlyOutboundQuota": outbound,
                "monthlyApiRequestQuota": requests, "maxTeams": teams, "maxSeatsPerTeam": seats,
            },
            "features": {
                "campaigns": true, "statuses": statuses, "voiceNotes": true, "webhooks": true,
                "numberLookups": true,
            },
        })
    };
    let free = [1, 1, 3, 10, 500, 500, 0, 0].map(|it| json!(it));
    let pro = [5, 5, 15, 50, 50_000, 150_000, 2, 4].map(|it| json!(it));
    let mut max = [20, 10, 50, 0, 150_000, 500_000, 4, 8].map(|it| json!(it));
    max[3] = Value::Null;
    let expected = [
        plan("free", "Free", 0, free, false),
        plan("pro", "Pro", 19, pro, true),
        plan("max", "MAX", 39, max, true),
    ];
    let mut shown = reply.data().as_array().expect("a plain array").clone();
    for plan in &mut shown {
        let id = plan
            .as_object_mut()
            .expect("members")
            .remove("id")
            .expect("an id");
        assert!(uuid::Uuid::parse_str(id.as_str().expect("text")).is_ok());
    }
    assert_eq!(shown, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_account_holds_free_without_an_end() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let shown = account.client.get("/api/v1/billing/subscription").await;
    let subscription = &shown.data()["subscription"];
    assert_eq!(subscription["plan"]["code"], "pro");
    assert_eq!(subscription["planId"], subscription["plan"]["id"]);
    assert_eq!(subscription["billingProvider"], "manual", "{shown:?}");

    // Made without a word about plans, as `user create` does.
    let order = msgflash_accounts::UserOrder {
        email: "new@example.test".to_owned(),
        full_name: "New User".to_owned(),
        phone: None,
        password: msgflash_kernel::Secret::new("correct-horse".to_owned()),
        is_verified: true,
    };
    let user = stack
        .server()
        .backend()
        .create_user
        .create(order)
        .await
        .expect("a user");
    stack
        .sql(
            "UPDATE api_keys SET account_id = $1, created_by = $1",
            &[&user.id.uuid()],
        )
        .await;
    let reply = account.client.get("/api/v1/billing/subscription").await;
    let data = reply.data();
    let subscription = &data["subscription"];
    for (member, value) in [
        ("status", json!("active")),
        ("billingProvider", json!("none")),
        ("cancelAtPeriodEnd", json!(false)),
        ("scheduledPlan", Value::Null),
        ("scheduledPlanAt", Value::Null),
        ("scheduledAction", Value::Null),
        ("currentPeriodEnd", Value::Null),
    ] {
        assert_eq!(subscription[member], value, "{member}: {data}");
    }
    assert_eq!(subscription["plan"]["code"], "free");
    assert!(subscription["currentPeriodStart"].is_string() && subscription["id"].is_string());
    assert_eq!(data["usage"]["apiRequestsCount"], 1);
    assert!(data["period"]["start"].is_string());
    assert_eq!(
        account.client.get("/api/v1/me").await.data()["plan"],
        "free"
    );
}

async fn hold(stack: &Stack, account: &Account, change: &str) {
    let change = format!("UPDATE subscriptions SET {change} WHERE account_id = $1");
    assert_eq!(stack.sql(&change, &[&account.user.uuid()]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unusable_subscription_stops_writing_and_never_reading() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let client = &account.client;
    let instance = account.instance(&stack).await.id.to_string();
    let hook = json!({ "url": "https://hooks.example.com/a", "events": ["message.sent"] });
    let made = client.post("/api/v1/webhooks", &hook).await;
    let hook_path = format!(
        "/api/v1/webhooks/{}",
        made.data()["id"].as_str().expect("an id")
    );
    let later = super::with(
        text(&instance, "+33612345678"),
        &json!({ "scheduledAt": "2099-01-01T00:00:00Z" }),
    );
    assert_eq!(
        client
            .post("/api/v1/messages/schedule", &later)
            .await
            .status,
        400,
        "too far"
    );
    let cases = [
        (
            "status = 'active', past_due_since = NULL, period_end = NULL",
            "active",
            true,
        ),
        ("status = 'trialing'", "trialing", true),
        (
            "status = 'past_due', past_due_since = now() - interval '6 days 23 hours'",
            "past_due",
            true,
        ),
        (
            "status = 'past_due', past_due_since = now() - interval '7 days 1 minute'",
            "past_due",
            false,
        ),
        (
            "status = 'cancelled', past_due_since = NULL, period_end = now() + interval '1 day'",
            "cancelled",
            true,
        ),
        ("status = 'expired'", "expired", false),
    ];
    for (change, status, usable) in cases {
        hold(&stack, &account, change).await;
        let sent = client
            .post("/api/v1/messages/send", &text(&instance, "+33612345678"))
            .await;
        if usable {
            assert_eq!(sent.status, 201, "{change}: {sent:?}");
        } else {
            for path in [
                "/api/v1/messages/send",
                "/api/v1/messages/schedule",
                "/api/v1/templates",
                "/api/v1/webhooks",
            ] {
                let refused = client.post(path, &hook).await;
                assert_eq!(
                    refused.outcome(),
                    (403, "SUBSCRIPTION_INACTIVE"),
                    "{change}: {path}"
                );
            }
        }
        for path in [
            "me",
            "usage",
            "billing/plans",
            "billing/subscription",
            "billing/usage",
            "billing/payments",
            "instances",
            "messages",
            "templates",
            "webhooks",
        ] {
            assert_eq!(
                client.get(&format!("/api/v1/{path}")).await.status,
                200,
                "{change}: {path}"
            );
        }
        let shown = client.get("/api/v1/billing/subscription").await;
        assert_eq!(shown.data()["subscription"]["status"], status);
    }
    assert_eq!(
        client.delete(&hook_path).await.status,
        200,
        "deleting stays possible"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_scheduled_is_shown() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    hold(&stack, &account, "provider = 'dodo', period_end = '2099-06-04T11:20:00Z', cancel_at_period_end = true, \
        scheduled_plan = 'free', scheduled_at = '2099-06-04T11:20:00Z', scheduled_action = 'cancel'").await;
    let reply = account.client.get("/api/v1/billing/subscription").await;
    let it = &reply.data()["subscription"];
    assert_eq!(it["currentPeriodEnd"], "2099-06-04T11:20:00.000Z");
    assert_eq!(it["cancelAtPeriodEnd"], true);
    assert_eq!(
        (&it["scheduledPlan"], &it["scheduledAction"]),
        (&json!("free"), &json!("cancel"))
    );
    assert_eq!(it["scheduledPlanAt"], it["currentPeriodEnd"]);
    assert_eq!(it["billingProvider"], "dodo");
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_are_paged_newest_first() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let other = stack.account("pro").await;
    let path = "/api/v1/billing/payments";
    let empty = account.client.get(path).await;
    assert_eq!(
        empty.data(),
        &json!({ "payments": [], "total": 0, "page": 1, "totalPages": 0 })
    );
    let add = "INSERT INTO payments (id, account_id, provider, plan_code, plan_name, amount, currency, status, \
        period_start, period_end, created_at) SELECT gen_random_uuid(), $1, 'dodo', 'starter', 'Starter', \
        900 + n, 'EUR', (ARRAY['succeeded','failed','pending','refunded'])[1 + n % 4], now(), NULL, \
        '2026-01-01T00:00:00Z'::timestamptz + n * interval '1 day' FROM generate_series(0, 44) n";
    stack.sql(add, &[&account.user.uuid()]).await;
    stack
        .sql(&add.replace("44", "2"), &[&other.user.uuid()])
        .await;
    let mut amounts = Vec::new();
    for page in 1..=4 {
        let reply = account.client.get(&format!("{path}?page={page}")).await;
        let data = reply.data();
        assert_eq!(
            (&data["total"], &data["page"], &data["totalPages"]),
            (&json!(45), &json!(page), &json!(3))
        );
        let payments = data["payments"].as_array().expect("an array");
        assert_eq!(payments.len(), [20, 20, 5, 0][page - 1], "page {page}");
        amounts.extend(
            payments
                .iter()
                .map(|it| it["amount"].as_i64().expect("minor units")),
        );
    }
    assert_eq!(amounts, (900..945).rev().collect::<Vec<_>>());
    let one = account.client.get(&format!("{path}?limit=1")).await;
    let shown = one.data()["payments"][0].as_object().expect("members");
    let mut names: Vec<_> = shown.keys().map(String::as_str).collect();
    names.sort_unstable();
    let published = [
        "amount",
        "createdAt",
        "currency",
        "id",
        "periodEnd",
        "periodStart",
        "planCode",
        "planName",
        "provider",
        "status",
    ];
    assert_eq!(names, published);
    assert_eq!(shown["createdAt"], "2026-02-14T00:00:00.000Z");
    assert_eq!(
        (&shown["planCode"], &shown["periodEnd"]),
        (&json!("starter"), &Value::Null)
    );
    let far = account
        .client
        .get(&format!("{path}?page=4294967295&limit=100"))
        .await;
    assert_eq!(far.data()["payments"], json!([]));
    assert_eq!(other.client.get(path).await.data()["total"], 3);
}
