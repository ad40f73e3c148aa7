//! Who comes in where: the one place that tells in which workspace a key or a person acts, who pays
//! there, and as what they act.
//!
//! The order of the checks is published. For keys: a bad key, and a team key without its own team's
//! header, come first; then a personal key with a header; then the rate limit, which is somebody
//! else's; and only then [`require_personal`]. For people: their rate limit, then the team, then what
//! their role allows.

use std::sync::Arc;

use msgflash_accounts::ApiKey;
use msgflash_kernel::{Actor, Id, TeamId, UserId, Workspace};

use crate::error::AccessError;
use crate::permission;
use crate::ports::MembershipReader;
use crate::role::Role;

/// Somebody who was let into a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who acts, in which workspace, with which instances.
    pub actor: Actor,
    /// What they are in the team; `None` in a workspace of their own.
    pub role: Option<Role>,
}

impl Entry {
    fn at_home(user: UserId) -> Self {
        Self {
            actor: Actor::new(Workspace::personal(user), user),
            role: None,
        }
    }

    fn in_team(team: TeamId, owner: UserId, user: UserId, role: Role) -> Self {
        Self {
            actor: Actor {
                workspace: Workspace::team(team, owner),
                user,
                reach: permission::reach(Some(role)),
            },
            role: Some(role),
        }
    }
}

/// The workspace `key` opens, given the raw value of the team header. A team's key acts as an admin of
/// the team, whoever made it and whatever became of them.
pub fn enter_by_key(key: &ApiKey, team_header: Option<&str>) -> Result<Entry, AccessError> {
    let owner = Id::new(key.account.uuid());
    match (key.team, team_header) {
        (None, None) => Ok(Entry::at_home(owner)),
        // Whatever it says: a header that is ignored today is relied upon tomorrow.
        (None, Some(_)) => Err(AccessError::TeamKeyRequired),
        (Some(team), Some(named)) if TeamId::parse(named) == Some(team) => {
            Ok(Entry::in_team(team, owner, key.created_by, Role::Admin))
        }
        (Some(_), _) => Err(AccessError::Unauthorized),
    }
}

/// Refuses team keys where only the person themselves may look.
pub fn require_personal(workspace: &Workspace) -> Result<(), AccessError> {
    if workspace.team.is_some() {
        Err(AccessError::TeamKeyNotAllowed)
    } else {
        Ok(())
    }
}

/// Lets people into workspaces.
pub struct EnterWorkspace {
    members: Arc<dyn MembershipReader>,
}

impl EnterWorkspace {
    /// Wires the use case.
    pub fn new(members: Arc<dyn MembershipReader>) -> Self {
        Self { members }
    }

    /// The workspace of a person, given the raw value of the team header: their own without one. A
    /// header that names none of their teams is answered alike, whatever it says.
    pub async fn by_header(
        &self,
        user: UserId,
        team_header: Option<&str>,
    ) -> Result<Entry, AccessError> {
        let Some(named) = team_header else {
            return Ok(Entry::at_home(user));
        };
        let team = TeamId::parse(named).ok_or(AccessError::NoTeam)?;
        self.team(user, team).await
    }

    /// Somebody who was let in a while ago, as they are now.
    pub async fn again(&self, entry: Entry) -> Result<Entry, AccessError> {
        match entry.actor.workspace.team {
            Some(team) => self.team(entry.actor.user, team).await,
            None => Ok(entry),
        }
    }

    /// The workspace of a team that a person is in.
    pub async fn team(&self, user: UserId, team: TeamId) -> Result<Entry, AccessError> {
        let found = self.members.find(team, user).await?;
        let found = found.ok_or(AccessError::NoTeam)?;
        Ok(Entry::in_team(team, found.owner, user, found.role))
    }
}

#[cfg(test)]
mod tests {
    use msgflash_accounts::AuthError;
    use msgflash_kernel::{Fault as _, Kind, Reach};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::member::Membership;
    use crate::ports::MockMembershipReader;

    const TEAM: &str = "00000000-0000-0000-0000-00000000000a";
    const OTHER: &str = "00000000-0000-0000-0000-00000000000b";

    fn id<T>(n: u128) -> Id<T> {
        Id::new(Uuid::from_u128(n))
    }

