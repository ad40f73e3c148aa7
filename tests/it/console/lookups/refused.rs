//! Refusals of look-ups, after which there is none.

use super::*;

async fn lookups(scene: &Scene) -> i64 {
    let count = "SELECT count(*) FROM number_lookups";
    scene.stack.count(count, &[]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_bodies_are_refused_by_their_fields() {
    let scene = Scene::new().await;
    let id = scene.instance.id.to_string();
    for (body, fields) in [
        (json!({}), vec!["instanceId", "numbers"]),
        (
            json!({ "instanceId": "x", "numbers": "+33612345678" }),
            vec!["instanceId", "numbers"],
        ),
        (json!({ "instanceId": id, "numbers": [] }), vec!["numbers"]),
        (
            json!({ "instanceId": id, "numbers": numbers(10_001) }),
            vec!["numbers"],
        ),
        (
            json!({ "instanceId": null, "numbers": ["+33612345678", 7, null, "", "a\u{0}"] }),
            vec!["instanceId", "numbers.1", "numbers.2", "numbers.4"],
        ),
    ] {
        let refused = scene.client.post(LOOKUPS, &body).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
        assert_eq!(refused.fields(), fields);
    }
    let told = json!({ "instanceId": id, "numbers": [7] });
    let told = scene.client.post(LOOKUPS, &told).await;
    assert_eq!(told.json["error"]["details"][0]["code"], "invalid_type");
    let form = scene
        .client
        .post_raw(LOOKUPS, "numbers=1", "text/plain")
        .await;
    assert_eq!(form.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    assert_eq!(lookups(&scene).await, 0);
    // A long list is a long one, also when there is nothing to ask.
    let nothing = scene.body(&vec!["nonsense".to_owned(); 1_000]);
    let nothing = scene.client.post(LOOKUPS, &nothing).await;
    assert_eq!(
        (nothing.status, &nothing.data()["status"]),
        (202, &json!("completed"))
    );
    // Ten thousand fit.
    let most = scene
        .client
        .post(LOOKUPS, &scene.body(&numbers(10_000)))
        .await;
    assert_eq!(most.status, 202, "{most:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_that_cannot_ask_is_refused() {
    let scene = Scene::new().await;
    let body = scene.body(&numbers(2));
    let status = "UPDATE instances SET status = $1";
    scene.stack.sql(status, &[&"suspended"]).await;
    let refused = scene.client.post(LOOKUPS, &body).await;
    assert_eq!(refused.outcome(), (403, "FORBIDDEN"));
    scene.stack.sql(status, &[&"disconnected"]).await;
    let refused = scene.client.post(LOOKUPS, &body).await;
    assert_eq!(refused.outcome(), (400, "BAD_REQUEST"));
    assert!(refused.text.contains("not connected"), "{refused:?}");
    assert_eq!(lookups(&scene).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_is_away_leaves_no_lookup() {
    let scene = Scene::new().await;
    scene.stack.control("down", json!({})).await;
    let refused = scene.client.post(LOOKUPS, &scene.body(&numbers(2))).await;
    assert_eq!(refused.outcome(), (502, "PROVIDER_UNAVAILABLE"));
    assert_eq!(lookups(&scene).await, 0);
    let count = "SELECT count(*) FROM number_checks";
    assert_eq!(scene.stack.count(count, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_without_lookups_still_reads_them() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1)).await;
    let lack = "UPDATE plans SET feature_number_lookups = false";
    scene.stack.sql(lack, &[]).await;
    let refused = scene.client.post(LOOKUPS, &json!({})).await;
    assert_eq!(refused.outcome(), (403, "FEATURE_NOT_AVAILABLE_ON_PLAN"));
    assert_eq!(scene.read(&lookup).await["id"], lookup["id"]);
    assert_eq!(scene.client.get(LOOKUPS).await.status, 200);
    let ended = "UPDATE subscriptions SET status = 'expired'";
    scene.stack.sql(ended, &[]).await;
    let refused = scene.client.post(LOOKUPS, &json!({})).await;
    assert_eq!(refused.outcome(), (403, "SUBSCRIPTION_INACTIVE"));
    assert_eq!(scene.client.get(LOOKUPS).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn lookups_and_instances_of_others_are_not_found() {
    let scene = Scene::new().await;
    let lookup = scene.look_up(&numbers(1)).await;
    let other = scene
        .stack
        .account("pro")
        .await
        .signed_in(&scene.stack)
        .await;
    let theirs = other.post(LOOKUPS, &scene.body(&numbers(1))).await;
    assert_eq!(theirs.outcome(), (404, "NOT_FOUND"));
    let ids = [
        blackbox::id_of(&lookup),
        "nonsense".to_owned(),
        "0197b3c0-1111-7000-8000-00000000dead".to_owned(),
    ];
    for id in ids {
        let path = format!("{LOOKUPS}/{id}");
        let import = format!("{path}/import-contacts");
        for reply in [other.get(&path).await, other.post_empty(&import).await] {
            assert_eq!(reply.outcome(), (404, "LOOKUP_NOT_FOUND"), "{id}");
        }
    }
    assert_eq!(other.get(LOOKUPS).await.data()["lookups"], json!([]));
    let nobody = scene.stack.anonymous();
    let path = format!("{LOOKUPS}/{}", blackbox::id_of(&lookup));
    for reply in [
        nobody.post(LOOKUPS, &json!({})).await,
        nobody.get(LOOKUPS).await,
        nobody.get(&path).await,
        nobody.post_empty(&format!("{path}/import-contacts")).await,
        // A key opens the public API alone.
        scene.account.client.get(LOOKUPS).await,
    ] {
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"));
    }
    let elsewhere = scene
        .client
        .header("X-Team-Id", "0197b3c0-1111-7000-8000-00000000dead");
    assert_eq!(
        elsewhere.get(LOOKUPS).await.outcome(),
        (404, "TEAM_NOT_FOUND")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn other_methods_are_told_which_there_are() {
    let scene = Scene::new().await;
    let one = format!("{LOOKUPS}/0197b3c0-1111-7000-8000-00000000dead");
    let import = format!("{one}/import-contacts");
    for (reply, allowed) in [
        (scene.client.delete(LOOKUPS).await, vec!["GET", "POST"]),
        (scene.client.delete(&one).await, vec!["GET"]),
        (scene.client.get(&import).await, vec!["POST"]),
    ] {
        assert_eq!(reply.outcome(), (405, "METHOD_NOT_ALLOWED"));
        let mut told: Vec<_> = reply.header("allow").split(", ").collect();
        told.sort_unstable();
        assert_eq!(told, allowed);
    }
}
