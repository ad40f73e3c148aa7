use msgflash_kernel::Fault as _;
use uuid::Uuid;

use super::*;
use crate::fake::FakeUnits;
use crate::ports::Hosting;
use crate::sample::{ANN, LEA, MAX, NOW, PLAN, TOM, address, asked, ports, team_id, units, user};

fn by_id() -> Named {
    Named::Id(asked().0.invitation.id)
}

fn by_token() -> Named {
    Named::Token(Secret::new(asked().1.reveal().to_owned()))
}

/// With Tom's invitation as it is when the team is held.
fn having(units: FakeUnits, change: impl FnOnce(&mut Invitation)) -> FakeUnits {
    let mut found = asked().0;
    change(&mut found.invitation);
    units.prepare(|unit| {
        unit.invitations
            .expect_find()
            .returning(move |_, _| Ok(Some(found.clone())));
        unit.invitations.expect_update().returning(|_, _| Ok(()));
        unit.members
            .expect_insert()
            .withf(|_, member, _| member.user == user(TOM) && member.role == Role::Collaborator)
            .returning(|_, _, _| Ok(()));
    });
    units
}

#[tokio::test]
async fn an_invitation_is_accepted_by_its_link_and_from_the_inbox() {
    for named in [by_id(), by_token()] {
        // No place is left: the one that was kept for them is taken.
        let units = having(units(PLAN, 3, 1), |_| {});
        let answer = AnswerInvitation::new(ports(&units, 1));
        let accepted = answer.accept(user(TOM), &named).await.expect("in");
        assert_eq!(
            (accepted.team, accepted.role),
            (team_id(), Role::Collaborator)
        );
        assert!(units.committed());
        let (mails, audit) = units.told();
        assert_eq!(
            mails,
            [("team_invitation_accepted".to_owned(), address(ANN))]
        );
        assert_eq!(audit, ["invitation.accepted"]);
    }
}

#[tokio::test]
async fn the_owner_hears_when_whoever_asked_is_gone() {
    let units = having(units(PLAN, 3, 1), |it| it.invited_by = user(99));
    let answer = AnswerInvitation::new(ports(&units, 1));
    answer.accept(user(TOM), &by_id()).await.expect("in");
    let (mails, _) = units.told();
    assert_eq!(mails[0].1, address(MAX));
}

#[tokio::test]
async fn refusals_come_in_their_order_and_leave_nothing() {
    let shrunk = Hosting {
        max_seats: Some(3),
        ..PLAN
    };
    let gone = Hosting {
        usable: false,
        ..PLAN
    };
    let plan = || units(PLAN, 3, 1);
    let as_is = |_: &mut Invitation| {};
    let late = |it: &mut Invitation| it.expires_at = NOW;
    let resent = |it: &mut Invitation| it.token_hash = [7; 32];
    let ended = |it: &mut Invitation| it.close(InvitationEnd::Revoked, None);
    let to_lea = |it: &mut Invitation| it.email = address(LEA);
    let unknown = Named::Id(msgflash_kernel::Id::new(Uuid::nil()));
    let nonsense = Named::Token(Secret::new("nonsense".to_owned()));
    let invalid = "INVITE_INVALID_OR_EXPIRED";
    for (units, by, named, code) in [
        (having(plan(), as_is), TOM, unknown, invalid),
        (having(plan(), as_is), TOM, nonsense, invalid),
        (having(plan(), late), TOM, by_id(), invalid),
        (having(plan(), late), LEA, by_id(), invalid),
        (having(plan(), ended), TOM, by_token(), invalid),
        (having(plan(), resent), TOM, by_token(), invalid),
        (
            having(plan(), as_is),
            LEA,
            by_token(),
            "INVITE_EMAIL_MISMATCH",
        ),
        (
            having(plan(), to_lea),
            LEA,
            by_id(),
            "INVITE_DUPLICATE_MEMBER",
        ),
        (
            having(units(gone, 3, 1), as_is),
            TOM,
            by_id(),
            "SUBSCRIPTION_INACTIVE",
        ),
        (
            having(units(shrunk, 3, 1), as_is),
            TOM,
            by_id(),
            "TEAM_SEAT_LIMIT_REACHED",
        ),
    ] {
        let answer = AnswerInvitation::new(ports(&units, 0));
        let accepted = answer.accept(user(by), &named).await;
        assert_eq!(accepted.expect_err(code).code(), code);
        assert!(!units.committed(), "{code}");
    }
}

#[tokio::test]
async fn who_accepted_before_hears_from_the_inbox_that_they_are_in() {
    let taken = |it: &mut Invitation| {
        it.email = address(LEA);
        it.close(InvitationEnd::Accepted, Some(user(LEA)));
    };
    for (named, code) in [
        (by_id(), "INVITE_DUPLICATE_MEMBER"),
        (by_token(), "INVITE_INVALID_OR_EXPIRED"),
    ] {
        let units = having(units(PLAN, 3, 0), taken);
        let again = AnswerInvitation::new(ports(&units, 0))
            .accept(user(LEA), &named)
            .await;
        assert_eq!(again.expect_err(code).code(), code);
    }
}

#[tokio::test]
async fn declining_ends_it_and_is_theirs_alone() {
    let units = having(units(PLAN, 3, 1), |_| {});
    let answer = AnswerInvitation::new(ports(&units, 0));
    answer
        .decline(user(TOM), &by_token())
        .await
        .expect("declined");
    assert!(units.committed());
    assert_eq!(units.told(), (vec![], vec!["invitation.declined"]));
    let others = having(crate::sample::units(PLAN, 3, 1), |_| {});
    let refused = AnswerInvitation::new(ports(&others, 0))
        .decline(user(LEA), &by_id())
        .await;
    assert_eq!(
        refused.expect_err("not theirs").code(),
        "INVITE_EMAIL_MISMATCH"
    );
    assert!(!others.committed());
}

#[tokio::test]
async fn a_preview_shows_the_address_but_for_its_middle() {
    let units = FakeUnits::default();
    let answer = AnswerInvitation::new(ports(&units, 0));
    let preview = answer.preview(asked().1.reveal()).await.expect("pending");
    assert_eq!(preview.masked_email, "t***@shop.test");
    let refused = answer.preview("nonsense").await.expect_err("no link");
    assert_eq!(refused.code(), "INVITE_INVALID_OR_EXPIRED");
}
