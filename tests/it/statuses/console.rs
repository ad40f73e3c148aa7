//! What people see.

use serde_json::{Value, json};

use super::Scene;

const PATH: &str = "/api/statuses";

#[tokio::test(flavor = "multi_thread")]
async fn the_console_publishes_and_lists_page_by_page() {
    let scene = Scene::new().await;
    let console = scene.account.signed_in(&scene.stack).await;
    let empty = json!({ "statuses": [], "total": 0, "page": 1, "totalPages": 0 });
    assert_eq!(console.get(PATH).await.data(), &empty);

    let id = scene.instance.id.to_string();
    let mut text = scene.text("Hi");
    text["backgroundColor"] = json!("#1F6F54");
    let first = console.post(PATH, &text).await;
    assert_eq!(first.status, 201, "{first:?}");
    let image = json!({
        "instanceId": id, "type": "image", "content": "https://files.example.com/a.png",
        "caption": "Spring",
    });
    let second = console.post(PATH, &image).await;
    scene
        .stack
        .fault(json!({ "fault": "connection_closed", "times": 1 }))
        .await;
    let failed = console.post(PATH, &scene.text("Ho")).await;
    assert_eq!(failed.outcome(), (502, "PROVIDER_UNAVAILABLE"));

    let page = console.get(PATH).await;
    let data = page.data();
    assert_eq!(
        (&data["total"], &data["page"], &data["totalPages"]),
        (&json!(3), &json!(1), &json!(1))
    );
    let shown = data["statuses"].as_array().expect("a list");
    let made = |it: &Value| it["createdAt"].as_str().is_some_and(|it| it.ends_with('Z'));
    assert!(shown.iter().all(made), "{shown:?}");
    let expected = [
        json!({
            "id": shown[0]["id"], "instanceId": id, "instanceName": "Shop", "type": "text",
            "content": "Ho", "caption": null, "backgroundColor": "#000000", "status": "failed",
            "error": "Provider temporarily unavailable", "providerMessageId": null,
            "createdAt": shown[0]["createdAt"],
        }),
        json!({
            "id": second.data()["id"], "instanceId": id, "instanceName": "Shop", "type": "image",
            "content": "https://files.example.com/a.png", "caption": "Spring",
            "backgroundColor": null, "status": "published", "error": null,
            "providerMessageId": second.data()["providerMessageId"],
            "createdAt": shown[1]["createdAt"],
        }),
        json!({
            "id": first.data()["id"], "instanceId": id, "instanceName": "Shop", "type": "text",
            "content": "Hi", "caption": null, "backgroundColor": "#1F6F54", "status": "published",
            "error": null, "providerMessageId": first.data()["providerMessageId"],
            "createdAt": shown[2]["createdAt"],
        }),
    ];
    assert_eq!(shown, &expected);

    let page = async |query: &str| console.get(&format!("{PATH}?{query}")).await;
    let last = page("page=2&limit=2").await;
    assert_eq!(last.data()["statuses"], json!([expected[2]]));
    assert_eq!(last.data()["totalPages"], 2);
    let beyond = page("page=4294967295&limit=100").await;
    assert_eq!(beyond.data()["statuses"], json!([]));
    for (query, field) in [
        ("limit=101", "limit"),
        ("limit=0", "limit"),
        ("page=0", "page"),
        ("page=x", "page"),
    ] {
        let refused = page(query).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{query}");
        assert_eq!(refused.fields(), [field]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_of_others_are_not_seen() {
    let scene = Scene::new().await;
    assert_eq!(scene.publish(&scene.text("Hi")).await.status, 201);
    let own = scene.account.signed_in(&scene.stack).await;
    assert_eq!(own.get(PATH).await.data()["total"], 1);
    let other = scene.stack.account("pro").await;
    let other = other.signed_in(&scene.stack).await;
    assert_eq!(other.get(PATH).await.data()["total"], 0);
    let theirs = other.post(PATH, &scene.text("Hi")).await;
    assert_eq!(theirs.outcome(), (404, "NOT_FOUND"));
    for client in [&scene.stack.anonymous(), &scene.account.client] {
        assert_eq!(client.get(PATH).await.outcome(), (401, "UNAUTHORIZED"));
        let reply = client.post(PATH, &scene.text("Hi")).await;
        assert_eq!(reply.outcome(), (401, "UNAUTHORIZED"));
    }
    let nowhere = own.header("x-team-id", "0197b3c0-1111-7000-8000-00000000dead");
    assert_eq!(nowhere.get(PATH).await.outcome(), (404, "TEAM_NOT_FOUND"));
}
