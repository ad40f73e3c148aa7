use msgflash_kernel::Fault as _;

use super::*;
use crate::fake::FakeUnits;
use crate::ports::Hosting;
use crate::sample::{MAX, PLAN, address, ports, user};

fn order(emails: &[&str]) -> TeamOrder {
    let invite = |email: &&str| Invite {
        email: (*email).to_owned(),
        role: Role::Admin,
    };
    TeamOrder {
        owner: user(MAX),
        name: " Desk ".to_owned(),
        invites: emails.iter().map(invite).collect(),
    }
}

/// A store that takes a team on this plan from somebody who owns so many.
fn store(hosting: Hosting, owned: u32) -> FakeUnits {
    FakeUnits::with(|unit| {
        unit.teams
            .expect_hold_owner()
            .returning(move |_, _| Ok(hosting));
        unit.teams
            .expect_count_owned()
            .returning(move |_| Ok(owned));
        unit.teams
            .expect_insert()
            .withf(|team| team.name == "Desk" && team.owner == user(MAX))
            .returning(|_| Ok(()));
        unit.members
            .expect_insert()
            .withf(|_, member, _| member.user == user(MAX) && member.role == Role::Owner)
            .returning(|_, _, _| Ok(()));
        unit.invitations.expect_insert().returning(|_| Ok(()));
    })
}

#[tokio::test]
async fn everybody_is_asked_by_mail_and_all_of_it_is_noted() {
    let units = store(PLAN, 1);
    let order = order(&["tom@shop.test", "Lea@shop.test"]);
    let made = CreateTeam::new(ports(&units, 0)).create(order).await;
    assert!(made.is_ok() && units.committed());
    let (mails, audit) = units.told();
    let kinds =
        ["tom@shop.test", "Lea@shop.test"].map(|to| ("team_invitation".to_owned(), to.to_owned()));
    assert_eq!(mails, kinds);
    assert_eq!(
        audit,
        ["team.created", "invitation.created", "invitation.created"]
    );
}

#[tokio::test]
async fn the_plan_decides_and_what_it_refuses_leaves_nothing() {
    let own = address(MAX);
    let four = ["a@x.test", "b@x.test", "c@x.test", "d@x.test"];
    let gone = Hosting {
        usable: false,
        ..PLAN
    };
    let free = Hosting {
        max_teams: Some(0),
        max_seats: Some(0),
        ..PLAN
    };
    for (hosting, owned, emails, code) in [
        (gone, 0, &four[..1], "SUBSCRIPTION_INACTIVE"),
        (free, 0, &four[..1], "TEAM_FEATURE_UNAVAILABLE"),
        (PLAN, 2, &four[..1], "TEAM_LIMIT_REACHED"),
        (PLAN, 1, &four[..], "TEAM_SEAT_LIMIT_REACHED"),
        (PLAN, 0, &[], "BAD_REQUEST"),
        (PLAN, 0, &[own.as_str()], "BAD_REQUEST"),
        (PLAN, 0, &["a@x.test", "A@x.test"], "BAD_REQUEST"),
        (PLAN, 0, &["nonsense"], "VALIDATION_ERROR"),
    ] {
        let units = store(hosting, owned);
        let made = CreateTeam::new(ports(&units, 0))
            .create(order(emails))
            .await;
        assert_eq!(made.expect_err(code).code(), code);
        assert!(!units.committed(), "{code}");
    }
}

#[tokio::test]
async fn an_unlimited_plan_takes_everybody() {
    let unlimited = Hosting {
        usable: true,
        max_teams: None,
        max_seats: None,
    };
    let emails: Vec<_> = (0..50).map(|n| format!("p{n}@x.test")).collect();
    let emails: Vec<_> = emails.iter().map(String::as_str).collect();
    let units = store(unlimited, 900);
    let made = CreateTeam::new(ports(&units, 0))
        .create(order(&emails))
        .await;
    assert!(made.is_ok() && units.committed());
}

#[test]
fn every_mistake_of_a_body_is_told_with_its_place() {
    let mut wrong = order(&["good@x.test", "bad", "worse@"]);
    wrong.name = "  ".to_owned();
    let Err(TeamError::Invalid(problems)) = checked(&wrong, "max@shop.test") else {
        panic!("accepted");
    };
    let fields: Vec<_> = problems.0.iter().map(|it| it.field.as_str()).collect();
    assert_eq!(fields, ["name", "invites.1.email", "invites.2.email"]);
}
