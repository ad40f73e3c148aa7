//! What a plan takes away and gives back.

use msgflash_billing::{
    Effects, EndpointState, HeldEndpointId, HeldInstanceId, HeldKeyId, InstanceState,
};
use msgflash_kernel::{AccountId, Id, Tick, Workspace};
use msgflash_messaging::instance::Suspension;
use msgflash_messaging::instance::ports::{InstanceReader, InstanceUnits};
use msgflash_messaging::{Instance, InstanceStatus};
use msgflash_webhooks::ports::EndpointUnits;
use time::Duration;
use uuid::Uuid;

use super::books::{Books, account};
use crate::messaging::sample::instance_of;
use crate::stage::{NOW, fresh};

fn personal(account: AccountId) -> Workspace {
    Workspace::personal(Id::new(account.uuid()))
}

/// An instance that was made so many days ago.
async fn instance(books: &Books, account: AccountId, days: i32, status: &str) -> Instance {
    let it = instance_of(&books.stage, personal(account)).await;
    let update = format!(
        "UPDATE instances SET status = '{status}', created_at = created_at - {days} * interval '1 day' \
         WHERE id = '{}'",
        it.id
    );
    books.run(&update).await;
    it
}

async fn look(books: &Books, it: &Instance) -> Instance {
    let found = InstanceReader::get(books.postgres(), it.id).await;
    found.expect("read").expect("there")
}

/// Keys of an account, each a day older than the one before.
async fn keys(books: &Books, workspace: Workspace, count: i32) -> Vec<Uuid> {
    let mut all = Vec::new();
    for age in 0..count {
        let (key, _) = books.stage.key(workspace).await;
        let update = format!(
            "UPDATE api_keys SET created_at = created_at - {age} * interval '1 day' WHERE id = '{}'",
            key.id
        );
        books.run(&update).await;
        all.push(key.id.uuid());
    }
    all
}

/// An endpoint of a workspace that was made so many days ago.
async fn endpoint(books: &Books, workspace: Workspace, days: i32, active: bool) -> Uuid {
    let id = fresh::<()>().uuid();
    let insert = format!(
        "INSERT INTO webhook_endpoints (id, workspace_id, account_id, created_by, url, secret, \
           events, active, created_at, updated_at) \
         VALUES ('{id}', '{}', '{account}', '{account}', 'https://shop.test/', 'whsec_', \
           '{{message.sent}}', {active}, '2026-05-20'::timestamptz - {days} * interval '1 day', now())",
        workspace.id,
        account = workspace.account,
    );
    books.run(&insert).await;
    id
}

#[tokio::test]
async fn what_an_account_has_is_seen_over_all_its_workspaces() {
    let books = Books::new().await;
    let owner = Id::new(books.account.uuid());
    let (mine, other) = (personal(books.account), account(&books.stage, "max@shop.test").await);
    let desk = add_team(&books, books.account, false).await;
    let gone = add_team(&books, books.account, true).await;
    let states = [
        instance(&books, books.account, 4, "connected").await,
        instance(&books, books.account, 3, "connecting").await,
        instance(&books, books.account, 2, "suspended").await,
        instance(&books, books.account, 1, "suspended").await,
        instance(&books, books.account, 0, "disconnected").await,
    ];
    books
        .run(&format!(
            "UPDATE instances SET suspended_for = 'plan' WHERE id = '{}'; \
             UPDATE instances SET deleted_at = now() WHERE id = '{}'",
            states[3].id, states[4].id
        ))
        .await;
    instance(&books, other, 0, "connected").await;
    let team = |id| Workspace::team(id, owner);
    let kept = [
        keys(&books, mine, 1).await,
        keys(&books, team(desk), 1).await,
    ]
    .concat();
    keys(&books, team(gone), 1).await;
    keys(&books, personal(other), 1).await;
    let revoked = keys(&books, mine, 1).await;
    books
        .run(&format!(
            "UPDATE api_keys SET revoked_at = now() WHERE id = '{}'",
            revoked[0]
        ))
        .await;
    let active = endpoint(&books, mine, 2, true).await;
    let by_plan = endpoint(&books, team(desk), 1, false).await;
    let off = endpoint(&books, mine, 0, false).await;
    books
        .run(&format!(
            "UPDATE webhook_endpoints SET disabled_by_plan = true WHERE id = '{by_plan}'"
        ))
        .await;
    endpoint(&books, team(gone), 0, true).await;
    endpoint(&books, personal(other), 0, true).await;

    let mut unit = books.unit().await;
    let mut held = unit.holdings().held(books.account).await.expect("read");
    held.instances.sort_by_key(|it| it.created_at);
    let found: Vec<_> = held.instances.iter().map(|it| it.state).collect();
    assert_eq!(
        found,
        [
            InstanceState::Connected,
            InstanceState::Loose,
            InstanceState::SuspendedByOperator,
            InstanceState::SuspendedByPlan,
        ]
    );
    let mut found: Vec<Uuid> = held.keys.iter().map(|it| it.id.uuid()).collect();
    found.sort_unstable();
    assert_eq!(found, kept, "ids follow time");
    held.endpoints.sort_by_key(|it| it.created_at);
    let found: Vec<_> = held.endpoints.iter().map(|it| (it.id.uuid(), it.state)).collect();
    assert_eq!(
        found,
        [
            (active, EndpointState::Active),
            (by_plan, EndpointState::OffByPlan),
            (off, EndpointState::Off),
        ]
    );
}

