//! Who went elsewhere to sign in comes back once.

use msgflash_accounts::SignInStarts as _;
use msgflash_accounts::elsewhere::start::LIFE;
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage};

const HASH: [u8; 32] = [7; 32];

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_who_take_a_start_at_once_one_gets_it() {
    let stage = Stage::new().await;
    let put = stage.postgres.put(&HASH, NOW + LIFE).await;
    put.expect("remembered");
    let mut takers = JoinSet::new();
    for _ in 0..10 {
        let store = stage.postgres.clone();
        takers.spawn(async move { store.take(&HASH, NOW).await.expect("told") });
    }
    let got = takers.join_all().await;
    assert_eq!(got.iter().filter(|it| **it).count(), 1);
}

#[tokio::test]
async fn a_start_does_not_count_when_its_time_is_over_or_it_is_unknown() {
    let stage = Stage::new().await;
    let store = &stage.postgres;
    store.put(&HASH, NOW + LIFE).await.expect("remembered");
    assert!(!store.take(&[8; 32], NOW).await.expect("told"));
    assert!(!store.take(&HASH, NOW + LIFE).await.expect("told"));
}
