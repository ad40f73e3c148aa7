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
    if !(1..=MAX_NAME).contains(&name.chars().count()) {
        problems.add("name", "length", "The name must have 1 to 80 characters");
    } else if name.chars().any(is_hidden) || name.chars().all(|it| JOINERS.contains(&it)) {
        problems.add(
            "name",
            "invalid_text",
            "The name must be one line of visible text",
        );
    }
    name.to_owned()
}

/// What joins letters and pictures in some scripts: part of a name, and no name alone.
const JOINERS: [char; 2] = ['\u{200C}', '\u{200D}'];

/// Whether a character ends a line, turns the direction of writing, or is not seen.
fn is_hidden(it: char) -> bool {
    it.is_control()
        || matches!(it,
            '\u{AD}' | '\u{61C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}' | '\u{200E}' | '\u{200F}'
            | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FEFF}'
            | '\u{FFA0}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E007F}')
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
            ("a\u{2028}b", "a\u{2028}b", false),
            ("\u{3164}", "\u{3164}", false),
            ("\u{200D}", "\u{200D}", false),
            (
                "\u{1F469}\u{200D}\u{1F4BB} team",
                "\u{1F469}\u{200D}\u{1F4BB} team",
                true,
            ),
        ] {
            let mut problems = Problems::default();
            assert_eq!(name(raw, &mut problems), kept);
            assert_eq!(problems.0.is_empty(), fits, "{raw:?}");
        }
    }
}
