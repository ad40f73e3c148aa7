//! People, a team, and the ports around them.

use std::sync::Arc;

use msgflash_accounts::{MockAccountReader, PortalLinks, User};
use msgflash_kernel::{
    Actor, CountingRandom, FixedClock, Id, MockAnnounce, NoNudge, Reach, SequentialIds, TeamId,
    UserId, Workspace,
};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::fake::FakeUnits;
use crate::invitation::Invitation;
use crate::manage::TeamPorts;
use crate::member::Member;
use crate::ports::{Asked, Hosting, MockInvitationReader, MockTeamReader, OpenInvitation};
use crate::role::Role;
use crate::team::Team;

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

/// Max owns the team, Ann is an admin, Lea a collaborator; Tom is nobody yet.
pub(crate) const MAX: u128 = 1;
pub(crate) const ANN: u128 = 2;
pub(crate) const LEA: u128 = 3;
pub(crate) const TOM: u128 = 4;

pub(crate) fn user(n: u128) -> UserId {
    Id::new(Uuid::from_u128(n))
}

pub(crate) fn address(n: u128) -> String {
    let name = match n {
        MAX => "max",
        ANN => "ann",
        LEA => "lea",
        TOM => "tom",
        _ => "somebody",
    };
    format!("{name}@shop.test")
}

pub(crate) fn person(n: u128) -> User {
    User {
        id: user(n),
        email: address(n),
        full_name: "Somebody Else".to_owned(),
        display_name: None,
        phone: String::new(),
        avatar_url: None,
        password_hash: None,
        email_verified_at: Some(NOW),
        suspended_at: None,
        created_at: NOW,
        updated_at: NOW,
    }
}

pub(crate) fn team_id() -> TeamId {
    Id::new(Uuid::from_u128(9))
}

pub(crate) fn team() -> Team {
    Team {
        id: team_id(),
        owner: user(MAX),
        name: "Desk".to_owned(),
        created_at: NOW,
        updated_at: NOW,
        deleted_at: None,
    }
}

pub(crate) fn role(n: UserId) -> Option<Role> {
    match n.uuid().as_u128() {
        MAX => Some(Role::Owner),
        ANN => Some(Role::Admin),
        LEA => Some(Role::Collaborator),
        _ => None,
    }
}

/// Somebody who was let into the team.
pub(crate) fn actor(n: u128) -> Actor {
    Actor {
        workspace: Workspace::team(team_id(), user(MAX)),
        user: user(n),
        reach: Reach::All,
    }
}

pub(crate) fn member(n: UserId) -> Option<Member> {
    let role = role(n)?;
    Some(Member {
        user: n,
        email: address(n.uuid().as_u128()),
        full_name: "Somebody Else".to_owned(),
        role,
        joined_at: NOW,
    })
}

/// Tom's invitation, sent by Ann.
pub(crate) fn asked() -> (Asked, msgflash_accounts::OneTimeSecret) {
    let random = CountingRandom::default();
    let (invitation, secret) = Invitation::issue(
        Id::new(Uuid::from_u128(77)),
        team_id(),
        address(TOM),
        Role::Collaborator,
        user(ANN),
        &random,
        NOW,
    );
    let asked = Asked {
        invitation,
        inviter_name: "Ann".to_owned(),
        inviter_email: address(ANN),
    };
    (asked, secret)
}

pub(crate) fn open(asked: Asked) -> OpenInvitation {
    OpenInvitation {
        asked,
        team: team(),
        has_account: true,
    }
}

pub(crate) const PLAN: Hosting = Hosting {
    usable: true,
    max_teams: Some(2),
    max_seats: Some(4),
};

/// Units over the team as it is, with so many seats taken.
pub(crate) fn units(hosting: Hosting, active: u32, pending: u32) -> FakeUnits {
    FakeUnits::with(|unit| {
        unit.teams
            .expect_hold_owner()
            .returning(move |_, _| Ok(hosting));
        unit.teams
            .expect_lock()
            .returning(|id| Ok((id == team_id()).then(team)));
        unit.members
            .expect_role()
            .returning(|_, user| Ok(role(user)));
        unit.members
            .expect_find()
            .returning(|_, user| Ok(member(user)));
        unit.members.expect_count().returning(move |_| Ok(active));
        unit.members
            .expect_has_address()
            .returning(|_, email| Ok([MAX, ANN, LEA].iter().any(|n| address(*n) == email)));
        unit.invitations
            .expect_count_pending()
            .returning(move |_, _| Ok(pending));
    })
}

/// The ports around them; changes are announced so often.
pub(crate) fn ports(units: &FakeUnits, announced: usize) -> TeamPorts {
    let mut invitations = MockInvitationReader::new();
    invitations
        .expect_by_id()
        .returning(|id| Ok(Some(open(asked().0)).filter(|it| it.asked.invitation.id == id)));
    invitations.expect_by_hash().returning(|hash| {
        Ok(Some(open(asked().0)).filter(|it| it.asked.invitation.token_hash == *hash))
    });
    let mut users = MockAccountReader::new();
    users
        .expect_find()
        .returning(|id| Ok(Some(person(id.uuid().as_u128()))));
    let clock = Arc::new(FixedClock::at(NOW));
    let ids = Arc::new(SequentialIds::default());
    let mut announce = MockAnnounce::new();
    announce
        .expect_changed()
        .times(announced)
        .withf(|account| account.uuid() == user(MAX).uuid())
        .returning(|_| ());
    TeamPorts {
        units: Arc::new(units.clone()),
        teams: Arc::new(MockTeamReader::new()),
        invitations: Arc::new(invitations),
        users: Arc::new(users),
        links: PortalLinks::new("https://app.shop.test"),
        announce: Arc::new(announce),
        wake: Arc::new(NoNudge),
        clock,
        ids,
        random: Arc::new(CountingRandom::default()),
    }
}
