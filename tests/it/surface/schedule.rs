//! `POST /api/v1/messages/schedule`.

use blackbox::{Client, Stack};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

use super::{text, with};

const SCHEDULE: &str = "/api/v1/messages/schedule";

#[expect(
    clippy::disallowed_methods,
    reason = "the server's clock is the real one here"
)]
fn ahead(span: Duration) -> String {
    (OffsetDateTime::now_utc() + span)
        .format(&Rfc3339)
        .expect("a date")
}

async fn refuses(client: &Client, body: &Value, fields: &[&str]) {
    let reply = client.post(SCHEDULE, body).await;
    assert_eq!(
        reply.outcome(),
        (400, "VALIDATION_ERROR"),
        "{body}: {reply:?}"
    );
    assert_eq!(reply.fields(), fields, "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn moments_are_read_in_utc_and_kept_to_the_millisecond() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let at = |text: &str| json!({ "scheduledAt": text });
    let day = ahead(Duration::days(30))[..10].to_owned();
    let written = [
        (
            format!("{day}T10:00:00.000Z"),
            format!("{day}T10:00:00.000Z"),
        ),
        (format!("{day}T10:00:00Z"), format!("{day}T10:00:00.000Z")),
        (
            format!("{day}T12:00:00+02:00"),
            format!("{day}T10:00:00.000Z"),
        ),
        (format!("{day}T10:00:00"), format!("{day}T10:00:00.000Z")),
        (
            format!("{day}T10:00:00.123456Z"),
            format!("{day}T10:00:00.123Z"),
        ),
    ];
    for (given, shown) in written {
        let body = with(text(&instance, "+33612345678"), &at(&given));
        let reply = account.client.post(SCHEDULE, &body).await;
        assert_eq!(reply.status, 201, "{given}: {reply:?}");
        assert_eq!(reply.data()["scheduledAt"], shown, "{given}");
        assert_eq!(reply.data()["status"], "queued");
    }
    let past = with(text(&instance, "+33612345678"), &at("2020-01-01T00:00:00Z"));
    assert_eq!(
        account.client.post(SCHEDULE, &past).await.status,
        201,
        "past means now"
    );
    let year = with(
        text(&instance, "+33612345678"),
        &at(&ahead(Duration::days(364))),
    );
    assert_eq!(account.client.post(SCHEDULE, &year).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_needed_readable_and_within_a_year() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await.id.to_string();
    let body = text(&instance, "+33612345678");
    refuses(&account.client, &body, &["scheduledAt"]).await;
    let far = ahead(Duration::days(366));
    let bad = [
        json!(null),
        json!(""),
        json!("tomorrow"),
        json!(1_775_124_000),
        json!("2026-13-01T00:00:00Z"),
        json!("2027-02-30T00:00:00Z"),
        json!([]),
        json!(true),
        json!(far),
        json!("9999-12-31T23:59:59Z"),
    ];
    for at in bad {
        refuses(
            &account.client,
            &with(body.clone(), &json!({ "scheduledAt": at })),
            &["scheduledAt"],
        )
        .await;
    }
    let wrong = json!({ "instanceId": "x", "to": 1, "type": "text", "scheduledAt": "soon" });
    let reply = account.client.post(SCHEDULE, &wrong).await;
    let mut fields = reply.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["instanceId", "scheduledAt", "text", "to"]);
    let kept = "SELECT (SELECT count(*) FROM messages) + (SELECT count(*) FROM queue)";
    assert_eq!(stack.count(kept, &[]).await, 0);
}
