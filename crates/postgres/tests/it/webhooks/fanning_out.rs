use std::collections::HashSet;

use msgflash_webhooks::Delivery;
use msgflash_webhooks::ports::FanOutUnits;
use tokio::task::JoinSet;

use super::*;

#[tokio::test]
async fn each_interested_endpoint_gets_each_event_once() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    let one = endpoint(&stage, workspace, &["message.sent"]).await;
    let two = endpoint(&stage, workspace, &["message.read", "message.sent"]).await;
    endpoint(&stage, workspace, &["message.read"]).await;
    endpoint(&stage, team, &["message.sent"]).await;
    let off = endpoint(&stage, workspace, &["message.sent"]).await;
    let switch_off = format!(
        "UPDATE webhook_endpoints SET active = false WHERE id = '{}'",
        off.id
    );
    run(&stage, &switch_off).await;

    let events = waiting(&stage, workspace, 2).await;
    let due = claim(&stage.postgres, NOW, 100, 8).await;
    let pairs: HashSet<_> = due.iter().map(|it| (it.event, it.endpoint)).collect();
    let expected = events
        .iter()
        .flat_map(|event| [(*event, one.id), (*event, two.id)]);
    assert_eq!(pairs, expected.collect());
    assert_eq!(due.len(), 4);

    let first = &due[0];
    let body = first.body.as_deref().expect("kept with the event");
    let body: serde_json::Value = serde_json::from_str(body).expect("JSON");
    let number = events.iter().position(|event| *event == first.event);
    assert_eq!(
        body,
        json!({ "event": "message.sent", "number": number, "text": "Où ça ?" })
    );
    assert_eq!((first.name.as_str(), first.attempts), ("message.sent", 0));
    assert_eq!(
        first.secret,
        if first.endpoint == one.id {
            one.secret
        } else {
            two.secret
        }
    );
    assert_eq!(
        fan_out(&stage.postgres).tick().await.expect("idle"),
        Tick::Idle
    );
}

#[tokio::test]
async fn fan_outs_side_by_side_never_double_and_lose_nothing() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    for _ in 0..4 {
        raise(&stage, workspace, "message.sent", 400).await;
    }
    let mut workers = JoinSet::new();
    for _ in 0..4 {
        let fan_out = fan_out(&stage.pool(2));
        workers.spawn(async move { while fan_out.tick().await.expect("a tick") != Tick::Idle {} });
    }
    workers.join_all().await;
    // Somebody may have seen nothing but rows in other hands, and left early; nobody left any.
    assert_eq!(count(&stage, "outbox").await, 0);
    assert_eq!(count(&stage, "deliveries").await, 3200);
    assert_eq!(count(&stage, "delivery_queue").await, 3200);
    let pairs = "(SELECT DISTINCT endpoint_id, event_id FROM deliveries) pairs";
    assert_eq!(count(&stage, pairs).await, 3200);
}

#[tokio::test]
async fn without_webhooks_on_the_plan_events_are_told_to_nobody() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 1).await;
    run(&stage, "UPDATE plans SET feature_webhooks = false").await;
    waiting(&stage, workspace, 1).await;
    assert_eq!(count(&stage, "deliveries").await, 1);
    assert!(claim(&stage.postgres, NOW, 100, 8).await.is_empty());
    run(&stage, "UPDATE plans SET feature_webhooks = true").await;
    assert_eq!(claim(&stage.postgres, NOW, 100, 8).await.len(), 1);
}

#[tokio::test]
async fn deleting_an_endpoint_waits_for_whoever_hands_it_events() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let endpoint = endpoint(&stage, workspace, &["message.sent"]).await;
    let mut unit = FanOutUnits::begin(&stage.postgres).await.expect("a unit");
    let listeners = unit.listeners().of(&[workspace.id]).await.expect("read");
    assert_eq!(listeners.len(), 1);
    let deleting = tokio::spawn({
        let delete = delete(&stage.postgres);
        async move { delete.delete(workspace.id, endpoint.id).await }
    });
    let delivery = Delivery {
        id: fresh(),
        endpoint: endpoint.id,
        workspace: workspace.id,
        event: fresh(),
        name: "message.sent".to_owned(),
        created_at: NOW,
    };
    unit.deliveries()
        .insert(&[delivery])
        .await
        .expect("written");
    unit.commit().await.expect("committed");
    deleting.await.expect("no panic").expect("deleted");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
    assert_eq!(count(&stage, "deliveries").await, 0);
}
