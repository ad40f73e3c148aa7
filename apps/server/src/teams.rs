//! Teams, as one bundle of use cases.

use std::sync::Arc;

use msgflash_accounts::AuditReader;
use msgflash_teams::manage::TeamPorts;
use msgflash_teams::{
    AnswerInvitation, AssignInstances, CreateTeam, InvitePeople, ManageMembers, ManageTeam,
    ReadTeams,
};

/// Everything that is done with teams.
pub struct TeamDesk {
    /// Makes them.
    pub create: CreateTeam,
    /// Names and deletes them.
    pub manage: ManageTeam,
    /// Asks people into them.
    pub invite: InvitePeople,
    /// Lets those answer.
    pub answer: AnswerInvitation,
    /// Changes who is what in them.
    pub members: ManageMembers,
    /// Gives instances to collaborators.
    pub assign: AssignInstances,
    /// Reads them.
    pub read: ReadTeams,
    /// Tells what was done in them.
    pub audit: Arc<dyn AuditReader>,
}

impl TeamDesk {
    /// Wires the use cases.
    pub fn new(ports: TeamPorts, audit: Arc<dyn AuditReader>) -> Self {
        Self {
            read: ReadTeams::new(Arc::clone(&ports.teams), Arc::clone(&ports.clock)),
            create: CreateTeam::new(ports.clone()),
            manage: ManageTeam::new(ports.clone()),
            invite: InvitePeople::new(ports.clone()),
            answer: AnswerInvitation::new(ports.clone()),
            members: ManageMembers::new(ports.clone()),
            assign: AssignInstances::new(ports),
            audit,
        }
    }
}
