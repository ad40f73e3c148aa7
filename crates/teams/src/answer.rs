//! Answering an invitation: by the link of its mail, or by its id from the inbox.

use msgflash_accounts::{Audited, OneTimeSecret, User};
use msgflash_kernel::{Actor, Secret, TeamId, UserId};

use crate::error::TeamError;
use crate::invitation::{Invitation, InvitationEnd, InvitationId, masked};
use crate::letter;
use crate::manage::TeamPorts;
use crate::member::Membership;
use crate::ports::{OpenInvitation, TeamUnit};
use crate::role::Role;
use crate::seats::Seats;
use crate::team::Team;

/// How an invitation is named by whoever answers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named {
    /// By its id.
    Id(InvitationId),
    /// By what the link of its mail carries, as presented.
    Token(Secret<String>),
}

/// What somebody got into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The team.
    pub team: TeamId,
    /// As what.
    pub role: Role,
}

/// What the link of a mail shows to whoever follows it, signed in or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The invitation.
    pub open: OpenInvitation,
    /// The address that was asked, as far as it is shown.
    pub masked_email: String,
}

/// Lets people answer invitations.
pub struct AnswerInvitation {
    ports: TeamPorts,
}

impl AnswerInvitation {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// What somebody may still answer, the newest first.
    pub async fn inbox(&self, user: UserId) -> Result<Vec<OpenInvitation>, TeamError> {
        let user = self.ports.person(user).await?;
        let now = self.ports.clock.now();
        Ok(self.ports.invitations.inbox(&user.email, now).await?)
    }

    /// What a link carries, for whoever holds it.
    pub async fn preview(&self, token: &str) -> Result<Preview, TeamError> {
        let open = self
            .find(&Named::Token(Secret::new(token.to_owned())))
            .await?;
        let now = self.ports.clock.now();
        if !open.asked.invitation.is_pending(now) {
            return Err(TeamError::BadInvitation);
        }
        let masked_email = masked(&open.asked.invitation.email);
        Ok(Preview { open, masked_email })
    }

    /// Comes into the team.
    pub async fn accept(&self, user: UserId, named: &Named) -> Result<Accepted, TeamError> {
        let user = self.ports.person(user).await?;
        let open = self.find(named).await?;
        let owner = open.team.owner;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let hosting = unit.teams().hold_owner(owner, now).await?;
        let (team, mut invitation) = self.held(unit.as_mut(), &open, named, &user).await?;
        if unit.members().role(team.id, user.id).await?.is_some() {
            return Err(TeamError::IsMember);
        }
        if !hosting.usable {
            return Err(TeamError::NoSubscription);
        }
        let seats = Seats {
            limit: hosting.max_seats,
            active: unit.members().count(team.id).await?,
            pending: 0,
        };
        if !seats.have_room_to_join() {
            return Err(TeamError::SeatLimit);
        }
        invitation.close(InvitationEnd::Accepted, Some(user.id));
        unit.invitations().update(&invitation, now).await?;
        let member = Membership {
            team: team.id,
            owner,
            user: user.id,
            role: invitation.role,
        };
        let stay = self.ports.ids.next();
        unit.members().insert(stay, &member, now).await?;
        self.tell(unit.as_mut(), &team, &invitation, &user).await?;
        let actor = Actor::new(team.workspace(), user.id);
        let done = Audited::InvitationAccepted;
        let entry = self.ports.invitation_entry(&actor, done, &invitation, now);
        unit.audit().append(&[entry]).await?;
        unit.commit().await?;
        self.ports.announce.changed(team.workspace().account).await;
        Ok(Accepted {
            team: team.id,
            role: invitation.role,
        })
    }

    /// Will not come; the place is free again.
    pub async fn decline(&self, user: UserId, named: &Named) -> Result<(), TeamError> {
        let user = self.ports.person(user).await?;
        let open = self.find(named).await?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (team, mut invitation) = self.held(unit.as_mut(), &open, named, &user).await?;
        invitation.close(InvitationEnd::Declined, Some(user.id));
        unit.invitations().update(&invitation, now).await?;
        let actor = Actor::new(team.workspace(), user.id);
        let done = Audited::InvitationDeclined;
        let entry = self.ports.invitation_entry(&actor, done, &invitation, now);
        unit.audit().append(&[entry]).await?;
        unit.commit().await?;
        Ok(())
    }

    async fn find(&self, named: &Named) -> Result<OpenInvitation, TeamError> {
        let found = match named {
            Named::Id(id) => self.ports.invitations.by_id(*id).await?,
            Named::Token(presented) => {
                let secret =
                    OneTimeSecret::parse(presented.reveal()).ok_or(TeamError::BadInvitation)?;
                self.ports.invitations.by_hash(&secret.hash()).await?
            }
        };
        found.ok_or(TeamError::BadInvitation)
    }

    /// The invitation once more, while nobody else can answer or change it: it must be pending, and
    /// theirs.
    async fn held(
        &self,
        unit: &mut dyn TeamUnit,
        open: &OpenInvitation,
        named: &Named,
        user: &User,
    ) -> Result<(Team, Invitation), TeamError> {
        let now = self.ports.clock.now();
        let team = unit.teams().lock(open.team.id).await?;
        let team = team.ok_or(TeamError::BadInvitation)?;
        let id = open.asked.invitation.id;
        let found = unit.invitations().find(team.id, id).await?;
        let invitation = found.ok_or(TeamError::BadInvitation)?.invitation;
        // A link that was sent before the newest one leads nowhere.
        let is_newest = match named {
            Named::Id(_) => true,
            Named::Token(_) => invitation.token_hash == open.asked.invitation.token_hash,
        };
        if !is_newest || !invitation.is_pending(now) {
            let came = matches!(named, Named::Id(_)) && invitation.ended_by == Some(user.id);
            if came && unit.members().role(team.id, user.id).await?.is_some() {
                return Err(TeamError::IsMember);
            }
            return Err(TeamError::BadInvitation);
        }
        if !invitation.is_for(&user.email) {
            return Err(TeamError::OtherAddress);
        }
        Ok((team, invitation))
    }

    /// Tells whoever asked; the owner, when that person is gone.
    async fn tell(
        &self,
        unit: &mut dyn TeamUnit,
        team: &Team,
        invitation: &Invitation,
        user: &User,
    ) -> Result<(), TeamError> {
        let by = unit.members().find(team.id, invitation.invited_by).await?;
        let told = match by {
            Some(member) => Some(member),
            None => unit.members().find(team.id, team.owner).await?,
        };
        let Some(told) = told else { return Ok(()) };
        let links = &self.ports.links;
        let draft = letter::accepted(links, &team.name, &user.email, invitation.role);
        let now = self.ports.clock.now();
        let mailed = self
            .ports
            .mail(unit, Some(told.user), &told.email, &draft, now);
        Ok(mailed.await?)
    }
}

#[cfg(test)]
mod tests;