async fn add_team(books: &Books, owner: AccountId, deleted: bool) -> msgflash_kernel::TeamId {
    let id = fresh();
    let gone = if deleted { "now()" } else { "NULL" };
    let insert = format!(
        "INSERT INTO teams (id, owner_id, name, created_at, updated_at, deleted_at) \
         VALUES ('{id}', '{owner}', 'Desk', now(), now(), {gone})"
    );
    books.run(&insert).await;
    id
}

/// What is left of keys and endpoints of an account, by their ids in order.
async fn left(books: &Books, account: AccountId) -> (Vec<String>, Vec<String>) {
    let keys = format!(
        "SELECT id::text FROM api_keys WHERE account_id = '{account}' AND revoked_at IS NULL \
         ORDER BY id"
    );
    let endpoints = format!(
        "SELECT id::text FROM webhook_endpoints WHERE account_id = '{account}' AND active \
         ORDER BY id"
    );
    (books.texts(&keys).await, books.texts(&endpoints).await)
}

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
        assert_eq!(it.unlink_since, Some(NOW), "the phone is yet to be unlinked");
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
    assert_eq!(books.count("webhook_endpoints WHERE disabled_by_plan").await, 0);

    assert_eq!(look(&books, &theirs).await, theirs);
    let (keys_left, endpoints_left) = left(&books, other).await;
    assert_eq!((keys_left.len(), endpoints_left.len()), (their_keys.len(), 5));
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
    let mut unit = InstanceUnits::begin(books.postgres()).await.expect("a unit");
    let deleted = unit.instances().delete(first.id, NOW, NOW).await;
    deleted.expect("deleted");
    unit.commit().await.expect("committed");
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Did(1));
    let back = look(&books, &second).await;
    assert_eq!(back.status, InstanceStatus::Disconnected);
    assert_eq!(calendar.tick().await.expect("a look"), Tick::Idle);
}

#[tokio::test]
async fn an_endpoint_that_was_switched_on_by_hand_is_off_by_hand_after_that() {
    let books = Books::new().await;
    let mine = personal(books.account);
    let id = endpoint(&books, mine, 0, false).await;
    books
        .run("UPDATE webhook_endpoints SET disabled_by_plan = true")
        .await;
    for active in [true, false] {
        let mut unit = EndpointUnits::begin(books.postgres()).await.expect("a unit");
        let locked = unit.endpoints().lock(mine.id, Id::new(id)).await;
        let mut it = locked.expect("locked").expect("there");
        it.active = active;
        unit.endpoints().update(&it).await.expect("kept");
        unit.commit().await.expect("committed");
    }
    let mut unit = books.unit().await;
    let held = unit.holdings().held(books.account).await.expect("read");
    assert_eq!(held.endpoints[0].state, EndpointState::Off);
}
