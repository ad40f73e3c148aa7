//! Of several reasons to refuse a call in a team, the published first one is told.

use blackbox::team::invite;
use blackbox::{Client, Crew, Person, Reply, Stack, TEAMS};
use serde_json::{Value, json};

use super::NOBODY;

const SEND: &str = "/api/messages/send";

async fn expire(stack: &Stack, person: &Person, status: &str) {
    let set = "UPDATE subscriptions SET status = $2 WHERE account_id = $1";
    let id = person.account.user.uuid();
    assert_eq!(stack.sql(set, &[&id, &status]).await, 1);
}

fn message(instance: &str) -> Value {
    json!({ "instanceId": instance, "to": "+33612345678", "type": "text", "text": "Hi" })
}

#[track_caller]
fn told(reply: &Reply, status: u16, code: &str) {
    assert_eq!(reply.outcome(), (status, code), "{reply:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_pays_and_everybody_still_reads() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    expire(&stack, &crew.owner, "expired").await;
    let inactive = (403, "SUBSCRIPTION_INACTIVE");
    let contact = json!({ "name": "Lina", "phone": "+33698765432" });
    for person in [&crew.owner, &crew.admin, &crew.collaborator] {
        let there = person.within(&crew.team);
        assert_eq!(there.get("/api/contacts").await.status, 200);
        assert_eq!(person.sees(&crew.team).await["name"], "Support desk");
        let refused = there.post("/api/contacts", &contact).await;
        assert_eq!(refused.outcome(), inactive);
        let here = there.get("/api/workspace/current").await;
        assert_eq!(here.data()["capabilities"]["canSendMessages"], false);
    }
    // A role is looked at before the subscription, and the subscription before the body.
    let denied = crew.collaborator.within(&crew.team);
    told(
        &denied.post("/api/api-keys", &json!({})).await,
        403,
        "TEAM_ACCESS_DENIED",
    );
    let unpaid = crew.admin.within(&crew.team);
    told(
        &unpaid.post("/api/api-keys", &json!({})).await,
        inactive.0,
        inactive.1,
    );
    told(
        &crew.owner.console.post(TEAMS, &json!({})).await,
        inactive.0,
        inactive.1,
    );
    // Their own workspaces are paid for.
    let own = crew.admin.console.post("/api/contacts", &contact).await;
    assert_eq!(own.status, 201, "{own:?}");
    expire(&stack, &crew.owner, "active").await;
    let there = crew.collaborator.within(&crew.team);
    assert_eq!(there.post("/api/contacts", &contact).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_without_a_subscription_of_their_own_works_in_a_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    expire(&stack, &crew.collaborator, "expired").await;
    let contact = json!({ "name": "Lina", "phone": "+33698765432" });
    let there = crew.collaborator.within(&crew.team);
    assert_eq!(there.post("/api/contacts", &contact).await.status, 201);
    let own = crew
        .collaborator
        .console
        .post("/api/contacts", &contact)
        .await;
    told(&own, 403, "SUBSCRIPTION_INACTIVE");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_is_looked_at_after_the_body_and_before_the_recipient() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.instance(&stack).await.id.to_string();
    let client = crew.collaborator.within(&crew.team);
    let mut body = message(&instance);
    body["type"] = json!("nonsense");
    told(&client.post(SEND, &body).await, 400, "VALIDATION_ERROR");
    told(&client.post(SEND, &message(NOBODY)).await, 404, "NOT_FOUND");
    let mut body = message(&instance);
    body["to"] = json!("+1");
    told(
        &client.post(SEND, &body).await,
        403,
        "INSTANCE_NOT_ASSIGNED",
    );
    let full = "UPDATE plans SET monthly_outbound_quota = 0 WHERE code = 'pro'";
    stack.sql(full, &[]).await;
    told(
        &client.post(SEND, &message(&instance)).await,
        403,
        "INSTANCE_NOT_ASSIGNED",
    );
    crew.assign(&instance).await;
    let spent = client.post(SEND, &message(&instance)).await;
    told(&spent, 429, "MONTHLY_OUTBOUND_QUOTA_EXCEEDED");
    told(&client.post(SEND, &body).await, 422, "INVALID_DESTINATION");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_of_the_owner_is_what_opens_features_in_a_team() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let hook = json!({ "url": "https://a.example.com/", "events": ["message.sent"] });
    let gate = "UPDATE plans SET feature_webhooks = (code <> 'pro')";
    stack.sql(gate, &[]).await;
    for person in [&crew.owner, &crew.admin, &crew.collaborator] {
        let refused = person.within(&crew.team).post("/api/webhooks", &hook).await;
        told(&refused, 403, "WEBHOOKS_NOT_AVAILABLE_ON_PLAN");
    }
    let own = crew.admin.console.post("/api/webhooks", &hook).await;
    assert_eq!(own.status, 201, "{own:?}");
    let gate = "UPDATE plans SET feature_webhooks = (code = 'pro')";
    stack.sql(gate, &[]).await;
    let there = crew.collaborator.within(&crew.team);
    assert_eq!(there.post("/api/webhooks", &hook).await.status, 201);
    let own = crew.admin.console.post("/api/webhooks", &hook).await;
    told(&own, 403, "WEBHOOKS_NOT_AVAILABLE_ON_PLAN");
}

async fn outcomes(client: &Client, calls: &[(&str, Value)]) -> Vec<(u16, String)> {
    let mut all = Vec::new();
    for (path, body) in calls {
        let reply = client.post(path, body).await;
        all.push((reply.status, reply.code().to_owned()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_shapes_are_told_before_seats_and_limits() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let five: Vec<_> = (0..5)
        .map(|n| invite(&format!("a{n}@b.test"), "admin"))
        .collect();
    let mut wrong = five.clone();
    wrong[4]["role"] = json!("owner");
    let mut twice = five.clone();
    twice[4]["email"] = json!("A0@b.test");
    let calls = [
        (TEAMS, json!({ "name": "A", "invites": wrong })),
        (TEAMS, json!({ "name": "A", "invites": twice })),
        (TEAMS, json!({ "name": "A", "invites": five })),
    ];
    let told = |status, code: &str| (status, code.to_owned());
    let expected = [
        told(400, "VALIDATION_ERROR"),
        told(400, "BAD_REQUEST"),
        told(403, "TEAM_SEAT_LIMIT_REACHED"),
    ];
    assert_eq!(outcomes(&owner.console, &calls).await, expected);
    let malformed = owner.console.post_raw(TEAMS, "{", "application/json").await;
    assert_eq!(malformed.outcome(), (400, "BAD_REQUEST"));
    let text = owner.console.post_raw(TEAMS, "{}", "text/plain").await;
    assert_eq!(text.outcome(), (415, "UNSUPPORTED_MEDIA_TYPE"));
    let method = owner.console.delete(TEAMS).await;
    assert_eq!(method.outcome(), (405, "METHOD_NOT_ALLOWED"));
    assert!(!method.header("allow").is_empty());
}
