//! Many at once: never one too many, and nobody lingers.

mod deletion;
mod removal;

use std::collections::BTreeMap;

use blackbox::team::invite;
use blackbox::{Crew, Person, Reply, Stack, TEAMS, id_of};
use futures_util::future::join_all;
use serde_json::json;

use super::{accept, seats};

/// How often each answer was given.
fn tally(replies: &[Reply]) -> BTreeMap<(u16, String), usize> {
    let mut tally = BTreeMap::new();
    for reply in replies {
        let outcome = (reply.status, reply.code().to_owned());
        *tally.entry(outcome).or_default() += 1;
    }
    tally
}

fn counts(of: &[(u16, &str, usize)]) -> BTreeMap<(u16, String), usize> {
    let one = |&(status, code, count): &(u16, &str, usize)| ((status, code.to_owned()), count);
    of.iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_all_who_accept_the_last_seat_one_gets_it() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let mut guests = Vec::new();
    for _ in 0..3 {
        guests.push(Person::on(&stack, "free").await);
    }
    let invites: Vec<_> = guests.iter().map(|it| (it.email(), "admin")).collect();
    let team = id_of(&owner.found("Desk", &invites).await);
    let shrink = "UPDATE plans SET max_seats_per_team = 2 WHERE code = 'pro'";
    assert_eq!(stack.sql(shrink, &[]).await, 1);
    let mut tries = Vec::new();
    for guest in &guests {
        let token = stack.invitation(guest.email()).await;
        let client = guest.console.clone();
        tries.push(async move { accept(&client, &token).await });
    }
    let replies = join_all(tries).await;
    let expected = counts(&[(200, "", 1), (403, "TEAM_SEAT_LIMIT_REACHED", 2)]);
    assert_eq!(tally(&replies), expected);
    let now = owner.sees(&team).await;
    assert_eq!(
        seats(&now),
        [2, 2, 2, 4, 0],
        "available is never less than nothing"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn one_invitation_lets_somebody_in_once_however_often_it_is_used_at_once() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let guest = Person::on(&stack, "free").await;
    let team = id_of(&owner.found("Desk", &[(guest.email(), "admin")]).await);
    let token = stack.invitation(guest.email()).await;
    let tries = (0..10).map(|_| accept(&guest.console, &token));
    let replies = join_all(tries).await;
    let expected = counts(&[(200, "", 1), (400, "INVITE_INVALID_OR_EXPIRED", 9)]);
    assert_eq!(tally(&replies), expected);
    assert_eq!(seats(&owner.sees(&team).await), [4, 2, 0, 2, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_teams_at_once_never_pass_the_limit() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let tries = (0..20).map(|n| {
        let invites = [invite(&format!("a{n}@shop.test"), "admin")];
        let body = json!({ "name": format!("Team {n}"), "invites": invites });
        let client = owner.console.clone();
        async move { client.post(TEAMS, &body).await }
    });
    let replies = join_all(tries).await;
    let expected = counts(&[(201, "", 2), (403, "TEAM_LIMIT_REACHED", 18)]);
    assert_eq!(tally(&replies), expected);
    for (table, count) in [("teams", 2), ("team_members", 2), ("team_invitations", 2)] {
        let rows = format!("SELECT count(*) FROM {table}");
        assert_eq!(stack.count(&rows, &[]).await, count, "{table}");
    }
    let mails = "SELECT count(*) FROM mails WHERE kind = 'team_invitation'";
    assert_eq!(stack.count(mails, &[]).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_invitations_at_once_fill_the_seats_and_no_more() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let team = owner.found("Desk", &[("a@shop.test", "admin")]).await;
    let team_id = id_of(&team);
    let first = id_of(&team["pendingInvitations"][0]);
    let path = super::invitations(&team_id, "");
    let gone = owner.console.delete(&format!("{path}/{first}")).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    let tries = (0..20).map(|n| {
        let body = invite(&format!("b{n}@shop.test"), "collaborator");
        let (client, path) = (owner.console.clone(), path.clone());
        async move { client.post(&path, &body).await }
    });
    let replies = join_all(tries).await;
    let expected = counts(&[(201, "", 3), (403, "TEAM_SEAT_LIMIT_REACHED", 17)]);
    assert_eq!(tally(&replies), expected);
    assert_eq!(seats(&owner.sees(&team_id).await), [4, 1, 3, 4, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_is_asked_once_however_many_ask_at_once() {
    let stack = Stack::for_people(&[]).await;
    let crew = Crew::gather(&stack, "max").await;
    let path = super::invitations(&crew.team, "");
    let tries = (0..4).map(|n| {
        let who = if n % 2 == 0 { &crew.owner } else { &crew.admin };
        let (client, path) = (who.console.clone(), path.clone());
        let capitals = if n < 2 {
            "new@shop.test"
        } else {
            "NEW@Shop.test"
        };
        async move { client.post(&path, &invite(capitals, "admin")).await }
    });
    let replies = join_all(tries).await;
    assert_eq!(
        tally(&replies),
        counts(&[(201, "", 1), (409, "CONFLICT", 3)])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_comes_while_the_team_is_deleted_is_in_no_team() {
    let stack = Stack::for_people(&[]).await;
    let owner = Person::on(&stack, "pro").await;
    let guest = Person::on(&stack, "free").await;
    for _ in 0..4 {
        let team = owner.found("Desk", &[(guest.email(), "admin")]).await;
        let path = format!("{TEAMS}/{}", id_of(&team));
        let by_inbox = json!({ "invitationId": team["pendingInvitations"][0]["id"] });
        let (came, deleted) = futures_util::future::join(
            guest.console.post(super::ACCEPT, &by_inbox),
            owner.console.delete(&path),
        )
        .await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
        let came = came.outcome();
        assert!(
            came == (200, "") || came == (400, "INVITE_INVALID_OR_EXPIRED"),
            "{came:?}"
        );
        assert_eq!(*guest.console.get(TEAMS).await.data(), json!([]));
        let gone = guest.console.get(&path).await;
        assert_eq!(gone.outcome(), (404, "TEAM_NOT_FOUND"));
        let open = "SELECT count(*) FROM team_invitations WHERE ended_at IS NULL";
        assert_eq!(stack.count(open, &[]).await, 0);
    }
}
