use msgflash_kernel::Fault as _;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{ANN, LEA, MAX, NOW, PLAN, TOM, actor, ports, units};

fn store() -> FakeUnits {
    let units = units(PLAN, 3, 1);
    units.prepare(|unit| {
        unit.teams.expect_update().returning(|_| Ok(()));
        unit.teams
            .expect_leave_remains()
            .withf(|team, at| team.deleted_at == Some(NOW) && *at == NOW)
            .returning(|_, _| Ok(()));
        unit.invitations.expect_end_all().returning(|_, _| Ok(()));
    });
    units
}

#[tokio::test]
async fn owner_and_admins_name_the_team() {
    for (by, code) in [
        (MAX, None),
        (ANN, None),
        (LEA, Some("TEAM_ACCESS_DENIED")),
        (TOM, Some("TEAM_NOT_FOUND")),
    ] {
        let units = store();
        let renamed = ManageTeam::new(ports(&units, 0))
            .rename(&actor(by), " Help ")
            .await;
        assert_eq!(renamed.err().map(|it| it.code()), code);
        assert_eq!(units.committed(), code.is_none());
    }
    let units = store();
    let nameless = ManageTeam::new(ports(&units, 0))
        .rename(&actor(MAX), "  ")
        .await;
    assert_eq!(nameless.expect_err("no name").code(), "VALIDATION_ERROR");
}

#[tokio::test]
async fn the_owner_alone_deletes_it_and_others_hear_of_it_afterwards() {
    for (by, code) in [(MAX, None), (ANN, Some("TEAM_ACCESS_DENIED"))] {
        let units = store();
        let announced = usize::from(code.is_none());
        let deleted = ManageTeam::new(ports(&units, announced))
            .delete(&actor(by))
            .await;
        assert_eq!(deleted.err().map(|it| it.code()), code);
        assert_eq!(units.committed(), code.is_none());
        if code.is_none() {
            assert_eq!(units.told().1, ["team.deleted"]);
        }
    }
}
