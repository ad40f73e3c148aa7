//! Reading teams.

use std::sync::Arc;

use msgflash_kernel::{Clock, TeamId, UserId};

use crate::error::TeamError;
use crate::ports::{Assignment, TeamDetail, TeamReader, TeamSummary};

/// Reads teams.
pub struct ReadTeams {
    teams: Arc<dyn TeamReader>,
    clock: Arc<dyn Clock>,
}

impl ReadTeams {
    /// Wires the use case.
    pub fn new(teams: Arc<dyn TeamReader>, clock: Arc<dyn Clock>) -> Self {
        Self { teams, clock }
    }

    /// The teams somebody owns or joined, the newest first.
    pub async fn list(&self, user: UserId) -> Result<Vec<TeamSummary>, TeamError> {
        Ok(self.teams.teams_of(user, self.clock.now()).await?)
    }

    /// Everything about one, for somebody who was let in.
    pub async fn detail(&self, team: TeamId) -> Result<TeamDetail, TeamError> {
        let found = self.teams.detail(team, self.clock.now()).await?;
        found.ok_or(TeamError::NoTeam)
    }

    /// Who may use what in one.
    pub async fn assignments(&self, team: TeamId) -> Result<Vec<Assignment>, TeamError> {
        Ok(self.teams.assignments(team).await?)
    }
}
