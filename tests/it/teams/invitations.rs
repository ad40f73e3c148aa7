//! Invitations: sent, sent again, taken back, declined, looked at.

mod letters;
mod strangers;

use blackbox::team::invite;
use blackbox::{Crew, Person, Stack, eventually, id_of};
use serde_json::{Value, json};

use super::{
    DECLINE, INVITATION, MINE, NOBODY, accept, age, each, invitations as path, members, seats,
};

const HOURS_25: f64 = 25.0 * 3600.0;
const BEFORE: (u16, &str) = (400, "INVITE_INVALID_OR_EXPIRED");

/// An owner, somebody they asked into a team, the team and the invitation.
struct Scene {
    stack: Stack,
    owner: Person,
    guest: Person,
    team: String,
    invitation: String,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::for_people(&[]).await;
        let owner = Person::on(&stack, "pro").await;
        let guest = Person::on(&stack, "free").await;
        let made = owner.found("Desk", &[(guest.email(), "admin")]).await;
        Self {
            stack,
            owner,
            guest,
            team: id_of(&made),
            invitation: id_of(&made["pendingInvitations"][0]),
        }
    }

    fn path(&self, rest: &str) -> String {
        path(&self.team, &format!("/{}{rest}", self.invitation))
    }

    async fn pending(&self) -> u64 {
        seats(&self.owner.sees(&self.team).await)[2]
    }
}

