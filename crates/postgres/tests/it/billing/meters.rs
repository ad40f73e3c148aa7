//! What is worth telling of a month's allowances.

use std::sync::Arc;

use msgflash_billing::{Meter, MeterReader as _, MeterReading, Threshold, WatchQuota};
use msgflash_kernel::{AccountId, Tick};

use super::books::{Books, account};

const MAY: i32 = 202_605;

async fn use_up(books: &Books, account: AccountId, messages: i64, requests: i64) {
    let statements = format!(
        "INSERT INTO usage_settled (account_id, period, messages, statuses, released) \
           VALUES ('{account}', {MAY}, {messages} - 1, 1, 7), ('{account}', 202604, 900, 0, 0) \
           ON CONFLICT (account_id, period) DO UPDATE SET messages = excluded.messages; \
         DELETE FROM api_usage WHERE account_id = '{account}'; \
         INSERT INTO api_usage (account_id, period, key_id, request_count, last_request_at) \
           SELECT '{account}', {MAY}, gen_random_uuid(), n, now() \
           FROM unnest(ARRAY[{requests} - 1, 1]) n"
    );
    books.run(&statements).await;
}

async fn found(books: &Books, period: i32) -> Vec<MeterReading> {
    let found = books.postgres().worth_a_look(period, 100).await;
    found.expect("read")
}

#[tokio::test]
async fn what_is_found_is_what_the_rule_tells() {
    let books = Books::new().await;
    // The plan allows 500 of each.
    for used in [1, 399, 400, 499, 500, 700] {
        for told in [None, Some(Threshold::Near), Some(Threshold::Full)] {
            use_up(&books, books.account, used, used).await;
            let percent = told.map_or(0, Threshold::percent);
            let set = format!(
                "DELETE FROM quota_notices; INSERT INTO quota_notices \
                   SELECT '{}', {MAY}, m, {percent} FROM unnest(ARRAY['outbound', 'api_requests']) m",
                books.account
            );
            books.run(&set).await;
            let used = used.unsigned_abs();
            let expected = Threshold::newly(used, Some(500), told).map(|_| (used, Some(500)));
            let all = found(&books, MAY).await;
            for meter in [Meter::Outbound, Meter::ApiRequests] {
                let it = all.iter().find(|it| it.meter == meter);
                let it = it.map(|it| (it.used, it.limit));
                assert_eq!(it, expected, "{used} {told:?} {meter:?}");
            }
        }
    }
}

#[tokio::test]
async fn each_account_and_month_stands_for_itself() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let unlimited = account(&books.stage, "ada@shop.test").await;
    books
        .run(&format!(
            "UPDATE plans SET monthly_outbound_quota = NULL, monthly_api_request_quota = 0 \
               WHERE code = 'max'; \
             UPDATE subscriptions SET plan_id = (SELECT id FROM plans WHERE code = 'max') \
               WHERE account_id = '{unlimited}'"
        ))
        .await;
    use_up(&books, books.account, 450, 10).await;
    use_up(&books, other, 10, 10).await;
    use_up(&books, unlimited, 1_000_000, 1_000_000).await;
    let expected = MeterReading {
        account: books.account,
        period: MAY,
        meter: Meter::Outbound,
        used: 450,
        limit: Some(500),
    };
    assert_eq!(found(&books, MAY).await, [expected]);
    assert!(found(&books, 202_606).await.is_empty());
}

#[tokio::test]
async fn two_processes_tell_of_a_threshold_once() {
    let books = Books::new().await;
    use_up(&books, books.account, 400, 10).await;
    let watch = || {
        let readings = Arc::new(books.postgres().clone());
        WatchQuota::new(books.ports(), readings)
    };
    let (one, other) = (watch(), watch());
    let (one, other) = tokio::join!(one.tick(MAY), other.tick(MAY));
    one.expect("a look");
    other.expect("a look");
    assert_eq!(books.told().await, ["quota_reached"]);
    assert_eq!(watch().tick(MAY).await.expect("a look"), Tick::Idle);
    use_up(&books, books.account, 500, 10).await;
    assert_eq!(watch().tick(MAY).await.expect("a look"), Tick::Did(1));
    assert_eq!(books.told().await, ["quota_reached", "quota_reached"]);
}
