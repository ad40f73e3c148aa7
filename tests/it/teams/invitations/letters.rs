//! Mails about teams: who gets them, and what nobody can make them say.

use blackbox::team::{invite, token_in};
use blackbox::{Crew, Person, Stack, eventually, id_of};
use serde_json::{Value, json};

use super::super::invitations as path;

const EVIL: &str = "Eve <b>Evil</b> http://evil.test & Co";
const TEAM: &str = "<script>alert(1)</script> & Sons";

async fn rename(person: &Person, name: &str) {
    let body = json!({ "fullName": name });
    let changed = person.console.patch("/api/auth/me", &body).await;
    assert_eq!(changed.status, 200, "{changed:?}");
}

/// Subject, text and HTML of a mail.
fn parts(mail: &Value) -> [&str; 3] {
    ["subject", "text", "html"].map(|part| mail[part].as_str().expect("text"))
}

fn is_tame(mail: &Value) {
    for part in parts(mail) {
        assert!(
            !part.contains("Evil") && !part.contains("evil.test"),
            "{part}"
        );
    }
    let [subject, _, html] = parts(mail);
    assert!(
        !html.contains("<script>") && !html.contains("& Sons"),
        "{html}"
    );
    assert!(!subject.contains(['\r', '\n']), "{subject:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_mail_says_the_name_of_a_person_and_html_is_escaped() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let (one, two) = (
        Person::on(&stack, "free").await,
        Person::on(&stack, "free").await,
    );
    for person in [&owner, &one, &two] {
        rename(person, EVIL).await;
    }
    let invites = [(one.email(), "admin"), (two.email(), "collaborator")];
    let team = id_of(&owner.found(TEAM, &invites).await);
    let mail = stack.mail(one.email(), "team_invitation").await;
    is_tame(&mail);
    let link = format!(
        "https://app.shop.test/teams/invite?token={}",
        token_in(&mail)
    );
    let [_, text, html] = parts(&mail);
    assert!(text.contains(&link) && html.contains(&link), "{text}");
    one.accepts(&stack).await;
    two.accepts(&stack).await;
    is_tame(&stack.mail(owner.email(), "team_invitation_accepted").await);
    let away = format!("/api/teams/{team}/members/{}", two.id());
    assert_eq!(one.console.delete(&away).await.status, 204);
    is_tame(&stack.mail(two.email(), "team_member_removed").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_go_to_whom_they_concern_and_to_nobody_else() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "pro").await;
    let guest = Person::on(&stack, "free").await;
    crew.admin
        .invites(&crew.team, guest.email(), "collaborator")
        .await;
    guest.accepts(&stack).await;
    stack
        .mail(crew.admin.email(), "team_invitation_accepted")
        .await;
    eventually("two for the owner, who asked two", async || {
        let mails = stack.mails(crew.owner.email(), "team_invitation_accepted");
        (mails.await.len() == 2).then_some(())
    })
    .await;
    let guests = stack.mails(guest.email(), "team_invitation_accepted").await;
    assert_eq!(guests.len(), 0);
    // Who leaves knows.
    let leave = crew.path("/members/leave");
    assert_eq!(guest.console.post_empty(&leave).await.status, 204);
    crew.remove(&crew.collaborator).await;
    stack
        .mail(crew.collaborator.email(), "team_member_removed")
        .await;
    let all = "SELECT count(*) FROM mails WHERE kind = 'team_member_removed'";
    assert_eq!(stack.count(all, &[]).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mailbox_gets_five_mails_of_one_accounts_teams_in_a_day() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let guest = Person::on(&stack, "free").await;
    let asked = crew.owner.invites(&crew.team, guest.email(), "admin").await;
    let resend = path(&crew.team, &format!("/{}/resend", id_of(&asked)));
    let (owner, admin) = (&crew.owner.console, &crew.admin.console);
    for client in [owner, admin, owner, admin] {
        let sent = client.post_empty(&resend).await;
        assert_eq!(sent.status, 200, "{sent:?}");
    }
    for client in [owner, admin] {
        let refused = client.post_empty(&resend).await;
        assert_eq!(refused.outcome(), (429, "RATE_LIMIT_EXCEEDED"));
    }
    // The same mailbox under another address.
    let again = guest.email().replace('@', "+x@");
    let again = owner
        .post(&path(&crew.team, ""), &invite(&again, "admin"))
        .await;
    assert_eq!(again.outcome(), (429, "RATE_LIMIT_EXCEEDED"));
    let mails = eventually("five mails", async || {
        let mails = stack.mails(guest.email(), "team_invitation").await;
        (mails.len() >= 5).then_some(mails)
    })
    .await;
    assert_eq!(mails.len(), 5);
    // What was refused changed nothing: the fifth link is good.
    guest.accepts(&stack).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_would_become_a_link_is_not_in_the_mail() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let name = "You won, see evil.example";
    owner.found(name, &[("a@shop.test", "admin")]).await;
    let mail = stack.mail("a@shop.test", "team_invitation").await;
    for part in parts(&mail) {
        assert!(
            !part.contains("evil.example") && !part.contains("You won"),
            "{part}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_are_stored_as_hashes_alone() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    owner.found("Desk", &[("a@shop.test", "admin")]).await;
    let token = stack.invitation("a@shop.test").await;
    assert!(token.len() >= 43, "256 bits or more: {token}");
    let rows = "SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM team_invitations t";
    let stored: String = stack.rows(rows, &[]).await[0].get(0);
    assert!(stored.contains("a@shop.test") && !stored.contains(&token));
    let rows = "SELECT coalesce(string_agg(to_jsonb(t)::text, ''), '') FROM audit_log t";
    let told: String = stack.rows(rows, &[]).await[0].get(0);
    assert!(!told.contains(&token));
}
