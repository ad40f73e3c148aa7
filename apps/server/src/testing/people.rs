//! People who are not there: the store behind them answers nothing.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_accounts::{
    AccountUnit, AccountUnits, CreateKey, ListKeys, MockAccountReader, MockAuditReader,
    MockKeyReader, MockKeyUseReader, MockMailRequests, MockPasswordHasher, MockSessionReader,
    MockSignInStarts, MockSignInThrottle, MockSigningKeyStore, MockTokenReader, PortalLinks,
    ReadKeyUse, RevokeKey, SignInUnit, SignInUnits,
};
use msgflash_kernel::{
    CountingRandom, FixedClock, NoAnnouncement, NoNudge, SequentialIds, StoreError,
};
use msgflash_teams::manage::TeamPorts;
use msgflash_teams::{MockInvitationReader, MockTeamReader, TeamUnit, TeamUnits};

use crate::people::{People, PeoplePorts};
use crate::services::Keys;
use crate::teams::TeamDesk;

struct Nobody;

#[async_trait]
impl SignInUnits for Nobody {
    async fn begin(&self) -> Result<Box<dyn SignInUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}

#[async_trait]
impl AccountUnits for Nobody {
    async fn begin(&self) -> Result<Box<dyn AccountUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}

#[async_trait]
impl TeamUnits for Nobody {
    async fn begin(&self) -> Result<Box<dyn TeamUnit>, StoreError> {
        Err(StoreError::Unavailable("nobody answers".into()))
    }
}

/// Teams, likewise.
pub(super) fn teams(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> TeamDesk {
    let ports = TeamPorts {
        units: Arc::new(Nobody),
        teams: Arc::new(MockTeamReader::new()),
        invitations: Arc::new(MockInvitationReader::new()),
        users: Arc::new(MockAccountReader::new()),
        links: PortalLinks::new("http://127.0.0.1:3000"),
        announce: Arc::new(NoAnnouncement),
        wake: Arc::new(NoNudge),
        clock: clock.clone(),
        ids: ids.clone(),
        random: Arc::new(CountingRandom::default()),
    };
    TeamDesk::new(ports, Arc::new(MockAuditReader::new()))
}

/// Sign-in over a store without keys: no token opens anything.
pub(super) fn people(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> People {
    let mut keys = MockSigningKeyStore::new();
    keys.expect_list().returning(|_| Ok(Vec::new()));
    People::new(PeoplePorts {
        users: Arc::new(MockAccountReader::new()),
        sessions: Arc::new(MockSessionReader::new()),
        tokens: Arc::new(MockTokenReader::new()),
        units: Arc::new(Nobody),
        keys: Arc::new(keys),
        throttle: Arc::new(MockSignInThrottle::new()),
        requests: Arc::new(MockMailRequests::new()),
        wake: Arc::new(NoNudge),
        provider: None,
        starts: Arc::new(MockSignInStarts::new()),
        hasher: Arc::new(MockPasswordHasher::new()),
        announce: Arc::new(NoAnnouncement),
        clock: clock.clone(),
        ids: ids.clone(),
        random: Arc::new(CountingRandom::default()),
        issuer: "http://127.0.0.1:4080".to_owned(),
        portal: "http://127.0.0.1:3000".to_owned(),
    })
}

/// Keys as people manage them, likewise.
pub(super) fn keys(clock: &Arc<FixedClock>, ids: &Arc<SequentialIds>) -> Keys {
    let units = Arc::new(Nobody);
    let random = Arc::new(CountingRandom::default());
    Keys {
        create: Arc::new(CreateKey::new(
            units.clone(),
            random,
            clock.clone(),
            ids.clone(),
        )),
        list: Arc::new(ListKeys::new(Arc::new(MockKeyReader::new()))),
        revoke: Arc::new(RevokeKey::new(units, clock.clone(), ids.clone())),
        uses: ReadKeyUse::new(Arc::new(MockKeyUseReader::new())),
    }
}
