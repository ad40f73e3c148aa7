//! Endpoints whose receivers fail.

use msgflash_kernel::NoNudge;
use msgflash_webhooks::health::TROUBLED_AT;
use msgflash_webhooks::ports::{DeliveryReader, EndpointReader};
use msgflash_webhooks::{EndpointChange, SendAgain, WebhookError};

use super::*;

/// Fails everything an endpoint has due, all at once.
async fn fail_due(stage: &Stage, now: OffsetDateTime, next: Next) -> usize {
    let due = claim(&stage.postgres, now, 100, 100).await;
    let attempts: Vec<_> = due.iter().map(|it| attempt(it, next)).collect();
    settle(stage, &attempts, now).await;
    due.len()
}

fn again(postgres: &Postgres, now: OffsetDateTime) -> SendAgain {
    let store = Arc::new(postgres.clone());
    let clock = Arc::new(FixedClock::at(now));
    SendAgain::new(
        store.clone(),
        store,
        clock,
        Arc::new(RandomIds),
        Arc::new(NoNudge),
    )
}

fn actor(workspace: Workspace) -> Actor {
    Actor::new(workspace, workspace.owner())
}

async fn stored(stage: &Stage, endpoint: &Endpoint) -> Endpoint {
    let found = EndpointReader::find(&stage.postgres, endpoint.workspace, endpoint.id).await;
    found.expect("read").expect("there")
}

#[tokio::test]
async fn trouble_brings_a_pause_and_then_one_probe_while_others_are_served() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let team = team_of(&stage, workspace).await;
    let ill = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 30).await;
    let many = usize::try_from(TROUBLED_AT).expect("few");
    let due = claim(&stage.postgres, NOW, 10, 100).await;
    assert_eq!(due.len(), many);
    let retry = Next::Retry(NOW + Duration::hours(1));
    let attempts: Vec<_> = due.iter().map(|it| attempt(it, retry)).collect();
    settle(&stage, &attempts, NOW).await;

    let well = endpoint(&stage, team, &["message.sent"]).await;
    waiting(&stage, team, 1).await;
    let others = claim(&stage.postgres, NOW, 100, 100).await;
    let whose: Vec<_> = others.iter().map(|it| it.endpoint).collect();
    assert_eq!(whose, [well.id], "the one in trouble is left alone");
    settle(&stage, &[attempt(&others[0], Next::Delivered)], NOW).await;

    let after = NOW + Duration::seconds(5);
    let probe = claim(&stage.postgres, after, 100, 100).await;
    assert_eq!((probe.len(), probe[0].endpoint), (1, ill.id));
    assert!(claim(&stage.postgres, after, 100, 100).await.is_empty());
    // What waits has spent nothing.
    assert_eq!(count(&stage, "deliveries WHERE attempts > 0").await, 11);
    let backlog = stage.postgres.backlog(after).await.expect("counted");
    assert_eq!(
        (backlog.waiting, backlog.paused, backlog.probed),
        (30, 0, 1)
    );

    settle(&stage, &[attempt(&probe[0], Next::Delivered)], after).await;
    assert_eq!(count(&stage, "webhook_health").await, 0);
    assert_eq!(claim(&stage.postgres, after, 100, 100).await.len(), 19);
}

#[tokio::test]
async fn gone_switches_off_tells_the_owner_and_fails_what_waits() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let endpoint = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 3).await;
    let due = claim(&stage.postgres, NOW, 1, 8).await.remove(0);
    let under_way = claim(&stage.postgres, NOW, 1, 8).await.remove(0);
    let recorded = recorder(&stage.postgres, NOW)
        .record(&[attempt(&due, Next::Gone)])
        .await;
    let [Recorded::SwitchedOff(off)] = &recorded[..] else {
        panic!("{recorded:?}")
    };
    assert_eq!(
        (off.endpoint, off.account),
        (endpoint.id, workspace.account)
    );
    let off = stored(&stage, &endpoint).await;
    assert!(!off.active && off.disabled_reason.is_some_and(|it| it.contains("410")));
    let told = format!(
        "notices WHERE account_id = '{}' AND kind = 'webhook.gone' \
         AND data->>'webhookId' = '{}'",
        workspace.account, endpoint.id
    );
    assert_eq!(count(&stage, &told).await, 1);

    raise(&stage, workspace, "message.sent", 1).await;
    fan_out(&stage.postgres).tick().await.expect("fanned out");
    assert_eq!(count(&stage, "deliveries").await, 3, "nothing new for it");
    let given_up = stage.postgres.give_up(1, NOW).await.expect("given up");
    assert_eq!(given_up, 1, "bounded");
    assert_eq!(stage.postgres.give_up(10, NOW).await.expect("given up"), 1);
    assert_eq!(stage.postgres.give_up(10, NOW).await.expect("given up"), 0);
    assert_eq!(log(&stage, &due).await, "failed 1 500 HTTP 500");
    assert_eq!(log(&stage, &under_way).await, "failed 0 endpoint disabled");
    assert_eq!(count(&stage, "delivery_queue").await, 0);
    // It arrived after all, which is what the log shall say.
    settle(&stage, &[attempt(&under_way, Next::Delivered)], NOW).await;
    assert_eq!(log(&stage, &under_way).await, "delivered 1 200");
}

