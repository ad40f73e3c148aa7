//! Counting API requests, and what an account holds.

use msgflash_accounts::KeyReader;
use msgflash_kernel::{AccountId, Id, Workspace};
use msgflash_quotas::{ApiTotal, ApiUsageStore, ApiUse, Capacity, KeyId, Period, UsageReader};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::stage::{NOW, SOON, Stage, fresh};

fn used(key: KeyId, account: AccountId, count: u64, last_at: OffsetDateTime) -> ApiUse {
    ApiUse {
        key,
        account,
        period: Period::of(last_at),
        count,
        last_at,
    }
}

#[tokio::test]
async fn requests_add_up_over_keys_and_stay_in_their_month() {
    let stage = Stage::new().await;
    let (account, one, two) = (fresh(), fresh(), fresh());
    let june = NOW + Duration::days(20);
    assert_eq!(stage.postgres.add(&[]).await.expect("nothing"), []);
    let uses = [
        used(one, account, 3, NOW),
        used(two, account, 4, NOW),
        used(one, account, 5, june),
        used(one, account, 1, NOW),
        used(one, fresh(), 9, NOW),
    ];
    stage.postgres.add(&uses).await.expect("added");
    let totals = stage.postgres.add(&uses[..1]).await.expect("added");
    let period = Period::of(NOW);
    let count = 11;
    assert_eq!(
        totals,
        [ApiTotal {
            account,
            period,
            count
        }]
    );
    let total = |at| stage.postgres.total(account, Period::of(at));
    assert_eq!(total(NOW).await.expect("read"), 11);
    assert_eq!(total(june).await.expect("read"), 5);
    assert_eq!(total(june + Duration::days(31)).await.expect("read"), 0);
}

#[tokio::test]
async fn a_key_shows_when_it_was_last_used() {
    let stage = Stage::new().await;
    let workspace = Workspace::personal(stage.user("lea@shop.test").await.id);
    let (key, _) = stage.key(workspace).await;
    let id = Id::new(key.id.uuid());
    for last_at in [NOW, NOW + Duration::days(20), NOW + Duration::days(1)] {
        stage
            .postgres
            .add(&[used(id, workspace.account, 1, last_at)])
            .await
            .expect("added");
    }
    let listed = stage
        .postgres
        .list(workspace.account, None)
        .await
        .expect("read");
    assert_eq!(
        listed[0].last_used_at,
        Some(NOW + Duration::days(20)),
        "never earlier again"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_flush_at_once_lose_no_request() {
    let stage = Stage::new().await;
    let workspace = Workspace::personal(stage.user("lea@shop.test").await.id);
    let mut keys = Vec::new();
    for _ in 0..6 {
        keys.push(Id::new(stage.key(workspace).await.0.id.uuid()));
    }
    let mut flushes = JoinSet::new();
    for n in 0..20 {
        let (postgres, mut keys) = (stage.postgres.clone(), keys.clone());
        keys.rotate_left(n % 6);
        flushes.spawn(async move {
            let uses: Vec<_> = keys
                .into_iter()
                .map(|key| used(key, workspace.account, 2, NOW))
                .collect();
            postgres.add(&uses).await.expect("added");
        });
    }
    timeout(SOON, flushes.join_all()).await.expect("no circle");
    let total = stage
        .postgres
        .total(workspace.account, Period::of(NOW))
        .await
        .expect("read");
    assert_eq!(total, 20 * 6 * 2);
}

#[tokio::test]
async fn instances_count_until_they_are_deleted() {
    let stage = Stage::new().await;
    let owner = stage.user("lea@shop.test").await;
    let account = Workspace::personal(owner.id).account;
    stage.key(Workspace::personal(owner.id)).await;
    stage
        .session()
        .await
        .execute(
            "INSERT INTO instances (id, account_id, name, session, webhook_secret, status, \
               created_at, updated_at, deleted_at) \
             SELECT gen_random_uuid(), $1::text::uuid, 'Shop', 's' || n, '', 'suspended', now(), \
               now(), CASE WHEN n = 3 THEN now() END FROM generate_series(1, 3) n",
            &[&account.to_string()],
        )
        .await
        .expect("instances");
    let held = stage.postgres.capacity(account).await.expect("read");
    assert_eq!(
        held,
        Capacity {
            instances: 2,
            api_keys: 1
        }
    );
    let nobody = stage.postgres.capacity(fresh()).await.expect("read");
    assert_eq!(nobody, Capacity::default());
}
