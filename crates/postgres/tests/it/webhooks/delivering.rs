use std::collections::HashSet;

use tokio::task::JoinSet;

use super::*;

/// One endpoint with `count` deliveries due, and one of them claimed.
async fn one_claimed(stage: &Stage, count: usize) -> DueDelivery {
    let workspace = workspace(stage).await;
    endpoint(stage, workspace, &["message.sent"]).await;
    waiting(stage, workspace, count).await;
    claim(&stage.postgres, NOW, 1, 8).await.remove(0)
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
    stage.postgres.settle(&[done], NOW).await.expect("settled");
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
    assert_eq!(claim(&stage.postgres, NOW + LEASE, 10, 8).await, [first]);
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
    stage
        .postgres
        .settle(&[failed], NOW)
        .await
        .expect("settled");
    assert_eq!(log(&stage, &due).await, "pending 1 500 HTTP 500");
    assert!(claim(&stage.postgres, NOW, 10, 8).await.is_empty());
    let again = claim(&stage.postgres, at, 10, 8).await;
    assert_eq!(again, [DueDelivery { attempts: 1, ..due }]);
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
    stage.postgres.settle(&ends, NOW).await.expect("settled");
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
    stage.postgres.settle(&[done], NOW).await.expect("settled");
    for next in [Next::Retry(NOW), Next::Failed] {
        let late = attempt(&slow, next);
        stage.postgres.settle(&[late], NOW).await.expect("settled");
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
    stage
        .postgres
        .settle(&[failed], NOW)
        .await
        .expect("settled");
    let late = attempt(&slow, Next::Delivered);
    stage.postgres.settle(&[late], NOW).await.expect("settled");
    assert_eq!(log(&stage, &slow).await, "delivered 1 200");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
}

#[tokio::test]
async fn gone_switches_the_endpoint_off_and_fails_what_waits() {
    let stage = Stage::new().await;
    let due = one_claimed(&stage, 3).await;
    let under_way = claim(&stage.postgres, NOW, 1, 8).await.remove(0);
    stage
        .postgres
        .settle(&[attempt(&due, Next::Gone)], NOW)
        .await
        .expect("settled");
    let off = "webhook_endpoints WHERE NOT active AND disabled_reason LIKE '%410%'";
    assert_eq!(count(&stage, off).await, 1);
    assert_eq!(log(&stage, &due).await, "failed 1 500 HTTP 500");
    assert_eq!(log(&stage, &under_way).await, "failed 0 endpoint disabled");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
    // It arrived after all, which is what the log shall say.
    let arrived = attempt(&under_way, Next::Delivered);
    stage
        .postgres
        .settle(&[arrived], NOW)
        .await
        .expect("settled");
    assert_eq!(log(&stage, &under_way).await, "delivered 1 200");
}
