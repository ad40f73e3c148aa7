//! What a plan takes away and gives back.

use msgflash_billing::{ChangePlan, Effects, HeldEndpointId, HeldInstanceId, HeldKeyId};
use msgflash_kernel::Tick;
use msgflash_messaging::InstanceStatus;
use msgflash_messaging::instance::Suspension;
use msgflash_messaging::instance::ports::InstanceUnits;
use time::Duration;
use uuid::Uuid;

use super::books::{Books, account, month};
use super::places::{endpoint, instance, keys, left, look, personal};
use crate::stage::NOW;

#[tokio::test]
async fn a_lower_plan_takes_the_newest_and_a_higher_one_gives_back_what_can_be() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    for account in [books.account, other] {
        books.assign(account, "max").await;
    }
    let mine = personal(books.account);
    let oldest = instance(&books, books.account, 9, "disconnected").await;
    let linked = instance(&books, books.account, 5, "connected").await;
    let newest = instance(&books, books.account, 1, "connected").await;
    let theirs = instance(&books, other, 1, "connected").await;
    let theirs = look(&books, &theirs).await;
    let all = keys(&books, mine, 3).await;
    let their_keys = keys(&books, personal(other), 2).await;
    let mut endpoints = Vec::new();
    for days in 0..5 {
        endpoints.push(endpoint(&books, mine, days, true).await);
        endpoint(&books, personal(other), days, true).await;
    }

    books.assign(books.account, "free").await;
    let kept = look(&books, &linked).await;
    assert_eq!(kept.status, InstanceStatus::Connected, "it was there first");
    for gone in [&oldest, &newest] {
        let it = look(&books, gone).await;
        assert_eq!(it.status, InstanceStatus::Suspended);
        assert_eq!(it.suspended_for, Some(Suspension::Plan));
        assert_eq!(
            it.unlink_since,
            Some(NOW),
            "the phone is yet to be unlinked"
        );
    }
    let told = books.texts("SELECT payload::text FROM events").await;
    let [told] = &told[..] else {
        panic!("one of them was connected, and serves one workspace: {told:?}");
    };
    assert!(told.contains("instance.disconnected") && told.contains(&newest.id.to_string()));
    let (keys_left, endpoints_left) = left(&books, books.account).await;
    assert_eq!(keys_left, [all[2].to_string()], "the oldest");
    let mut expected: Vec<_> = endpoints[2..].iter().map(Uuid::to_string).collect();
    expected.sort_unstable();
    assert_eq!(endpoints_left, expected);
    let reasons = books
        .count("webhook_endpoints WHERE disabled_by_plan AND disabled_reason IS NOT NULL")
        .await;
    assert_eq!(reasons, 2);

    books.assign(books.account, "pro").await;
    for back in [&oldest, &newest] {
        let it = look(&books, back).await;
        assert_eq!(it.status, InstanceStatus::Disconnected);
        assert_eq!(it.suspended_for, None);
    }
    let (keys_left, endpoints_left) = left(&books, books.account).await;
    assert_eq!(keys_left, [all[2].to_string()], "revoked for good");
    assert_eq!(endpoints_left.len(), 5);
    assert_eq!(
        books
            .count("webhook_endpoints WHERE disabled_by_plan")
            .await,
        0
    );

    assert_eq!(look(&books, &theirs).await, theirs);
    let (keys_left, endpoints_left) = left(&books, other).await;
    assert_eq!(
        (keys_left.len(), endpoints_left.len()),
        (their_keys.len(), 5)
    );
}

#[tokio::test]
async fn nobody_changes_what_is_somebody_elses_whatever_they_name() {
    let books = Books::new().await;
    let other = account(&books.stage, "max@shop.test").await;
    let key = keys(&books, personal(other), 1).await[0];
    let on = endpoint(&books, personal(other), 0, true).await;
    let off = endpoint(&books, personal(other), 0, false).await;
    let theirs = instance(&books, other, 0, "connected").await;
    let theirs = look(&books, &theirs).await;
    books
        .run(&format!(
            "UPDATE webhook_endpoints SET disabled_by_plan = true WHERE id = '{off}'"
        ))
        .await;
    let effects = Effects {
        suspend: vec![HeldInstanceId::new(theirs.id.uuid())],
        revoke: vec![HeldKeyId::new(key)],
        disable: vec![HeldEndpointId::new(on)],
        enable: vec![HeldEndpointId::new(off)],
        ..Effects::default()
    };
    let mut unit = books.unit().await;
    let applied = unit.holdings().apply(books.account, &effects, NOW).await;
    applied.expect("applied");
    unit.commit().await.expect("committed");
    let (keys_left, endpoints_left) = left(&books, other).await;
    assert_eq!(keys_left, [key.to_string()]);
    assert_eq!(endpoints_left, [on.to_string()]);
    assert_eq!(look(&books, &theirs).await, theirs);
}

