//! One team.

use msgflash_kernel::{Problems, TeamId, UserId, Workspace};
use time::OffsetDateTime;

/// Longest name, in characters.
pub const MAX_NAME: usize = 80;

/// People who share a workspace that one of them pays for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    /// Its id.
    pub id: TeamId,
    /// Who owns it and pays for it.
    pub owner: UserId,
    /// What it is called.
    pub name: String,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When it last changed.
    pub updated_at: OffsetDateTime,
    /// Since when it is gone.
    pub deleted_at: Option<OffsetDateTime>,
}

impl Team {
    /// The space its members share.
    pub fn workspace(&self) -> Workspace {
        Workspace::team(self.id, self.owner)
    }
}

/// The name as it is kept. It goes out in mails to people who never heard of the team: one line, and
/// nothing that turns writing around or hides in it.
pub(crate) fn name(raw: &str, problems: &mut Problems) -> String {
    let name = raw.trim();
    let turns = |it: char| matches!(it, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        problems.add("name", "length", "The name must have 1 to 80 characters");
    } else if name.chars().any(|it| it.is_control() || turns(it)) {
        problems.add(
            "name",
            "invalid_text",
            "The name must be one line of visible text",
        );
    }
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_one_line_of_one_to_eighty_characters() {
        let (long, longer) = ("é".repeat(80), "é".repeat(81));
        for (raw, kept, fits) in [
            (" Support desk ", "Support desk", true),
            (long.as_str(), long.as_str(), true),
            (longer.as_str(), longer.as_str(), false),
            ("  ", "", false),
            ("a\nb", "a\nb", false),
            ("a\u{202E}b", "a\u{202E}b", false),
        ] {
            let mut problems = Problems::default();
            assert_eq!(name(raw, &mut problems), kept);
            assert_eq!(problems.0.is_empty(), fits, "{raw:?}");
        }
    }
}
