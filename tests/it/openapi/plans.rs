//! What the document says of answers about plans, and of what is told about them, is so.

use blackbox::{Person, Stack};
use serde_json::{Value, json};

use super::document;
use super::teams::check;

#[tokio::test(flavor = "multi_thread")]
async fn answers_about_plans_have_the_members_and_types_the_document_says() {
    let stack = Stack::for_people(&[]).await;
    let document = document(&stack).await;
    let person = Person::on(&stack, "pro").await;
    let account = person.account.user.uuid();
    // Paid for a while, so that changes wait.
    let paid =
        "UPDATE subscriptions SET period_end = now() + interval '20 days' WHERE account_id = $1";
    assert_eq!(stack.sql(paid, &[&account]).await, 1);
    let tell = "INSERT INTO notices (id, account_id, workspace_id, kind, subject, data, at) \
        VALUES (gen_random_uuid(), $1, $1, 'subscription_expired', 'Over', '{}', now())";
    assert_eq!(stack.sql(tell, &[&account]).await, 1);
    let console = &person.console;
    let keep = "/api/billing/cancel-scheduled-change";
    let max = json!({ "planCode": "max" });
    for (method, path, body) in [
        ("GET", "/api/billing/plans", Value::Null),
        ("POST", "/api/billing/checkout", max),
        ("POST", "/api/billing/cancel", Value::Null),
        ("GET", "/api/billing/subscription", Value::Null),
        ("POST", keep, Value::Null),
        ("GET", "/api/billing/usage", Value::Null),
        ("GET", "/api/billing/payments", Value::Null),
        ("GET", "/api/subscriptions/me", Value::Null),
        ("GET", "/api/usage", Value::Null),
    ] {
        check(&document, console, (method, path, vec![], body)).await;
    }
    let listed = ("GET", "/api/notifications", vec![], Value::Null);
    let listed = check(&document, console, listed).await;
    let id = blackbox::id_of(&listed["notifications"][0]);
    let read = "/api/notifications/{id}/read";
    check(
        &document,
        console,
        ("POST", read, vec![id.as_str()], Value::Null),
    )
    .await;
    let all = ("POST", "/api/notifications/read-all", vec![], Value::Null);
    check(&document, console, all).await;
    let above = Person::on(&stack, "max").await;
    let lower = (
        "POST",
        "/api/billing/downgrade",
        vec![],
        json!({ "plan": "pro" }),
    );
    check(&document, &above.console, lower).await;
}
