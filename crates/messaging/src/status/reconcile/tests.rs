use std::sync::atomic::Ordering;

use msgflash_kernel::Id;
use time::OffsetDateTime;
use uuid::Uuid;

use super::*;
use crate::provider::{Address, Echo, FoundSent, StatusContent};
use crate::status::testing::{ANSWERS, PATIENCE, Scene, expect_settlement, once, pending};
use crate::testing::NOW;

fn echo(content: &StatusContent) -> Echo {
    let text = match content {
        StatusContent::Text { text, .. } => Some(text.clone()),
        StatusContent::Image { caption, .. } => caption.clone(),
    };
    Echo { kind: "text", text }
}

fn record(key_id: &str, text: &str) -> SentRecord {
    SentRecord {
        key_id: key_id.into(),
        address: Address::Other,
        echo: Echo {
            kind: "text",
            text: Some(text.into()),
        },
        at: NOW,
        receipt: None,
    }
}

/// A look at what the provider shows, some time after the call.
fn looking(shown: Result<Vec<SentRecord>, ProviderError>, after: Duration) -> Scene {
    let mut scene = Scene::default();
    scene.clock.advance(after);
    let shown = shown.map(|records| FoundSent {
        records,
        is_whole: true,
    });
    scene
        .provider
        .expect_find_statuses()
        .returning(move |_, from, _| {
            assert_eq!(from, NOW - CLOCK_SLACK);
            shown.clone()
        });
    scene.provider.expect_status_echo().returning(echo);
    scene.unit(|it| {
        it.statuses
            .expect_claim()
            .return_once(|_, _, _| Ok(vec![pending()]));
    })
}

fn put_off(scene: Scene, expected: OffsetDateTime) -> Scene {
    scene.unit(|it| {
        it.statuses
            .expect_lock()
            .return_once(|_, _| Ok(Some(pending())));
        it.statuses.expect_update().times(1).return_once(move |it| {
            assert_eq!(
                (it.state, it.look_at),
                (StatusState::Pending, Some(expected))
            );
            Ok(())
        });
    })
}

async fn tick(scene: Scene) -> u32 {
    let commits = scene.commits.clone();
    let done = scene.reconcile().tick().await.expect("works");
    assert_eq!(done, Tick::Did(1));
    commits.load(Ordering::SeqCst)
}

#[tokio::test]
async fn what_the_provider_shows_is_published_counted_and_its_answer_kept() {
    let shown = vec![record("OTHER", "Closed"), record("3EB0", "Open")];
    let scene = looking(Ok(shown), Duration::minutes(3)).unit(|it| {
        it.statuses
            .expect_lock()
            .return_once(|_, _| Ok(Some(pending())));
        it.statuses.expect_is_taken().return_once(|_, _| Ok(false));
        it.statuses
            .expect_under_way()
            .return_once(|_, _| Ok(vec![]));
        it.statuses.expect_update().times(1).return_once(|it| {
            assert_eq!(it.state, StatusState::Published);
            assert_eq!(it.provider_message_id.as_deref(), Some("3EB0"));
            Ok(())
        });
        expect_settlement(&mut it.ledger, 1, 0);
        it.replays
            .expect_keep()
            .times(1)
            .return_once(|key, answer, _| {
                assert_eq!(*key, once());
                assert!(answer.body.contains("3EB0"));
                Ok(())
            });
    });
    assert_eq!(tick(scene).await, 2);
    assert_eq!(ANSWERS.route, once().route);
}

#[tokio::test]
async fn what_belongs_to_another_status_is_not_taken() {
    let look = || looking(Ok(vec![record("3EB0", "Open")]), Duration::minutes(3));
    let taken = look().unit(|it| {
        it.statuses
            .expect_lock()
            .return_once(|_, _| Ok(Some(pending())));
        it.statuses.expect_is_taken().return_once(|_, _| Ok(true));
    });
    let later = NOW + Duration::minutes(3) + Duration::seconds(25);
    assert_eq!(tick(put_off(taken, later)).await, 2);

    // The same words are being published right now: that may be theirs.
    let rival = look().unit(|it| {
        it.statuses
            .expect_lock()
            .return_once(|_, _| Ok(Some(pending())));
        it.statuses.expect_is_taken().return_once(|_, _| Ok(false));
        let mut other = pending();
        other.id = Id::new(Uuid::from_u128(0x6));
        it.statuses
            .expect_under_way()
            .return_once(|_, _| Ok(vec![other]));
    });
    assert_eq!(tick(put_off(rival, later)).await, 2);
}

#[tokio::test]
async fn what_is_not_found_in_time_has_failed_and_is_given_back() {
    let scene = looking(Ok(vec![]), PATIENCE).unit(|it| {
        it.statuses
            .expect_lock()
            .return_once(|_, _| Ok(Some(pending())));
        it.statuses.expect_update().times(1).return_once(|it| {
            assert_eq!(it.state, StatusState::Failed);
            assert_eq!(it.code.as_deref(), Some("PROVIDER_TIMEOUT"));
            assert_eq!((it.look_at, it.repeat), (None, None));
            Ok(())
        });
        expect_settlement(&mut it.ledger, 0, 1);
    });
    assert_eq!(tick(scene).await, 2);
}

#[tokio::test]
async fn a_gateway_that_is_away_is_asked_again_until_patience_ends() {
    let after = PATIENCE - Duration::seconds(10);
    let scene = looking(Err(ProviderError::Unavailable), after);
    assert_eq!(tick(put_off(scene, NOW + PATIENCE)).await, 2);
}

#[tokio::test]
async fn what_was_settled_meanwhile_stays_as_it_is() {
    let shown = vec![record("3EB0", "Open")];
    let scene = looking(Ok(shown), Duration::minutes(3)).unit(|it| {
        it.statuses.expect_lock().return_once(|_, _| {
            let mut done = pending();
            done.fail(&ProviderError::Unavailable, NOW);
            Ok(Some(done))
        });
    });
    assert_eq!(tick(scene).await, 1);
}
