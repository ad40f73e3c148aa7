//! An address book of one contact, one group and one job, for the tests of this crate.

use std::sync::Arc;

use async_trait::async_trait;
use msgflash_contacts::list::Part;
use msgflash_contacts::ports::{
    BookStore, BulkUnit, BulkUnits, ContactStore, ContactUnit, ContactUnits, GroupStore, GroupUnit,
    GroupUnits, ImportUnit, ImportUnits, JobStore, Joined,
};
use msgflash_contacts::temperature::Traces;
use msgflash_contacts::{
    Contact, ContactId, Group, Job, JobPage, MockBookReader, MockBookStore, MockContactStore,
    MockExportReader, MockGroupReader, MockGroupStore, MockImportReader, MockJobReader,
    MockJobStore,
};
use msgflash_kernel::{FixedClock, NoNudge, Places, ReplayStore, SequentialIds, StoreError, Unit};

use super::units::Replays;
use crate::address_book::AddressBookPorts;

/// What is in the book, and the ports that list it.
pub(crate) struct FakeBook {
    pub(crate) held: Held,
    pub(crate) reader: MockBookReader,
    pub(crate) groups: MockGroupReader,
    pub(crate) jobs: MockJobReader,
}

/// What is in the book.
#[derive(Clone, Default)]
pub(crate) struct Held {
    pub(crate) contact: Option<Contact>,
    pub(crate) group: Option<Group>,
    /// Whether the contact is in the group.
    pub(crate) is_member: bool,
    /// How many groups the account has.
    pub(crate) groups: u32,
    pub(crate) job: Option<Job>,
}

impl Default for FakeBook {
    fn default() -> Self {
        Self {
            held: Held::default(),
            reader: MockBookReader::new(),
            groups: MockGroupReader::new(),
            jobs: MockJobReader::new(),
        }
    }
}

impl FakeBook {
    /// A book with these in it, which every look-up finds and every list shows.
    pub(crate) fn with(held: Held) -> Self {
        let mut fake = Self {
            held: held.clone(),
            ..Self::default()
        };
        let known = held.clone();
        fake.reader.expect_find_traced().returning(move |_, id| {
            let found = known.contact.clone().filter(|it| it.id == id);
            Ok(found.map(|it| (it, Traces::default())))
        });
        let known = held.clone();
        fake.groups
            .expect_find()
            .returning(move |_, id| Ok(known.group.clone().filter(|it| it.id == id)));
        let known = held.clone();
        fake.groups.expect_of_contact().returning(move |_, id| {
            let found = known.contact.as_ref().filter(|it| it.id == id);
            Ok(found.map(|_| known.group.clone().into_iter().collect()))
        });
        let known = held.clone();
        fake.jobs
            .expect_find()
            .returning(move |_, id| Ok(known.job.clone().filter(|it| it.id == id)));
        fake.jobs.expect_page().returning(move |_, _, _| {
            Ok(JobPage {
                jobs: held.job.clone().into_iter().collect(),
                next: None,
            })
        });
        fake
    }

    /// The ports of this book.
    pub(super) fn ports(
        self,
        replays: &Replays,
        clock: &Arc<FixedClock>,
        ids: &Arc<SequentialIds>,
    ) -> AddressBookPorts {
        let units = Arc::new(BookUnits {
            replays: replays.clone(),
            held: self.held,
        });
        AddressBookPorts {
            contact_units: units.clone(),
            group_units: units.clone(),
            bulk_units: units,
            book: Arc::new(self.reader),
            groups: Arc::new(self.groups),
            jobs: Arc::new(self.jobs),
            import_units: Arc::new(NoImports),
            imports: Arc::new(MockImportReader::new()),
            export: Arc::new(MockExportReader::new()),
            wake: Arc::new(NoNudge),
            wake_imports: Arc::new(NoNudge),
            clock: clock.clone(),
            ids: ids.clone(),
        }
    }
}

/// A part of a list that is all of it.
pub(crate) fn whole<T, P>(items: Vec<T>) -> Part<T, P> {
    let total = msgflash_contacts::Total::exactly(items.len() as u64);
    Part {
        items,
        next: None,
        total: Some(total),
    }
}

struct BookUnits {
    replays: Replays,
    held: Held,
}

impl BookUnits {
    fn unit(&self) -> Box<BookOfOne> {
        let mut books = MockBookStore::new();
        books.expect_lock().returning(|_| Ok(()));
        Box::new(BookOfOne {
            replays: self.replays.clone(),
            books,
            contacts: contacts(&self.held),
            groups: groups(&self.held),
            jobs: jobs(&self.held),
        })
    }
}

