//! API keys.

use std::fmt;

use msgflash_kernel::{AccountId, Actor, Id, Random, TeamId, UserId};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

/// Marker of [`ApiKeyId`].
pub enum ApiKeyMark {}
/// The id of an API key.
pub type ApiKeyId = Id<ApiKeyMark>;

/// Bytes of randomness in a key.
const BYTES: usize = 32;
/// How many of its digits stay visible.
const VISIBLE: usize = 6;

/// Whose space a key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// Its owner's personal workspace.
    Personal,
    /// One team's workspace.
    Team,
}

impl KeyKind {
    /// The published name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Personal => "personal",
            Self::Team => "team",
        }
    }

    /// What every key of this kind begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Personal => "msgf_live_",
            Self::Team => "msgf_team_",
        }
    }
}

/// An API key without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id.
    pub id: ApiKeyId,
    /// Who pays for its use: the owner of the personal workspace, or of the team.
    pub account: AccountId,
    /// The team it opens; `None` for a personal key.
    pub team: Option<TeamId>,
    /// Who made it.
    pub created_by: UserId,
    /// What its owner calls it.
    pub name: String,
    /// Its beginning, to recognise it by.
    pub prefix: String,
    /// When it was last used, about a second late.
    pub last_used_at: Option<OffsetDateTime>,
    /// Since when it opens nothing.
    pub revoked_at: Option<OffsetDateTime>,
    /// When it was made.
    pub created_at: OffsetDateTime,
}

impl ApiKey {
    /// A key for the space `actor` acts in.
    pub fn new(
        id: ApiKeyId,
        actor: &Actor,
        name: String,
        secret: &KeySecret,
        now: OffsetDateTime,
    ) -> Self {
        Self {
            id,
            account: actor.workspace.account,
            team: actor.workspace.team,
            created_by: actor.user,
            name,
            prefix: secret.prefix().to_owned(),
            last_used_at: None,
            revoked_at: None,
            created_at: now,
        }
    }

    /// Whose space it opens.
    pub fn kind(&self) -> KeyKind {
        if self.team.is_some() {
            KeyKind::Team
        } else {
            KeyKind::Personal
        }
    }

    /// Whether it still opens anything.
    pub fn is_active(&self) -> bool {
        self.revoked_at.is_none()
    }
}

/// A key as its holder presents it. Shown once, kept only as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct KeySecret {
    kind: KeyKind,
    text: String,
}

/// Not a possible key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an API key")]
pub struct InvalidKey;

impl KeySecret {
    /// A key nobody has seen.
    pub fn generate(kind: KeyKind, random: &dyn Random) -> Self {
        let mut bytes = [0; BYTES];
        random.fill(&mut bytes);
        Self {
            kind,
            text: format!("{}{}", kind.prefix(), hex::encode(bytes)),
        }
    }

    /// Reads a presented key; one spelling, nothing around it.
    pub fn parse(presented: &str) -> Result<Self, InvalidKey> {
        let (kind, digits) = [KeyKind::Personal, KeyKind::Team]
            .into_iter()
            .find_map(|kind| Some((kind, presented.strip_prefix(kind.prefix())?)))
            .ok_or(InvalidKey)?;
        let is_lower_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != BYTES * 2 || !digits.bytes().all(is_lower_hex) {
            return Err(InvalidKey);
        }
        Ok(Self {
            kind,
            text: presented.to_owned(),
        })
    }

    /// Whose space it opens.
    pub fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key itself, for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// The part that stays visible.
    pub fn prefix(&self) -> &str {
        &self.text[..self.kind.prefix().len() + VISIBLE]
    }

    /// SHA-256 of the whole key. A slow hash would protect nothing: 256 random bits cannot be
    /// guessed, unlike passwords.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.text.as_bytes()).into()
    }
}

impl fmt::Debug for KeySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.prefix())
    }
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;

    use super::*;

    #[test]
    fn a_new_key_has_the_published_form() {
        let random = CountingRandom::default();
        let personal = KeySecret::generate(KeyKind::Personal, &random);
        assert_eq!(
            personal.reveal(),
            "msgf_live_000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        );
        assert_eq!(personal.prefix(), "msgf_live_000102");
        let team = KeySecret::generate(KeyKind::Team, &random);
        assert_eq!(team.prefix(), "msgf_team_202122");
        assert_eq!(KeySecret::parse(team.reveal()), Ok(team));
    }

    #[test]
    fn only_the_exact_spelling_is_a_key() {
        let digits = "0".repeat(64);
        assert!(KeySecret::parse(&format!("msgf_live_{digits}")).is_ok());
        let odd = [
            String::new(),
            digits.clone(),
            format!("msgf_live_{}", &digits[1..]),
            format!("msgf_live_{digits}0"),
            format!("msgf_live_{}A", &digits[1..]),
            format!("MSGF_LIVE_{digits}"),
            format!("msgf_test_{digits}"),
            format!(" msgf_live_{digits}"),
            format!("msgf_live_{digits}\n"),
            format!("msgf_live_{}é", &digits[2..]),
        ];
        for presented in odd {
            assert_eq!(
                KeySecret::parse(&presented),
                Err(InvalidKey),
                "{presented:?}"
            );
        }
    }

    #[test]
    fn printing_a_key_shows_its_prefix_alone() {
        let secret = KeySecret::generate(KeyKind::Personal, &CountingRandom::default());
        assert_eq!(format!("{secret:?}"), "msgf_live_000102…");
    }

    proptest::proptest! {
        #[test]
        fn reading_never_panics(presented in ".*") {
            let _ = KeySecret::parse(&presented);
        }
    }
}