#[tokio::test]
async fn doing_it_again_changes_nothing() {
    let books = Books::new().await;
    let it = instance(&books, books.account, 1, "connected").await;
    let effects = Effects {
        suspend: vec![HeldInstanceId::new(it.id.uuid())],
        ..Effects::default()
    };
    for minutes in 0..2 {
        let mut unit = books.unit().await;
        let now = NOW + Duration::minutes(minutes);
        let applied = unit.holdings().apply(books.account, &effects, now).await;
        applied.expect("applied");
        unit.commit().await.expect("committed");
    }
    assert_eq!(look(&books, &it).await.unlink_since, Some(NOW));
    assert_eq!(books.count("events").await, 1, "told once");
}

#[tokio::test]
async fn a_place_that_becomes_free_is_given_to_one_that_waits() {
    let books = Books::new().await;
    books.assign(books.account, "pro").await;
    let first = instance(&books, books.account, 2, "connected").await;
    let second = instance(&books, books.account, 1, "connected").await;
    books.assign(books.account, "free").await;
    let calendar = books.calendar();
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Idle);
    let mut unit = InstanceUnits::begin(books.postgres())
        .await
        .expect("a unit");
    let deleted = unit.instances().delete(first.id, NOW, NOW).await;
    deleted.expect("deleted");
    unit.commit().await.expect("committed");
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Did(1));
    let back = look(&books, &second).await;
    assert_eq!(back.status, InstanceStatus::Disconnected);
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Idle);
}

/// Every row that a plan change may write, but for when an account is looked at again.
async fn written(books: &Books) -> Vec<String> {
    let mut rows = Vec::new();
    for table in [
        "subscriptions",
        "billing_agreements",
        "campaigns",
        "instances",
        "api_keys",
        "webhook_endpoints",
        "events",
        "notices",
    ] {
        let query = format!("SELECT (to_jsonb(t) - 'due_at')::text FROM {table} t ORDER BY 1");
        rows.extend(books.texts(&query).await);
    }
    rows
}

#[tokio::test]
async fn a_change_that_fails_at_its_last_row_leaves_everything_and_is_made_later() {
    let books = Books::new().await;
    let mine = personal(books.account);
    books
        .run("UPDATE plans SET feature_campaigns = false WHERE code = 'free'")
        .await;
    books.buy("sub_1", "pro").await;
    let oldest = instance(&books, books.account, 5, "connected").await;
    let newest = instance(&books, books.account, 1, "connected").await;
    let keys = keys(&books, mine, 2).await;
    for days in 0..4 {
        endpoint(&books, mine, days, true).await;
    }
    books
        .run(&format!(
            "INSERT INTO campaigns (id, workspace_id, account_id, acting_user_id, instance_id, \
               name, content, audience, schedule, repeat, status, created_at, updated_at) \
             VALUES (gen_random_uuid(), '{account}', '{account}', '{account}', '{}', 'Spring', \
               '{{}}', '{{}}', '2027-01-01 10:00Z', 'none', 'scheduled', now(), now())",
            oldest.id,
            account = books.account,
        ))
        .await;
    let cancelled = ChangePlan::new(books.ports()).cancel(books.account).await;
    cancelled.expect("cancelled");
    let before = written(&books).await;

    // What the owner is told is written last.
    books
        .run(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
               'BEGIN RAISE EXCEPTION ''not today''; END'; \
             CREATE TRIGGER refuse BEFORE INSERT ON notices FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    books
        .clock
        .advance(month(0).end - month(0).start + Duration::HOUR);
    let calendar = books.calendar();
    calendar.tick().await.expect_err("it is refused");
    assert_eq!(written(&books).await, before);

    books.run("DROP TRIGGER refuse ON notices").await;
    books.clock.advance(Duration::HOUR);
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Did(1));
    assert_eq!(books.standing().await.plan.code, "free");
    let kept = look(&books, &oldest).await;
    assert_eq!(kept.status, InstanceStatus::Connected);
    let gone = look(&books, &newest).await;
    assert_eq!(gone.status, InstanceStatus::Suspended);
    let (keys_left, endpoints_left) = left(&books, books.account).await;
    assert_eq!(keys_left, [keys[1].to_string()], "the oldest");
    assert_eq!(endpoints_left.len(), 3);
    let paused = "campaigns WHERE status = 'paused_plan'";
    assert_eq!(books.count(paused).await, 1);
    assert_eq!(books.told().await, ["plan_changed", "plan_changed"]);
}
