//! What the published description of teams promises, point by point.

mod keys;
mod spaces;

use blackbox::{Crew, Person, Stack, TEAMS, eventually, id_of};
use serde_json::{Value, json};

use super::{ACCEPT, accept, age, each, seats};

const DAY: f64 = 86_400.0;

fn order(name: &str, invites: &[&str]) -> Value {
    let invite = |email: &&str| json!({ "email": email, "role": "collaborator" });
    let invites: Vec<_> = invites.iter().map(invite).collect();
    json!({ "name": name, "invites": invites })
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_on_free_makes_a_team() {
    let stack = Stack::for_people(&[]).await;
    let person = Person::on(&stack, "free").await;
    let refused = person.console.post(TEAMS, &order("A", &["a@b.test"])).await;
    assert_eq!(refused.outcome(), (403, "TEAM_FEATURE_UNAVAILABLE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_third_team_is_one_too_many_on_pro() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let one = id_of(&owner.found("One", &[("a@b.test", "admin")]).await);
    owner.found("Two", &[("a@b.test", "admin")]).await;
    let third = order("Three", &["a@b.test"]);
    let refused = owner.console.post(TEAMS, &third).await;
    assert_eq!(refused.outcome(), (403, "TEAM_LIMIT_REACHED"));
    // A deleted one makes room.
    let gone = owner.console.delete(&format!("{TEAMS}/{one}")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(owner.console.post(TEAMS, &third).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn four_invites_on_pro_are_one_too_many_and_leave_nothing() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let four = order("A", &["a@b.test", "b@b.test", "c@b.test", "d@b.test"]);
    let refused = owner.console.post(TEAMS, &four).await;
    assert_eq!(refused.outcome(), (403, "TEAM_SEAT_LIMIT_REACHED"));
    for table in ["teams", "team_members", "team_invitations", "audit_log"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(stack.count(&count, &[]).await, 0, "{table}");
    }
    let mails = "SELECT count(*) FROM mails WHERE kind = 'team_invitation'";
    assert_eq!(stack.count(mails, &[]).await, 0);
    let three = order("A", &["a@b.test", "b@b.test", "c@b.test"]);
    assert_eq!(owner.console.post(TEAMS, &three).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_used_once() {
    let stack = Stack::for_people(&[]).await;
    let (owner, guest) = (
        Person::on(&stack, "pro").await,
        Person::on(&stack, "free").await,
    );
    let team = owner.found("A", &[(guest.email(), "admin")]).await;
    let invitation = team["pendingInvitations"][0]["id"].clone();
    let token = stack.invitation(guest.email()).await;
    let first = accept(&guest.console, &token).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        *first.data(),
        json!({ "teamId": team["id"], "role": "admin" })
    );
    let second = accept(&guest.console, &token).await;
    assert_eq!(second.outcome(), (400, "INVITE_INVALID_OR_EXPIRED"));
    let by_inbox = json!({ "invitationId": invitation });
    let third = guest.console.post(ACCEPT, &by_inbox).await;
    assert_eq!(third.outcome(), (409, "INVITE_DUPLICATE_MEMBER"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_lasts_a_day_and_its_seat_no_longer() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let (late, just) = (
        Person::on(&stack, "free").await,
        Person::on(&stack, "free").await,
    );
    let invites = [
        (late.email(), "collaborator"),
        (just.email(), "collaborator"),
        ("third@b.test", "admin"),
    ];
    let team = owner.found("A", &invites).await;
    let id = id_of(&team);
    let invitation = |of: &Person| {
        let list = team["pendingInvitations"].as_array().expect("a list");
        let of = list.iter().find(|it| it["email"] == of.email());
        id_of(of.expect("an invitation"))
    };
    age(&stack, &invitation(&late), DAY + 1.0).await;
    age(&stack, &invitation(&just), DAY - 60.0).await;
    let token = stack.invitation(late.email()).await;
    let refused = accept(&late.console, &token).await;
    assert_eq!(refused.outcome(), (400, "INVITE_INVALID_OR_EXPIRED"));
    let by_inbox = json!({ "invitationId": invitation(&late) });
    let refused = late.console.post(ACCEPT, &by_inbox).await;
    assert_eq!(refused.outcome(), (400, "INVITE_INVALID_OR_EXPIRED"));
    just.accepts(&stack).await;
    let now = owner.sees(&id).await;
    assert_eq!(seats(&now), [4, 2, 1, 3, 1]);
    assert_eq!(each(&now["pendingInvitations"], "email"), ["third@b.test"]);
    // The same address may be asked again.
    owner.invites(&id, late.email(), "admin").await;
    late.accepts(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_sent_again_has_a_new_link_and_the_old_one_is_dead() {
    let stack = Stack::for_people(&[]).await;
    let (owner, guest) = (
        Person::on(&stack, "pro").await,
        Person::on(&stack, "free").await,
    );
    let team = owner.found("A", &[(guest.email(), "admin")]).await;
    let (id, invitation) = (id_of(&team), id_of(&team["pendingInvitations"][0]));
    let old = stack.invitation(guest.email()).await;
    let path = super::invitations(&id, &format!("/{invitation}/resend"));
    let again = owner.console.post_empty(&path).await;
    assert_eq!(
        (again.status, &again.data()["id"]),
        (200, &json!(invitation))
    );
    let refused = accept(&guest.console, &old).await;
    assert_eq!(refused.outcome(), (400, "INVITE_INVALID_OR_EXPIRED"));
    eventually("another mail", async || {
        let mails = stack.mails(guest.email(), "team_invitation").await;
        (mails.len() == 2).then_some(())
    })
    .await;
    guest.accepts(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_for_whom_it_was_sent_to() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let (guest, other) = (
        Person::on(&stack, "free").await,
        Person::on(&stack, "free").await,
    );
    let team = owner
        .found("Secret name", &[(guest.email(), "admin")])
        .await;
    let token = stack.invitation(guest.email()).await;
    let refused = accept(&other.console, &token).await;
    assert_eq!(refused.outcome(), (403, "INVITE_EMAIL_MISMATCH"));
    assert!(!refused.text.contains("Secret name") && !refused.text.contains(guest.email()));
    let by_inbox = json!({ "invitationId": team["pendingInvitations"][0]["id"] });
    let refused = other.console.post(ACCEPT, &by_inbox).await;
    assert_eq!(refused.outcome(), (403, "INVITE_EMAIL_MISMATCH"));
    assert_eq!(accept(&guest.console, &token).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collaborator_sends_through_what_was_assigned_to_them() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let instance = crew.owner.account.connected(&stack).await;
    let client = crew.collaborator.within(&crew.team);
    let body = blackbox::text(&instance, "+33612345678", "Hi");
    let refused = client.post("/api/messages/send", &body).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
    crew.assign(&instance.id.to_string()).await;
    let sent = client.post("/api/messages/send", &body).await;
    assert_eq!(sent.status, 201, "{sent:?}");
    assert_eq!(sent.data()["actingUserId"], crew.collaborator.id());
    crew.unassign(&instance.id.to_string()).await;
    let refused = client.post("/api/messages/send", &body).await;
    assert_eq!(refused.outcome(), (403, "INSTANCE_NOT_ASSIGNED"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collaborator_learns_nothing_of_the_teams_keys() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let client = crew.collaborator.within(&crew.team);
    let refused = client.get("/api/api-keys").await;
    assert_eq!(refused.outcome(), (403, "TEAM_ACCESS_DENIED"));
    let own = crew.collaborator.console.get("/api/api-keys").await;
    assert_eq!(own.status, 200, "their own are theirs: {own:?}");
}
