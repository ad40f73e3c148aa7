//! What a member is in a team.

/// What a member is in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Made the team and pays for it. There is exactly one, for as long as the team lives.
    Owner,
    /// May do nearly everything.
    Admin,
    /// Works with the data of the team, through the instances they were given.
    Collaborator,
}

impl Role {
    /// The roles that can be given: there is one owner, and it is whoever made the team.
    pub const GIVEN: [Self; 2] = [Self::Admin, Self::Collaborator];

    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Collaborator => "collaborator",
        }
    }

    /// Reads the published name.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Collaborator]
            .into_iter()
            .find(|it| it.as_str() == raw)
    }

    /// Reads a role that can be given.
    pub fn parse_given(raw: &str) -> Option<Self> {
        Self::GIVEN.into_iter().find(|it| it.as_str() == raw)
    }
}
