//! The link of an instance dies, comes back, or goes for good.

use blackbox::eventually;
use serde_json::json;

use super::scene::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_socket_under_an_open_state_is_restarted_and_the_message_goes_out() {
    let scene = Scene::new().await;
    scene.stack.phone(&scene.instance, "dead", json!({})).await;
    let first = scene.text("+33612345678").await;
    let second = scene.text("+33612345678").await;
    scene.wait(&first, "read").await;
    scene.wait(&second, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 2);
    scene.assert_ledger(2, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_connection_is_waited_for() {
    let scene = Scene::new().await;
    let twice = json!({ "fault": "connection_closed", "number": "33612345678", "times": 2 });
    scene.stack.fault(twice).await;
    let id = scene.text("+33612345678").await;
    scene.wait(&id, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
    assert_eq!(scene.told(&id).await, [1, 1, 1, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_waits_while_the_link_is_re_established() {
    let scene = Scene::new().await;
    scene
        .stack
        .phone(
            &scene.instance,
            "drop",
            json!({ "code": 428, "stays": true }),
        )
        .await;
    let reconnecting = "SELECT count(*) FROM instances WHERE reconnecting_since IS NOT NULL";
    eventually("the server hears of it", async || {
        (scene.stack.count(reconnecting, &[]).await == 1).then_some(())
    })
    .await;
    let before = scene.stack.metric("msgflash_lane_waits_total").await;
    let id = scene.text("+33612345678").await;
    eventually("the lane is held", async || {
        let waits = scene.stack.metric("msgflash_lane_waits_total").await;
        (waits > before).then_some(())
    })
    .await;
    assert_eq!(scene.account.client.message(&id).await["status"], "queued");
    scene
        .stack
        .phone(&scene.instance, "open", json!({ "number": "33611112222" }))
        .await;
    scene.wait(&id, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
    let told = |name| {
        scene
            .stack
            .count("SELECT count(*) FROM events WHERE name = $1", name)
    };
    assert_eq!(
        told(&[&"instance.disconnected"]).await,
        0,
        "a short gap is not told"
    );
    assert_eq!(told(&[&"instance.connected"]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_logs_out_fails_what_follows() {
    let scene = Scene::new().await;
    scene
        .stack
        .phone(&scene.instance, "drop", json!({ "code": 401 }))
        .await;
    scene
        .account
        .wait_status(&scene.stack, scene.instance.id, "disconnected")
        .await;
    let id = scene.text("+33612345678").await;
    let failed = scene.wait(&id, "failed").await;
    assert_eq!(failed["meta"]["code"], "INSTANCE_NOT_CONNECTED");
    let id = scene.instance.id.to_string();
    assert_eq!(scene.stack.told("instance.disconnected", &id).await, 1);
    // Linked again, it sends again.
    scene
        .account
        .link(&scene.stack, &scene.instance, "33611112222")
        .await;
    scene.flush().await;
    assert_eq!(scene.stack.told("instance.connected", &id).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_connecting_events_changes_nothing() {
    let scene = Scene::new().await;
    scene
        .stack
        .phone(&scene.instance, "storm", json!({ "count": 100 }))
        .await;
    scene
        .stack
        .phone(&scene.instance, "open", json!({ "number": "33611112222" }))
        .await;
    let id = scene.text("+33612345678").await;
    eventually("the storm is over", async || {
        let url = scene.stack.simulator.url();
        let path = "/simulator/webhooks?event=connection.update";
        let all = blackbox::Client::new(&url, None).get(path).await.json;
        let answered = all
            .as_array()
            .map(|all| all.iter().filter(|it| it["status"] == 200).count());
        (answered >= Some(100)).then_some(())
    })
    .await;
    // Some of the storm may have come after the opening; the link is open all the same.
    scene
        .stack
        .phone(&scene.instance, "open", json!({ "number": "33611112222" }))
        .await;
    scene.wait(&id, "read").await;
    assert_eq!(scene.stack.received_by("+33612345678").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_re_opened_without_being_told_is_found_out() {
    let scene = Scene::new().await;
    // As when the event of the beginning came after the one of the end.
    let stuck = "UPDATE instances SET reconnecting_since = now() - interval '55 seconds'";
    scene.stack.sql(stuck, &[]).await;
    let id = scene.text("+33612345678").await;
    scene.wait(&id, "read").await;
    let lost = "SELECT count(*) FROM events WHERE name = 'instance.disconnected'";
    assert_eq!(scene.stack.count(lost, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_told_with_its_reason_whichever_of_its_events_comes_first() {
    let scene = Scene::new().await;
    let secret = scene.instance.webhook_secret.reveal();
    let gateway = scene
        .stack
        .anonymous()
        .header("Authorization", &format!("Bearer {secret}"));
    let path = format!("/provider/evolution/{}", scene.instance.session);
    for (event, data) in [
        ("logout.instance", json!(null)),
        (
            "connection.update",
            json!({ "state": "close", "statusReason": 403 }),
        ),
        (
            "status.instance",
            json!({ "status": "closed", "disconnectionReasonCode": 403 }),
        ),
    ] {
        let body = json!({ "event": event, "data": data });
        assert_eq!(gateway.post(&path, &body).await.status, 200);
    }
    let inbox = "SELECT count(*) FROM inbox";
    eventually("the events are applied", async || {
        (scene.stack.count(inbox, &[]).await == 0).then_some(())
    })
    .await;
    let reasons = "SELECT payload->>'reason' FROM events WHERE name = 'instance.disconnected'";
    let rows = scene.stack.rows(reasons, &[]).await;
    let reasons: Vec<Option<String>> = rows.iter().map(|row| row.get(0)).collect();
    let reason = "WhatsApp banned or blocked the number".to_owned();
    assert_eq!(reasons, [Some(reason)]);
}
