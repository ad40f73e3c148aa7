use std::collections::HashSet;

use msgflash_webhooks::delivery::Room;
use msgflash_webhooks::ports::RecordUnits;
use tokio::task::JoinSet;

use super::*;
use crate::stage::SOON;

/// One endpoint with `count` deliveries due, and one of them claimed.
async fn one_claimed(stage: &Stage, count: usize) -> DueDelivery {
    let workspace = workspace(stage).await;
    endpoint(stage, workspace, &["message.sent"]).await;
    waiting(stage, workspace, count).await;
    claim(&stage.postgres, NOW, 1, 8).await.remove(0)
}

#[tokio::test]
async fn a_delivery_knows_the_request_that_set_its_event_off() {
    let stage = Stage::new().await;
    let due = one_claimed(&stage, 1).await;
    assert_eq!(due.request.as_deref(), Some("req-0"));
}

#[tokio::test]
async fn one_endpoint_cannot_take_every_place() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    let busy = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 20).await;
    let calm = endpoint(&stage, team, &["message.sent"]).await;
    waiting(&stage, team, 1).await;

    let due = claim(&stage.postgres, NOW, 10, 3).await;
    let of = |endpoint: &Endpoint| due.iter().filter(|it| it.endpoint == endpoint.id).count();
    assert_eq!((of(&busy), of(&calm)), (3, 1));
    assert!(claim(&stage.postgres, NOW, 10, 3).await.is_empty());
    // A place that is free again is taken again.
    let held = due.iter().find(|it| it.endpoint == busy.id);
    let done = attempt(held.expect("three of them"), Next::Delivered);
    settle(&stage, &[done], NOW).await;
    let next = claim(&stage.postgres, NOW, 10, 3).await;
    assert_eq!(
        next.iter().map(|it| it.endpoint).collect::<Vec<_>>(),
        [busy.id]
    );
}

#[tokio::test]
async fn what_waits_for_endpoints_switched_off_hides_nobody_else() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    for _ in 0..5 {
        endpoint(&stage, workspace, &["message.sent"]).await;
    }
    waiting(&stage, workspace, 20).await;
    run(&stage, "UPDATE webhook_endpoints SET active = false").await;
    let alive = endpoint(&stage, team, &["message.sent"]).await;
    waiting(&stage, team, 1).await;
    let due = claim(&stage.postgres, NOW + LEASE, 4, 8).await;
    assert_eq!(
        due.iter().map(|it| it.endpoint).collect::<Vec<_>>(),
        [alive.id]
    );
}

#[tokio::test]
async fn a_claim_that_ran_out_is_made_again() {
    let stage = Stage::new().await;
    let first = one_claimed(&stage, 1).await;
    let before = NOW + LEASE - Duration::seconds(1);
    assert!(claim(&stage.postgres, before, 10, 8).await.is_empty());
    let lease = NOW + LEASE * 2;
    let again = claim(&stage.postgres, NOW + LEASE, 10, 8).await;
    assert_eq!(again, [DueDelivery { lease, ..first }]);
}

#[tokio::test]
async fn claimers_side_by_side_never_share_a_delivery() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    for _ in 0..4 {
        endpoint(&stage, workspace, &["message.sent"]).await;
    }
    waiting(&stage, workspace, 50).await;
    let mut claimers = JoinSet::new();
    for _ in 0..8 {
        let pool = stage.pool(1);
        claimers.spawn(async move { claim(&pool, NOW, 40, 100).await });
    }
    let claimed: Vec<_> = claimers.join_all().await.into_iter().flatten().collect();
    let ids: HashSet<_> = claimed.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), claimed.len());
    assert!(!claimed.is_empty());
}

#[tokio::test]
async fn a_failed_attempt_comes_back_at_its_time_with_the_same_body() {
    let stage = Stage::new().await;
    let due = one_claimed(&stage, 1).await;
    let at = NOW + Duration::seconds(5);
    let failed = attempt(&due, Next::Retry(at));
    settle(&stage, &[failed], NOW).await;
    assert_eq!(log(&stage, &due).await, "pending 1 500 HTTP 500");
    assert!(claim(&stage.postgres, NOW, 10, 8).await.is_empty());
    let again = claim(&stage.postgres, at, 10, 8).await;
    let lease = at + LEASE;
    let expected = DueDelivery {
        attempts: 1,
        lease,
        ..due
    };
    assert_eq!(again, [expected]);
    let kept = "deliveries WHERE response_excerpt = 'ab'";
    assert_eq!(count(&stage, kept).await, 1);
}

#[tokio::test]
async fn an_end_leaves_the_queue_and_stays_in_the_log() {
    let stage = Stage::new().await;
    let first = one_claimed(&stage, 2).await;
    let second = claim(&stage.postgres, NOW, 1, 8).await.remove(0);
    let ends = [
        attempt(&first, Next::Delivered),
        attempt(&second, Next::Failed),
    ];
    settle(&stage, &ends, NOW).await;
    assert_eq!(log(&stage, &first).await, "delivered 1 200");
    assert_eq!(log(&stage, &second).await, "failed 1 500 HTTP 500");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
}

