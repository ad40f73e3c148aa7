//! What a plan, a subscription and a month allow.

use serde_json::json;

use blackbox::id_of;

use super::{CAMPAIGNS, CONSOLE, NOBODY, Scene, once, path, with};

const LACKS: (u16, &str) = (403, "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN");
const USED_UP: (u16, &str) = (429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED");

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_row_decides_whether_there_are_campaigns() {
    let scene = Scene::new(1).await;
    let paused = id_of(&scene.made(&scene.tomorrow()).await);
    scene.press(&paused, "pause").await;
    let ended = id_of(&scene.made(&scene.tomorrow()).await);
    scene.press(&ended, "cancel").await;
    let lack = "UPDATE plans SET feature_campaigns = false WHERE code = 'pro'";
    scene.stack.sql(lack, &[]).await;
    // The gate comes before the body, and before what the path names.
    for (client, root) in [(scene.client(), CAMPAIGNS), (&scene.console, CONSOLE)] {
        assert_eq!(client.post(root, &json!({})).await.outcome(), LACKS);
        let dry = format!("{root}?dryRun=true");
        assert_eq!(client.post(&dry, &scene.text()).await.outcome(), LACKS);
        for id in [paused.as_str(), NOBODY] {
            for button in ["resume", "retry-failed"] {
                let reply = client.post_empty(&format!("{root}/{id}/{button}")).await;
                assert_eq!(reply.outcome(), LACKS, "{button}");
            }
        }
        assert_eq!(client.get(root).await.status, 200);
        assert_eq!(
            client.get(&format!("{root}/{paused}/stats")).await.status,
            200
        );
    }
    let seen = scene.console.get("/api/workspace/current").await;
    assert_eq!(seen.data()["capabilities"]["canCreateCampaigns"], false);
    assert_eq!(scene.press(&paused, "cancel").await.status, 200);
    assert_eq!(scene.client().delete(&path(&ended, "")).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_pays_no_more_may_stop_and_read_but_not_begin() {
    let scene = Scene::new(1).await;
    let one = id_of(&scene.made(&scene.tomorrow()).await);
    let other = id_of(&scene.made(&scene.tomorrow()).await);
    scene
        .stack
        .sql("UPDATE subscriptions SET status = 'expired'", &[])
        .await;
    let inactive = (403, "SUBSCRIPTION_INACTIVE");
    assert_eq!(scene.post(&scene.text()).await.outcome(), inactive);
    assert_eq!(scene.press(&one, "pause").await.status, 200);
    assert_eq!(scene.press(&one, "resume").await.outcome(), inactive);
    assert_eq!(scene.press(&one, "retry-failed").await.outcome(), inactive);
    assert_eq!(scene.press(&one, "cancel").await.status, 200);
    assert_eq!(scene.client().delete(&path(&other, "")).await.status, 200);
    for below in ["", "stats", "messages", "recipients"] {
        assert_eq!(scene.client().get(&path(&one, below)).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_voice_notes_refuses_them_after_the_body() {
    let scene = Scene::new(1).await;
    scene
        .stack
        .sql("UPDATE plans SET feature_voice_notes = false", &[])
        .await;
    let voice = with(
        &scene.tomorrow(),
        json!({ "type": "voice_note", "mediaUrl": "https://files.example.com/a.ogg", "instanceId": NOBODY }),
    );
    let lacks = (403, "FEATURE_NOT_AVAILABLE_ON_PLAN");
    assert_eq!(scene.post(&voice).await.outcome(), lacks, "and before 404");
    let wrong = with(&voice, json!({ "mediaUrl": null }));
    assert_eq!(
        scene.post(&wrong).await.outcome(),
        (400, "VALIDATION_ERROR")
    );
    let sound = with(
        &scene.tomorrow(),
        json!({ "type": "audio", "mediaUrl": "https://files.example.com/a.ogg" }),
    );
    assert_eq!(scene.post(&sound).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_lost_voice_notes_sends_none_of_them_once_more() {
    let scene = Scene::new(1).await;
    let voice = with(
        &scene.text(),
        json!({ "type": "voice_note", "body": null, "mediaUrl": "https://files.example.com/a.ogg" }),
    );
    let id = once::failed_of(&scene, &voice).await;
    let set = |to| format!("UPDATE plans SET feature_voice_notes = {to}");
    scene.stack.sql(&set("false"), &[]).await;
    let lacks = (403, "FEATURE_NOT_AVAILABLE_ON_PLAN");
    for (client, root) in [(scene.client(), CAMPAIGNS), (&scene.console, CONSOLE)] {
        let refused = client
            .post_empty(&format!("{root}/{id}/retry-failed"))
            .await;
        assert_eq!(refused.outcome(), lacks, "{root}");
    }
    assert_eq!(scene.stored().await, 1);
    scene.stack.sql(&set("true"), &[]).await;
    let made = scene.press(&id, "retry-failed").await;
    assert_eq!(made.status, 201, "it can be sent again: {made:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_used_up_begins_nothing_and_says_so_beforehand() {
    let scene = Scene::new(2).await;
    let paused = id_of(&scene.made(&scene.tomorrow()).await);
    scene.press(&paused, "pause").await;
    scene
        .stack
        .sql("UPDATE plans SET monthly_outbound_quota = 0", &[])
        .await;
    for reply in [
        scene.post(&scene.text()).await,
        scene.console.post(CONSOLE, &scene.text()).await,
        scene.press(&paused, "resume").await,
    ] {
        assert_eq!(reply.outcome(), USED_UP);
        assert!(!reply.header("retry-after").is_empty());
    }
    let dry = scene
        .client()
        .post(&format!("{CAMPAIGNS}?dryRun=true"), &scene.text())
        .await;
    assert_eq!(
        dry.data()["quota"],
        json!({ "needed": 2, "left": 0, "sufficient": false })
    );
    assert_eq!(scene.stored().await, 1);
}
