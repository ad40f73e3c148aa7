//! How often somebody may try a door.
//!
//! Every try counts that is let in: five per address and twenty per network in any fifteen minutes,
//! for each door on its own. Who was refused is not counted again, so nobody is kept out for longer
//! by trying on. Signing in forgets the tries of the address.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use async_trait::async_trait;
use msgflash_kernel::{AccountId, Clock, Ids, StoreError};
use sha2::{Digest as _, Sha256};
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use crate::error::SignInError;

/// For how long a try counts.
pub const WINDOW: Duration = Duration::minutes(15);
/// Tries per address.
pub const PER_ADDRESS: u32 = 5;
/// Tries per network.
pub const PER_NETWORK: u32 = 20;

/// How many tries are let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one address.
    pub per_address: u32,
    /// Of one network.
    pub per_network: u32,
    /// Within this time.
    pub window: Duration,
}

/// At the doors to the console.
pub const SIGN_IN: Limits = Limits {
    per_address: PER_ADDRESS,
    per_network: PER_NETWORK,
    window: WINDOW,
};

/// Mails by which an account asks people into its teams. In the place of the network is the account.
pub const INVITATIONS: Limits = Limits {
    per_address: 5,
    per_network: 100,
    window: Duration::DAY,
};

/// What is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// Signing in.
    LogIn,
    /// Making an account.
    SignUp,
    /// Asking for a mail to reset the password.
    ForgotPassword,
    /// Asking for another mail to verify the address.
    ResendVerification,
    /// Setting a password by the link of a mail.
    ResetPassword,
    /// Giving the current password to change it.
    ChangePassword,
    /// Going elsewhere to sign in.
    Elsewhere,
    /// Asking somebody into a team.
    Invite,
}

impl Door {
    const fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "login",
            Self::SignUp => "signup",
            Self::ForgotPassword => "forgot",
            Self::ResendVerification => "resend",
            Self::ResetPassword => "reset",
            Self::ChangePassword => "change",
            Self::Elsewhere => "elsewhere",
            Self::Invite => "invite",
        }
    }
}

/// One try. Who and from where is told by hashes alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Its id.
    pub id: Uuid,
    /// The address, at this door; `None` where nobody tells one.
    pub address: Option<[u8; 32]>,
    /// The network, at this door.
    pub network: [u8; 32],
    /// How many are let in.
    pub limits: Limits,
    /// When.
    pub at: OffsetDateTime,
}

/// Counts tries.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait SignInThrottle: Send + Sync {
    /// Counts a try, in one round trip: the network first, then the address, each within its limit. A
    /// try that is refused leaves no trace where it is refused. Answers when it
    /// could be let in, or `None` when it is. Exact, whoever tries at once.
    async fn count(&self, a_try: &Try) -> Result<Option<OffsetDateTime>, StoreError>;
    /// Forgets the tries of an address.
    async fn forget(&self, address: &[u8; 32]) -> Result<(), StoreError>;
}

/// Counts tries within a transaction: what is not kept was not tried. Reached through a unit of work
/// only.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
#[async_trait]
pub trait TryStore: Send {
    /// As [`SignInThrottle::count`].
    async fn count(&mut self, a_try: &Try) -> Result<Option<OffsetDateTime>, StoreError>;
}

/// A mail by which `account` asks somebody into a team. What stands behind a plus sign in an address
/// leads to the same mailbox, nearly everywhere.
pub fn invitation(id: Uuid, account: AccountId, email: &str, at: OffsetDateTime) -> Try {
    let email = email.to_lowercase();
    let (name, host) = email.split_once('@').unwrap_or((&email, ""));
    let mailbox = name.split('+').next().unwrap_or(name);
    let address = format!("{account}\0{mailbox}@{host}");
    Try {
        id,
        address: Some(key(Door::Invite, "address", &address)),
        network: key(Door::Invite, "account", &account.to_string()),
        limits: INVITATIONS,
        at,
    }
}

/// The guard at the doors.
#[derive(Clone)]
pub struct Guard {
    throttle: Arc<dyn SignInThrottle>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl Guard {
    /// Wires the guard.
    pub fn new(
        throttle: Arc<dyn SignInThrottle>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn Ids>,
    ) -> Self {
        Self {
            throttle,
            clock,
            ids,
        }
    }

    /// Counts a try, and refuses one too many.
    pub(crate) async fn pass(
        &self,
        door: Door,
        email: &str,
        ip: IpAddr,
    ) -> Result<(), SignInError> {
        let address = key(door, "address", &email.to_lowercase());
        self.count(door, Some(address), ip).await
    }

    /// The same at a door where nobody tells an address.
    pub(crate) async fn pass_network(&self, door: Door, ip: IpAddr) -> Result<(), SignInError> {
        self.count(door, None, ip).await
    }

    async fn count(
        &self,
        door: Door,
        address: Option<[u8; 32]>,
        ip: IpAddr,
    ) -> Result<(), SignInError> {
        let at = self.clock.now();
        let a_try = Try {
            id: self.ids.next(),
            address,
            network: key(door, "network", &network(ip)),
            limits: SIGN_IN,
            at,
        };
        match self.throttle.count(&a_try).await? {
            None => Ok(()),
            Some(free) => {
                let wait = (free - at).max(Duration::SECOND);
                Err(SignInError::TooManyTries(wait.unsigned_abs()))
            }
        }
    }

    /// Forgets the tries of an address, whose owner has shown who they are. What they came for is
    /// done by then: failing at this must not take it back, and the tries are forgotten by time.
    pub(crate) async fn forget(&self, door: Door, email: &str) {
        let address = key(door, "address", &email.to_lowercase());
        drop(self.throttle.forget(&address).await);
    }
}

fn key(door: Door, what: &str, whose: &str) -> [u8; 32] {
    Sha256::digest(format!("{}\0{what}\0{whose}", door.as_str())).into()
}

/// Whoever has an IPv6 address has 2^64 of them.
fn network(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => Ipv6Addr::from_bits(ip.to_bits() >> 64 << 64).to_string(),
    }
}

#[cfg(test)]
pub(crate) mod tests;
