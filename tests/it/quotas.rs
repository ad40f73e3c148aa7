//! Monthly limits, at their edges and under parallel requests.

use std::time::Duration;

use blackbox::calendar::now;
use blackbox::work::Ledger;
use blackbox::{Account, Stack, eventually, id_of, moment_in, text};
use serde_json::json;
use time::Time;

const SEND: &str = "/api/v1/messages/send";

async fn limit(stack: &Stack, outbound: i32) {
    let set = "UPDATE plans SET monthly_outbound_quota = $1 WHERE code = 'pro'";
    assert_eq!(stack.sql(set, &[&outbound]).await, 1);
}

/// The ledger is what a recount of the messages says.
async fn assert_recount(stack: &Stack, account: &Account) {
    let count = |condition: &'static str| async move {
        let text = format!(
            "SELECT count(*) FROM messages WHERE account_id = $1 AND NOT inbound AND {condition}"
        );
        stack.count(&text, &[&account.user.uuid()]).await
    };
    let used = count("status IN (1, 2, 3)").await;
    let failed = count("status = 4").await;
    let queued = count("status = 0 AND scheduled_at IS NULL").await;
    let expected = Ledger {
        used,
        reserved: queued,
        released: failed,
    };
    assert_eq!(stack.ledger(account).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_at_once_at_an_edge_of_ten_are_ten() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    limit(&stack, 10).await;
    let mut calls = tokio::task::JoinSet::new();
    for n in 0..50 {
        let (client, body) = (
            account.client.clone(),
            text(&instance, &format!("+336123456{n:02}"), "Hi"),
        );
        calls.spawn(async move { client.post(SEND, &body).await });
    }
    let replies = calls.join_all().await;
    let accepted: Vec<_> = replies.iter().filter(|reply| reply.status == 201).collect();
    assert_eq!(accepted.len(), 10);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(refused.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
        assert!(
            refused
                .header("retry-after")
                .parse::<u64>()
                .is_ok_and(|wait| wait > 0)
        );
    }
    for reply in accepted {
        account
            .client
            .wait_message(&id_of(reply.data()), "read")
            .await;
    }
    let messages = "SELECT count(*) FROM messages";
    assert_eq!(
        stack.count(messages, &[]).await,
        10,
        "a refusal leaves no row"
    );
    assert_recount(&stack, &account).await;
    let usage = account.usage().await;
    assert_eq!(usage["messagesCount"], 10);
    assert_eq!(usage["effectiveOutboundUsage"], 10);
    assert_eq!(usage["statusesCount"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_fails_makes_room_for_another() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    limit(&stack, 1).await;
    let failed = account.client.text(&instance, "+15550100010", "Hi").await;
    account.client.wait_message(&failed, "failed").await;
    let sent = account.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&sent, "read").await;
    let full = account
        .client
        .post(SEND, &text(&instance, "+33612345678", "Hi"))
        .await;
    assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    assert_recount(&stack, &account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_holds_its_place() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    limit(&stack, 2).await;
    stack.fault(json!({ "fault": "license_required" })).await;
    for _ in 0..2 {
        account.client.text(&instance, "+33612345678", "Hi").await;
    }
    let full = account
        .client
        .post(SEND, &text(&instance, "+33612345678", "Hi"))
        .await;
    assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    assert_eq!(
        account.usage().await["messagesCount"],
        0,
        "reserved is not used"
    );
    assert_recount(&stack, &account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_is_checked_twice_and_reserved_when_due() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    limit(&stack, 1).await;
    let schedule = async |seconds| {
        let at = moment_in(Duration::from_secs(seconds));
        account
            .client
            .schedule(&text(&instance, "+33612345678", "Hi"), &at)
            .await
    };
    // Both pass the check, because neither reserves.
    let (first, second) = (id_of(&schedule(1).await), id_of(&schedule(2).await));
    assert_eq!(stack.ledger(&account).await.reserved, 0);
    account.client.wait_message(&first, "read").await;
    let failed = account.client.wait_message(&second, "failed").await;
    assert_eq!(failed["meta"]["code"], "MONTHLY_OUTBOUND_QUOTA_EXCEEDED");
    assert_eq!(failed["error"], "Monthly outbound quota exceeded");
    assert_eq!(
        stack.ledger(&account).await,
        Ledger {
            used: 1,
            reserved: 0,
            released: 0
        }
    );
    assert_eq!(stack.received_by("+33612345678").await.len(), 1);
    assert_eq!(stack.told("message.failed", &second).await, 1);
    // Used up, the first of the two checks refuses.
    let body = {
        let mut body = text(&instance, "+33612345678", "Hi");
        body["scheduledAt"] = json!(moment_in(Duration::from_mins(1)));
        body
    };
    let full = account
        .client
        .post("/api/v1/messages/schedule", &body)
        .await;
    assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_personal_and_a_team_workspace_share_the_owners_quota() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let team = account.team(&stack).await;
    let instance = account.connected(&stack).await;
    limit(&stack, 2).await;
    let mine = account.client.text(&instance, "+33612345678", "Hi").await;
    let ours = team.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&mine, "read").await;
    team.client.wait_message(&ours, "read").await;
    for client in [&account.client, &team.client] {
        let full = client
            .post(SEND, &text(&instance, "+33612345678", "Hi"))
            .await;
        assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    }
    assert_eq!(account.usage().await["messagesCount"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_monthly_number_of_requests_is_exact() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let quota = "UPDATE plans SET monthly_api_request_quota = $1 WHERE code = 'pro'";
    stack.sql(quota, &[&7_i32]).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let client = account.client.clone();
        calls.spawn(async move { client.get("/api/v1/messages").await });
    }
    let replies = calls.join_all().await;
    assert_eq!(
        replies.iter().filter(|reply| reply.status == 200).count(),
        7
    );
    for refused in replies.iter().filter(|reply| reply.status != 200) {
        assert_eq!(
            refused.outcome(),
            (429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED")
        );
        assert!(
            refused
                .header("retry-after")
                .parse::<u64>()
                .is_ok_and(|wait| wait > 0)
        );
    }
    stack.sql(quota, &[&100_i32]).await;
    // What was refused for the quota did not count; this call itself does.
    assert_eq!(account.usage().await["apiRequestsCount"], 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_forgets_no_request_and_no_message() {
    let mut stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    let id = account.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&id, "read").await;
    let before = account.usage().await;
    stack.stop_server().await;
    stack.start_server().await;
    let client = stack.client(&account.key);
    let after = client.get("/api/v1/usage").await.data()["usage"].clone();
    assert_eq!(after["messagesCount"], before["messagesCount"]);
    let count = |usage: &serde_json::Value| usage["apiRequestsCount"].as_u64().unwrap_or_default();
    assert_eq!(count(&after), count(&before) + 1);
}

/// How many seconds of this month of UTC are left.
fn left() -> i64 {
    let now = now();
    let first = now.replace_day(1).expect("every month has a first");
    let next = first.replace_time(Time::MIDNIGHT) + time::Duration::days(31);
    let next = next.replace_day(1).expect("every month has a first");
    (next - now).whole_seconds()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_spent_a_month_is_told_to_wait_for_the_next() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.instance(&stack).await;
    limit(&stack, 0).await;
    let most = left();
    let message = text(&instance, "+33612345678", "Hi");
    let full = account.client.post(SEND, &message).await;
    let none = "UPDATE plans SET monthly_api_request_quota = 0 WHERE code = 'pro'";
    assert_eq!(stack.sql(none, &[]).await, 1);
    let closed = account.client.get("/api/v1/usage").await;
    let least = left();
    for (refused, code) in [
        (full, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"),
        (closed, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"),
    ] {
        assert_eq!(refused.outcome(), (429, code));
        let wait: i64 = refused.header("retry-after").parse().expect("seconds");
        // Clients see whole seconds, the last one begun.
        let wanted = least..=most + 1;
        assert!(wanted.contains(&wait), "{code}: {wait} of {wanted:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_month_begins_at_zero() {
    let stack = Stack::start().await;
    let account = stack.account("pro").await;
    let instance = account.connected(&stack).await;
    limit(&stack, 1).await;
    let sent = account.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&sent, "read").await;
    let body = text(&instance, "+33612345678", "Hi");
    let full = account.client.post(SEND, &body).await;
    assert_eq!(full.outcome(), (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"));
    let used = account.usage().await["apiRequestsCount"].as_i64();
    let quota = "UPDATE plans SET monthly_api_request_quota = $1 WHERE code = 'pro'";
    stack.sql(quota, &[&1_i32]).await;
    let closed = account.client.get("/api/v1/usage").await;
    assert_eq!(
        closed.outcome(),
        (429, "MONTHLY_API_REQUEST_QUOTA_EXCEEDED")
    );
    eventually("all requests are stored", async || {
        let stored = "SELECT coalesce(sum(request_count), 0)::bigint FROM api_usage \
                      WHERE account_id = $1";
        let stored = stack.count(stored, &[&account.user.uuid()]).await;
        (Some(stored) == used).then_some(())
    })
    .await;
    stack.next_month(account.user.uuid()).await;
    // The server asks again for what it remembers of those who are quiet.
    let usage = eventually("requests are possible again", async || {
        let reply = account.client.get("/api/v1/usage").await;
        (reply.status == 200).then(|| reply.data()["usage"].clone())
    })
    .await;
    assert_eq!(usage["apiRequestsCount"], 1, "{usage}");
    assert_eq!(usage["messagesCount"], 0, "{usage}");
    stack.sql(quota, &[&1000_i32]).await;
    let sent = account.client.text(&instance, "+33612345678", "Hi").await;
    account.client.wait_message(&sent, "read").await;
    assert_eq!(account.usage().await["messagesCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_do_in_the_console_is_no_request_of_a_program() {
    let stack = Stack::for_people(&[]).await;
    let account = stack.account("pro").await;
    let console = account.signed_in(&stack).await;
    assert_eq!(account.usage().await["apiRequestsCount"], 1);
    for path in [
        "/api/usage",
        "/api/billing/usage",
        "/api/billing/subscription",
        "/api/instances",
        "/api/contacts",
        "/api/api-keys",
    ] {
        let read = console.get(path).await;
        assert_eq!(read.status, 200, "{path}: {read:?}");
    }
    let shown = console.get("/api/usage").await;
    assert_eq!(shown.data()["apiRequestsCount"], 1, "{shown:?}");
    assert_eq!(account.usage().await["apiRequestsCount"], 2);
}
