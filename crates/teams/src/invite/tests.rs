use msgflash_kernel::Fault as _;
use time::Duration;

use super::*;
use crate::fake::FakeUnits;
use crate::invitation::LIFE;
use crate::role::Role;
use crate::sample::{ANN, LEA, MAX, NOW, PLAN, TOM, actor, address, asked, ports, units};

fn tom() -> Invite {
    Invite {
        email: address(TOM),
        role: Role::Collaborator,
    }
}

/// With an earlier invitation of Tom's, which somebody may end.
fn with(units: FakeUnits, earlier: Option<Invitation>) -> FakeUnits {
    units.prepare(|unit| {
        unit.invitations
            .expect_open_for()
            .returning(move |_, _| Ok(earlier.clone()));
        unit.invitations.expect_insert().returning(|_| Ok(()));
        unit.invitations
            .expect_update()
            .withf(|it, _| it.end == Some(InvitationEnd::Replaced))
            .returning(|_, _| Ok(()));
    });
    units
}

#[tokio::test]
async fn whoever_may_asks_and_a_mail_goes_out() {
    for by in [MAX, ANN] {
        let units = with(units(PLAN, 3, 0), None);
        let invite = InvitePeople::new(ports(&units, 0));
        let asked = invite.invite(&actor(by), tom()).await.expect("asked");
        assert_eq!(asked.invitation.expires_at, NOW + LIFE);
        assert_eq!(asked.inviter_email, address(by));
        assert!(units.committed());
        let (mails, audit) = units.told();
        assert_eq!(mails, [("team_invitation".to_owned(), address(TOM))]);
        assert_eq!(audit, ["invitation.created"]);
    }
}

#[tokio::test]
async fn refusals_come_in_their_order_and_leave_nothing() {
    let gone = Hosting {
        usable: false,
        ..PLAN
    };
    let free = Hosting {
        max_teams: Some(0),
        ..PLAN
    };
    let pending = || Some(asked().0.invitation);
    let lea = || Invite {
        email: address(LEA),
        role: Role::Admin,
    };
    let bad = Invite {
        email: "nonsense".to_owned(),
        role: Role::Admin,
    };
    let own = Invite {
        email: address(ANN).to_uppercase(),
        role: Role::Admin,
    };
    for (units, by, invite, code) in [
        (units(PLAN, 3, 0), LEA, tom(), "TEAM_ACCESS_DENIED"),
        (units(PLAN, 3, 0), TOM, lea(), "TEAM_NOT_FOUND"),
        (units(gone, 3, 0), ANN, tom(), "SUBSCRIPTION_INACTIVE"),
        (units(free, 3, 0), ANN, tom(), "TEAM_FEATURE_UNAVAILABLE"),
        (units(PLAN, 3, 0), ANN, bad, "VALIDATION_ERROR"),
        (units(PLAN, 3, 0), ANN, own, "BAD_REQUEST"),
        // Who is a member is told only where there is a place.
        (units(PLAN, 3, 1), ANN, lea(), "TEAM_SEAT_LIMIT_REACHED"),
        (units(PLAN, 3, 0), ANN, lea(), "INVITE_DUPLICATE_MEMBER"),
        (units(PLAN, 3, 0), ANN, tom(), "CONFLICT"),
    ] {
        let units = with(units, pending());
        let invited = InvitePeople::new(ports(&units, 0))
            .invite(&actor(by), invite)
            .await;
        assert_eq!(invited.expect_err(code).code(), code);
        assert!(!units.committed(), "{code}");
    }
}

#[tokio::test]
async fn an_address_whose_invitation_ran_out_is_asked_anew() {
    let mut old = asked().0.invitation;
    old.expires_at = NOW;
    let units = with(units(PLAN, 3, 0), Some(old));
    let invited = InvitePeople::new(ports(&units, 0))
        .invite(&actor(ANN), tom())
        .await;
    assert!(invited.is_ok() && units.committed());
}

/// With Tom's invitation as it is.
fn having(units: FakeUnits, change: impl FnOnce(&mut Invitation)) -> FakeUnits {
    let mut found = asked().0;
    change(&mut found.invitation);
    units.prepare(|unit| {
        unit.invitations
            .expect_find()
            .returning(move |_, id| Ok(Some(found.clone()).filter(|it| it.invitation.id == id)));
        unit.invitations.expect_update().returning(|_, _| Ok(()));
    });
    units
}

#[tokio::test]
async fn asking_again_needs_a_place_only_where_the_time_had_run_out() {
    let id = asked().0.invitation.id;
    let late = |it: &mut Invitation| it.expires_at = NOW - Duration::SECOND;
    let ended = |it: &mut Invitation| it.close(InvitationEnd::Declined, None);
    let full = || units(PLAN, 3, 1);
    for (units, refused) in [
        (having(full(), |_| {}), None),
        (having(full(), late), Some("TEAM_SEAT_LIMIT_REACHED")),
        (having(units(PLAN, 3, 0), late), None),
        (
            having(units(PLAN, 3, 0), ended),
            Some("INVITE_INVALID_OR_EXPIRED"),
        ),
    ] {
        let resent = InvitePeople::new(ports(&units, 0))
            .resend(&actor(ANN), id)
            .await;
        assert_eq!(units.committed(), refused.is_none());
        match (resent, refused) {
            (Ok(again), None) => {
                assert_eq!(again.invitation.expires_at, NOW + LIFE);
                assert_eq!(units.told().1, ["invitation.resent"]);
            }
            (Err(cause), Some(code)) => assert_eq!(cause.code(), code),
            (resent, refused) => panic!("{resent:?} instead of {refused:?}"),
        }
    }
}

#[tokio::test]
async fn only_what_is_pending_is_taken_back() {
    let id = asked().0.invitation.id;
    let taken = having(units(PLAN, 3, 1), |_| {});
    let revoked = InvitePeople::new(ports(&taken, 0))
        .revoke(&actor(ANN), id)
        .await;
    assert!(revoked.is_ok() && taken.committed());
    let late = having(units(PLAN, 3, 0), |it| it.expires_at = NOW);
    let refused = InvitePeople::new(ports(&late, 0))
        .revoke(&actor(ANN), id)
        .await;
    assert_eq!(refused.expect_err("ran out").code(), "NOT_FOUND");
    assert!(!late.committed());
}

#[tokio::test]
async fn one_mail_too_many_is_refused_with_the_time_to_wait() {
    let units = with(units(PLAN, 3, 0), None);
    units.prepare(|unit| {
        unit.tries.expect_count().returning(|it| {
            assert!(it.address.is_some());
            Ok(Some(NOW + Duration::HOUR))
        });
    });
    let refused = InvitePeople::new(ports(&units, 0))
        .invite(&actor(ANN), tom())
        .await;
    let wait = std::time::Duration::from_hours(1);
    let refused = refused.expect_err("too many");
    assert_eq!(refused.kind(), msgflash_kernel::Kind::Limited(wait));
    assert!(!units.committed());
}