fn moment(value: &Value) -> time::OffsetDateTime {
    let text = value.as_str().expect("text");
    let format = &time::format_description::well_known::Rfc3339;
    time::OffsetDateTime::parse(text, format).expect("a time")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_told_as_documented_and_lasts_a_day() {
    let scene = Scene::new().await;
    let made = scene
        .owner
        .invites(&scene.team, "Lea@Shop.test", "collaborator")
        .await;
    assert_eq!(members(&made), INVITATION);
    assert_eq!(
        made["email"].as_str().map(str::to_lowercase).as_deref(),
        Some("lea@shop.test")
    );
    assert_eq!(
        (&made["role"], &made["status"]),
        (&json!("collaborator"), &json!("pending"))
    );
    let life = moment(&made["expiresAt"]) - moment(&made["createdAt"]);
    assert_eq!(life, time::Duration::hours(24));
    assert_eq!(scene.pending().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_already_or_in_already_is_not_asked_again() {
    let scene = Scene::new().await;
    let route = path(&scene.team, "");
    let again = invite(&scene.guest.email().to_uppercase(), "collaborator");
    let refused = scene.owner.console.post(&route, &again).await;
    assert_eq!(refused.outcome(), (409, "CONFLICT"));
    scene.guest.accepts(&scene.stack).await;
    let refused = scene.owner.console.post(&route, &again).await;
    assert_eq!(refused.outcome(), (409, "INVITE_DUPLICATE_MEMBER"));
    for who in [&scene.owner, &scene.guest] {
        let own = invite(who.email(), "admin");
        let refused = who.console.post(&route, &own).await;
        assert_eq!(refused.outcome(), (400, "BAD_REQUEST"), "inviting oneself");
    }
    let to_owner = invite(scene.owner.email(), "admin");
    let refused = scene.guest.console.post(&route, &to_owner).await;
    assert_eq!(refused.outcome(), (409, "INVITE_DUPLICATE_MEMBER"));
    let bad = json!({ "email": "nobody", "role": "owner" });
    let refused = scene.owner.console.post(&route, &bad).await;
    assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"));
    assert_eq!(refused.fields(), ["email", "role"]);
    assert_eq!(scene.pending().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_one_is_sent_again_while_there_is_a_seat() {
    let scene = Scene::new().await;
    let (owner, team) = (&scene.owner, &scene.team);
    age(&scene.stack, &scene.invitation, HOURS_25).await;
    assert_eq!(scene.pending().await, 0);
    let others = ["a@shop.test", "b@shop.test", "c@shop.test"];
    let mut last = Value::Null;
    for email in others {
        last = owner.invites(team, email, "collaborator").await;
    }
    let resend = scene.path("/resend");
    let full = owner.console.post_empty(&resend).await;
    assert_eq!(full.outcome(), (403, "TEAM_SEAT_LIMIT_REACHED"));
    let full = invite("d@shop.test", "admin");
    let full = owner.console.post(&path(team, ""), &full).await;
    assert_eq!(full.outcome(), (403, "TEAM_SEAT_LIMIT_REACHED"));
    let revoke = path(team, &format!("/{}", id_of(&last)));
    assert_eq!(owner.console.delete(&revoke).await.status, 204);
    let sent = owner.console.post_empty(&resend).await;
    assert_eq!(sent.status, 200, "{sent:?}");
    assert_eq!(id_of(sent.data()), scene.invitation);
    let ends = moment(&sent.data()["expiresAt"]) - moment(&last["expiresAt"]);
    assert!(ends >= time::Duration::ZERO, "a day from now");
    eventually("the second mail", async || {
        let mails = scene.stack.mails(scene.guest.email(), "team_invitation");
        (mails.await.len() == 2).then_some(())
    })
    .await;
    scene.guest.accepts(&scene.stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_is_not_sent_again_and_not_taken_back() {
    let scene = Scene::new().await;
    let owner = &scene.owner.console;
    scene.guest.accepts(&scene.stack).await;
    assert_eq!(
        owner.post_empty(&scene.path("/resend")).await.outcome(),
        BEFORE
    );
    assert_eq!(
        owner.delete(&scene.path("")).await.outcome(),
        (404, "NOT_FOUND")
    );
    let made = scene.owner.invites(&scene.team, "a@b.test", "admin").await;
    let route = path(&scene.team, &format!("/{}", id_of(&made)));
    assert_eq!(owner.delete(&route).await.status, 204);
    assert_eq!(owner.delete(&route).await.outcome(), (404, "NOT_FOUND"));
    let again = owner.post_empty(&format!("{route}/resend")).await;
    assert_eq!(again.outcome(), BEFORE);
    let unknown = path(&scene.team, &format!("/{NOBODY}"));
    assert_eq!(owner.delete(&unknown).await.outcome(), (404, "NOT_FOUND"));
    let unknown = format!("{unknown}/resend");
    assert_eq!(
        owner.post_empty(&unknown).await.outcome(),
        (404, "NOT_FOUND")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_taken_back_opens_nothing_and_frees_its_seat() {
    let scene = Scene::new().await;
    let token = scene.stack.invitation(scene.guest.email()).await;
    let gone = scene.owner.console.delete(&scene.path("")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert_eq!(scene.pending().await, 0);
    let refused = accept(&scene.guest.console, &token).await;
    assert_eq!(refused.outcome(), BEFORE);
    assert_eq!(*scene.guest.console.get(MINE).await.data(), json!([]));
    scene
        .owner
        .invites(&scene.team, scene.guest.email(), "admin")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_asked_may_decline_by_the_link_and_in_two_ways_by_the_inbox() {
    let scene = Scene::new().await;
    let guest = &scene.guest.console;
    for way in 0..3 {
        let token = scene.stack.invitation(scene.guest.email()).await;
        let inbox = guest.get(MINE).await;
        let id = inbox.data()[0]["invitationId"].clone();
        let direct = format!(
            "/api/teams/invitations/{}/decline",
            id.as_str().expect("id")
        );
        let declined = match way {
            0 => guest.post(DECLINE, &json!({ "token": token })).await,
            1 => guest.post(DECLINE, &json!({ "invitationId": id })).await,
            _ => guest.delete(&direct).await,
        };
        assert_eq!(declined.status, 204, "{way}: {declined:?}");
        assert_eq!(scene.pending().await, 0, "{way}");
        assert_eq!(*guest.get(MINE).await.data(), json!([]), "{way}");
        assert_eq!(accept(guest, &token).await.outcome(), BEFORE, "{way}");
        assert_eq!(guest.delete(&direct).await.outcome(), BEFORE, "{way}");
        let mails = scene
            .stack
            .mails(scene.guest.email(), "team_invitation")
            .await;
        scene
            .owner
            .invites(&scene.team, scene.guest.email(), "admin")
            .await;
        eventually("the next mail", async || {
            let now = scene.stack.mails(scene.guest.email(), "team_invitation");
            (now.await.len() > mails.len()).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accepting_and_declining_take_exactly_one_of_link_and_inbox() {
    let scene = Scene::new().await;
    for body in [
        json!({}),
        json!({ "token": "x", "invitationId": NOBODY }),
        json!({ "token": 7 }),
        json!({ "invitationId": "nonsense" }),
    ] {
        for route in [super::ACCEPT, DECLINE] {
            let refused = scene.guest.console.post(route, &body).await;
            assert_eq!(refused.outcome(), (400, "VALIDATION_ERROR"), "{body}");
        }
    }
    for body in [json!({ "token": "x" }), json!({ "invitationId": NOBODY })] {
        for route in [super::ACCEPT, DECLINE] {
            let refused = scene.guest.console.post(route, &body).await;
            assert_eq!(refused.outcome(), BEFORE, "{body}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inbox_shows_what_is_for_this_address_whatever_its_capitals() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let (guest, other) = (
        Person::on(&stack, "free").await,
        Person::on(&stack, "free").await,
    );
    let capitals = guest.email().to_uppercase();
    let made = crew
        .admin
        .invites(&crew.team, &capitals, "collaborator")
        .await;
    let inbox = guest.console.get(MINE).await;
    assert_eq!(each(inbox.data(), "invitationId"), [id_of(&made)]);
    let row = &inbox.data()[0];
    let told = [
        "createdAt",
        "expiresAt",
        "invitationId",
        "invitedBy",
        "role",
        "teamId",
        "teamName",
    ];
    assert_eq!(members(row), told);
    assert_eq!(
        (&row["teamId"], &row["teamName"]),
        (&json!(crew.team), &json!("Support desk"))
    );
    assert_eq!(
        (&row["role"], &row["invitedBy"]),
        (&json!("collaborator"), &json!("Test User"))
    );
    assert_eq!(row["expiresAt"], made["expiresAt"]);
    assert_eq!(*other.console.get(MINE).await.data(), json!([]));
    let body = json!({ "invitationId": id_of(&made) });
    assert_eq!(guest.console.post(super::ACCEPT, &body).await.status, 200);
    assert_eq!(*guest.console.get(MINE).await.data(), json!([]));
    let late = Person::on(&stack, "free").await;
    crew.remove(&crew.collaborator).await;
    let made = crew.owner.invites(&crew.team, late.email(), "admin").await;
    age(&stack, &id_of(&made), HOURS_25).await;
    assert_eq!(*late.console.get(MINE).await.data(), json!([]), "expired");
}
