//! Making teams.

use std::collections::HashSet;

use msgflash_accounts::{Audited, Target, email_address};
use msgflash_kernel::{Actor, Id, Problems, TeamId, UserId};
use serde_json::json;

use crate::error::TeamError;
use crate::invitation::Invitation;
use crate::manage::TeamPorts;
use crate::member::Membership;
use crate::role::Role;
use crate::seats::Seats;
use crate::team::{self, Team};

/// Somebody to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Their address, as written.
    pub email: String,
    /// As what.
    pub role: Role,
}

/// A team to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamOrder {
    /// Who makes it, and pays for it.
    pub owner: UserId,
    /// What to call it.
    pub name: String,
    /// Who is asked to come: at least one.
    pub invites: Vec<Invite>,
}

/// Makes teams.
pub struct CreateTeam {
    ports: TeamPorts,
}

impl CreateTeam {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// Makes a team and asks everybody into it, or nobody and there is no team.
    pub async fn create(&self, order: TeamOrder) -> Result<TeamId, TeamError> {
        let owner = self.ports.person(order.owner).await?;
        let (name, invites) = checked(&order, &owner.email)?;
        let now = self.ports.clock.now();
        let team = Team {
            id: Id::new(self.ports.ids.next()),
            owner: owner.id,
            name,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };

        let mut unit = self.ports.units.begin().await?;
        let hosting = unit.teams().hold_owner(owner.id, now).await?;
        if !hosting.usable {
            return Err(TeamError::NoSubscription);
        }
        if hosting.max_teams == Some(0) {
            return Err(TeamError::NoTeams);
        }
        let count = unit.teams().count_owned(owner.id).await?;
        if hosting.max_teams.is_some_and(|most| count >= most) {
            return Err(TeamError::TeamLimit);
        }
        let seats = Seats {
            limit: hosting.max_seats,
            active: 1,
            pending: 0,
        };
        if !seats.have_room_for(u32::try_from(invites.len()).unwrap_or(u32::MAX)) {
            return Err(TeamError::SeatLimit);
        }

        unit.teams().insert(&team).await?;
        let member = Membership {
            team: team.id,
            owner: owner.id,
            user: owner.id,
            role: Role::Owner,
        };
        let stay = self.ports.ids.next();
        unit.members().insert(stay, &member, now).await?;
        let actor = Actor::new(team.workspace(), owner.id);
        let what = (Audited::TeamCreated, Target::Team(team.id));
        let data = json!({ "name": team.name });
        let mut done = vec![self.ports.entry(&actor, what, data, now)];
        let mut issued = Vec::with_capacity(invites.len());
        for invite in invites {
            let (invitation, secret) = Invitation::issue(
                Id::new(self.ports.ids.next()),
                team.id,
                invite.email,
                invite.role,
                owner.id,
                self.ports.random.as_ref(),
                now,
            );
            let asking = (&team, &owner);
            self.ports
                .send(unit.as_mut(), asking, &invitation, &secret, now)
                .await?;
            let what = Audited::InvitationCreated;
            done.push(self.ports.invitation_entry(&actor, what, &invitation, now));
            issued.push(invitation);
        }
        unit.invitations().insert(&issued).await?;
        unit.audit().append(&done).await?;
        unit.commit().await?;
        Ok(team.id)
    }
}

/// The name and the invitations as they are kept.
fn checked(order: &TeamOrder, own_address: &str) -> Result<(String, Vec<Invite>), TeamError> {
    let mut problems = Problems::default();
    let name = team::name(&order.name, &mut problems);
    let mut invites = Vec::with_capacity(order.invites.len());
    for (at, invite) in order.invites.iter().enumerate() {
        if let Some(email) = email_address(&invite.email) {
            let role = invite.role;
            invites.push(Invite { email, role });
        } else {
            let field = format!("invites.{at}.email");
            problems.add(field, "invalid_email", "Not an e-mail address");
        }
    }
    problems.into_result()?;
    if invites.is_empty() {
        return Err(TeamError::BadRequest("Invite at least one person"));
    }
    let mut seen = HashSet::new();
    for invite in &invites {
        let email = invite.email.to_ascii_lowercase();
        if email == own_address.to_ascii_lowercase() {
            return Err(TeamError::BadRequest("You cannot invite yourself"));
        }
        if !seen.insert(email) {
            return Err(TeamError::BadRequest("Each address can be invited once"));
        }
    }
    Ok((name, invites))
}

#[cfg(test)]
mod tests;
