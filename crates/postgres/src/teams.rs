//! Teams: who is in them, who is asked to come, and who may use what there.

mod assignment;
mod invitation;
mod member;
mod read;
pub(crate) mod remains;
mod team;
mod upkeep;

use async_trait::async_trait;
use msgflash_accounts::{AuditStore, MailStore, TryStore};
use msgflash_kernel::StoreError;
use msgflash_teams::{
    AssignmentStore, InvitationStore, MemberStore, Role, TeamStore, TeamUnit, TeamUnits,
};

use crate::pool::Postgres;
use crate::unit::PgUnit;

impl TeamUnit for PgUnit {
    fn teams(&mut self) -> &mut dyn TeamStore {
        self
    }
    fn members(&mut self) -> &mut dyn MemberStore {
        self
    }
    fn invitations(&mut self) -> &mut dyn InvitationStore {
        self
    }
    fn assignments(&mut self) -> &mut dyn AssignmentStore {
        self
    }
    fn mails(&mut self) -> &mut dyn MailStore {
        self
    }
    fn audit(&mut self) -> &mut dyn AuditStore {
        self
    }
    fn tries(&mut self) -> &mut dyn TryStore {
        self
    }
}

#[async_trait]
impl TeamUnits for Postgres {
    async fn begin(&self) -> Result<Box<dyn TeamUnit>, StoreError> {
        Ok(Box::new(self.unit().await?))
    }
}

fn role(stored: &str) -> Result<Role, StoreError> {
    Role::parse(stored).ok_or_else(|| StoreError::corrupt("team_members.role", stored.to_owned()))
}

/// What a count says; none is ever so large.
fn small(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// A limit of a plan.
fn limit(stored: Option<i32>) -> Option<u32> {
    stored.map(|it| u32::try_from(it).unwrap_or(0))
}
