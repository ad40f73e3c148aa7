//! Dry runs: what a campaign would do, and nothing done.

use std::time::Duration;

use blackbox::{Reply, id_of, moment_in};
use serde_json::{Value, json};

use super::{CAMPAIGNS, CONSOLE, Scene, number, with};

impl Scene {
    async fn rehearse(&self, body: &Value) -> Reply {
        self.client()
            .post(&format!("{CAMPAIGNS}?dryRun=true"), body)
            .await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_tells_whom_what_and_when_and_keeps_nothing() {
    let scene = Scene::with(7, &[("pace_ms", "1000")]).await;
    scene.client().suppress(&number(6)).await;
    let change = json!({ "meta": { "city": "Lyon" } });
    for id in &scene.people[..4] {
        let path = format!("/api/v1/contacts/{id}");
        assert_eq!(scene.client().put(&path, &change).await.status, 200);
    }
    let template = json!({ "name": "A", "type": "text", "body": "Hi {{contact.name}} in {{contact.meta.city}}" });
    let template = scene.client().post("/api/v1/templates", &template).await;
    let mut named = scene.people.clone();
    named.push(scene.people[0].clone());
    let starts = moment_in(Duration::from_hours(24));
    let body = with(
        &scene.text(),
        json!({
            "type": null, "body": null, "templateId": id_of(template.data()), "schedule": starts,
            "recipients": { "type": "explicit", "value": named },
        }),
    );
    let shown = scene.rehearse(&body).await;
    assert_eq!(shown.status, 200, "{shown:?}");
    let shown = shown.data();
    let by_person = scene
        .console
        .post(&format!("{CONSOLE}?dryRun=true"), &body)
        .await;
    assert_eq!(by_person.data(), shown);
    assert_eq!(shown["dryRun"], true);
    assert_eq!(
        shown["audience"],
        json!({ "recipients": 7, "duplicates": 1, "suppressed": 1, "unrenderable": 2 })
    );
    assert_eq!(shown["quota"]["needed"], 4);
    assert_eq!(shown["quota"]["sufficient"], true);
    let samples = shown["samples"].as_array().expect("a list");
    assert_eq!(samples.len(), 4);
    let first = samples
        .iter()
        .find(|it| it["to"] == number(0))
        .expect("the first");
    assert_eq!(
        *first,
        json!({ "contactId": scene.people[0], "to": number(0), "type": "text",
            "body": "Hi Person 0 in Lyon", "mediaUrl": null })
    );
    let failures = shown["failures"].as_array().expect("a list");
    assert_eq!(failures.len(), 2);
    assert_eq!(failures[0]["code"], "TEMPLATE_VARIABLES_MISSING");
    assert_eq!(
        failures[0]["missingVariables"],
        json!(["contact.meta.city"])
    );
    assert_eq!(
        shown["schedule"]["startsAt"].as_str().map(|at| &at[..19]),
        Some(&starts[..19])
    );
    // Four messages, two and a half seconds each in the mean.
    assert_eq!(shown["schedule"]["durationSeconds"], 10);
    assert!(shown["schedule"]["estimatedCompletionAt"].as_str() > Some(starts.as_str()));
    assert_eq!(shown["safety"]["audience"]["totalRecipients"], 7);
    for member in [
        "decision",
        "riskLevel",
        "state",
        "score",
        "reasons",
        "recommendations",
        "appliedLimits",
    ] {
        assert!(!shown["safety"][member].is_null(), "{member}");
    }
    assert_eq!(scene.stored().await, 0);
    let counters = "SELECT count(*) FROM campaign_counters";
    assert_eq!(scene.stack.count(counters, &[]).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_refuses_what_making_it_would_refuse() {
    let scene = Scene::new(1).await;
    for (more, outcome) in [
        (json!({ "name": null }), (400, "VALIDATION_ERROR")),
        (json!({ "instanceId": super::NOBODY }), (404, "NOT_FOUND")),
        (
            json!({ "type": null, "templateId": super::NOBODY }),
            (404, "NOT_FOUND"),
        ),
        (
            json!({ "recipients": { "type": "explicit", "value": [super::NOBODY] } }),
            (400, "VALIDATION_ERROR"),
        ),
    ] {
        let body = with(&scene.text(), more);
        assert_eq!(scene.rehearse(&body).await.outcome(), outcome, "{body}");
    }
    for word in ["yes", "1", "TRUE"] {
        let reply = scene
            .client()
            .post(&format!("{CAMPAIGNS}?dryRun={word}"), &scene.text())
            .await;
        assert_eq!(reply.outcome(), (400, "VALIDATION_ERROR"), "{word}");
        assert_eq!(reply.fields(), ["dryRun"]);
    }
    assert_eq!(scene.stored().await, 0);
    let meant = scene
        .client()
        .post(&format!("{CAMPAIGNS}?dryRun=false"), &scene.tomorrow())
        .await;
    assert_eq!(meant.status, 201, "{meant:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_once_wait_for_each_other() {
    let scene = Scene::new(3).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (client, body) = (scene.client().clone(), scene.text());
        calls.spawn(async move {
            client
                .post(&format!("{CAMPAIGNS}?dryRun=true"), &body)
                .await
        });
    }
    for reply in calls.join_all().await {
        assert_eq!(reply.data()["audience"]["recipients"], 3, "{reply:?}");
    }
}
