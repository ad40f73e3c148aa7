//! Units of work over mocks, and people for tests.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use msgflash_kernel::{
    Actor, Claim, FixedClock, Id, MockReplayStore, Phone, ReplayKey, ReplayStore, SequentialIds,
    StoreError, StoredAnswer, Unit, Workspace,
};
use time::OffsetDateTime;
use time::macros::datetime;
use uuid::Uuid;

use crate::contact::{Contact, ContactId};
use crate::group::{Group, GroupId};
use crate::ports::{
    BookStore, BulkUnit, BulkUnits, ContactStore, ContactUnit, ContactUnits, GroupStore, GroupUnit,
    GroupUnits, ImportStore, ImportUnit, ImportUnits, JobStore, MockBookStore, MockContactStore,
    MockGroupStore, MockImportStore, MockJobStore,
};

pub(crate) const NOW: OffsetDateTime = datetime!(2026-05-20 10:00 UTC);
const BEFORE: OffsetDateTime = datetime!(2026-05-01 10:00 UTC);

/// A unit that fails the test when a book is looked at before it is held.
pub(crate) struct FakeUnit {
    pub(crate) replays: MockReplayStore,
    books: MockBookStore,
    pub(crate) contacts: MockContactStore,
    pub(crate) groups: MockGroupStore,
    pub(crate) jobs: MockJobStore,
    pub(crate) imports: MockImportStore,
    pub(crate) committed: Arc<AtomicBool>,
    held: Arc<AtomicBool>,
}

impl FakeUnit {
    pub(crate) fn new() -> Self {
        let held = Arc::new(AtomicBool::new(false));
        let mut books = MockBookStore::new();
        let now_held = Arc::clone(&held);
        books.expect_lock().returning(move |workspace| {
            assert_eq!(workspace, own().id);
            now_held.store(true, Ordering::SeqCst);
            Ok(())
        });
        Self {
            replays: MockReplayStore::new(),
            books,
            contacts: MockContactStore::new(),
            groups: MockGroupStore::new(),
            jobs: MockJobStore::new(),
            imports: MockImportStore::new(),
            committed: Arc::default(),
            held,
        }
    }

    /// A unit whose book is held from the beginning, as by claiming a job.
    pub(crate) fn holding() -> Self {
        let unit = Self::new();
        unit.held.store(true, Ordering::SeqCst);
        unit
    }

    pub(crate) fn outcome(&self) -> Committed {
        Committed(Arc::clone(&self.committed))
    }

    fn require_held(&self) {
        assert!(self.held.load(Ordering::SeqCst), "the book is not held");
    }
}

/// Whether a unit was committed.
pub(crate) struct Committed(Arc<AtomicBool>);

impl Committed {
    pub(crate) fn yes(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl Unit for FakeUnit {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.committed.store(true, Ordering::SeqCst);
        Ok(())
    }
}

impl ContactUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self.require_held();
        &mut self.contacts
    }
}

impl GroupUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self.require_held();
        &mut self.groups
    }
}

impl BulkUnit for FakeUnit {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self.require_held();
        &mut self.contacts
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self.require_held();
        &mut self.groups
    }
    fn jobs(&mut self) -> &mut dyn JobStore {
        &mut self.jobs
    }
}

impl ImportUnit for FakeUnit {
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        self.require_held();
        &mut self.contacts
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        self.require_held();
        &mut self.groups
    }
    fn imports(&mut self) -> &mut dyn ImportStore {
        &mut self.imports
    }
}

/// Begins the units it was given, one after the other.
pub(crate) struct Units(Mutex<VecDeque<FakeUnit>>);

impl Units {
    pub(crate) fn of(units: impl IntoIterator<Item = FakeUnit>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(units.into_iter().collect())))
    }

    fn next(&self) -> Result<Box<FakeUnit>, StoreError> {
        let next = self.0.lock().unwrap().pop_front();
        next.map(Box::new).ok_or_else(away)
    }
}

#[async_trait]
impl ContactUnits for Units {
    async fn begin(&self) -> Result<Box<dyn ContactUnit>, StoreError> {
        Ok(self.next()?)
    }
}

#[async_trait]
impl GroupUnits for Units {
    async fn begin(&self) -> Result<Box<dyn GroupUnit>, StoreError> {
        Ok(self.next()?)
    }
}

#[async_trait]
impl BulkUnits for Units {
    async fn begin(&self) -> Result<Box<dyn BulkUnit>, StoreError> {
        Ok(self.next()?)
    }
}

#[async_trait]
impl ImportUnits for Units {
    async fn begin(&self) -> Result<Box<dyn ImportUnit>, StoreError> {
        Ok(self.next()?)
    }
}

/// The database is away.
pub(crate) fn away() -> StoreError {
    StoreError::Unavailable("nobody answers".into())
}

pub(crate) fn clock() -> Arc<FixedClock> {
    Arc::new(FixedClock::at(NOW))
}

/// Ids that differ from those of [`contact_id`] and [`group_id`].
pub(crate) fn ids() -> Arc<SequentialIds> {
    Arc::default()
}

pub(crate) fn own() -> Workspace {
    Workspace::personal(Id::new(Uuid::from_u128(0xabc)))
}

pub(crate) fn actor() -> Actor {
    Actor::new(own(), own().owner())
}

pub(crate) fn contact_id(n: u128) -> ContactId {
    Id::new(Uuid::from_u128(0x1000 + n))
}

pub(crate) fn group_id() -> GroupId {
    Id::new(Uuid::from_u128(0x2000))
}

pub(crate) fn contact() -> Contact {
    Contact {
        id: contact_id(1),
        workspace: own(),
        name: "Lina Moreau".into(),
        phone: Phone::parse("+33698765432").unwrap(),
        tags: vec!["vip".into()],
        meta: Some(serde_json::json!({ "city": "Lyon" })),
        created_at: BEFORE,
        updated_at: BEFORE,
    }
}

pub(crate) fn group() -> Group {
    Group {
        id: group_id(),
        workspace: own(),
        name: "Wholesale".into(),
        description: Some("Who buys much".into()),
        color: None,
        contact_count: 3,
        created_at: BEFORE,
        updated_at: BEFORE,
    }
}

pub(crate) fn key() -> ReplayKey {
    ReplayKey {
        workspace: own().id,
        route: "POST /api/v1/contacts",
        key: [1; 32],
        request: [2; 32],
    }
}

/// A unit that meets a key in this state, and looks at nothing else.
pub(crate) fn meeting(claim: Claim) -> FakeUnit {
    let mut unit = FakeUnit::new();
    unit.replays
        .expect_claim()
        .returning(move |_, _| Ok(claim.clone()));
    unit
}

pub(crate) fn answer(body: &str) -> StoredAnswer {
    StoredAnswer {
        status: 201,
        body: body.into(),
    }
}
