//! Asking people into a team that is there: once, once more, and taking it back.

use msgflash_accounts::{Audited, Target, email_address};
use msgflash_kernel::{Actor, Id, Problems};
use serde_json::json;
use time::OffsetDateTime;

use crate::create::Invite;
use crate::error::TeamError;
use crate::invitation::{Invitation, InvitationEnd, InvitationId};
use crate::manage::{TeamPorts, hold};
use crate::permission::Action;
use crate::ports::{Asked, Hosting, TeamUnit};
use crate::seats::Seats;
use crate::team::Team;

/// Asks people into teams.
pub struct InvitePeople {
    ports: TeamPorts,
}

impl InvitePeople {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// Asks somebody. An address whose last invitation ran out is asked anew.
    pub async fn invite(&self, actor: &Actor, invite: Invite) -> Result<Asked, TeamError> {
        let email = email_address(&invite.email)
            .ok_or_else(|| Problems::one("email", "invalid_email", "Not an e-mail address"))?;
        let inviter = self.ports.person(actor.user).await?;
        if email.eq_ignore_ascii_case(&inviter.email) {
            return Err(TeamError::BadRequest("You cannot invite yourself"));
        }
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, hosting) = self.hold(unit.as_mut(), actor, now).await?;
        require_room(unit.as_mut(), &team, hosting, now).await?;
        if unit.members().has_address(team.id, &email).await? {
            return Err(TeamError::IsMember);
        }
        if let Some(mut before) = unit.invitations().open_for(team.id, &email).await? {
            if before.is_pending(now) {
                return Err(TeamError::IsInvited);
            }
            before.close(InvitationEnd::Replaced, None);
            unit.invitations().update(&before, now).await?;
        }
        let (invitation, secret) = Invitation::issue(
            Id::new(self.ports.ids.next()),
            team.id,
            email,
            invite.role,
            inviter.id,
            self.ports.random.as_ref(),
            now,
        );
        unit.invitations()
            .insert(std::slice::from_ref(&invitation))
            .await?;
        let asked = Asked {
            invitation,
            inviter_name: inviter.full_name.clone(),
            inviter_email: inviter.email.clone(),
        };
        let asking = (&team, &inviter);
        self.ports
            .send(unit.as_mut(), asking, &asked.invitation, &secret, now)
            .await?;
        let done = Audited::InvitationCreated;
        let entry = self
            .ports
            .invitation_entry(actor, done, &asked.invitation, now);
        unit.audit().append(&[entry]).await?;
        unit.commit().await?;
        Ok(asked)
    }

    /// Asks once more, also where the time had run out and a place is free. The link of the mail before
    /// is of no use from now on.
    pub async fn resend(&self, actor: &Actor, id: InvitationId) -> Result<Asked, TeamError> {
        let inviter = self.ports.person(actor.user).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, hosting) = self.hold(unit.as_mut(), actor, now).await?;
        let found = unit.invitations().find(team.id, id).await?;
        let mut asked = found.ok_or(TeamError::NoInvitation)?;
        if !asked.invitation.is_open() {
            return Err(TeamError::BadInvitation);
        }
        // While it is pending, its place is its own.
        if !asked.invitation.is_pending(now) {
            require_room(unit.as_mut(), &team, hosting, now).await?;
        }
        let secret = asked.invitation.renew(self.ports.random.as_ref(), now);
        // Theirs from now on: it ends with them, and they hear of the answer.
        asked.invitation.invited_by = inviter.id;
        asked.inviter_name.clone_from(&inviter.full_name);
        asked.inviter_email.clone_from(&inviter.email);
        unit.invitations().update(&asked.invitation, now).await?;
        let asking = (&team, &inviter);
        self.ports
            .send(unit.as_mut(), asking, &asked.invitation, &secret, now)
            .await?;
        let done = Audited::InvitationResent;
        let entry = self
            .ports
            .invitation_entry(actor, done, &asked.invitation, now);
        unit.audit().append(&[entry]).await?;
        unit.commit().await?;
        Ok(asked)
    }

    /// Takes an invitation back that may still be answered.
    pub async fn revoke(&self, actor: &Actor, id: InvitationId) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, _) = hold(unit.as_mut(), actor, Action::Invite).await?;
        let found = unit.invitations().find(team.id, id).await?;
        let found = found.filter(|it| it.invitation.is_pending(now));
        let mut invitation = found.ok_or(TeamError::NoInvitation)?.invitation;
        invitation.close(InvitationEnd::Revoked, Some(actor.user));
        unit.invitations().update(&invitation, now).await?;
        let what = (Audited::InvitationRevoked, Target::Invitation(id.uuid()));
        let data = json!({ "email": invitation.email });
        self.ports.keep(unit, actor, what, data, now).await
    }

    /// The team, and what its owner's plan grants.
    async fn hold(
        &self,
        unit: &mut dyn TeamUnit,
        actor: &Actor,
        now: OffsetDateTime,
    ) -> Result<(Team, Hosting), TeamError> {
        let owner = actor.workspace.owner();
        let hosting = unit.teams().hold_owner(owner, now).await?;
        let (team, _) = hold(unit, actor, Action::Invite).await?;
        if !hosting.usable {
            return Err(TeamError::NoSubscription);
        }
        if hosting.max_teams == Some(0) {
            return Err(TeamError::NoTeams);
        }
        Ok((team, hosting))
    }
}

async fn require_room(
    unit: &mut dyn TeamUnit,
    team: &Team,
    hosting: Hosting,
    now: OffsetDateTime,
) -> Result<(), TeamError> {
    let seats = Seats {
        limit: hosting.max_seats,
        active: unit.members().count(team.id).await?,
        pending: unit.invitations().count_pending(team.id, now).await?,
    };
    if seats.have_room_for(1) {
        Ok(())
    } else {
        Err(TeamError::SeatLimit)
    }
}

#[cfg(test)]
mod tests;
