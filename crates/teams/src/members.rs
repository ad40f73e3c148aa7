//! What becomes of members: another role, sent away, gone.

use msgflash_accounts::{Audited, Target};
use msgflash_kernel::{Actor, UserId};
use serde_json::json;

use crate::error::TeamError;
use crate::letter;
use crate::manage::{TeamPorts, hold};
use crate::member::{Member, StayEnd};
use crate::permission::{Action, Refusal};
use crate::role::Role;

/// Changes who is what in a team, and who is in it.
pub struct ManageMembers {
    ports: TeamPorts,
}

impl ManageMembers {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// Makes a member something else. A new admin may use every instance, so what they were given is
    /// given back; who is not an admin any more asks nobody, so what they asked is taken back.
    pub async fn change_role(
        &self,
        actor: &Actor,
        user: UserId,
        role: Role,
    ) -> Result<Member, TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, _) = hold(unit.as_mut(), actor, Action::ChangeRole).await?;
        let found = unit.members().find(team.id, user).await?;
        let mut member = found.ok_or(TeamError::NoMember)?;
        if member.role == Role::Owner || role == Role::Owner {
            return Err(Refusal::Denied.into());
        }
        if member.role == role {
            return Ok(member);
        }
        let before = std::mem::replace(&mut member.role, role);
        unit.members().set_role(team.id, user, role).await?;
        if role == Role::Admin {
            unit.assignments().unassign_all(team.id, user).await?;
        } else {
            self.ports
                .end_invitations(unit.as_mut(), actor, user, now)
                .await?;
        }
        let what = (Audited::RoleChanged, Target::User(user));
        let data = json!({ "from": before.as_str(), "to": role.as_str() });
        self.ports
            .keep_and_tell(unit, actor, what, data, now)
            .await?;
        Ok(member)
    }

    /// Sends a member away. What they made stays, and so do the keys they made; those they asked are
    /// not let in by it any more.
    pub async fn remove(&self, actor: &Actor, user: UserId) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, _) = hold(unit.as_mut(), actor, Action::RemoveMember).await?;
        let found = unit.members().find(team.id, user).await?;
        let member = found.ok_or(TeamError::NoMember)?;
        if member.role == Role::Owner {
            return Err(Refusal::Denied.into());
        }
        if user == actor.user {
            return Err(TeamError::BadRequest("Leave the team instead"));
        }
        unit.members()
            .end(team.id, user, StayEnd::Removed, actor.user, now)
            .await?;
        self.ports
            .end_invitations(unit.as_mut(), actor, user, now)
            .await?;
        let draft = letter::removed(&self.ports.links, &team.name);
        self.ports
            .mail(unit.as_mut(), Some(user), &member.email, &draft, now)
            .await?;
        let what = (Audited::MemberRemoved, Target::User(user));
        let data = json!({ "email": member.email, "role": member.role.as_str() });
        self.ports.keep_and_tell(unit, actor, what, data, now).await
    }

    /// Goes.
    pub async fn leave(&self, actor: &Actor) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, role) = hold(unit.as_mut(), actor, Action::Leave).await?;
        unit.members()
            .end(team.id, actor.user, StayEnd::Left, actor.user, now)
            .await?;
        self.ports
            .end_invitations(unit.as_mut(), actor, actor.user, now)
            .await?;
        let what = (Audited::MemberLeft, Target::User(actor.user));
        let data = json!({ "role": role.as_str() });
        self.ports.keep_and_tell(unit, actor, what, data, now).await
    }
}

#[cfg(test)]
mod tests;
