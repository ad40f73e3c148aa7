//! What a team needs to be made, and that it is made whole or not at all.

use blackbox::team::invite;
use blackbox::{Person, Reply, Stack, TEAMS};
use serde_json::{Value, json};

use super::super::{each, seats};

async fn nothing_was_made(stack: &Stack) {
    for table in ["teams", "team_members", "team_invitations", "audit_log"] {
        let count = format!("SELECT count(*) FROM {table}");
        assert_eq!(stack.count(&count, &[]).await, 0, "{table}");
    }
    let mails = "SELECT count(*) FROM mails WHERE kind LIKE 'team%'";
    assert_eq!(stack.count(mails, &[]).await, 0);
}

async fn post(person: &Person, name: &Value, invites: &Value) -> Reply {
    let body = json!({ "name": name, "invites": invites });
    person.console.post(TEAMS, &body).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_begins_with_its_owner_and_those_who_are_asked() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let name = json!("  Support desk ");
    let invites = json!([
        invite("a@shop.test", "admin"),
        invite("b@shop.test", "collaborator")
    ]);
    let made = post(&owner, &name, &invites).await;
    assert_eq!(made.status, 201, "{made:?}");
    let team = made.data();
    assert_eq!(team["name"], "Support desk");
    assert_eq!(
        (&team["role"], &team["isOwner"]),
        (&json!("owner"), &json!(true))
    );
    assert_eq!(each(&team["members"], "id"), [owner.id()]);
    let mut asked = each(&team["pendingInvitations"], "email");
    asked.sort_unstable();
    assert_eq!(asked, ["a@shop.test", "b@shop.test"]);
    assert_eq!(team["instanceAssignments"], json!([]));
    assert_eq!(seats(team), [4, 1, 2, 3, 1]);
    assert_eq!(*team, owner.sees(&blackbox::id_of(team)).await);
    for email in ["a@shop.test", "b@shop.test"] {
        stack.mail(email, "team_invitation").await;
        assert_eq!(stack.mails(email, "team_invitation").await.len(), 1);
    }
    // Names are not unique.
    let same = post(&owner, &name, &json!([invite("a@shop.test", "admin")])).await;
    assert_eq!(same.status, 201, "{same:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_invite_and_there_is_no_team_at_all() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let name = json!("Desk");
    let good = invite("a@shop.test", "admin");
    let own = owner.email().to_uppercase();
    for invites in [
        json!([]),
        json!([good, invite("A@Shop.test", "collaborator")]),
        json!([good, invite(&own, "admin")]),
    ] {
        let refused = post(&owner, &name, &invites).await;
        assert_eq!(refused.outcome(), (400, "BAD_REQUEST"), "{invites}");
    }
    nothing_was_made(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_of_an_order_is_told_at_once() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let bad = json!([
        invite("a@shop.test", "owner"), invite("no address", "admin"), { "email": 7 }, "text",
    ]);
    let refused = post(&owner, &json!(""), &bad).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    let mut fields = refused.fields();
    fields.sort_unstable();
    let expected = [
        "invites.0.role",
        "invites.1.email",
        "invites.2.email",
        "invites.2.role",
        "invites.3",
        "name",
    ];
    assert_eq!(fields, expected);
    for (name, invites, field) in [
        (
            json!("x".repeat(81)),
            json!([invite("a@b.test", "admin")]),
            "name",
        ),
        (json!(null), json!([invite("a@b.test", "admin")]), "name"),
        (json!("Desk"), json!("a@b.test"), "invites"),
        (json!("Desk"), json!(null), "invites"),
    ] {
        let refused = post(&owner, &name, &invites).await;
        assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{invites}");
        assert_eq!(refused.fields(), [field]);
    }
    let refused = owner.console.post(TEAMS, &json!({})).await;
    let mut fields = refused.fields();
    fields.sort_unstable();
    assert_eq!(fields, ["invites", "name"]);
    nothing_was_made(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_is_lost_keeps_teams_and_takes_no_more_people() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let team = owner.found("Desk", &[("a@shop.test", "admin")]).await;
    let id = blackbox::id_of(&team);
    let plans = &stack.server().backend().billing_desk.assign;
    let user = msgflash_kernel::Id::new(owner.account.user.uuid());
    plans.assign(user, "free").await.expect("the plan exists");
    assert_eq!(owner.sees(&id).await["name"], "Desk");
    let path = super::invitations(&id, "");
    let body = invite("b@shop.test", "admin");
    let refused = owner.console.post(&path, &body).await;
    assert_eq!(refused.outcome(), (403, "TEAM_FEATURE_UNAVAILABLE"));
    let gone = owner.console.delete(&format!("{TEAMS}/{id}")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
}
