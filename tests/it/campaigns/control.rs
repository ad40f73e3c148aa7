//! Pausing, resuming, cancelling and deleting.

use blackbox::{Client, id_of};
use reqwest::Method;
use serde_json::json;

use super::{CAMPAIGNS, CONSOLE, NOBODY, Scene, path};

const WRONG: (u16, &str) = (400, "BAD_REQUEST");
const BUTTONS: [&str; 3] = ["pause", "resume", "cancel"];

/// Each surface by each verb.
fn ways(scene: &Scene) -> [(&Client, &'static str, Method); 4] {
    [
        (scene.client(), CAMPAIGNS, Method::POST),
        (scene.client(), CAMPAIGNS, Method::PATCH),
        (&scene.console, CONSOLE, Method::POST),
        (&scene.console, CONSOLE, Method::PATCH),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_surfaces_and_both_verbs_move_a_campaign_the_same_way() {
    let scene = Scene::new(1).await;
    for (client, root, verb) in ways(&scene) {
        let made = scene.made(&scene.tomorrow()).await;
        let id = id_of(&made);
        let press = async |button: &str| {
            let path = format!("{root}/{id}/{button}");
            client.call(verb.clone(), &path, None, "").await
        };
        let at = format!("{verb} {root}");
        assert_eq!(press("resume").await.outcome(), WRONG, "{at}: it waits");
        let paused = press("pause").await;
        assert_eq!(
            (paused.status, &paused.data()["status"]),
            (200, &json!("paused")),
            "{at}"
        );
        assert!(paused.data().get("safety").is_none(), "{at}");
        assert_eq!(paused.data()["stats"]["planned"], 0);
        assert_eq!(press("pause").await.outcome(), WRONG, "{at}: again");
        let resumed = press("resume").await;
        assert_eq!(
            (resumed.status, &resumed.data()["status"]),
            (200, &json!("scheduled")),
            "{at}"
        );
        let safety = &resumed.data()["safety"];
        assert!(
            safety["decision"].is_string() && safety["reasons"].is_array(),
            "{safety}"
        );
        assert!(safety["appliedLimits"].is_object() && safety.get("audience").is_none());
        let cancelled = press("cancel").await;
        assert_eq!(
            (cancelled.status, &cancelled.data()["status"]),
            (200, &json!("cancelled")),
            "{at}"
        );
        assert!(cancelled.data()["stats"]["cancelledAt"].is_string());
        for button in BUTTONS {
            assert_eq!(
                press(button).await.outcome(),
                WRONG,
                "{at}: {button} after the end"
            );
        }
    }
    assert_eq!(scene.left().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_one_stops_and_goes_on_and_nobody_hears_twice() {
    let scene = Scene::with(6, &[("pace_ms", "300")]).await;
    let id = id_of(&scene.made(&scene.text()).await);
    blackbox::eventually("one left", async || (scene.left().await > 0).then_some(())).await;
    let paused = scene.press(&id, "pause").await;
    assert_eq!(paused.data()["status"], "paused", "{paused:?}");
    super::assert_adds_up(&paused.data()["stats"]);
    let resumed = scene.press(&id, "resume").await;
    assert_eq!(resumed.data()["status"], "running", "{resumed:?}");
    let done = scene.wait(&id, "completed").await;
    assert_eq!(done["stats"]["sent"], 6);
    assert_eq!(scene.left().await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_one_is_gone_whatever_its_state_and_its_messages_stay() {
    let scene = Scene::new(1).await;
    let done = id_of(&scene.made(&scene.text()).await);
    scene.wait(&done, "completed").await;
    let waits = id_of(&scene.made(&scene.tomorrow()).await);
    let paused = id_of(&scene.made(&scene.tomorrow()).await);
    scene.press(&paused, "pause").await;
    for (n, id) in [&done, &waits, &paused].into_iter().enumerate() {
        let (client, root) = [(scene.client(), CAMPAIGNS), (&scene.console, CONSOLE)][n % 2];
        let reply = client.delete(&format!("{root}/{id}")).await;
        assert_eq!(
            (reply.status, reply.data()),
            (200, &json!({ "deleted": true }))
        );
        for below in ["", "stats", "messages", "recipients"] {
            let gone = scene.client().get(&path(id, below)).await;
            assert_eq!(gone.outcome(), (404, "NOT_FOUND"), "{below}");
        }
        for button in ["pause", "resume", "cancel", "retry-failed"] {
            let gone = scene.press(id, button).await;
            assert_eq!(gone.outcome(), (404, "NOT_FOUND"), "{button}");
        }
        let again = scene.client().delete(&path(id, "")).await;
        assert_eq!(again.outcome(), (404, "NOT_FOUND"));
    }
    let list = scene.client().page(CAMPAIGNS).await;
    assert_eq!(list["campaigns"], json!([]));
    let sent = scene
        .client()
        .page(&format!("/api/v1/messages?campaignId={done}"))
        .await;
    assert_eq!(sent["messages"].as_array().map(Vec::len), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_nobodys_is_not_there() {
    let scene = Scene::new(0).await;
    for id in [NOBODY, "nonsense"] {
        for (client, root, verb) in ways(&scene) {
            for button in BUTTONS {
                let path = format!("{root}/{id}/{button}");
                let reply = client.call(verb.clone(), &path, None, "").await;
                assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{verb} {path}");
            }
        }
        for below in ["", "/stats", "/messages", "/recipients"] {
            for (client, root) in [(scene.client(), CAMPAIGNS), (&scene.console, CONSOLE)] {
                let reply = client.get(&format!("{root}/{id}{below}")).await;
                assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{root} {below}");
            }
        }
    }
    let wrong = scene.client().put(&path(NOBODY, ""), &json!({})).await;
    assert_eq!(wrong.outcome(), (405, "METHOD_NOT_ALLOWED"));
    assert_eq!(wrong.header("allow"), "GET, DELETE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_number_neither_begins_nor_goes_on_but_stops() {
    let scene = Scene::new(1).await;
    let id = id_of(&scene.made(&scene.tomorrow()).await);
    scene
        .stack
        .sql("UPDATE instances SET status = 'suspended'", &[])
        .await;
    assert_eq!(scene.press(&id, "pause").await.status, 200);
    assert_eq!(
        scene.press(&id, "resume").await.outcome(),
        (403, "FORBIDDEN")
    );
    let refused = scene.post(&scene.text()).await;
    assert_eq!(refused.outcome(), (403, "FORBIDDEN"));
    assert_eq!(scene.press(&id, "cancel").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_whose_number_is_deleted_pauses_by_itself() {
    // All of its messages are made at once, and none is left to be made.
    let scene = Scene::with(5, &[("pace_ms", "60000")]).await;
    let id = id_of(&scene.made(&scene.text()).await);
    scene.wait(&id, "running").await;
    let instance = format!("/api/instances/{}", scene.instance.id);
    assert_eq!(scene.console.delete(&instance).await.status, 200);
    let paused = scene.wait(&id, "paused").await;
    assert_eq!(paused["instanceId"], scene.instance.id.to_string());
    assert_eq!(
        scene.press(&id, "resume").await.outcome(),
        (404, "NOT_FOUND")
    );
    assert_eq!(scene.press(&id, "cancel").await.status, 200);
    assert_eq!(
        scene.post(&scene.text()).await.outcome(),
        (404, "NOT_FOUND")
    );
}
