//! Groups of contacts. They have nothing to do with groups in WhatsApp.

use msgflash_kernel::{Id, Problems, Workspace};
use time::OffsetDateTime;

use crate::contact::{Contact, ContactId};
use crate::fold;
use crate::list::Place;
use crate::rules::{self, Wrong};

/// Marker of [`GroupId`].
pub enum GroupMark {}
/// The id of a group.
pub type GroupId = Id<GroupMark>;

/// How long a group's name may be, in characters.
pub const MAX_NAME: usize = 100;
/// How long its description may be, in characters.
pub const MAX_DESCRIPTION: usize = 255;

/// A group of contacts; the name is unique in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Whose it is.
    pub workspace: Workspace,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How screens show it, such as `#1A2B3C`.
    pub color: Option<String>,
    /// How many members it has.
    pub contact_count: u64,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// When its name, description or colour last changed.
    pub updated_at: OffsetDateTime,
}

impl Group {
    /// What makes its name the same as another.
    pub fn name_key(&self) -> String {
        fold::identity(&self.name)
    }

    /// What searches look into: name and description, parted by a line break no search contains.
    pub fn needle(&self) -> String {
        let description = self.description.as_deref().unwrap_or_default();
        format!("{}\n{}", fold::fold(&self.name), fold::fold(description))
    }
}

/// A contact in a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// The contact.
    pub contact: Contact,
    /// Since when.
    pub added_at: OffsetDateTime,
}

/// A place in a group's list of members, which begins with those added last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberPlace {
    /// When the member was added.
    pub added_at: OffsetDateTime,
    /// The member.
    pub contact: ContactId,
}

impl Place for MemberPlace {
    fn write(&self) -> String {
        let micros = self.added_at.unix_timestamp_nanos() / 1_000;
        format!("{micros} {}", self.contact)
    }

    fn read(text: &str) -> Option<Self> {
        let (micros, contact) = text.split_once(' ')?;
        let nanos = micros
            .parse::<i64>()
            .ok()
            .map(|it| i128::from(it) * 1_000)?;
        let added_at = OffsetDateTime::from_unix_timestamp_nanos(nanos).ok()?;
        // Nobody was added in other years, and the database does not know all of them.
        if !(1970..=9999).contains(&added_at.year()) {
            return None;
        }
        Some(Self {
            added_at,
            contact: ContactId::parse(contact)?,
        })
    }
}

impl Place for GroupId {
    fn write(&self) -> String {
        self.to_string()
    }

    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

/// A group's name, without the blanks around it.
pub fn name(raw: &str) -> Result<String, Wrong> {
    rules::text(raw, MAX_NAME)
}

/// A description, which may have several lines; nothing but blanks is none.
pub fn description(raw: &str) -> Result<Option<String>, Wrong> {
    let text = raw.trim();
    if text.chars().count() > MAX_DESCRIPTION {
        let message = format!("Must have at most {MAX_DESCRIPTION} characters");
        return Err(Wrong::new("too_long", message));
    }
    let allowed = |it: char| !it.is_control() || matches!(it, '\n' | '\r' | '\t');
    if !text.chars().all(allowed) {
        let message = "Must not contain control characters";
        return Err(Wrong::new("invalid_characters", message));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

/// A colour as `#` and six hexadecimal digits.
pub fn color(raw: &str) -> Result<String, Wrong> {
    let digits = raw.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return Ok(raw.to_owned());
    }
    Err(Wrong::new(
        "invalid_color",
        "Must be a colour such as #1A2B3C",
    ))
}

/// What a description says when it is checked, noted under `description`.
pub(crate) fn noted_description(problems: &mut Problems, raw: Option<&str>) -> Option<String> {
    let checked = description(raw.unwrap_or_default());
    rules::noted(problems, "description", checked).flatten()
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_colour_has_six_digits() {
        assert_eq!(color("#1a2B3c"), Ok("#1a2B3c".into()));
        for bad in ["", "#", "1a2b3c", "#1a2b3", "#1a2b3cd", "#1a2b3g", "#é1234"] {
            assert!(color(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_description_may_have_lines_and_may_be_nothing() {
        assert_eq!(description(" a\nb "), Ok(Some("a\nb".into())));
        assert_eq!(description("  "), Ok(None));
        assert!(description("a\0").is_err());
        assert!(description(&"é".repeat(256)).is_err());
        assert!(name(&"é".repeat(101)).is_err());
    }

    #[test]
    fn places_of_members_survive_the_trip() {
        let place = MemberPlace {
            added_at: datetime!(2026-05-20 10:00:00.123456 UTC),
            contact: Id::new(Uuid::from_u128(7)),
        };
        assert_eq!(MemberPlace::read(&place.write()), Some(place));
        for bad in ["", "1", "x 00000000-0000-0000-0000-000000000007"] {
            assert_eq!(MemberPlace::read(bad), None, "{bad}");
        }
        for forged in [i64::MIN, -220_000_000_000_000_000, -1, i64::MAX] {
            let forged = format!("{forged} {}", place.contact);
            assert_eq!(MemberPlace::read(&forged), None, "{forged}");
        }
    }
}