#[tokio::test]
async fn who_fails_everything_for_five_days_is_switched_off_and_recovers_after_switching_on() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let endpoint = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 12).await;
    let end = NOW + Duration::days(5);
    let due = claim(&stage.postgres, NOW, 10, 100).await;
    let attempts: Vec<_> = due.iter().map(|it| attempt(it, Next::Failed)).collect();
    settle(&stage, &attempts, NOW).await;
    assert_eq!(
        fail_due(&stage, end - Duration::seconds(1), Next::Failed).await,
        1
    );
    assert!(stored(&stage, &endpoint).await.active);
    let last = end + Duration::hours(1);
    assert_eq!(fail_due(&stage, last, Next::Failed).await, 1);
    assert!(!stored(&stage, &endpoint).await.active);
    assert_eq!(
        count(&stage, "notices WHERE kind = 'webhook.failing'").await,
        1
    );

    let actor = actor(workspace);
    let since = NOW - Duration::seconds(1);
    let send = again(&stage.postgres, last);
    let refused = send.recover(&actor, endpoint.id, since, None).await;
    assert!(matches!(refused, Err(WebhookError::SwitchedOff)));
    let on = EndpointChange {
        active: Some(true),
        ..EndpointChange::default()
    };
    let on = change(&stage.postgres)
        .change(&workspace, endpoint.id, on, None)
        .await;
    assert!(on.is_ok_and(|it| it.active && it.disabled_reason.is_none()));
    assert_eq!(count(&stage, "webhook_health").await, 0);
    let recovered = send.recover(&actor, endpoint.id, since, None).await;
    let Ok(Outcome::Done(recovered)) = recovered else {
        panic!("{recovered:?}")
    };
    assert_eq!((recovered.recovered, recovered.has_more), (12, false));
    let due = claim(&stage.postgres, last, 100, 100).await;
    assert_eq!(due.len(), 12);
    assert!(
        due.iter()
            .all(|it| it.spent == it.attempts && it.attempts == 1)
    );
    // What is taken up already is not taken up twice.
    let second = send.recover(&actor, endpoint.id, since, None).await;
    assert!(matches!(second, Ok(Outcome::Done(it)) if it.recovered == 0));
}

#[tokio::test]
async fn recovering_takes_what_failed_since_and_of_this_endpoint_alone() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let one = endpoint(&stage, workspace, &["message.sent"]).await;
    endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 2).await;
    assert_eq!(fail_due(&stage, NOW, Next::Failed).await, 4);
    waiting(&stage, workspace, 1).await;
    let later = NOW + Duration::minutes(1);
    assert_eq!(fail_due(&stage, later, Next::Failed).await, 2);
    let send = again(&stage.postgres, later);
    let recovered = send.recover(&actor(workspace), one.id, later, None).await;
    assert!(matches!(recovered, Ok(Outcome::Done(it)) if it.recovered == 1));
    assert_eq!(count(&stage, "delivery_queue").await, 1);
}

#[tokio::test]
async fn a_test_and_a_repetition_are_deliveries_like_others() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let endpoint = endpoint(&stage, workspace, &["message.read"]).await;
    let send = again(&stage.postgres, NOW);
    let actor = actor(workspace);
    let Ok(Outcome::Done(test)) = send.test(&actor, endpoint.id, None).await else {
        panic!("no test")
    };
    let Ok(Outcome::Done(copy)) = send.redeliver(&actor, endpoint.id, test.id, None).await else {
        panic!("no repetition")
    };
    assert_ne!(copy.id, test.id);
    assert_eq!((copy.event, &copy.payload), (test.event, &test.payload));
    let due = claim(&stage.postgres, NOW, 10, 8).await;
    let bodies: Vec<_> = due.iter().map(|it| it.body.clone()).collect();
    assert_eq!(bodies, [test.payload.clone(), test.payload]);
    assert_eq!(count(&stage, "outbox").await, 0);

    let stranger = Workspace::personal(stage.user("eve@shop.test").await.id);
    let stranger = Actor::new(stranger, stranger.owner());
    let refused = [
        send.test(&stranger, endpoint.id, None).await.err(),
        send.redeliver(&stranger, endpoint.id, test.id, None)
            .await
            .err(),
        send.recover(&stranger, endpoint.id, NOW, None).await.err(),
    ];
    for refusal in refused.into_iter().map(|it| it.expect("refused")) {
        let missing = matches!(
            refusal,
            WebhookError::NoEndpoint(_) | WebhookError::NoDelivery(_)
        );
        assert!(missing, "{refusal:?}");
    }
}

#[tokio::test]
async fn a_rotated_secret_signs_until_its_time_is_up() {
    let stage = Stage::new().await;
    let workspace = workspace(&stage).await;
    let endpoint = endpoint(&stage, workspace, &["message.sent"]).await;
    waiting(&stage, workspace, 2).await;
    let rotated = change(&stage.postgres)
        .rotate(workspace.id, endpoint.id, None)
        .await;
    let Ok(Outcome::Done(rotated)) = rotated else {
        panic!("{rotated:?}")
    };
    let during = claim(&stage.postgres, NOW, 1, 8).await.remove(0);
    assert_eq!(during.secret, rotated.secret);
    assert_eq!(during.previous_secret, Some(endpoint.secret));
    let after = claim(&stage.postgres, NOW + Duration::hours(24), 1, 8).await;
    assert_eq!(after[0].previous_secret, None);
}
