//! To whom a campaign goes.

use msgflash_contacts::{ContactId, GroupId};
use uuid::Uuid;

use super::CampaignId;

/// The most contacts an explicit audience names.
pub const MOST_EXPLICIT: usize = 10_000;
/// The most tags an audience names.
pub const MOST_TAGS: usize = 50;

/// To whom a campaign goes. Who that is, is found out when a run starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every contact of the workspace.
    All,
    /// Contacts with at least one of these tags, each once, in the order they were given.
    Tags(Vec<String>),
    /// These contacts.
    Explicit(Vec<ContactId>),
    /// The members of a group.
    Group(GroupId),
}

impl Audience {
    /// The published word.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Tags(_) => "tags",
            Self::Explicit(_) => "explicit",
            Self::Group(_) => "group",
        }
    }

    /// How many contacts an explicit one names more than once.
    pub fn repeated(&self) -> u64 {
        let Self::Explicit(ids) = self else { return 0 };
        let different: std::collections::HashSet<_> = ids.iter().collect();
        (ids.len() - different.len()) as u64
    }
}

/// Where the walk through an audience goes on: in which of its lists, behind which entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Which tag; always 0 for other audiences.
    pub list: u32,
    /// Behind whom.
    pub after: Uuid,
}

impl Place {
    /// Before everybody.
    pub const START: Self = Self {
        list: 0,
        after: Uuid::nil(),
    };
}

/// What a walk goes through.
#[derive(Clone, Copy, Debug)]
pub enum Source<'a> {
    /// The contacts of an audience.
    Audience(&'a Audience),
    /// Those of another campaign's recipients who failed for a passing reason.
    FailuresOf(CampaignId),
}

#[cfg(test)]
mod tests {
    use super::*;
    use msgflash_kernel::Id;

    #[test]
    fn who_is_named_twice_is_counted_as_repeated() {
        let id = |number| Id::new(Uuid::from_u128(number));
        let twice = Audience::Explicit(vec![id(1), id(2), id(1), id(1)]);
        assert_eq!(twice.repeated(), 2);
        assert_eq!(Audience::All.repeated(), 0);
    }
}
