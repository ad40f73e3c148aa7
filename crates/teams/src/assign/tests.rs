use msgflash_kernel::{Fault as _, Id};
use uuid::Uuid;

use super::*;
use crate::fake::FakeUnits;
use crate::sample::{ANN, LEA, MAX, PLAN, TOM, actor, ports, units, user};

fn instance(n: u128) -> InstanceRef {
    Id::new(Uuid::from_u128(n))
}

/// Instance 1 is the owner's; whether somebody has it already.
fn store(had: bool) -> FakeUnits {
    let units = units(PLAN, 3, 0);
    units.prepare(|unit| {
        unit.assignments
            .expect_has_instance()
            .returning(|owner, it| Ok(owner == user(MAX) && it == instance(1)));
        unit.assignments
            .expect_assign()
            .returning(move |_, _, _, _, _| Ok(!had));
        unit.assignments
            .expect_unassign()
            .returning(move |_, _, _| Ok(had));
    });
    units
}

#[tokio::test]
async fn giving_and_taking_are_noted_where_they_change_something() {
    for had in [false, true] {
        let (given, taken) = (store(had), store(had));
        AssignInstances::new(ports(&given, 0))
            .assign(&actor(ANN), instance(1), user(LEA))
            .await
            .expect("given");
        AssignInstances::new(ports(&taken, 0))
            .unassign(&actor(ANN), instance(1), user(LEA))
            .await
            .expect("taken");
        let noted = |units: &FakeUnits| units.told().1;
        assert_eq!(noted(&given).is_empty(), had);
        assert_eq!(noted(&taken).is_empty(), !had);
        assert_eq!((given.committed(), taken.committed()), (!had, had));
    }
}

#[tokio::test]
async fn only_collaborators_are_given_instances_of_the_owner() {
    for (by, what, to, code) in [
        (LEA, 1, LEA, "TEAM_ACCESS_DENIED"),
        (ANN, 2, LEA, "NOT_FOUND"),
        (ANN, 1, TOM, "NOT_FOUND"),
        (MAX, 1, ANN, "BAD_REQUEST"),
        (ANN, 1, MAX, "BAD_REQUEST"),
    ] {
        let units = store(false);
        let given = AssignInstances::new(ports(&units, 0))
            .assign(&actor(by), instance(what), user(to))
            .await;
        assert_eq!(given.expect_err(code).code(), code);
        assert!(!units.committed());
    }
}
