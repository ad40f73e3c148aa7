//! Each thing done in a team leaves one row: who did what, and to whom or what.

use blackbox::{Crew, Person, Program, Stack, TEAMS, id_of};
use serde_json::{Value, json};

use super::{DECLINE, accept, invitations};

/// The log of a team as the operator reads it.
async fn log(stack: &Stack, team: &str) -> Vec<Value> {
    let words = ["team", "log", team, "--json"];
    let said = Program::said(stack.settings(), &words).await;
    serde_json::from_str(&said).expect("an array")
}

/// Action, who did it, and what it was about.
fn told(entry: &Value) -> (String, String, String) {
    let text = |name: &str| {
        let text = entry[name].as_str();
        text.unwrap_or_else(|| panic!("no {name}: {entry}"))
            .to_owned()
    };
    (text("action"), text("actorUserId"), text("targetId"))
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_done_in_a_team_is_in_its_log_once() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let (owner, admin) = (crew.owner.id(), crew.admin.id());
    let (member, team) = (crew.collaborator.id(), crew.team.clone());
    let guest = Person::on(&stack, "free").await;
    let console = &crew.admin.console;
    let mut expected = vec![
        ("team.created", &owner, team.clone()),
        ("invitation.created", &owner, String::new()),
        ("invitation.created", &owner, String::new()),
        ("invitation.accepted", &admin, String::new()),
        ("invitation.accepted", &member, String::new()),
    ];

    let named = json!({ "name": "Desk" });
    assert_eq!(console.patch(&crew.path(""), &named).await.status, 200);
    expected.push(("team.renamed", &admin, team.clone()));

    let asked = id_of(&crew.admin.invites(&team, guest.email(), "admin").await);
    expected.push(("invitation.created", &admin, asked.clone()));
    let resend = invitations(&team, &format!("/{asked}/resend"));
    assert_eq!(crew.owner.console.post_empty(&resend).await.status, 200);
    expected.push(("invitation.resent", &owner, asked.clone()));
    let declined = json!({ "invitationId": asked });
    let declined = guest.console.post(DECLINE, &declined).await;
    assert_eq!(declined.status, 204, "{declined:?}");
    let guest_id = guest.id();
    expected.push(("invitation.declined", &guest_id, asked));
    let asked = id_of(&crew.admin.invites(&team, guest.email(), "admin").await);
    expected.push(("invitation.created", &admin, asked.clone()));
    let revoke = invitations(&team, &format!("/{asked}"));
    assert_eq!(console.delete(&revoke).await.status, 204);
    expected.push(("invitation.revoked", &admin, asked));

    let instance = crew.owner.account.instance(&stack).await.id.to_string();
    for _ in 0..2 {
        // The second changes nothing, and is not told.
        crew.assign(&instance).await;
    }
    expected.push(("instance.assigned", &owner, String::new()));
    for _ in 0..2 {
        crew.unassign(&instance).await;
    }
    expected.push(("instance.unassigned", &owner, String::new()));

    let key = id_of(&crew.admin.team_key(&team).await);
    expected.push(("api_key.created", &admin, key.clone()));
    let gone = format!("/api/api-keys/{key}");
    let gone = crew.owner.within(&team).delete(&gone).await;
    assert_eq!(gone.status, 200, "{gone:?}");
    expected.push(("api_key.revoked", &owner, key));

    let change = crew.path(&format!("/members/{member}"));
    let up = console.patch(&change, &json!({ "role": "admin" })).await;
    assert_eq!(up.status, 200, "{up:?}");
    expected.push(("member.role_changed", &admin, member.clone()));
    crew.remove(&crew.collaborator).await;
    expected.push(("member.removed", &owner, member.clone()));
    let leave = crew.path("/members/leave");
    assert_eq!(console.post_empty(&leave).await.status, 204);
    expected.push(("member.left", &admin, admin.clone()));
    let deleted = crew.owner.console.delete(&crew.path("")).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    expected.push(("team.deleted", &owner, team.clone()));

    let entries = log(&stack, &team).await;
    let mut found: Vec<_> = entries.iter().map(told).collect();
    for (action, actor, target) in &expected {
        let same = |it: &(String, String, String)| {
            it.0 == *action && it.1 == **actor && (target.is_empty() || it.2 == *target)
        };
        let at = found.iter().position(same);
        let at = at.unwrap_or_else(|| panic!("no {action} by {actor} of {target:?}: {found:#?}"));
        found.remove(at);
    }
    assert!(found.is_empty(), "told and not done: {found:#?}");
    let times: Vec<_> = entries.iter().map(|it| it["at"].to_string()).collect();
    assert!(times.is_sorted_by(|one, next| one >= next), "newest first");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_not_in_the_log_and_each_team_has_its_own() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let second = id_of(&crew.owner.found("B", &[("a@b.test", "admin")]).await);
    let before = log(&stack, &crew.team).await.len();
    let guest = Person::on(&stack, "free").await;
    let invitation = crew.owner.invites(&second, guest.email(), "admin").await;
    let token = stack.invitation(guest.email()).await;
    let wrong = accept(&crew.admin.console, &token).await;
    assert_eq!(wrong.outcome(), (403, "INVITE_EMAIL_MISMATCH"));
    let denied = crew.collaborator.console.delete(&crew.path("")).await;
    assert_eq!(denied.outcome(), (403, "TEAM_ACCESS_DENIED"));
    let personal = json!({ "name": "Own" });
    let made = crew.owner.console.post("/api/api-keys", &personal).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(log(&stack, &crew.team).await.len(), before);
    let there = log(&stack, &second).await;
    let actions: Vec<_> = there.iter().map(|it| told(it).0).collect();
    let expected = ["team.created", "invitation.created", "invitation.created"];
    assert_eq!(actions.len(), expected.len(), "{actions:?}");
    let id = id_of(&invitation);
    assert!(there.iter().any(|it| told(it).2 == id));
    assert!(!there.iter().any(|it| it.to_string().contains(&token)));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_reads_the_log_as_text_too() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let team = id_of(&owner.found("Desk", &[("a@b.test", "admin")]).await);
    let gone = owner.console.delete(&format!("{TEAMS}/{team}")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    let said = Program::said(stack.settings(), &["team", "log", &team]).await;
    for action in ["team.created", "invitation.created", "team.deleted"] {
        assert!(said.contains(action), "{said}");
    }
}
