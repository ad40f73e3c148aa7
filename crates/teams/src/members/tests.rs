use msgflash_kernel::Fault as _;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{ANN, LEA, MAX, PLAN, TOM, actor, address, ports, units, user};

fn store() -> FakeUnits {
    let units = units(PLAN, 3, 0);
    units.prepare(|unit| {
        unit.members.expect_set_role().returning(|_, _, _| Ok(()));
        unit.members.expect_end().returning(|_, _, _, _, _| Ok(()));
        unit.invitations
            .expect_end_sent_by()
            .returning(|_, inviter, _, _| {
                let asked = crate::sample::asked().0.invitation;
                let theirs = asked.invited_by == inviter;
                Ok(theirs
                    .then_some((asked.id, asked.email))
                    .into_iter()
                    .collect())
            });
        unit.assignments
            .expect_unassign_all()
            .withf(|_, user| *user == crate::sample::user(LEA))
            .returning(|_, _| Ok(()));
    });
    units
}

#[tokio::test]
async fn roles_change_and_an_admin_needs_no_assignments() {
    for (of, to) in [(LEA, Role::Admin), (ANN, Role::Collaborator)] {
        let units = store();
        let members = ManageMembers::new(ports(&units, 1));
        let member = members.change_role(&actor(MAX), user(of), to).await;
        assert_eq!(member.expect("changed").role, to);
        assert!(units.committed());
        // Who asks nobody any more has asked nobody.
        let taken_back = (of == ANN).then_some("invitation.revoked");
        let told = taken_back.into_iter().chain(["member.role_changed"]);
        assert_eq!(units.told().1, told.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn nobody_changes_the_owner_or_becomes_one() {
    for (by, of, to, code) in [
        (ANN, MAX, Role::Admin, "TEAM_ACCESS_DENIED"),
        (MAX, LEA, Role::Owner, "TEAM_ACCESS_DENIED"),
        (LEA, ANN, Role::Collaborator, "TEAM_ACCESS_DENIED"),
        (ANN, TOM, Role::Admin, "NOT_FOUND"),
        (TOM, LEA, Role::Admin, "TEAM_NOT_FOUND"),
    ] {
        let units = store();
        let members = ManageMembers::new(ports(&units, 0));
        let changed = members.change_role(&actor(by), user(of), to).await;
        assert_eq!(changed.expect_err(code).code(), code);
        assert!(!units.committed());
    }
}

#[tokio::test]
async fn who_is_removed_hears_of_it() {
    for (by, of) in [(MAX, ANN), (MAX, LEA), (ANN, LEA)] {
        let units = store();
        let members = ManageMembers::new(ports(&units, 1));
        members.remove(&actor(by), user(of)).await.expect("removed");
        assert!(units.committed());
        let (mails, audit) = units.told();
        assert_eq!(mails, [("team_member_removed".to_owned(), address(of))]);
        let taken_back = (of == ANN).then_some("invitation.revoked");
        let told = taken_back.into_iter().chain(["member.removed"]);
        assert_eq!(audit, told.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn nobody_removes_the_owner_or_themselves() {
    for (by, of, code) in [
        (ANN, MAX, "TEAM_ACCESS_DENIED"),
        (MAX, MAX, "TEAM_ACCESS_DENIED"),
        (ANN, ANN, "BAD_REQUEST"),
        (LEA, ANN, "TEAM_ACCESS_DENIED"),
        (ANN, TOM, "NOT_FOUND"),
    ] {
        let units = store();
        let removed = ManageMembers::new(ports(&units, 0))
            .remove(&actor(by), user(of))
            .await;
        assert_eq!(removed.expect_err(code).code(), code);
        assert!(!units.committed());
    }
}

#[tokio::test]
async fn everybody_may_go_but_the_owner() {
    for (by, code) in [(ANN, None), (LEA, None), (MAX, Some("BAD_REQUEST"))] {
        let units = store();
        let announced = usize::from(code.is_none());
        let left = ManageMembers::new(ports(&units, announced))
            .leave(&actor(by))
            .await;
        assert_eq!(left.err().map(|it| it.code()), code);
        assert_eq!(units.committed(), code.is_none());
    }
}
