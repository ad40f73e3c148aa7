//! Campaigns of one workspace are unknown in every other, and what people in a team may do with them.

use blackbox::{Crew, Stack, id_of, moment_in};
use serde_json::json;
use std::time::Duration;

use super::{CAMPAIGNS, CONSOLE, Scene, path, with};

#[tokio::test(flavor = "multi_thread")]
async fn they_are_there_in_one_workspace_alone() {
    let scene = Scene::new(1).await;
    let id = id_of(&scene.made(&scene.tomorrow()).await);
    let other = scene.stack.account("pro").await;
    let team = scene.account.team(&scene.stack).await;
    let console = other.signed_in(&scene.stack).await;
    for (client, root) in [
        (&other.client, CAMPAIGNS),
        (&team.client, CAMPAIGNS),
        (&console, CONSOLE),
    ] {
        for below in ["", "/stats", "/messages", "/recipients"] {
            let reply = client.get(&format!("{root}/{id}{below}")).await;
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{root}{below}");
        }
        for button in ["pause", "resume", "cancel", "retry-failed"] {
            let reply = client.post_empty(&format!("{root}/{id}/{button}")).await;
            assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{root} {button}");
        }
        let reply = client.delete(&format!("{root}/{id}")).await;
        assert_eq!(reply.outcome(), (404, "NOT_FOUND"), "{root}");
        let list = client.get(root).await;
        assert!(!list.text.contains(&id), "{list:?}");
    }
    assert_eq!(scene.read(&id).await["status"], "scheduled");
    // What it would need of others is not there either.
    let theirs = other.client.group("Theirs").await;
    let contact = other.client.contact("Somebody", 33_612_345_699).await;
    let template = json!({ "name": "A", "type": "text", "body": "Hi" });
    let template = id_of(
        other
            .client
            .post("/api/v1/templates", &template)
            .await
            .data(),
    );
    for (more, outcome) in [
        (
            json!({ "recipients": { "type": "group", "groupId": theirs } }),
            (404, "NOT_FOUND"),
        ),
        (
            json!({ "type": null, "body": null, "templateId": template }),
            (404, "NOT_FOUND"),
        ),
        (
            json!({ "recipients": { "type": "explicit", "value": [contact] } }),
            (400, "VALIDATION_ERROR"),
        ),
    ] {
        let refused = scene.post(&with(&scene.tomorrow(), more)).await;
        assert_eq!(refused.outcome(), outcome);
    }
    let foreign = json!({ "instanceId": scene.instance.id.to_string() });
    let refused = other
        .client
        .post(CAMPAIGNS, &with(&scene.text(), foreign))
        .await;
    assert_eq!(refused.outcome(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collaborator_reads_all_and_moves_those_of_their_instances() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let given = crew.owner.account.instance(&stack).await.id.to_string();
    let kept = crew.owner.account.instance(&stack).await.id.to_string();
    crew.assign(&given).await;
    let owner = crew.owner.within(&crew.team);
    let them = crew.collaborator.within(&crew.team);
    let body = |instance: &str| {
        json!({
            "name": "Spring", "instanceId": instance, "recipients": { "type": "all" },
            "schedule": moment_in(Duration::from_hours(24)), "type": "text", "body": "Hi",
        })
    };
    let refused = them.post(CONSOLE, &body(&kept)).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    let dry = format!("{CONSOLE}?dryRun=true");
    let refused = them.post(&dry, &body(&kept)).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    let own = them.post(CONSOLE, &body(&given)).await;
    assert_eq!(own.status, 201, "{own:?}");
    assert_eq!(own.data()["actingUserId"], crew.collaborator.id());
    let others = id_of(owner.post(CONSOLE, &body(&kept)).await.data());
    assert_eq!(them.get(&format!("{CONSOLE}/{others}")).await.status, 200);
    for button in ["pause", "cancel"] {
        let refused = them
            .patch(&format!("{CONSOLE}/{others}/{button}"), &json!({}))
            .await;
        assert_eq!(
            refused.outcome(),
            (403, "INSTANCE_NOT_ASSIGNED"),
            "{button}"
        );
    }
    let own = id_of(own.data());
    let pause = format!("{CONSOLE}/{own}/pause");
    assert_eq!(them.post_empty(&pause).await.status, 200);
    crew.unassign(&given).await;
    let resume = format!("{CONSOLE}/{own}/resume");
    let refused = them.post_empty(&resume).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    // A key of the team acts as one of its admins.
    let program = crew.program(&stack).await;
    assert_eq!(program.post_empty(&path(&own, "resume")).await.status, 200);
}
