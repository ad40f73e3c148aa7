//! A unit of work made of mocks.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_accounts::{
    AuditEntry, AuditStore, MailStore, MockAuditStore, MockMailStore, MockTryStore, OutgoingMail,
    TryStore,
};
use msgflash_kernel::{StoreError, Unit};

use crate::ports::{
    AssignmentStore, InvitationStore, MemberStore, MockAssignmentStore, MockInvitationStore,
    MockMemberStore, MockTeamStore, TeamStore, TeamUnit, TeamUnits,
};

/// One mock per port.
#[derive(Default)]
pub(crate) struct FakeUnit {
    pub(crate) teams: MockTeamStore,
    pub(crate) members: MockMemberStore,
    pub(crate) invitations: MockInvitationStore,
    pub(crate) assignments: MockAssignmentStore,
    mails: MockMailStore,
    audit: MockAuditStore,
    pub(crate) tries: MockTryStore,
    committed: Arc<AtomicBool>,
}

/// What a unit wrote down for others to read, whether or not it was committed.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) mails: Vec<OutgoingMail>,
    pub(crate) audit: Vec<AuditEntry>,
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl TeamUnit for FakeUnit {
    fn teams(&mut self) -> &mut dyn TeamStore {
        &mut self.teams
    }
    fn members(&mut self) -> &mut dyn MemberStore {
        &mut self.members
    }
    fn invitations(&mut self) -> &mut dyn InvitationStore {
        &mut self.invitations
    }
    fn assignments(&mut self) -> &mut dyn AssignmentStore {
        &mut self.assignments
    }
    fn mails(&mut self) -> &mut dyn MailStore {
        &mut self.mails
    }
    fn audit(&mut self) -> &mut dyn AuditStore {
        &mut self.audit
    }
    fn tries(&mut self) -> &mut dyn TryStore {
        &mut self.tries
    }
}

/// Hands out the unit that was prepared.
#[derive(Clone, Default)]
pub(crate) struct FakeUnits {
    next: Arc<Mutex<FakeUnit>>,
    committed: Arc<AtomicBool>,
    told: Arc<Mutex<Told>>,
}

impl FakeUnits {
    /// A unit of which this is expected.
    pub(crate) fn with(prepare: impl FnOnce(&mut FakeUnit)) -> Self {
        let units = Self::default();
        units.prepare(prepare);
        units
    }

    /// More is expected of it.
    pub(crate) fn prepare(&self, more: impl FnOnce(&mut FakeUnit)) {
        more(&mut self.next.lock().expect("one test, one thread"));
    }

    /// Whether the unit was committed.
    pub(crate) fn committed(&self) -> bool {
        self.committed.load(Ordering::Relaxed)
    }

    /// The kinds and recipients of the mails, and what was noted, of a unit that was committed.
    pub(crate) fn told(&self) -> (Vec<(String, String)>, Vec<&'static str>) {
        let told = self.told.lock().expect("one test, one thread");
        let mails = told.mails.iter();
        let mails = mails.map(|it| (it.kind.clone(), it.recipient.clone()));
        let audit = told.audit.iter().map(|it| it.done.as_str());
        (mails.collect(), audit.collect())
    }
}

#[async_trait]
impl TeamUnits for FakeUnits {
    async fn begin(&self) -> Result<Box<dyn TeamUnit>, StoreError> {
        let mut unit = std::mem::take(&mut *self.next.lock().expect("one test, one thread"));
        unit.committed = Arc::clone(&self.committed);
        // Unless a test has said otherwise before.
        unit.tries.expect_count().returning(|_| Ok(None));
        let told = Arc::clone(&self.told);
        unit.mails.expect_queue().returning(move |mail| {
            let mut told = told.lock().expect("one test, one thread");
            told.mails.push(mail.clone());
            Ok(())
        });
        let told = Arc::clone(&self.told);
        unit.audit.expect_append().returning(move |entries| {
            let mut told = told.lock().expect("one test, one thread");
            told.audit.extend_from_slice(entries);
            Ok(())
        });
        Ok(Box::new(unit))
    }
}
