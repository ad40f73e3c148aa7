//! The log, and how long things are kept.

use msgflash_kernel::PageRequest;
use msgflash_webhooks::DeliveryId;
use msgflash_webhooks::delivery::{DeliveryFilter, DeliveryStatus};
use msgflash_webhooks::ports::DeliveryReader;

use super::*;

async fn listed(
    stage: &Stage,
    endpoint: &Endpoint,
    filter: &DeliveryFilter,
    limit: u32,
) -> Vec<Vec<DeliveryId>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = PageRequest { limit, after };
        let page = DeliveryReader::page(
            &stage.postgres,
            endpoint.workspace,
            endpoint.id,
            filter,
            &page,
        );
        let page = page.await.expect("a page");
        pages.push(page.items.iter().map(|it| it.id).collect());
        after = page.next;
        if after.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn the_log_is_walked_newest_first_and_by_its_filters() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let names = ["message.sent", "message.read"];
    let one = endpoint(&stage, workspace, &names).await;
    endpoint(&stage, workspace, &names).await;
    waiting(&stage, workspace, 4).await;
    raise(&stage, workspace, "message.read", 1).await;
    fan_out(&stage.postgres).tick().await.expect("fanned out");
    let all = DeliveryFilter::default();
    let pages = listed(&stage, &one, &all, 2).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2, 1]);
    let ids = pages.concat();
    assert!(ids.is_sorted_by(|one, next| one > next), "{ids:?}");

    let due = claim(&stage.postgres, NOW, 100, 100).await;
    let first = due.iter().find(|it| it.endpoint == one.id).expect("due");
    settle(&stage, &[attempt(first, Next::Failed)], NOW).await;
    let failed = DeliveryFilter {
        status: Some(DeliveryStatus::Failed),
        ..all.clone()
    };
    assert_eq!(listed(&stage, &one, &failed, 5).await.concat(), [first.id]);
    let read = DeliveryFilter {
        event: Some("message.read".to_owned()),
        ..all.clone()
    };
    assert_eq!(listed(&stage, &one, &read, 5).await.concat(), ids[..1]);
    let past = DeliveryFilter {
        until: Some(NOW - Duration::days(365)),
        ..all.clone()
    };
    assert!(listed(&stage, &one, &past, 5).await.concat().is_empty());

    let entry = DeliveryReader::find(&stage.postgres, workspace.id, one.id, first.id).await;
    let entry = entry.expect("read").expect("there");
    assert_eq!(entry.payload, first.body);
    assert_eq!((entry.attempts, entry.response_status), (1, Some(500)));
    let foreign = DeliveryReader::find(&stage.postgres, fresh(), one.id, first.id).await;
    assert_eq!(foreign.expect("read"), None);
    delete(&stage.postgres)
        .delete(workspace.id, one.id)
        .await
        .expect("deleted");
    assert!(listed(&stage, &one, &all, 5).await.concat().is_empty());
}

/// Makes rows as old as `days`, by their ids.
async fn age(stage: &Stage, days: i64) {
    let moment = (NOW - Duration::days(days)).unix_timestamp() * 1000;
    let aged = |id: &str| {
        format!(
            "(lpad(to_hex({moment}), 12, '0') || right(replace({id}::text, '-', ''), 20))::uuid"
        )
    };
    let sql = format!(
        "UPDATE deliveries SET event_id = {}, id = {}; \
         UPDATE delivery_queue SET delivery_id = {}; \
         UPDATE events SET id = {}; UPDATE outbox SET event_id = {}",
        aged("event_id"),
        aged("id"),
        aged("delivery_id"),
        aged("id"),
        aged("event_id"),
    );
    run(stage, &sql).await;
}

#[tokio::test]
async fn history_is_removed_by_its_age_however_much_it_is() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    endpoint(&stage, team, &["message.sent"]).await;
    waiting(&stage, workspace, 3).await;
    waiting(&stage, team, 3).await;
    let due = claim(&stage.postgres, NOW, 2, 1).await;
    let attempts: Vec<_> = due.iter().map(|it| attempt(it, Next::Delivered)).collect();
    settle(&stage, &attempts, NOW).await;
    age(&stage, 29).await;
    assert_eq!(stage.postgres.sweep(NOW).await.expect("swept"), 0);
    age(&stage, 31).await;
    // The first round ends what waited for too long, and removes it with the rest.
    let mut gone = 0;
    loop {
        match stage.postgres.sweep(NOW).await.expect("swept") {
            0 => break,
            some => gone += some,
        }
    }
    assert_eq!(gone, 4 + 6);
    assert_eq!(count(&stage, "deliveries").await, 0);
    assert_eq!(count(&stage, "delivery_queue").await, 0);
    assert_eq!(count(&stage, "events").await, 6, "the payloads stay longer");
    age(&stage, 38).await;
    assert_eq!(stage.postgres.sweep(NOW).await.expect("swept"), 6);
    assert_eq!(count(&stage, "events").await, 0);
}

#[tokio::test]
async fn an_event_nobody_was_told_of_is_never_removed() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    raise(&stage, workspace, "message.sent", 2).await;
    age(&stage, 60).await;
    assert_eq!(stage.postgres.sweep(NOW).await.expect("swept"), 0);
    assert_eq!(count(&stage, "events").await, 2);
}
