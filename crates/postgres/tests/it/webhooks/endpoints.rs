use msgflash_kernel::{Once, Outcome, ReplayKey, StoredAnswer};
use msgflash_webhooks::ports::EndpointReader;
use msgflash_webhooks::{EndpointChange, WebhookError};
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn endpoints_are_listed_newest_first_and_per_workspace() {
    let stage = Stage::new().await;
    let personal = workspace(&stage).await;
    let team = team_of(&stage, personal).await;
    let first = endpoint(&stage, personal, &["message.sent", "instance.connected"]).await;
    let second = endpoint(&stage, personal, &["message.read"]).await;
    let shared = endpoint(&stage, team, &["message.sent"]).await;
    let list = EndpointReader::list(&stage.postgres, personal.id).await;
    assert_eq!(list.expect("listed"), [second, first]);
    let list = EndpointReader::list(&stage.postgres, team.id).await;
    assert_eq!(list.expect("listed"), [shared]);
}

#[tokio::test]
async fn twenty_creations_at_once_never_pass_the_cap() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let mut creations = JoinSet::new();
    for _ in 0..20 {
        let create = create(&stage.postgres);
        creations.spawn(async move {
            let order = order(workspace, &["message.sent"], Some(3));
            create.create(order, None).await
        });
    }
    let answers = creations.join_all().await;
    let made = answers.iter().filter(|it| it.is_ok()).count();
    let full = |it: &&Result<_, _>| matches!(it, Err(WebhookError::TooMany));
    assert_eq!((made, answers.iter().filter(full).count()), (3, 17));
    assert_eq!(count(&stage, "webhook_endpoints").await, 3);
}

#[tokio::test]
async fn the_cap_of_a_plan_that_was_neither_makes_one_nor_switches_one_on() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let mut all = Vec::new();
    for _ in 0..4 {
        all.push(endpoint(&stage, workspace, &["message.sent"]).await);
    }
    let off = EndpointChange {
        active: Some(false),
        ..EndpointChange::default()
    };
    let on = EndpointChange {
        active: Some(true),
        ..EndpointChange::default()
    };
    let switch = async |to: &EndpointChange, known| {
        let change = change(&stage.postgres);
        let switched = change.change(&workspace, all[0].id, to.clone(), known);
        switched.await
    };
    switch(&off, None).await.expect("off");
    // The others take every place of it.
    stage.everybody_on("free").await;
    for known in [Some(50), None] {
        let made = create(&stage.postgres)
            .create(order(workspace, &["message.sent"], known), None)
            .await;
        assert!(matches!(made, Err(WebhookError::TooMany)), "{made:?}");
        let switched = switch(&on, known).await;
        let full = matches!(switched, Err(WebhookError::TooMany));
        assert!(full, "{switched:?}");
    }
    assert_eq!(count(&stage, "webhook_endpoints").await, 4);
    assert_eq!(count(&stage, "webhook_endpoints WHERE active").await, 3);
    stage.everybody_on("pro").await;
    assert!(switch(&on, Some(50)).await.is_ok_and(|it| it.active));
}

#[tokio::test]
async fn the_cap_counts_living_teams_of_the_account() {
    let stage = Stage::new().await;
    let personal = workspace(&stage).await;
    let team = team_of(&stage, personal).await;
    endpoint(&stage, team, &["message.sent"]).await;
    let full = create(&stage.postgres)
        .create(order(personal, &["message.sent"], Some(1)), None)
        .await;
    assert!(matches!(full, Err(WebhookError::TooMany)));
    run(&stage, "UPDATE teams SET deleted_at = now()").await;
    let made = create(&stage.postgres)
        .create(order(personal, &["message.sent"], Some(1)), None)
        .await;
    assert!(made.is_ok());
}

#[tokio::test]
async fn a_repeated_creation_answers_again_and_makes_nothing() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let mut key = ReplayKey {
        workspace: workspace.id,
        route: "POST /api/v1/webhooks",
        key: [1; 32],
        request: [2; 32],
    };
    let render = |endpoint: &Endpoint| StoredAnswer {
        status: 201,
        body: endpoint.id.to_string(),
    };
    let mut made = Vec::new();
    for _ in 0..2 {
        let once = Once {
            key: &key,
            render: &render,
        };
        let order = order(workspace, &["message.sent"], Some(1));
        made.push(create(&stage.postgres).create(order, Some(once)).await);
    }
    let (Ok(Outcome::Done(endpoint)), Ok(Outcome::Replayed(answer))) = (&made[0], &made[1]) else {
        panic!("{made:?}")
    };
    assert_eq!(*answer, render(endpoint));

    key.request = [3; 32];
    let once = Once {
        key: &key,
        render: &render,
    };
    let other = create(&stage.postgres)
        .create(order(workspace, &["message.read"], None), Some(once))
        .await;
    assert!(matches!(other, Err(WebhookError::ReplayMismatch)));
    assert_eq!(count(&stage, "webhook_endpoints").await, 1);
}

#[tokio::test]
async fn deleting_drops_what_waits_and_keeps_the_history() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    let kept = endpoint(&stage, workspace, &["message.sent"]).await;
    let doomed = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 3).await;
    let due = claim(&stage.postgres, NOW, 100, 8).await;
    let of_doomed: Vec<_> = due.iter().filter(|it| it.endpoint == doomed.id).collect();
    let done = attempt(of_doomed[0], Next::Delivered);
    settle(&stage, &[done], NOW).await;

    let delete = delete(&stage.postgres);
    let elsewhere = delete.delete(team.id, doomed.id).await;
    assert!(matches!(elsewhere, Err(WebhookError::NoEndpoint(_))));
    delete
        .delete(workspace.id, doomed.id)
        .await
        .expect("deleted");
    let again = delete.delete(workspace.id, doomed.id).await;
    assert!(matches!(again, Err(WebhookError::NoEndpoint(_))));

    let of = |id| format!("endpoint_id = '{id}'");
    let left = format!("deliveries WHERE {}", of(doomed.id));
    assert_eq!(count(&stage, &left).await, 1);
    let queued = format!("delivery_queue WHERE {}", of(doomed.id));
    assert_eq!(count(&stage, &queued).await, 0);
    let others = format!("delivery_queue WHERE {}", of(kept.id));
    assert_eq!(count(&stage, &others).await, 3);
    // An attempt that was under way meanwhile has nothing to record any more.
    let late = attempt(of_doomed[1], Next::Retry(NOW));
    settle(&stage, &[late], NOW).await;
    assert_eq!(count(&stage, &queued).await, 0);
}
