//! Asking somebody into a team.

use msgflash_accounts::OneTimeSecret;
use msgflash_kernel::{Id, Random, TeamId, UserId};
use time::{Duration, OffsetDateTime};

use crate::role::Role;

/// How long an invitation can be answered.
pub const LIFE: Duration = Duration::hours(24);

/// Marker of [`InvitationId`].
pub enum InvitationMark {}
/// The id of an invitation; it stays when the invitation is sent again.
pub type InvitationId = Id<InvitationMark>;

/// Somebody was asked into a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// Into which team.
    pub team: TeamId,
    /// Who, by their address.
    pub email: String,
    /// As what.
    pub role: Role,
    /// SHA-256 of what the link of the newest mail carries.
    pub token_hash: [u8; 32],
    /// By whom.
    pub invited_by: UserId,
    /// When they were asked first.
    pub created_at: OffsetDateTime,
    /// Until when they may answer.
    pub expires_at: OffsetDateTime,
    /// How it ended, if not by time.
    pub end: Option<InvitationEnd>,
    /// Who ended it, where somebody did.
    pub ended_by: Option<UserId>,
}

/// How an invitation ended, if not by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvitationEnd {
    /// They came.
    Accepted,
    /// They will not.
    Declined,
    /// It was taken back.
    Revoked,
    /// It had run out, and the address was asked anew.
    Replaced,
    /// The team is gone.
    TeamDeleted,
}

impl InvitationEnd {
    /// The stored name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
            Self::Replaced => "replaced",
            Self::TeamDeleted => "team_deleted",
        }
    }

    /// Reads the stored name.
    pub fn parse(raw: &str) -> Option<Self> {
        [
            Self::Accepted,
            Self::Declined,
            Self::Revoked,
            Self::Replaced,
            Self::TeamDeleted,
        ]
        .into_iter()
        .find(|it| it.as_str() == raw)
    }
}

impl Invitation {
    /// An invitation that was just made, with what its link carries.
    pub fn issue(
        id: InvitationId,
        team: TeamId,
        email: String,
        role: Role,
        by: UserId,
        random: &dyn Random,
        now: OffsetDateTime,
    ) -> (Self, OneTimeSecret) {
        let secret = OneTimeSecret::generate(random);
        let invitation = Self {
            id,
            team,
            email,
            role,
            token_hash: secret.hash(),
            invited_by: by,
            created_at: now,
            expires_at: now + LIFE,
            end: None,
            ended_by: None,
        };
        (invitation, secret)
    }

    /// Asks once more: the link sent before is of no use from now on.
    pub fn renew(&mut self, random: &dyn Random, now: OffsetDateTime) -> OneTimeSecret {
        let secret = OneTimeSecret::generate(random);
        self.token_hash = secret.hash();
        self.expires_at = now + LIFE;
        secret
    }

    /// Whether nobody has ended it; it may have run out.
    pub fn is_open(&self) -> bool {
        self.end.is_none()
    }

    /// Whether it can be answered.
    pub fn is_pending(&self, now: OffsetDateTime) -> bool {
        self.is_open() && now < self.expires_at
    }

    /// Whether it is for whoever has this address.
    pub fn is_for(&self, email: &str) -> bool {
        self.email.eq_ignore_ascii_case(email)
    }

    /// Ends it.
    pub fn close(&mut self, end: InvitationEnd, by: Option<UserId>) {
        self.end = Some(end);
        self.ended_by = by;
    }
}

/// An address of which those who have it recognise themselves, and others learn little.
pub fn masked(email: &str) -> String {
    let (name, host) = email.split_once('@').unwrap_or((email, ""));
    let first: String = name.chars().take(1).collect();
    format!("{first}***@{host}")
}

#[cfg(test)]
mod tests {
    use msgflash_kernel::CountingRandom;
    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;

    const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

    fn invitation() -> (Invitation, OneTimeSecret) {
        let id = |n| Uuid::from_u128(n);
        Invitation::issue(
            Id::new(id(1)),
            Id::new(id(2)),
            "Lea@shop.test".to_owned(),
            Role::Admin,
            Id::new(id(3)),
            &CountingRandom::default(),
            NOW,
        )
    }

    #[test]
    fn it_can_be_answered_for_a_day() {
        let (it, secret) = invitation();
        assert_eq!(it.token_hash, secret.hash());
        assert!(it.is_pending(NOW + LIFE - Duration::SECOND));
        assert!(!it.is_pending(NOW + LIFE) && it.is_open());
    }

    #[test]
    fn asking_again_ends_the_link_and_begins_a_day() {
        let (mut it, old) = invitation();
        let random = CountingRandom::default();
        random.fill(&mut [0; 32]);
        let later = NOW + Duration::hours(30);
        let new = it.renew(&random, later);
        assert_ne!(old.hash(), new.hash());
        assert_eq!((it.token_hash, it.created_at), (new.hash(), NOW));
        assert!(it.is_pending(later + LIFE - Duration::SECOND));
    }

    #[test]
    fn what_was_ended_stays_ended() {
        let (mut it, _) = invitation();
        it.close(InvitationEnd::Declined, None);
        assert!(!it.is_open() && !it.is_pending(NOW));
    }

    #[test]
    fn it_is_for_an_address_whatever_its_capitals() {
        let (it, _) = invitation();
        assert!(it.is_for("lea@SHOP.test") && !it.is_for("leo@shop.test"));
        assert_eq!(masked("lea@shop.test"), "l***@shop.test");
    }

    #[test]
    fn ends_are_read_as_they_are_written() {
        assert_eq!(
            InvitationEnd::parse("revoked"),
            Some(InvitationEnd::Revoked)
        );
        assert_eq!(InvitationEnd::parse("expired"), None);
    }
}
