//! Naming and deleting teams, and what every change of one begins and ends with.

use std::sync::Arc;

use msgflash_accounts::{
    AccountReader, AuditEntry, Audited, Draft, OneTimeSecret, OutgoingMail, PortalLinks, Target,
    User, throttle,
};
use msgflash_kernel::{
    AccountId, Actor, Announce, Clock, Id, Ids, Nudge, Problems, Random, StoreError, UserId,
};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::error::TeamError;
use crate::invitation::Invitation;
use crate::letter;
use crate::permission::{self, Action};
use crate::ports::{InvitationReader, TeamReader, TeamUnit, TeamUnits};
use crate::role::Role;
use crate::team::{self, Team};

/// What changing teams needs.
#[derive(Clone)]
pub struct TeamPorts {
    /// Transactions.
    pub units: Arc<dyn TeamUnits>,
    /// Teams.
    pub teams: Arc<dyn TeamReader>,
    /// Invitations.
    pub invitations: Arc<dyn InvitationReader>,
    /// People.
    pub users: Arc<dyn AccountReader>,
    /// Where the links of mails go.
    pub links: PortalLinks,
    /// Tells other processes, who may remember members and keys.
    pub announce: Arc<dyn Announce>,
    /// Wakes whoever ends what a deleted team leaves.
    pub wake: Arc<dyn Nudge>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
    /// Chance.
    pub random: Arc<dyn Random>,
}

impl TeamPorts {
    /// Somebody who is signed in.
    pub(crate) async fn person(&self, user: UserId) -> Result<User, TeamError> {
        let found = self.users.find(user).await?;
        found.ok_or(TeamError::Store(StoreError::Stale("users")))
    }

    /// Sends an invitation, if the account has not sent too many. What is not kept is not counted.
    pub(crate) async fn send(
        &self,
        unit: &mut dyn TeamUnit,
        (team, inviter): (&Team, &User),
        invitation: &Invitation,
        secret: &OneTimeSecret,
        now: OffsetDateTime,
    ) -> Result<(), TeamError> {
        let account = team.workspace().account;
        self.count(unit, account, &invitation.email, now).await?;
        let (links, role) = (&self.links, invitation.role);
        let draft = letter::invitation(links, &team.name, &inviter.email, role, secret);
        let sent = self.mail(unit, None, &invitation.email, &draft, now);
        Ok(sent.await?)
    }

    async fn count(
        &self,
        unit: &mut dyn TeamUnit,
        account: AccountId,
        email: &str,
        now: OffsetDateTime,
    ) -> Result<(), TeamError> {
        let a_try = throttle::invitation(self.ids.next(), account, email, now);
        match unit.tries().count(&a_try).await? {
            None => Ok(()),
            Some(free) => {
                let wait = (free - now).max(time::Duration::SECOND);
                Err(TeamError::TooMany(wait.unsigned_abs()))
            }
        }
    }

    /// Takes back what somebody asked who is not to be answered any more: they were sent away, went,
    /// or may not ask any more.
    pub(crate) async fn end_invitations(
        &self,
        unit: &mut dyn TeamUnit,
        actor: &Actor,
        inviter: UserId,
        now: OffsetDateTime,
    ) -> Result<(), TeamError> {
        let team = actor.workspace.team.ok_or(TeamError::NoTeam)?;
        let invitations = unit.invitations();
        let ended = invitations
            .end_sent_by(team, inviter, actor.user, now)
            .await?;
        let revoked = ended.into_iter().map(|(id, email)| {
            let what = (Audited::InvitationRevoked, Target::Invitation(id.uuid()));
            self.entry(actor, what, json!({ "email": email }), now)
        });
        let revoked: Vec<_> = revoked.collect();
        if !revoked.is_empty() {
            unit.audit().append(&revoked).await?;
        }
        Ok(())
    }

    /// A mail on its way.
    pub(crate) async fn mail(
        &self,
        unit: &mut dyn TeamUnit,
        user: Option<UserId>,
        to: &str,
        draft: &Draft,
        now: OffsetDateTime,
    ) -> Result<(), StoreError> {
        let id = Id::new(self.ids.next());
        let mail = OutgoingMail::new(id, user, to, draft, now);
        unit.mails().queue(&mail).await
    }

