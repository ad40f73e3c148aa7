use std::sync::atomic::Ordering;

use msgflash_kernel::{Claim, Fault as _};
use uuid::Uuid;

use super::*;
use crate::provider::{Accepted, SendFailure};
use crate::status::testing::{ANSWERS, Scene, able, once, order, pending};
use crate::testing::instance;

/// What changed on the way.
type Change = fn(&mut Facts);

fn answering(answer: Result<Accepted, SendFailure>) -> Scene {
    let mut scene = Scene::default();
    scene
        .provider
        .expect_publish_status()
        .times(1)
        .return_once(|_, _| answer);
    scene
}

fn took() -> Accepted {
    Accepted {
        key_id: Some("3EB0".into()),
        address: None,
    }
}

async fn refusal(scene: Scene) -> &'static str {
    let commits = scene.commits.clone();
    let refused = scene.publish().publish(order(), None).await;
    assert_eq!(commits.load(Ordering::SeqCst), 0, "nothing is written");
    refused.expect_err("it is refused").code()
}

#[tokio::test]
async fn what_the_provider_took_is_counted_once_and_answered() {
    // Nobody asked for its answer to be kept.
    let mut found = pending();
    found.repeat = None;
    let scene = answering(Ok(took())).starts(able(), 1).settles(found, 1, 0);
    let commits = scene.commits.clone();
    let done = scene
        .publish()
        .publish(order(), None)
        .await
        .expect("published");
    let Outcome::Done(status) = done else {
        panic!("it was not published before");
    };
    assert_eq!(status.state, StatusState::Published);
    assert_eq!(status.provider_message_id.as_deref(), Some("3EB0"));
    assert_eq!(commits.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn what_did_not_leave_is_given_back_and_its_cause_is_told() {
    use SendFailure::{GatewayDown, NotConnected, Refused, Transient};
    let cases = [
        (GatewayDown("x".into()), "PROVIDER_UNAVAILABLE"),
        (NotConnected("x".into()), "PROVIDER_UNAVAILABLE"),
        (Transient("x".into()), "PROVIDER_ERROR"),
        (Refused("x".into()), "PROVIDER_ERROR"),
    ];
    for (failure, code) in cases {
        let scene = answering(Err(failure)).starts(able(), 1);
        let scene = scene.settles(pending(), 0, 1);
        let failed = scene.publish().publish(order(), None).await;
        assert_eq!(failed.expect_err("it is not out").code(), code);
    }
}

#[tokio::test]
async fn an_unknown_outcome_keeps_its_reservation_and_is_looked_up() {
    let scene = answering(Err(SendFailure::Unknown("x".into()))).starts(able(), 1);
    let scene = scene.settles(pending(), 0, 0);
    let failed = scene.publish().publish(order(), None).await;
    assert_eq!(failed.expect_err("nobody knows").code(), "PROVIDER_TIMEOUT");
}

#[tokio::test]
async fn an_answer_is_kept_for_whoever_repeats_the_request() {
    let scene = answering(Ok(took()))
        .unit(|it| {
            it.replays
                .expect_claim()
                .times(2)
                .returning(|_, _| Ok(Claim::Fresh));
            it.statuses.expect_running().return_once(|_| Ok(None));
            it.statuses.expect_look().return_once(|_, _, _| Ok(able()));
            it.ledger.expect_reserve().return_once(|_| Ok(vec![1]));
            it.statuses.expect_insert().return_once(|status| {
                assert_eq!(status.repeat, Some((&once()).into()));
                Ok(())
            });
        })
        .unit(|it| {
            it.statuses
                .expect_lock()
                .return_once(|_, _| Ok(Some(pending())));
            it.statuses.expect_update().return_once(|_| Ok(()));
            it.ledger.expect_settle().return_once(|_| Ok(()));
            it.replays
                .expect_keep()
                .times(1)
                .return_once(|key, answer, _| {
                    assert_eq!(*key, once());
                    assert_eq!(answer.body, "Some(\"3EB0\")");
                    Ok(())
                });
        });
    let done = scene.publish().publish(order(), Some(&once())).await;
    assert!(matches!(done, Ok(Outcome::Done(_))));
}

#[tokio::test]
async fn a_repeated_request_calls_nobody() {
    let answer = (ANSWERS.render)(&pending());
    let kept = answer.clone();
    let scene = Scene::default().unit(|it| {
        let claim = Claim::Replay(kept);
        it.replays.expect_claim().return_once(|_, _| Ok(claim));
    });
    let done = scene.publish().publish(order(), Some(&once())).await;
    assert!(matches!(done, Ok(Outcome::Replayed(again)) if again == answer));

    let mismatch = [9; 32];
    for (request, code) in [(once().request, "at work"), (mismatch, "another body")] {
        let scene = Scene::default().unit(|it| {
            it.replays
                .expect_claim()
                .return_once(|_, _| Ok(Claim::Fresh));
            it.statuses
                .expect_running()
                .return_once(move |_| Ok(Some(request)));
        });
        let refused = scene.publish().publish(order(), Some(&once())).await;
        match (refused, code) {
            (Err(MessagingError::ReplayBusy), "at work")
            | (Err(MessagingError::ReplayMismatch), "another body") => {}
            (other, _) => panic!("{code}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn what_is_not_usable_is_refused_before_anything_is_written() {
    let with = |status| {
        let mut scene = Scene::default();
        scene.instance.status = status;
        scene
    };
    assert_eq!(refusal(with(InstanceStatus::Suspended)).await, "FORBIDDEN");
    for status in [InstanceStatus::Disconnected, InstanceStatus::Connecting] {
        assert_eq!(refusal(with(status)).await, "BAD_REQUEST");
    }
    let mut other = Scene::default();
    other.instance.id = Id::new(Uuid::from_u128(0xBAD));
    assert_eq!(refusal(other).await, "NOT_FOUND");
}

#[test]
fn what_changed_on_the_way_is_seen_in_the_order_of_checks() {
    let key = Some(KeyId::new(Uuid::from_u128(7)));
    let spent = Standing {
        usable: false,
        outbound_limit: None,
    };
    let code = |key, change: Change| {
        let mut facts = able();
        change(&mut facts);
        admit(&pending(), key, &facts).expect_err("refused").code()
    };
    let cases: [(Option<KeyId>, Change, &str); 8] = [
        (None, |it| it.member = Membership::Gone, "TEAM_NOT_FOUND"),
        (key, |it| it.member = Membership::Gone, "UNAUTHORIZED"),
        (
            None,
            |it| it.member = Membership::NotAssigned,
            "INSTANCE_NOT_ASSIGNED",
        ),
        (key, |it| it.standing = None, "UNAUTHORIZED"),
        (None, |it| it.standing = None, "SUBSCRIPTION_INACTIVE"),
        (None, |it| it.instance = None, "NOT_FOUND"),
        (
            None,
            |it| it.instance = Some(InstanceStatus::Suspended),
            "FORBIDDEN",
        ),
        (
            None,
            |it| it.instance = Some(InstanceStatus::Connecting),
            "BAD_REQUEST",
        ),
    ];
    for (key, change, expected) in cases {
        assert_eq!(code(key, change), expected);
    }
    let mut facts = able();
    facts.standing = Some(spent);
    let refused = admit(&pending(), None, &facts).expect_err("refused");
    assert_eq!(refused.code(), "SUBSCRIPTION_INACTIVE");
    assert_eq!(admit(&pending(), None, &able()).ok(), Some(Some(10)));
}

#[tokio::test]
async fn a_full_month_is_refused() {
    let scene = Scene::default().unit(|it| {
        it.statuses.expect_look().return_once(|_, _, _| Ok(able()));
        it.ledger.expect_reserve().return_once(|_| Ok(vec![0]));
    });
    let code = refusal(scene).await;
    assert_eq!(code, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED");
}

#[tokio::test]
async fn a_mark_that_is_late_calls_nobody() {
    // A mock without expectations: any call panics.
    let publish = Scene::default().publish();
    let outbound = OutboundStatus {
        content: order().content,
        file: None,
    };
    let long_ago = Instant::now().checked_sub(WIRE * 2).expect("uptime");
    let verdict = publish.call(&instance(), &outbound, long_ago).await;
    assert_eq!(verdict, Verdict::Failed(ProviderError::Unavailable));
}