fn contacts(held: &Held) -> MockContactStore {
    let mut store = MockContactStore::new();
    let contact = held.contact.clone();
    store.expect_find().returning(move |_, ids| {
        let found = contact.clone().filter(|it| ids.contains(&it.id));
        Ok(found.into_iter().collect())
    });
    let contact = held.contact.clone();
    store.expect_find_by_phone().returning(move |_, phones| {
        let found = contact.clone().filter(|it| phones.contains(&it.phone));
        Ok(found.into_iter().collect())
    });
    store.expect_insert().returning(|_| Ok(()));
    store.expect_update().returning(|_| Ok(()));
    store
        .expect_traces()
        .returning(|_, _| Ok(Traces::default()));
    let contact = held.contact.as_ref().map(|it| it.id);
    store
        .expect_delete()
        .returning(move |_, ids| Ok(those(contact, ids)));
    store
}

fn groups(held: &Held) -> MockGroupStore {
    let mut store = MockGroupStore::new();
    let taken = held.groups;
    store
        .expect_count_locked()
        .returning(move |_, cap| Ok(Places { taken, cap }));
    let group = held.group.clone();
    store
        .expect_find()
        .returning(move |_, id| Ok(group.clone().filter(|it| it.id == id)));
    let group = held.group.clone();
    store.expect_named().returning(move |_, key| {
        let found = group.as_ref().filter(|it| it.name_key() == key);
        Ok(found.map(|it| it.id))
    });
    store.expect_insert().returning(|_| Ok(()));
    store.expect_update().returning(|_| Ok(()));
    let group = held.group.as_ref().map(|it| it.id);
    store
        .expect_delete()
        .returning(move |_, id| Ok(group == Some(id)));
    let (contact, is_member) = (held.contact.as_ref().map(|it| it.id), held.is_member);
    store.expect_add().returning(move |_, _, ids, _| {
        let known = those(contact, ids);
        let added = if is_member { Vec::new() } else { known.clone() };
        Ok(Joined { known, added })
    });
    store
        .expect_remove()
        .returning(move |_, _, ids| Ok(those(contact.filter(|_| is_member), ids)));
    store
}

fn jobs(held: &Held) -> MockJobStore {
    let mut store = MockJobStore::new();
    store.expect_insert().returning(|_, _| Ok(()));
    store.expect_update().returning(|_, _| Ok(()));
    let job = held.job.clone();
    store
        .expect_find()
        .returning(move |_, id| Ok(job.clone().filter(|it| it.id == id)));
    store
}

fn those(held: Option<ContactId>, ids: &[ContactId]) -> Vec<ContactId> {
    held.filter(|it| ids.contains(it)).into_iter().collect()
}

struct BookOfOne {
    replays: Replays,
    books: MockBookStore,
    contacts: MockContactStore,
    groups: MockGroupStore,
    jobs: MockJobStore,
}

#[async_trait]
impl Unit for BookOfOne {
    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        Ok(())
    }
}

impl ContactUnit for BookOfOne {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        &mut self.contacts
    }
}

impl GroupUnit for BookOfOne {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        &mut self.groups
    }
}

impl BulkUnit for BookOfOne {
    fn replays(&mut self) -> &mut dyn ReplayStore {
        &mut self.replays
    }
    fn books(&mut self) -> &mut dyn BookStore {
        &mut self.books
    }
    fn contacts(&mut self) -> &mut dyn ContactStore {
        &mut self.contacts
    }
    fn groups(&mut self) -> &mut dyn GroupStore {
        &mut self.groups
    }
    fn jobs(&mut self) -> &mut dyn JobStore {
        &mut self.jobs
    }
}

#[async_trait]
impl ContactUnits for BookUnits {
    async fn begin(&self) -> Result<Box<dyn ContactUnit>, StoreError> {
        Ok(self.unit())
    }
}

#[async_trait]
impl GroupUnits for BookUnits {
    async fn begin(&self) -> Result<Box<dyn GroupUnit>, StoreError> {
        Ok(self.unit())
    }
}

#[async_trait]
impl BulkUnits for BookUnits {
    async fn begin(&self) -> Result<Box<dyn BulkUnit>, StoreError> {
        Ok(self.unit())
    }
}

/// Nobody brings files here.
struct NoImports;

#[async_trait]
impl ImportUnits for NoImports {
    async fn begin(&self) -> Result<Box<dyn ImportUnit>, StoreError> {
        Err(StoreError::Unavailable("there are no files".into()))
    }
}