#[tokio::test]
async fn whoever_lost_a_claim_undoes_nothing() {
    let stage = Stage::new().await;
    let slow = one_claimed(&stage, 1).await;
    let quick = claim(&stage.postgres, NOW + LEASE, 1, 8).await.remove(0);
    let done = attempt(&quick, Next::Delivered);
    settle(&stage, &[done], NOW).await;
    for next in [Next::Retry(NOW), Next::Failed] {
        let late = attempt(&slow, next);
        settle(&stage, &[late], NOW).await;
        assert_eq!(log(&stage, &slow).await, "delivered 1 200");
        assert_eq!(count(&stage, "delivery_queue").await, 0);
    }
}

#[tokio::test]
async fn a_late_success_counts() {
    let stage = Stage::new().await;
    let slow = one_claimed(&stage, 1).await;
    let quick = claim(&stage.postgres, NOW + LEASE, 1, 8).await.remove(0);
    let failed = attempt(&quick, Next::Retry(NOW + LEASE * 2));
    settle(&stage, &[failed], NOW).await;
    let late = attempt(&slow, Next::Delivered);
    settle(&stage, &[late], NOW).await;
    assert_eq!(log(&stage, &slow).await, "delivered 1 200");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
}

#[tokio::test]
async fn room_is_given_to_each_endpoint_as_it_is_asked_for() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    let quick = endpoint(&stage, workspace, &["message.sent"]).await;
    endpoint(&stage, team, &["message.sent"]).await;
    waiting(&stage, workspace, 50).await;
    waiting(&stage, team, 50).await;
    let rooms = [Room {
        endpoint: quick.id,
        most: 30,
    }];
    let claimed = stage.postgres.claim(NOW, NOW + LEASE, 100, &rooms, 4).await;
    let claimed = claimed.expect("claimed");
    let of_quick = claimed.iter().filter(|it| it.endpoint == quick.id).count();
    assert_eq!((of_quick, claimed.len()), (30, 34));
}

#[tokio::test]
async fn what_was_claimed_and_not_posted_is_due_at_once_when_it_is_given_back() {
    let stage = Stage::new().await;
    let first = one_claimed(&stage, 1).await;
    let given = [first.clone()];
    stage.postgres.release(&given, NOW).await.expect("released");
    let second = claim(&stage.postgres, NOW, 1, 8).await;
    assert_eq!(second, given);
    // Whoever has it now keeps it, when somebody gives it back who lost it long ago.
    let third = claim(&stage.postgres, NOW + LEASE, 1, 8).await;
    assert_eq!(third.len(), 1);
    let late = stage.postgres.release(&[first], NOW + LEASE).await;
    late.expect("released");
    assert!(claim(&stage.postgres, NOW + LEASE, 1, 8).await.is_empty());
}

#[tokio::test]
async fn deliverers_that_die_between_claim_and_record_lose_nothing() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 60).await;
    // One dies with its claim in hand, one in the middle of recording.
    let lost = claim(&stage.pool(1), NOW, 20, 100).await;
    let half = claim(&stage.postgres, NOW, 20, 100).await;
    let attempts: Vec<_> = half.iter().map(|it| attempt(it, Next::Delivered)).collect();
    let mut unit = RecordUnits::begin(&stage.postgres).await.expect("a unit");
    unit.attempts()
        .record(&attempts, NOW)
        .await
        .expect("written");
    drop(unit);
    // Two others, side by side, deliver everything; each of them claims for itself. What the second
    // held is free only when its rollback, which nobody waits for, has reached the database.
    let later = NOW + LEASE;
    let mut posted = Vec::new();
    let all = async {
        while count(&stage, "delivery_queue").await > 0 {
            let (one, two) = (stage.pool(1), stage.pool(1));
            let (one, two) = tokio::join!(claim(&one, later, 9, 100), claim(&two, later, 9, 100));
            let both = [one, two].concat();
            let attempts: Vec<_> = both.iter().map(|it| attempt(it, Next::Delivered)).collect();
            settle(&stage, &attempts, later).await;
            posted.extend(both.iter().map(|it| it.id));
        }
    };
    tokio::time::timeout(SOON, all).await.expect("all of it");
    let once: HashSet<_> = posted.iter().copied().collect();
    assert_eq!((posted.len(), once.len()), (60, 60));
    assert!(lost.iter().chain(&half).all(|it| once.contains(&it.id)));
    assert_eq!(
        count(&stage, "deliveries WHERE status = 'delivered'").await,
        60
    );
    assert_eq!(count(&stage, "delivery_queue").await, 0);
}
