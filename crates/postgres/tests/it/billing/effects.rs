//! What a plan takes away and gives back.

use msgflash_billing::{Effects, HeldEndpointId, HeldInstanceId, HeldKeyId};
use msgflash_kernel::Tick;
use msgflash_messaging::InstanceStatus;
use msgflash_messaging::instance::Suspension;
use msgflash_messaging::instance::ports::InstanceUnits;
use time::Duration;
use uuid::Uuid;

use super::books::{Books, account};
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