    /// What was done, for the record.
    pub(crate) fn entry(
        &self,
        actor: &Actor,
        (done, target): (Audited, Target),
        data: Value,
        now: OffsetDateTime,
    ) -> AuditEntry {
        AuditEntry {
            id: self.ids.next(),
            at: now,
            workspace: actor.workspace,
            by: Some(actor.user),
            done,
            target,
            data,
        }
    }

    /// What became of an invitation, likewise.
    pub(crate) fn invitation_entry(
        &self,
        actor: &Actor,
        done: Audited,
        invitation: &Invitation,
        now: OffsetDateTime,
    ) -> AuditEntry {
        let what = (done, Target::Invitation(invitation.id.uuid()));
        let data = json!({ "email": invitation.email, "role": invitation.role.as_str() });
        self.entry(actor, what, data, now)
    }

    /// Notes what was done, and keeps it.
    pub(crate) async fn keep(
        &self,
        mut unit: Box<dyn TeamUnit>,
        actor: &Actor,
        what: (Audited, Target),
        data: Value,
        now: OffsetDateTime,
    ) -> Result<(), TeamError> {
        let entry = self.entry(actor, what, data, now);
        unit.audit().append(&[entry]).await?;
        Ok(unit.commit().await?)
    }

    /// The same where other processes may remember what was.
    pub(crate) async fn keep_and_tell(
        &self,
        unit: Box<dyn TeamUnit>,
        actor: &Actor,
        what: (Audited, Target),
        data: Value,
        now: OffsetDateTime,
    ) -> Result<(), TeamError> {
        self.keep(unit, actor, what, data, now).await?;
        self.announce.changed(actor.workspace.account).await;
        Ok(())
    }
}

/// Holds the team that somebody acts in, and looks at what they are in it once more: they were let in
/// a moment ago, and may have been sent away since.
pub(crate) async fn hold(
    unit: &mut dyn TeamUnit,
    actor: &Actor,
    action: Action,
) -> Result<(Team, Role), TeamError> {
    let id = actor.workspace.team.ok_or(TeamError::NoTeam)?;
    let team = unit.teams().lock(id).await?.ok_or(TeamError::NoTeam)?;
    let role = unit.members().role(id, actor.user).await?;
    let role = role.ok_or(TeamError::NoTeam)?;
    permission::require(action, Some(role))?;
    Ok((team, role))
}

/// Names and deletes teams.
pub struct ManageTeam {
    ports: TeamPorts,
}

impl ManageTeam {
    /// Wires the use case.
    pub fn new(ports: TeamPorts) -> Self {
        Self { ports }
    }

    /// Gives a team another name.
    pub async fn rename(&self, actor: &Actor, name: &str) -> Result<(), TeamError> {
        let mut problems = Problems::default();
        let name = team::name(name, &mut problems);
        problems.into_result()?;
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (mut team, _) = hold(unit.as_mut(), actor, Action::RenameTeam).await?;
        let before = std::mem::replace(&mut team.name, name);
        team.updated_at = now;
        unit.teams().update(&team).await?;
        let what = (Audited::TeamRenamed, Target::Team(team.id));
        let data = json!({ "from": before, "to": team.name });
        self.ports.keep(unit, actor, what, data, now).await
    }

    /// Deletes a team. Nobody gets into it any more and its keys open nothing; what it had under way is
    /// ended after that, little by little.
    pub async fn delete(&self, actor: &Actor) -> Result<(), TeamError> {
        let now = self.ports.clock.now();
        let mut unit = self.ports.units.begin().await?;
        let (mut team, _) = hold(unit.as_mut(), actor, Action::DeleteTeam).await?;
        team.deleted_at = Some(now);
        team.updated_at = now;
        unit.teams().update(&team).await?;
        unit.invitations().end_all(team.id, now).await?;
        let what = (Audited::TeamDeleted, Target::Team(team.id));
        let data = json!({ "name": team.name });
        // Nearly last: it holds the lanes, and whoever sends waits for that.
        unit.teams().leave_remains(&team, now).await?;
        let ports = &self.ports;
        ports.keep_and_tell(unit, actor, what, data, now).await?;
        ports.wake.nudge();
        Ok(())
    }
}

#[cfg(test)]
mod tests;
