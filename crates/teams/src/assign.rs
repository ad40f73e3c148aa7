//! Giving instances to collaborators, and taking them back.

use msgflash_accounts::{Audited, Target};
use msgflash_kernel::{Actor, UserId};
use serde_json::json;

use crate::error::TeamError;
use crate::manage::{TeamPorts, hold};
use crate::permission::Action;
use crate::ports::InstanceRef;
use crate::role::Role;

/// Gives instances to collaborators.
pub struct AssignInstances {
    ports: TeamPorts,
}

impl AssignInstances {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// Lets a collaborator use an instance of the owner's. Giving it twice changes nothing.
    pub async fn assign(
        &self,
        actor: &Actor,
        instance: InstanceRef,
        user: UserId,
    ) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, _) = hold(unit.as_mut(), actor, Action::AssignInstances).await?;
        let is_theirs = unit
            .assignments()
            .has_instance(team.owner, instance)
            .await?;
        if !is_theirs {
            return Err(TeamError::NoInstance);
        }
        let role = unit.members().role(team.id, user).await?;
        if role.ok_or(TeamError::NoMember)? != Role::Collaborator {
            return Err(TeamError::BadRequest(
                "Owners and admins may use every instance already",
            ));
        }
        let is_new = unit
            .assignments()
            .assign(team.id, user, instance, actor.user, now)
            .await?;
        if is_new {
            let what = (Audited::InstanceAssigned, Target::User(user));
            let data = json!({ "instanceId": instance.to_string() });
            self.ports.keep(unit, actor, what, data, now).await?;
        }
        Ok(())
    }

    /// Takes an instance back, whether or not they had it.
    pub async fn unassign(
        &self,
        actor: &Actor,
        instance: InstanceRef,
        user: UserId,
    ) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, _) = hold(unit.as_mut(), actor, Action::AssignInstances).await?;
        let had = unit.assignments().unassign(team.id, user, instance).await?;
        if had {
            let what = (Audited::InstanceUnassigned, Target::User(user));
            let data = json!({ "instanceId": instance.to_string() });
            self.ports.keep(unit, actor, what, data, now).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
