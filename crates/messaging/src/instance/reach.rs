//! Which instances somebody may use.

use msgflash_kernel::{Actor, Reach, StoreError};

use super::InstanceId;
use super::ports::InstanceReader;

/// Whether an instance of the account is one that somebody may use. Asks nobody about those who may
/// use all of them.
pub async fn is_in_reach(
    instances: &dyn InstanceReader,
    actor: &Actor,
    id: InstanceId,
) -> Result<bool, StoreError> {
    match (actor.reach, actor.workspace.team) {
        (Reach::All, _) => Ok(true),
        (Reach::Assigned, Some(team)) => instances.is_assigned(team, actor.user, id).await,
        (Reach::Assigned, None) => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{Id, Workspace};
    use uuid::Uuid;

    use super::*;
    use crate::instance::ports::MockInstanceReader;
    use crate::testing::{actor, instance};

    fn collaborator(workspace: Workspace) -> Actor {
        Actor {
            workspace,
            user: Id::new(Uuid::from_u128(0xC)),
            reach: Reach::Assigned,
        }
    }

    #[tokio::test]
    async fn who_may_use_all_is_not_looked_up() {
        let nobody_asked = MockInstanceReader::new();
        let reached = is_in_reach(&nobody_asked, &actor(), instance().id).await;
        assert!(reached.expect("no failure"));
    }

    #[tokio::test]
    async fn a_collaborator_reaches_what_they_were_given_in_this_very_team() {
        let team = |n| Workspace::team(Id::new(Uuid::from_u128(n)), actor().user);
        for (workspace, reaches) in [
            (team(1), true),
            (team(2), false),
            (actor().workspace, false),
        ] {
            let mut reader = MockInstanceReader::new();
            reader.expect_is_assigned().returning(|team, user, id| {
                let given = (Uuid::from_u128(1), Uuid::from_u128(0xC), instance().id);
                Ok((team.uuid(), user.uuid(), id) == given)
            });
            let reached = is_in_reach(&reader, &collaborator(workspace), instance().id).await;
            assert_eq!(reached.expect("no failure"), reaches);
        }
    }
}
