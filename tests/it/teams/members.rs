//! Members: another role, sent away, and the instances they were given.

use blackbox::{Client, Crew, Stack, text};
use serde_json::{Value, json};

use super::{NOBODY, each, members};

async fn role_is(crew: &Crew, person: &blackbox::Person, role: &str) {
    let team = crew.owner.sees(&crew.team).await;
    let list = team["members"].as_array().cloned().unwrap_or_default();
    let row = list.iter().find(|it| it["id"] == person.id());
    assert_eq!(row.map(|it| &it["role"]), Some(&json!(role)));
}

async fn assignments(crew: &Crew) -> Value {
    crew.owner.sees(&crew.team).await["instanceAssignments"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_changes_at_once_and_the_owners_never_does() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let keys = crew.collaborator.within(&crew.team);
    let path = crew.path(&format!("/members/{}", crew.collaborator.id()));
    let denied = keys.get("/api/api-keys").await;
    assert_eq!(denied.outcome(), (403, "TEAM_ACCESS_DENIED"));
    let up = crew
        .admin
        .console
        .patch(&path, &json!({ "role": "admin" }))
        .await;
    assert_eq!(up.status, 200, "{up:?}");
    let told = ["email", "fullName", "id", "joinedAt", "role"];
    assert_eq!(members(up.data()), told);
    assert_eq!(
        (&up.data()["id"], &up.data()["role"]),
        (&json!(crew.collaborator.id()), &json!("admin"))
    );
    role_is(&crew, &crew.collaborator, "admin").await;
    assert_eq!(keys.get("/api/api-keys").await.status, 200);
    let down = crew
        .owner
        .console
        .patch(&path, &json!({ "role": "collaborator" }))
        .await;
    assert_eq!(down.status, 200, "{down:?}");
    let denied = keys.get("/api/api-keys").await;
    assert_eq!(denied.outcome(), (403, "TEAM_ACCESS_DENIED"));
    for role in [json!("owner"), json!("boss"), json!(7), Value::Null] {
        let refused = crew
            .owner
            .console
            .patch(&path, &json!({ "role": role }))
            .await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{role}");
        assert_eq!(refused.fields(), ["role"], "{role}");
    }
    let change = json!({ "role": "admin" });
    for (id, outcome) in [
        (crew.owner.id(), (403, "TEAM_ACCESS_DENIED")),
        (NOBODY.to_owned(), (404, "NOT_FOUND")),
        ("nonsense".to_owned(), (404, "NOT_FOUND")),
    ] {
        let path = crew.path(&format!("/members/{id}"));
        let refused = crew.admin.console.patch(&path, &change).await;
        assert_eq!(refused.outcome(), outcome, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_sends_the_owner_away_nor_themselves() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    for (id, outcome) in [
        (crew.owner.id(), (403, "TEAM_ACCESS_DENIED")),
        (crew.admin.id(), (400, "BAD_REQUEST")),
        (NOBODY.to_owned(), (404, "NOT_FOUND")),
    ] {
        let path = crew.path(&format!("/members/{id}"));
        let refused = crew.admin.console.delete(&path).await;
        assert_eq!(refused.outcome(), outcome, "{id}");
    }
    // An admin sends a collaborator away, and the owner an admin.
    let path = crew.path(&format!("/members/{}", crew.collaborator.id()));
    assert_eq!(crew.admin.console.delete(&path).await.status, 204);
    let again = crew.admin.console.delete(&path).await;
    assert_eq!(again.outcome(), (404, "NOT_FOUND"));
    crew.remove(&crew.admin).await;
    let team = crew.owner.sees(&crew.team).await;
    assert_eq!(each(&team["members"], "role"), ["owner"]);
    assert_eq!(super::seats(&team), [4, 1, 0, 1, 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_they_were_given_ends_with_their_stay_and_with_their_role() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.instance(&stack).await.id.to_string();
    let change = crew.path(&format!("/members/{}", crew.collaborator.id()));
    crew.assign(&instance).await;
    for role in ["admin", "collaborator"] {
        let changed = crew
            .owner
            .console
            .patch(&change, &json!({ "role": role }))
            .await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(assignments(&crew).await, json!([]), "{role}");
    }
    crew.assign(&instance).await;
    crew.remove(&crew.collaborator).await;
    assert_eq!(assignments(&crew).await, json!([]));
    // Back again, they have nothing.
    let email = crew.collaborator.email();
    crew.owner.invites(&crew.team, email, "collaborator").await;
    blackbox::eventually("the second mail", async || {
        let mails = stack.mails(email, "team_invitation").await;
        (mails.len() == 2).then_some(())
    })
    .await;
    crew.collaborator.accepts(&stack).await;
    assert_eq!(assignments(&crew).await, json!([]));
    let path = format!("/api/instances/{instance}");
    let seen = crew.collaborator.within(&crew.team).get(&path).await;
    assert_eq!(seen.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
}

async fn give(client: &Client, crew: &Crew, instance: &str, to: &str) -> (u16, String) {
    let body = json!({ "instanceId": instance, "memberUserId": to });
    let path = crew.path("/instance-assignments");
    let reply = client.post(&path, &body).await;
    (reply.status, reply.code().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_of_the_owner_are_given_to_collaborators_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.instance(&stack).await.id.to_string();
    let theirs = crew.admin.account.instance(&stack).await.id.to_string();
    let to = crew.collaborator.id();
    let client = &crew.admin.console;
    let missing = (404, "NOT_FOUND".to_owned());
    assert_eq!(
        give(client, &crew, &theirs, &to).await,
        missing,
        "an admin's own"
    );
    assert_eq!(give(client, &crew, NOBODY, &to).await, missing);
    assert_eq!(give(client, &crew, &instance, NOBODY).await, missing);
    for role in [crew.owner.id(), crew.admin.id()] {
        let refused = give(client, &crew, &instance, &role).await;
        assert_eq!(refused, (400, "BAD_REQUEST".to_owned()), "they have all");
    }
    for _ in 0..2 {
        assert_eq!(give(client, &crew, &instance, &to).await.0, 204);
        assert_eq!(assignments(&crew).await.as_array().map(Vec::len), Some(1));
    }
    let path = crew.path("/instance-assignments");
    let refused = client.post(&path, &json!({ "instanceId": "x" })).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["instanceId", "memberUserId"]);
    let refused = client.delete(&format!("{path}?instanceId=x")).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["instanceId", "memberUserId"]);
    for _ in 0..2 {
        crew.unassign(&instance).await;
        assert_eq!(assignments(&crew).await, json!([]));
    }
    // A deleted instance is nobody's.
    crew.assign(&instance).await;
    let gone = format!("/api/instances/{instance}");
    assert_eq!(crew.owner.console.delete(&gone).await.status, 200);
    assert_eq!(assignments(&crew).await, json!([]));
    assert_eq!(give(client, &crew, &instance, &to).await, missing);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_counts_in_its_team_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let invites = [(crew.collaborator.email(), "collaborator")];
    let second = crew.owner.found("B", &invites).await;
    let second = blackbox::id_of(&second);
    let inbox = crew.collaborator.console.get(super::MINE).await;
    let body = json!({ "invitationId": inbox.data()[0]["invitationId"] });
    let came = crew.collaborator.console.post(super::ACCEPT, &body).await;
    assert_eq!(came.status, 200, "{came:?}");
    crew.assign(&instance.id.to_string()).await;
    let body = text(&instance, "+33612345678", "Hi");
    for (team, status) in [(&crew.team, 201), (&second, 403)] {
        let client = crew.collaborator.within(team);
        let sent = client.post("/api/messages/send", &body).await;
        assert_eq!(sent.status, status, "{sent:?}");
    }
    // Somebody else's number is unknown, with a header and without.
    let own = crew
        .collaborator
        .console
        .post("/api/messages/send", &body)
        .await;
    assert_eq!(own.outcome(), (404, "NOT_FOUND"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_shows_a_collaborator_no_number_that_was_not_given_to_them() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await.id.to_string();
    let client = crew.collaborator.within(&crew.team);
    let body = json!({ "name": "A", "type": "text", "body": "{{instance.name}}" });
    let template = client.post("/api/templates", &body).await;
    let path = format!(
        "/api/templates/{}/preview",
        blackbox::id_of(template.data())
    );
    let about = json!({ "instanceId": instance });
    let refused = client.post(&path, &about).await;
    assert!(matches!(refused.status, 400 | 403), "{refused:?}");
    assert!(!refused.text.contains("Shop"));
    crew.assign(&instance).await;
    let shown = client.post(&path, &about).await;
    assert_eq!(shown.data()["rendered"], "Shop", "{shown:?}");
}
