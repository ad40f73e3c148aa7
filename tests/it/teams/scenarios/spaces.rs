//! What belongs to a team, and what stays a person's own.

use blackbox::book::CONTACTS;
use blackbox::{Crew, Person, Stack, TEAMS, eventually, id_of, text};
use serde_json::json;

use super::super::ACCEPT;

const SEND: &str = "/api/messages/send";

async fn spent(person: &Person) -> u64 {
    let usage = person.account.usage().await;
    usage["messagesCount"].as_u64().expect("a count")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_member_sends_counts_on_the_owner() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let body = text(&instance, "+33612345678", "Hi");
    let sent = crew.admin.within(&crew.team).post(SEND, &body).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    let path = format!("/api/messages/{}", id_of(sent.data()));
    eventually("it is read", async || {
        let message = crew.collaborator.within(&crew.team).get(&path).await;
        (message.data()["status"] == "read").then_some(())
    })
    .await;
    assert_eq!(spent(&crew.owner).await, 1);
    assert_eq!(spent(&crew.admin).await, 0);
    assert_eq!(spent(&crew.collaborator).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_a_team_are_its_owners_and_ones_own_are_ones_own() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let payments = "/api/billing/payments";
    for person in [&crew.admin, &crew.collaborator] {
        let refused = person.within(&crew.team).get(payments).await;
        assert_eq!(refused.outcome(), (403, "BILLING_PAYMENTS_TEAM_OWNER_ONLY"));
        assert_eq!(person.console.get(payments).await.status, 200);
        let own = person.console.get("/api/billing/subscription").await;
        assert_eq!(own.data()["subscription"]["plan"]["code"], "free");
    }
    let there = crew.owner.within(&crew.team);
    assert_eq!(there.get(payments).await.status, 200);
    let paid = crew.admin.within(&crew.team);
    let paid = paid.get("/api/billing/subscription").await;
    assert_eq!(paid.data()["subscription"]["plan"]["code"], "pro");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_removed_finds_no_team_any_more() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    for person in [&crew.admin, &crew.collaborator] {
        let there = person.within(&crew.team);
        assert_eq!(there.get("/api/contacts").await.status, 200);
        crew.remove(person).await;
        let gone = there.get("/api/contacts").await;
        assert_eq!(gone.outcome(), (404, "TEAM_NOT_FOUND"));
        let path = person.console.get(&crew.path("")).await;
        assert_eq!(path.outcome(), (404, "TEAM_NOT_FOUND"));
        assert_eq!(*person.console.get(TEAMS).await.data(), json!([]));
        let me = person.console.get("/api/auth/me").await;
        assert_eq!(me.data()["teams"], json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_team_is_gone_for_everybody_and_its_owner_loses_nothing_else() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let guest = Person::on(&stack, "free").await;
    let invitation = crew.owner.invites(&crew.team, guest.email(), "admin").await;
    let program = crew.program(&stack).await;
    let shared = program.contact("Team", 33_698_765_432).await;
    let own = crew
        .owner
        .account
        .client
        .contact("Own", 33_698_765_432)
        .await;
    let instance = crew.owner.account.instance(&stack).await.id.to_string();
    let token = stack.invitation(guest.email()).await;
    let deleted = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    let key = program.get(CONTACTS).await;
    assert_eq!(key.outcome(), (401, "UNAUTHORIZED"));
    for person in [&crew.owner, &crew.admin, &crew.collaborator] {
        let gone = person.within(&crew.team).get("/api/contacts").await;
        assert_eq!(gone.outcome(), (404, "TEAM_NOT_FOUND"));
        let path = person.console.get(&crew.path("")).await;
        assert_eq!(path.outcome(), (404, "TEAM_NOT_FOUND"));
        assert_eq!(*person.console.get(TEAMS).await.data(), json!([]));
    }
    let again = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(again.outcome(), (404, "TEAM_NOT_FOUND"));
    for body in [
        json!({ "token": token }),
        json!({ "invitationId": invitation["id"] }),
    ] {
        let void = guest.console.post(ACCEPT, &body).await;
        assert_eq!(void.outcome(), (400, "INVITE_INVALID_OR_EXPIRED"));
    }
    let contacts = crew.owner.console.get("/api/contacts").await;
    assert!(contacts.text.contains(&own) && !contacts.text.contains(&shared));
    let instances = crew.owner.console.get("/api/instances").await;
    assert!(instances.text.contains(&instance));
    // The one it came with; the team's key is no key any more.
    let pool = crew.owner.console.get("/api/workspace/current").await;
    assert_eq!(pool.data()["usage"]["activeApiKeysCount"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_made_in_a_team_is_in_that_team_alone() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let second = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let body = json!({ "name": "Lina", "phone": "+33698765432" });
    let made = crew.collaborator.within(&crew.team);
    let made = made.post("/api/contacts", &body).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("/api/contacts/{}", id_of(made.data()));
    for (client, status) in [
        (crew.owner.within(&crew.team), 200),
        (crew.owner.console.clone(), 404),
        (crew.owner.within(&second), 404),
        (crew.collaborator.console.clone(), 404),
    ] {
        assert_eq!(client.get(&path).await.status, status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unverified_address_opens_nothing_and_an_unknown_one_is_not_told() {
    let stack = Stack::for_people(&[]).await;
    let nobody = stack.anonymous();
    let body = json!({
        "fullName": "Lea Roy", "email": "lea@shop.test", "phone": "+33612345678",
        "password": "Corr3ct-horse",
    });
    assert_eq!(nobody.post("/api/auth/signup", &body).await.status, 201);
    let early = json!({ "email": "lea@shop.test", "password": "Corr3ct-horse" });
    let early = nobody.post("/api/auth/login", &early).await;
    assert_eq!(early.outcome(), (403, "EMAIL_NOT_VERIFIED"));
    let forgot = async |email: &str| {
        let path = "/api/auth/forgot-password";
        let reply = nobody.post(path, &json!({ "email": email })).await;
        (reply.status, reply.text)
    };
    assert_eq!(forgot("lea@shop.test").await, forgot("who@shop.test").await);
}
