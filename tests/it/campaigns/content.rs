//! What arrives of each kind of campaign, and what is told of it.

use blackbox::{id_of, moment_in};
use serde_json::{Value, json};
use std::time::Duration;

use super::{CAMPAIGNS, CONSOLE, Scene, number, path, with};

const MEDIA: &str = "https://files.example.com/a.bin";

#[tokio::test(flavor = "multi_thread")]
async fn every_type_reaches_the_phone_unchanged() {
    let scene = Scene::new(1).await;
    let kinds = [
        (
            json!({ "type": "text", "body": "{{contact.name}} & <b>" }),
            "conversation",
        ),
        (
            json!({ "type": "image", "mediaUrl": MEDIA, "body": "Look" }),
            "imageMessage",
        ),
        (
            json!({ "type": "video", "mediaUrl": MEDIA, "body": "Look" }),
            "videoMessage",
        ),
        (
            json!({ "type": "document", "mediaUrl": MEDIA, "body": null }),
            "documentMessage",
        ),
        (
            json!({ "type": "audio", "mediaUrl": MEDIA, "body": 7 }),
            "audioMessage",
        ),
        (
            json!({ "type": "voice_note", "mediaUrl": MEDIA }),
            "audioMessage",
        ),
        (
            json!({ "type": "buttons", "body": null, "title": "Monday", "description": "Can you come?",
                "footer": "Reply before noon", "buttons": [
                    { "title": "reply", "displayText": "Yes", "id": "y" },
                    { "type": "reply", "displayText": "No", "id": "n" }] }),
            "conversation",
        ),
    ];
    for (at, (more, part)) in kinds.into_iter().enumerate() {
        // Both surfaces make them.
        let root = [CAMPAIGNS, CONSOLE][at % 2];
        let client = [scene.client(), &scene.console][at % 2];
        let body = with(&scene.text(), more.clone());
        let reply = client.post(root, &body).await;
        assert_eq!(reply.status, 201, "{body}: {reply:?}");
        let id = id_of(reply.data());
        let done = scene.wait(&id, "completed").await;
        assert_eq!(done["type"], more["type"]);
        assert!(done["templateId"].is_null() && done["templateVariables"].is_null());
        let shown = scene.stack.wait_received(&number(0), at + 1).await;
        assert_eq!(shown.len(), at + 1);
        let listed = scene.client().page(&path(&id, "messages")).await;
        let sent = listed["messages"][0]["id"].as_str().expect("an id");
        let sent = scene.client().message(sent).await;
        let safety = &sent["meta"]["workerSafety"];
        assert!(safety["decision"].is_string(), "{more}: {sent}");
        let message = &shown[at]["message"];
        assert!(!message[part].is_null(), "{more}: {message}");
        match more["type"].as_str().expect("a type") {
            "text" => assert_eq!(message[part], "{{contact.name}} & <b>"),
            "image" | "video" => assert_eq!(message[part]["caption"], "Look"),
            "buttons" => {
                let text = message[part].as_str().expect("text");
                for words in [
                    "Monday",
                    "Can you come?",
                    "1",
                    "Yes",
                    "No",
                    "Reply before noon",
                ] {
                    assert!(text.contains(words), "{text}");
                }
                assert_eq!(done["body"], "Can you come?");
                assert_eq!(done["title"], "Monday");
                assert_eq!(
                    done["buttons"][0]["type"], "reply",
                    "under its canonical name"
                );
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_rendered_for_each_and_who_lacks_something_fails_alone() {
    let scene = Scene::new(3).await;
    let body = "Hello {{contact.meta.city}}, {{contact.firstName}} gets {{custom.code}}";
    let template = json!({ "name": "A", "type": "text", "body": body });
    let template = scene.client().post("/api/v1/templates", &template).await;
    assert_eq!(template.status, 201, "{template:?}");
    let template = id_of(template.data());
    for (n, city) in [(0, "Lyon"), (1, "Paris")] {
        let change = json!({ "meta": { "city": city } });
        let contact = format!("/api/v1/contacts/{}", scene.people[n]);
        assert_eq!(scene.client().put(&contact, &change).await.status, 200);
    }
    let body = with(
        &scene.text(),
        json!({ "type": null, "body": null, "templateId": template, "variables": { "code": "APRIL" } }),
    );
    let made = scene.made(&body).await;
    assert_eq!(made["templateId"], template.as_str());
    assert_eq!(made["templateVariables"], json!({ "code": "APRIL" }));
    assert!(made["type"].is_null() && made["body"].is_null() && made["buttons"].is_null());
    let id = id_of(&made);
    let done = scene.wait(&id, "completed").await;
    let stats = &done["stats"];
    assert_eq!(
        (&stats["planned"], &stats["sent"], &stats["failed"]),
        (&json!(3), &json!(2), &json!(1))
    );
    let got = scene.stack.wait_received(&number(1), 1).await;
    assert_eq!(
        got[0]["message"]["conversation"],
        "Hello Paris, Person gets APRIL"
    );
    assert!(scene.stack.received_by(&number(2)).await.is_empty());
    let failed = scene
        .client()
        .page(&path(&id, "recipients?status=failed"))
        .await;
    let failed = &failed["recipients"][0];
    assert_eq!(failed["code"], "TEMPLATE_VARIABLES_MISSING");
    assert_eq!(
        (&failed["contactId"], &failed["phone"]),
        (&json!(scene.people[2]), &json!(number(2)))
    );
    let message = scene
        .client()
        .message(failed["messageId"].as_str().expect("an id"))
        .await;
    assert_eq!(
        message["meta"]["missingVariables"],
        json!(["contact.meta.city"])
    );
    assert_eq!(message["campaignId"], id.as_str());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_campaign_is_shown_to_the_field() {
    let scene = Scene::new(2).await;
    let body = with(
        &scene.tomorrow(),
        json!({
            "name": "  April offer ", "schedule": "2020-01-01T10:00:00+02:00", "repeat": "noe",
            "recipients": { "type": "tags", "value": ["all", " vip ", "all"] },
            "window": { "start": "22:00", "end": "06:00", "timezone": "Europe/Paris", "days": ["sun", "mon", "mon"] },
        }),
    );
    let mut made = scene.made(&body).await;
    let audience = made["safety"]["audience"].clone();
    assert_eq!(
        audience,
        json!({ "totalRecipients": 2, "warmCount": 0, "coldCount": 2, "unknownCount": 0,
            "blockedCount": 0, "coldRatio": 1.0, "warmRatio": 0.0, "unknownRatio": 0.0 })
    );
    assert_eq!(made["safety"]["decision"], "warn");
    assert_eq!(made["safety"]["appliedLimits"]["maxCampaignRecipients"], 30);
    for name in ["id", "createdAt", "updatedAt"] {
        assert!(made[name].is_string(), "{made}");
        made[name] = Value::Null;
    }
    made["safety"] = Value::Null;
    assert_eq!(
        made,
        json!({
            "id": null, "userId": scene.account.user.to_string(), "teamId": null, "actingUserId": null,
            "instanceId": scene.instance.id.to_string(), "name": "April offer", "status": "scheduled",
            "templateId": null, "templateVariables": null, "type": "text", "body": "Hello",
            "mediaUrl": null, "title": null, "description": null, "footer": null, "buttons": null,
            "schedule": "2020-01-01T08:00:00.000Z", "repeat": "none", "sendBy": null,
            "window": { "start": "22:00", "end": "06:00", "timezone": "Europe/Paris", "days": ["mon", "sun"] },
            "retryOf": null, "error": null, "recipients": { "type": "tags", "value": ["all", "vip"] },
            "stats": { "planned": 0, "queued": 0, "sent": 0, "delivered": 0, "read": 0, "failed": 0,
                "cancelled": 0, "skipped": 0, "processingStartedAt": null, "lastEnqueuedAt": null,
                "completedAt": null, "cancelledAt": null },
            "safety": null, "createdAt": null, "updatedAt": null,
        })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_audience_is_whom_it_names() {
    let scene = Scene::new(4).await;
    let client = scene.client();
    let tags = json!({ "tags": ["vip"] });
    let contact = format!("/api/v1/contacts/{}", scene.people[1]);
    assert_eq!(client.put(&contact, &tags).await.status, 200);
    let group = client.group("Friends").await;
    client.join(&group, &scene.people[2..4]).await;
    let twice = json!([scene.people[0], scene.people[0]]);
    for (recipients, reached) in [
        (json!({ "type": "all", "value": [] }), vec![0, 1, 2, 3]),
        (
            json!({ "type": "tags", "value": ["vip", "nobody"] }),
            vec![1],
        ),
        (json!({ "type": "group", "groupId": group }), vec![2, 3]),
        (json!({ "type": "explicit", "value": twice }), vec![0]),
    ] {
        let before = received(&scene).await;
        let made = scene
            .made(&with(&scene.text(), json!({ "recipients": recipients })))
            .await;
        let done = scene.wait(&id_of(&made), "completed").await;
        assert_eq!(done["stats"]["planned"], reached.len(), "{recipients}");
        assert_eq!(done["recipients"]["type"], recipients["type"]);
        let after = received(&scene).await;
        let new: Vec<_> = (0..4).filter(|n| after[*n] > before[*n]).collect();
        assert_eq!(new, reached, "{recipients}");
    }
}

async fn received(scene: &Scene) -> Vec<usize> {
    let mut counts = Vec::new();
    for n in 0..scene.people.len() {
        counts.push(scene.stack.received_by(&number(n)).await.len());
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn stats_tell_how_far_it_is() {
    let scene = Scene::new(3).await;
    let later = scene.made(&scene.tomorrow()).await;
    let stats = scene.client().page(&path(&id_of(&later), "stats")).await;
    assert_eq!(
        stats,
        json!({
            "campaignId": later["id"], "status": "scheduled",
            "stats": { "total": 0, "planned": 0, "queued": 0, "sent": 0, "delivered": 0, "read": 0,
                "failed": 0, "cancelled": 0, "skipped": 0 },
            "progressPercent": 0,
            "timeline": { "scheduledFor": later["schedule"], "processingStartedAt": null,
                "lastEnqueuedAt": null, "completedAt": null, "cancelledAt": null, "lastActivityAt": null },
            "startedAt": null, "estimatedCompletionAt": null,
        })
    );
    let id = id_of(&scene.made(&scene.text()).await);
    scene.wait(&id, "completed").await;
    let done = blackbox::eventually("everybody read it", async || {
        let stats = scene.console.page(&format!("{CONSOLE}/{id}/stats")).await;
        (stats["stats"]["read"] == 3).then_some(stats)
    })
    .await;
    assert_eq!(
        (&done["status"], &done["progressPercent"]),
        (&json!("completed"), &json!(100))
    );
    assert_eq!(
        (&done["stats"]["total"], &done["stats"]["sent"]),
        (&json!(3), &json!(3))
    );
    assert_eq!(done["startedAt"], done["timeline"]["processingStartedAt"]);
    for at in [
        "processingStartedAt",
        "lastEnqueuedAt",
        "completedAt",
        "lastActivityAt",
    ] {
        assert!(done["timeline"][at].is_string(), "{at}: {done}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_is_foretold_at_the_pace_of_the_number() {
    let scene = Scene::with(20, &[("pace_ms", "2000")]).await;
    let id = id_of(&scene.made(&scene.text()).await);
    let stats = blackbox::eventually("it runs", async || {
        let stats = scene.client().page(&path(&id, "stats")).await;
        stats["estimatedCompletionAt"].is_string().then_some(stats)
    })
    .await;
    let ends = stats["estimatedCompletionAt"].as_str().expect("a moment");
    // Twenty messages, five seconds each in the mean.
    assert!(ends > moment_in(Duration::from_secs(40)).as_str(), "{ends}");
    assert!(
        ends < moment_in(Duration::from_secs(110)).as_str(),
        "{ends}"
    );
    scene.press(&id, "pause").await;
    let paused = scene.client().page(&path(&id, "stats")).await;
    assert!(paused["estimatedCompletionAt"].is_null());
}
