//! One-time tokens: what the links of mails carry.

use std::fmt;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use msgflash_kernel::{Random, StoreError, UserId};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};

/// Bytes of randomness in a token.
const BYTES: usize = 32;
/// Characters of a token as it is presented.
pub const LENGTH: usize = 43;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Proving that an address is theirs.
    VerifyEmail,
    /// Choosing another password.
    ResetPassword,
}

impl Purpose {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
        }
    }

    /// Reads the stored name.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::VerifyEmail, Self::ResetPassword]
            .into_iter()
            .find(|it| it.as_str() == raw)
    }

    /// How long a token lasts.
    pub const fn life(self) -> Duration {
        match self {
            Self::VerifyEmail => Duration::hours(24),
            Self::ResetPassword => Duration::minutes(60),
        }
    }
}

/// A token as its holder presents it. It is in one mail, and kept only as its hash.
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeSecret(String);

impl OneTimeSecret {
    /// A token nobody has seen.
    pub fn generate(random: &dyn Random) -> Self {
        let mut bytes = [0; BYTES];
        random.fill(&mut bytes);
        Self(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a presented token; one spelling, nothing around it.
    pub fn parse(presented: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(presented).ok()?;
        let whole = bytes.len() == BYTES && presented.len() == LENGTH;
        whole.then(|| Self(presented.to_owned()))
    }

    /// The token itself, for the link.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// SHA-256 of it: what is random cannot be guessed, so a slow hash would protect nothing.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }
}

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// A token without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneTimeToken {
    /// SHA-256 of the secret.
    pub hash: [u8; 32],
    /// Whose it is.
    pub user: UserId,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made.
    pub created_at: OffsetDateTime,
    /// Until when it counts.
    pub expires_at: OffsetDateTime,
    /// When it was used.
    pub used_at: Option<OffsetDateTime>,
    /// When another took its place.
    pub replaced_at: Option<OffsetDateTime>,
}

impl OneTimeToken {
    /// A token that was just made, with its secret.
    pub fn issue(
        user: UserId,
        purpose: Purpose,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> (Self, OneTimeSecret) {
        let secret = OneTimeSecret::generate(random);
        let token = Self {
            hash: secret.hash(),
            user,
            purpose,
            created_at: now,
            expires_at: now + purpose.life(),
            used_at: None,
            replaced_at: None,
        };
        (token, secret)
    }

    /// What may be done with it at `now`. Its place taken, a token is as good as expired: there is a
    /// newer mail.
    pub fn state(&self, now: OffsetDateTime) -> TokenState {
        if self.used_at.is_some() {
            TokenState::Used
        } else if self.replaced_at.is_some() || now >= self.expires_at {
            TokenState::Expired
        } else {
            TokenState::Valid
        }
    }
}

/// What may be done with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// It can be used, once.
    Valid,
    /// It was.
    Used,
    /// Too late, or there is a newer one.
    Expired,
}

/// Looks tokens up.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TokenReader: Send + Sync {
    /// The token with this hash, when it is for this.
    async fn find(
        &self,
        hash: &[u8; 32],
        purpose: Purpose,
    ) -> Result<Option<OneTimeToken>, StoreError>;
}

/// Records tokens. Reached through a unit of work only, in which their user is locked.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TokenStore: Send {
    /// Records a token, which takes the place of its user's older ones for the same purpose.
    async fn issue(&mut self, token: &OneTimeToken) -> Result<(), StoreError>;
    /// Uses a token; `false` when it does not count, or not any more.
    async fn take(
        &mut self,
        hash: &[u8; 32],
        purpose: Purpose,
        at: OffsetDateTime,
    ) -> Result<bool, StoreError>;
    /// Ends the tokens of a user that still count.
    async fn end_all(&mut self, user: UserId, at: OffsetDateTime) -> Result<(), StoreError>;
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::{CountingRandom, Id};
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

    fn token(purpose: Purpose) -> (OneTimeToken, OneTimeSecret) {
        let random = CountingRandom::default();
        OneTimeToken::issue(Id::new(Uuid::nil()), purpose, &random, NOW)
    }

    #[test]
    fn a_secret_is_256_bits_that_need_no_escaping_in_a_link() {
        let (token, secret) = token(Purpose::VerifyEmail);
        assert_eq!(
            secret.reveal(),
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
        );
        assert_eq!(OneTimeSecret::parse(secret.reveal()), Some(secret.clone()));
        assert_eq!(token.hash, secret.hash());
        assert!(!format!("{secret:?}").contains("AAEC"));
    }

    #[test]
    fn only_the_exact_spelling_is_a_secret() {
        let good = token(Purpose::VerifyEmail).1.reveal().to_owned();
        let odd = [
            String::new(),
            format!("{good}="),
            format!(" {good}"),
            good[1..].to_owned(),
            format!("{}!", &good[..42]),
            // The last two bits mean nothing and must be zero: one token, one spelling.
            format!("{}9", &good[..42]),
            "A".repeat(1000),
        ];
        for presented in odd {
            assert_eq!(OneTimeSecret::parse(&presented), None, "{presented}");
        }
    }

    #[test]
    fn a_token_lasts_as_long_as_its_mail_says() {
        for (purpose, life) in [
            (Purpose::VerifyEmail, Duration::hours(24)),
            (Purpose::ResetPassword, Duration::minutes(60)),
        ] {
            let (token, _) = token(purpose);
            assert_eq!(
                token.state(NOW + life - Duration::SECOND),
                TokenState::Valid
            );
            assert_eq!(token.state(NOW + life), TokenState::Expired);
            let replaced_at = Some(NOW);
            let replaced = OneTimeToken {
                replaced_at,
                ..token.clone()
            };
            assert_eq!(replaced.state(NOW), TokenState::Expired);
            let used_at = Some(NOW);
            let used = OneTimeToken { used_at, ..token };
            assert_eq!(used.state(NOW + life), TokenState::Used);
        }
    }
}
