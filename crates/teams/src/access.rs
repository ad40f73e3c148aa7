//! Which workspace a key opens.
//!
//! The order of the checks is published: a bad key, and a team key without its own team's header,
//! come first; then a personal key with a header; then the rate limit, which is somebody else's;
//! and only then [`require_personal`].

use msgflash_accounts::ApiKey;
use msgflash_kernel::{Id, TeamId, UserId, Workspace};

use crate::error::AccessError;

/// The workspace `key` opens, given the raw value of the team header.
pub fn workspace_for_key(
    key: &ApiKey,
    team_header: Option<&str>,
) -> Result<Workspace, AccessError> {
    let owner = Id::new(key.account.uuid());
    match (key.team, team_header) {
        (None, None) => Ok(Workspace::personal(owner)),
        // Whatever it says: a header that is ignored today is relied upon tomorrow.
        (None, Some(_)) => Err(AccessError::TeamKeyRequired),
        (Some(team), Some(named)) if TeamId::parse(named) == Some(team) => {
            Ok(Workspace::team(team, owner))
        }
        (Some(_), _) => Err(AccessError::Unauthorized),
    }
}

/// The workspace of a person who is signed in, given the raw value of the team header. Whatever the
/// header names, it is none of their teams.
pub fn workspace_for_person(
    user: UserId,
    team_header: Option<&str>,
) -> Result<Workspace, AccessError> {
    match team_header {
        None => Ok(Workspace::personal(user)),
        Some(_) => Err(AccessError::NoTeam),
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

#[cfg(test)]
mod tests {
    use msgflash_accounts::AuthError;
    use msgflash_kernel::{Fault as _, Kind};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const TEAM: &str = "00000000-0000-0000-0000-00000000000a";
    const OTHER: &str = "00000000-0000-0000-0000-00000000000b";

    fn key(team: Option<&str>) -> ApiKey {
        ApiKey {
            id: Id::new(Uuid::from_u128(1)),
            account: Id::new(Uuid::from_u128(2)),
            team: team.map(|team| TeamId::parse(team).expect("an id")),
            created_by: Id::new(Uuid::from_u128(3)),
            name: "Shop".to_owned(),
            prefix: "msgf_live_000000".to_owned(),
            last_used_at: None,
            revoked_at: None,
            created_at: datetime!(2026-05-01 10:00 UTC),
        }
    }

    #[test]
    fn a_personal_key_opens_its_owners_workspace() {
        let workspace = workspace_for_key(&key(None), None).expect("open");
        assert_eq!(workspace, Workspace::personal(Id::new(Uuid::from_u128(2))));
        assert_eq!(require_personal(&workspace), Ok(()));
    }

    #[test]
    fn a_personal_key_takes_no_header_at_all() {
        for header in ["", "team-1", TEAM, OTHER] {
            let refused = workspace_for_key(&key(None), Some(header)).expect_err(header);
            assert_eq!(
                (refused.kind(), refused.code()),
                (Kind::Forbidden, "TEAM_KEY_REQUIRED")
            );
        }
    }

    #[test]
    fn a_person_who_names_a_team_of_others_learns_nothing() {
        let user = Id::new(Uuid::from_u128(2));
        assert_eq!(
            workspace_for_person(user, None),
            Ok(Workspace::personal(user))
        );
        for header in ["", "team-1", TEAM] {
            let refused = workspace_for_person(user, Some(header)).expect_err(header);
            assert_eq!(
                (refused.kind(), refused.code()),
                (Kind::Missing, "TEAM_NOT_FOUND")
            );
        }
    }

    #[test]
    fn a_team_key_opens_its_team_for_the_owners_account() {
        let workspace = workspace_for_key(&key(Some(TEAM)), Some(TEAM)).expect("open");
        assert_eq!(workspace.team, TeamId::parse(TEAM));
        assert_eq!(workspace.id.uuid(), Uuid::from_u128(10));
        assert_eq!(workspace.account, Id::new(Uuid::from_u128(2)));
        let refused = require_personal(&workspace).expect_err("not for teams");
        assert_eq!(
            (refused.kind(), refused.code()),
            (Kind::Forbidden, "TEAM_KEY_NOT_ALLOWED")
        );
    }

    #[test]
    fn a_team_key_without_its_team_is_answered_like_a_bad_key() {
        for header in [None, Some(""), Some("team-1"), Some(OTHER)] {
            let refused = workspace_for_key(&key(Some(TEAM)), header).expect_err("closed");
            let bad = AuthError::Unauthorized;
            assert_eq!(
                (refused.kind(), refused.code()),
                (bad.kind(), bad.code()),
                "{header:?}"
            );
            assert_eq!(refused.to_string(), bad.to_string(), "{header:?}");
        }
    }
}