    fn key(team: Option<&str>) -> ApiKey {
        ApiKey {
            id: id(1),
            account: id(2),
            team: team.map(|team| TeamId::parse(team).expect("an id")),
            created_by: id(3),
            name: "Shop".to_owned(),
            prefix: "msgf_live_000000".to_owned(),
            last_used_at: None,
            revoked_at: None,
            created_at: datetime!(2026-05-01 10:00 UTC),
        }
    }

    #[test]
    fn a_personal_key_opens_its_owners_workspace() {
        let entry = enter_by_key(&key(None), None).expect("open");
        assert_eq!(entry.actor, Actor::new(Workspace::personal(id(2)), id(2)));
        assert_eq!(entry.role, None);
        assert!(require_personal(&entry.actor.workspace).is_ok());
    }

    #[test]
    fn a_personal_key_takes_no_header_at_all() {
        for header in ["", "team-1", TEAM, OTHER] {
            let refused = enter_by_key(&key(None), Some(header)).expect_err(header);
            assert_eq!(
                (refused.kind(), refused.code()),
                (Kind::Forbidden, "TEAM_KEY_REQUIRED")
            );
        }
    }

    #[test]
    fn a_team_key_opens_its_team_for_the_owners_account_as_an_admin_would() {
        let entry = enter_by_key(&key(Some(TEAM)), Some(TEAM)).expect("open");
        let actor = entry.actor;
        assert_eq!(actor.workspace.team, TeamId::parse(TEAM));
        assert_eq!(actor.workspace.id.uuid(), Uuid::from_u128(10));
        assert_eq!(actor.workspace.account, id(2));
        assert_eq!((actor.user, actor.reach), (id(3), Reach::All));
        assert_eq!(entry.role, Some(Role::Admin));
        let refused = require_personal(&actor.workspace).expect_err("not for teams");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Forbidden, "TEAM_KEY_NOT_ALLOWED")
        );
    }

    #[test]
    fn a_team_key_without_its_team_is_answered_like_a_bad_key() {
        for header in [None, Some(""), Some("team-1"), Some(OTHER)] {
            let refused = enter_by_key(&key(Some(TEAM)), header).expect_err("closed");
            let bad = AuthError::Unauthorized;
            assert_eq!(
                (refused.kind(), refused.code()),
                (bad.kind(), bad.code()),
                "{header:?}"
            );
            assert_eq!(refused.to_string(), bad.to_string(), "{header:?}");
        }
    }

    /// One team, of which user 7 is a member.
    fn enter(role: Role) -> EnterWorkspace {
        let mut members = MockMembershipReader::new();
        members.expect_find().returning(move |team, user| {
            let is_it = Some(team) == TeamId::parse(TEAM) && user == id(7);
            Ok(is_it.then_some(Membership {
                team,
                owner: id(2),
                user,
                role,
            }))
        });
        EnterWorkspace::new(Arc::new(members))
    }

    #[tokio::test]
    async fn a_person_is_at_home_without_a_header() {
        let entry = enter(Role::Admin).by_header(id(7), None).await.expect("in");
        assert_eq!(entry.actor, Actor::new(Workspace::personal(id(7)), id(7)));
        assert_eq!(entry.role, None);
    }

    #[tokio::test]
    async fn a_member_acts_in_the_team_its_owner_pays_for() {
        for (role, reach) in [
            (Role::Owner, Reach::All),
            (Role::Admin, Reach::All),
            (Role::Collaborator, Reach::Assigned),
        ] {
            let upper = TEAM.to_uppercase();
            let entry = enter(role).by_header(id(7), Some(&upper)).await;
            let Entry { actor, role: as_it } = entry.expect("in");
            let team = TeamId::parse(TEAM).expect("an id");
            assert_eq!(actor.workspace, Workspace::team(team, id(2)));
            assert_eq!((actor.user, actor.reach), (id(7), reach));
            assert_eq!(as_it, Some(role));
        }
    }

    #[tokio::test]
    async fn a_person_who_names_a_team_of_others_learns_nothing() {
        for (user, header) in [(7, ""), (7, "team-1"), (7, OTHER), (8, TEAM)] {
            let entry = enter(Role::Owner).by_header(id(user), Some(header)).await;
            let refused = entry.expect_err(header);
            assert_eq!(
                (refused.kind(), refused.code()),
                (Kind::Missing, "TEAM_NOT_FOUND")
            );
        }
    }
}
