//! After the end: what can be sent once more, and what a deleted team leaves.

use blackbox::{Crew, Stack, eventually, id_of, moment_in};
use serde_json::json;
use std::time::Duration;

use super::{CONSOLE, Scene, number, once, path};

const WRONG: (u16, &str) = (400, "BAD_REQUEST");

#[tokio::test(flavor = "multi_thread")]
async fn only_failures_of_an_ended_one_are_sent_once_more() {
    let scene = Scene::new(1).await;
    let waits = id_of(&scene.made(&scene.tomorrow()).await);
    assert_eq!(scene.press(&waits, "retry-failed").await.outcome(), WRONG);
    scene.press(&waits, "cancel").await;
    let nothing = scene.press(&waits, "retry-failed").await;
    assert_eq!(nothing.outcome(), WRONG, "nobody failed");
    let id = once::failed(&scene).await;
    let failed = scene
        .client()
        .page(&path(&id, "recipients?status=failed"))
        .await;
    assert_eq!(
        failed["recipients"][0]["code"], "PROVIDER_ERROR",
        "{failed}"
    );
    let made = scene
        .console
        .post_empty(&format!("{CONSOLE}/{id}/retry-failed"))
        .await;
    assert_eq!(made.status, 201, "{made:?}");
    let new = made.data();
    assert_eq!(
        (&new["name"], &new["body"]),
        (&json!("Spring"), &json!("Hello"))
    );
    assert_eq!(new["safety"]["audience"]["totalRecipients"], 1);
    let done = scene.wait(&id_of(new), "completed").await;
    assert_eq!(done["stats"]["sent"], 1);
    assert_eq!(scene.stack.received_by(&number(0)).await.len(), 2);
    assert_eq!(
        scene.press(&id, "retry-failed").await.outcome(),
        (409, "CONFLICT")
    );
    assert_eq!(
        scene.read(&id).await["stats"]["failed"],
        1,
        "the old one stays as it is"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_and_refused_later_is_not_sent_once_more() {
    let scene = Scene::new(1).await;
    let id = once::failed(&scene).await;
    let set = |to| format!("UPDATE messages SET provider_message_id = {to}");
    assert_eq!(scene.stack.sql(&set("'3EB0'"), &[]).await, 1);
    let refused = scene.press(&id, "retry-failed").await;
    assert_eq!(refused.outcome(), WRONG, "it might be a second copy");
    assert_eq!(scene.stored().await, 1);
    assert_eq!(scene.stack.sql(&set("NULL"), &[]).await, 1);
    let made = scene.press(&id, "retry-failed").await;
    assert_eq!(made.status, 201, "{made:?}");
    scene.wait(&id_of(made.data()), "completed").await;
    assert_eq!(scene.stack.received_by(&number(0)).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn those_of_a_deleted_team_are_cancelled() {
    let stack = Stack::for_people(&[("pace_ms", "60000")]).await;
    let crew = Crew::gather(&stack, "max").await;
    let instance = crew.owner.account.connected(&stack).await;
    let client = crew.owner.within(&crew.team);
    for n in 0..40 {
        let contact = json!({ "name": format!("Person {n}"), "phone": number(n) });
        assert_eq!(client.post("/api/contacts", &contact).await.status, 201);
    }
    let mut ids = Vec::new();
    for later in [Duration::ZERO, Duration::from_hours(24)] {
        let body = json!({
            "name": "Spring", "instanceId": instance.id.to_string(), "recipients": { "type": "all" },
            "schedule": moment_in(later), "type": "text", "body": "Hi",
        });
        let made = client.post(CONSOLE, &body).await;
        assert_eq!(made.status, 201, "{made:?}");
        assert_eq!(made.data()["teamId"], crew.team.as_str());
        assert_eq!(made.data()["actingUserId"], crew.owner.id());
        ids.push(id_of(made.data()));
    }
    eventually("some messages are made", async || {
        let stats = client.get(&format!("{CONSOLE}/{}/stats", ids[0])).await;
        stats.data()["timeline"]["lastEnqueuedAt"]
            .is_string()
            .then_some(())
    })
    .await;
    assert_eq!(crew.owner.console.delete(&crew.path("")).await.status, 204);
    let open = "SELECT count(*) FROM campaigns c JOIN campaign_counters n ON n.campaign_id = c.id \
         WHERE c.status <> 'cancelled' OR c.turn_at IS NOT NULL OR n.queued > 1";
    eventually("both are cancelled", async || {
        (stack.count(open, &[]).await == 0).then_some(())
    })
    .await;
    let recount = "SELECT count(*) FROM campaign_counters n WHERE n.cancelled <> n.planned - n.sent - n.queued \
         OR n.cancelled < (SELECT count(*) FROM messages m WHERE m.campaign_id = n.campaign_id AND m.status = 5)";
    assert_eq!(stack.count(recount, &[]).await, 0);
}
