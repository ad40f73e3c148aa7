//! People who follow a link and are not, or not yet, who was meant.

use blackbox::account::PASSWORD;
use blackbox::{Person, Stack, TEAMS};
use serde_json::{Value, json};

use super::super::{DECLINE, MINE, accept, age, members};
use super::{BEFORE, HOURS_25, Scene};

const LEA: &str = "lea@shop.test";

async fn preview(stack: &Stack, token: &str) -> blackbox::Reply {
    let path = format!("{TEAMS}/invitations/preview?token={token}");
    stack.anonymous().get(&path).await
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_an_account_signs_up_verifies_and_accepts() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let team = owner.found("Desk", &[(LEA, "collaborator")]).await;
    let token = stack.invitation(LEA).await;
    let seen = preview(&stack, &token).await;
    assert_eq!(seen.data()["hasAccount"], false);
    let nobody = stack.anonymous();
    assert_eq!(
        accept(&nobody, &token).await.outcome(),
        (401, "UNAUTHORIZED")
    );
    let order = json!({
        "fullName": "Lea Roy", "email": LEA, "phone": "+33612345678", "password": PASSWORD,
    });
    assert_eq!(nobody.post("/api/auth/signup", &order).await.status, 201);
    let mail = stack.mail(LEA, "verify_email").await;
    let verify = json!({ "token": blackbox::team::token_in(&mail) });
    let verified = nobody.post("/api/auth/verify-email", &verify).await;
    assert_eq!(verified.status, 200, "{verified:?}");
    let lea = stack.signed_in(LEA, PASSWORD).await;
    assert_eq!(preview(&stack, &token).await.data()["hasAccount"], true);
    assert_eq!(lea.get(MINE).await.data()[0]["teamId"], team["id"]);
    let joined = accept(&lea, &token).await;
    assert_eq!(
        (joined.status, &joined.data()["role"]),
        (200, &json!("collaborator"))
    );
    let path = format!("{TEAMS}/{}", blackbox::id_of(&team));
    let seen = lea.get(&path).await;
    assert_eq!(seen.data()["members"][1]["fullName"], "Lea Roy");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_shows_what_it_is_before_anybody_signs_in() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let team = owner.found("Desk", &[(LEA, "admin")]).await;
    let token = stack.invitation(LEA).await;
    let seen = preview(&stack, &token).await;
    assert_eq!(seen.status, 200, "{seen:?}");
    let told = [
        "email",
        "expiresAt",
        "hasAccount",
        "invitedBy",
        "role",
        "teamName",
    ];
    assert_eq!(members(seen.data()), told);
    assert_eq!(seen.data()["email"], "l***@shop.test");
    assert_eq!(seen.data()["teamName"], "Desk");
    assert_eq!(seen.data()["role"], "admin");
    assert_eq!(seen.data()["invitedBy"], "Test User");
    let invitation = &team["pendingInvitations"][0];
    assert_eq!(seen.data()["expiresAt"], invitation["expiresAt"]);
    assert!(!seen.text.contains(LEA));
    age(&stack, &blackbox::id_of(invitation), HOURS_25).await;
    assert_eq!(preview(&stack, &token).await.outcome(), BEFORE);
    assert_eq!(preview(&stack, "nonsense").await.outcome(), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_ended_shows_nothing() {
    let scene = Scene::new().await;
    let token = scene.stack.invitation(scene.guest.email()).await;
    assert_eq!(
        preview(&scene.stack, &token).await.data()["hasAccount"],
        true
    );
    scene.guest.accepts(&scene.stack).await;
    assert_eq!(preview(&scene.stack, &token).await.outcome(), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_for_somebody_else() {
    let scene = Scene::new().await;
    let stranger = Person::on(&scene.stack, "free").await;
    let token = scene.stack.invitation(scene.guest.email()).await;
    let mismatch = (403, "INVITE_EMAIL_MISMATCH");
    let by_link = json!({ "token": token });
    let by_inbox = json!({ "invitationId": scene.invitation });
    for route in [super::super::ACCEPT, DECLINE] {
        for body in [&by_link, &by_inbox] {
            let refused = stranger.console.post(route, body).await;
            assert_eq!(refused.outcome(), mismatch, "{route} {body}");
            assert_eq!(refused.json["error"]["details"], Value::Null);
        }
    }
    let direct = format!("{TEAMS}/invitations/{}/decline", scene.invitation);
    let refused = stranger.console.delete(&direct).await;
    assert_eq!(refused.outcome(), mismatch);
    assert_eq!(scene.pending().await, 1, "the seat is still held");
    // An expired one is expired first.
    age(&scene.stack, &scene.invitation, HOURS_25).await;
    assert_eq!(accept(&stranger.console, &token).await.outcome(), BEFORE);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_left_may_be_asked_and_come_again() {
    let scene = Scene::new().await;
    scene.guest.accepts(&scene.stack).await;
    let path = format!("{TEAMS}/{}/members/leave", scene.team);
    let stays = scene.owner.console.post_empty(&path).await;
    assert_eq!(
        stays.outcome(),
        (400, "BAD_REQUEST"),
        "an owner must delete"
    );
    assert_eq!(scene.guest.console.post_empty(&path).await.status, 204);
    let gone = scene.guest.console.post_empty(&path).await;
    assert_eq!(gone.outcome(), (404, "TEAM_NOT_FOUND"));
    let invited = scene.guest.email();
    scene
        .owner
        .invites(&scene.team, invited, "collaborator")
        .await;
    let mails = blackbox::eventually("the second mail", async || {
        let mails = scene.stack.mails(invited, "team_invitation").await;
        (mails.len() == 2).then_some(mails)
    })
    .await;
    let token = blackbox::team::token_in(&mails[0]);
    let back = accept(&scene.guest.console, &token).await;
    assert_eq!(back.data()["role"], "collaborator", "{back:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_ends_with_whoever_sent_it() {
    let stack = Stack::for_people(&[]).await;
    let crew = blackbox::Crew::gather(&stack, "max").await;
    let (team, second) = (&crew.team, crew.joined(&stack, "admin").await);
    let third = crew.joined(&stack, "admin").await;
    let leave = crew.path("/members/leave");
    let demote = crew.path(&format!("/members/{}", third.id()));
    let role = json!({ "role": "collaborator" });
    let guest = Person::on(&stack, "free").await;
    let kept = crew.owner.invites(team, "kept@shop.test", "admin").await;
    for by in [&crew.admin, &second, &third] {
        let asked = by.invites(team, guest.email(), "admin").await;
        if by.id() == crew.admin.id() {
            crew.remove(by).await;
        } else if by.id() == second.id() {
            let left = by.console.post_empty(&leave).await;
            assert_eq!(left.status, 204, "{left:?}");
        } else {
            let changed = crew.owner.console.patch(&demote, &role).await;
            assert_eq!(changed.status, 200, "{changed:?}");
        }
        let body = json!({ "invitationId": asked["id"] });
        let refused = guest.console.post(super::super::ACCEPT, &body).await;
        assert_eq!(refused.outcome(), BEFORE);
        let now = crew.owner.sees(team).await;
        let pending = now["pendingInvitations"].as_array().cloned();
        let pending: Vec<_> = pending.iter().flatten().map(blackbox::id_of).collect();
        assert_eq!(pending, [blackbox::id_of(&kept)]);
    }
}
