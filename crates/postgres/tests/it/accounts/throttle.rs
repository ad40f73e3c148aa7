//! How often somebody may try, whoever tries at once.

use msgflash_accounts::throttle::{PER_ADDRESS, PER_NETWORK, SIGN_IN, WINDOW};
use msgflash_accounts::{SignInThrottle as _, Try};
use msgflash_kernel::{Ids as _, RandomIds};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;

use crate::stage::{NOW, Stage};

fn a_try(address: u8, network: u8, at: OffsetDateTime) -> Try {
    Try {
        id: RandomIds.next(),
        address: Some([address; 32]),
        network: [network + 100; 32],
        limits: SIGN_IN,
        at,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_twenty_tries_at_once_five_are_let_in() {
    let stage = Stage::new().await;
    let mut tries = JoinSet::new();
    for network in 0..20 {
        let store = stage.postgres.clone();
        tries.spawn(async move { store.count(&a_try(1, network, NOW)).await });
    }
    let verdicts = tries.join_all().await;
    let verdicts: Vec<_> = verdicts.into_iter().map(|it| it.expect("told")).collect();
    assert_eq!(verdicts.iter().filter(|it| it.is_none()).count(), 5);
    let refused = verdicts.iter().flatten();
    assert!(refused.into_iter().all(|free| *free == NOW + WINDOW));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_thirty_tries_at_once_from_one_network_twenty_are_let_in() {
    let stage = Stage::new().await;
    let mut tries = JoinSet::new();
    for address in 0..30 {
        let store = stage.postgres.clone();
        tries.spawn(async move { store.count(&a_try(address, 1, NOW)).await });
    }
    let verdicts = tries.join_all().await;
    let passed = verdicts.iter().filter(|it| matches!(it, Ok(None)));
    assert_eq!(passed.count(), usize::try_from(PER_NETWORK).expect("few"));
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_tells_an_address_the_network_alone_decides() {
    let stage = Stage::new().await;
    let mut tries = JoinSet::new();
    for _ in 0..30 {
        let store = stage.postgres.clone();
        let a_try = Try {
            address: None,
            ..a_try(1, 1, NOW)
        };
        tries.spawn(async move { store.count(&a_try).await });
    }
    let verdicts = tries.join_all().await;
    let passed = verdicts.iter().filter(|it| matches!(it, Ok(None)));
    assert_eq!(passed.count(), usize::try_from(PER_NETWORK).expect("few"));
    let free = verdicts.iter().filter_map(|it| it.as_ref().ok().copied());
    assert!(free.flatten().all(|free| free == NOW + WINDOW));
}

#[tokio::test]
async fn the_window_slides_and_refused_tries_do_not_hold_it() {
    let stage = Stage::new().await;
    let store = &stage.postgres;
    for minute in 0..i64::from(PER_ADDRESS) {
        let at = NOW + Duration::minutes(minute);
        assert_eq!(store.count(&a_try(1, 1, at)).await.expect("told"), None);
    }
    for minute in 5..15 {
        let at = NOW + Duration::minutes(minute);
        let free = store.count(&a_try(1, 2, at)).await.expect("told");
        assert_eq!(free, Some(NOW + WINDOW), "minute {minute}");
    }
    let at = NOW + WINDOW;
    assert_eq!(store.count(&a_try(1, 1, at)).await.expect("told"), None);
    // The one of the first minute is gone; that of the second is the next to go.
    let free = store.count(&a_try(1, 1, at)).await.expect("told");
    assert_eq!(free, Some(NOW + WINDOW + Duration::MINUTE));
}

#[tokio::test]
async fn a_network_that_is_shut_uses_nobodys_tries_up() {
    let stage = Stage::new().await;
    let store = &stage.postgres;
    for address in 10..30 {
        let verdict = store.count(&a_try(address, 1, NOW)).await;
        assert_eq!(verdict.expect("told"), None);
    }
    for _ in 0..PER_ADDRESS {
        let verdict = store.count(&a_try(1, 1, NOW)).await.expect("told");
        assert_eq!(verdict, Some(NOW + WINDOW));
    }
    assert_eq!(store.count(&a_try(1, 2, NOW)).await.expect("told"), None);
}

#[tokio::test]
async fn what_is_forgotten_may_be_tried_as_if_it_never_was() {
    let stage = Stage::new().await;
    let store = &stage.postgres;
    for _ in 0..2 {
        for _ in 0..PER_ADDRESS {
            assert_eq!(store.count(&a_try(1, 1, NOW)).await.expect("told"), None);
        }
        assert!(
            store
                .count(&a_try(1, 1, NOW))
                .await
                .expect("told")
                .is_some()
        );
        store.forget(&[1; 32]).await.expect("forgotten");
    }
}
