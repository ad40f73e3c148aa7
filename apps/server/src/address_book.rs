//! The use cases of the address book, which both surfaces and the tests use.

use std::sync::Arc;

use msgflash_contacts::ports::{
    BookReader, BulkUnits, ContactUnits, ExportReader, GroupReader, GroupUnits, ImportReader,
    ImportUnits, JobReader,
};
use msgflash_contacts::{
    BulkContacts, CancelJob, ChangeContact, ChangeGroup, CreateContact, CreateGroup, DeleteContact,
    DeleteGroup, ExportContacts, ReadContacts, ReadGroups, ReadImports, ReadJobs, StartImport,
};
use msgflash_kernel::{Clock, Ids, Nudge};

/// What the address book needs.
pub struct AddressBookPorts {
    /// Changes contacts.
    pub contact_units: Arc<dyn ContactUnits>,
    /// Changes groups.
    pub group_units: Arc<dyn GroupUnits>,
    /// Changes many contacts.
    pub bulk_units: Arc<dyn BulkUnits>,
    /// Shows contacts.
    pub book: Arc<dyn BookReader>,
    /// Shows groups.
    pub groups: Arc<dyn GroupReader>,
    /// Shows jobs.
    pub jobs: Arc<dyn JobReader>,
    /// Takes contacts from files.
    pub import_units: Arc<dyn ImportUnits>,
    /// Shows imports.
    pub imports: Arc<dyn ImportReader>,
    /// Reads a book from end to end.
    pub export: Arc<dyn ExportReader>,
    /// Wakes whoever works on jobs.
    pub wake: Arc<dyn Nudge>,
    /// Wakes whoever works on imports.
    pub wake_imports: Arc<dyn Nudge>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids.
    pub ids: Arc<dyn Ids>,
}

/// Everything that can be done with contacts, groups, bulk jobs and files.
pub struct AddressBook {
    /// Makes contacts.
    pub create_contact: CreateContact,
    /// Changes them.
    pub change_contact: ChangeContact,
    /// Deletes them.
    pub delete_contact: DeleteContact,
    /// Reads them.
    pub read_contacts: ReadContacts,
    /// Makes groups.
    pub create_group: CreateGroup,
    /// Changes them.
    pub change_group: ChangeGroup,
    /// Deletes them.
    pub delete_group: DeleteGroup,
    /// Reads them and their members.
    pub read_groups: ReadGroups,
    /// Changes many contacts at once.
    pub bulk_contacts: BulkContacts,
    /// Reads bulk jobs.
    pub read_jobs: ReadJobs,
    /// Stops them.
    pub cancel_job: CancelJob,
    /// Takes contacts from files.
    pub start_import: StartImport,
    /// Reads imports.
    pub read_imports: ReadImports,
    /// Writes contacts into files.
    pub export_contacts: ExportContacts,
}

impl AddressBook {
    /// Wires the use cases.
    pub fn new(ports: AddressBookPorts) -> Self {
        let clock = || Arc::clone(&ports.clock);
        let ids = || Arc::clone(&ports.ids);
        let contacts = || Arc::clone(&ports.contact_units);
        let groups = || Arc::clone(&ports.group_units);
        let bulk = || Arc::clone(&ports.bulk_units);
        Self {
            create_contact: CreateContact::new(contacts(), clock(), ids()),
            change_contact: ChangeContact::new(contacts(), clock()),
            delete_contact: DeleteContact::new(contacts()),
            read_contacts: ReadContacts::new(ports.book, Arc::clone(&ports.groups), clock()),
            create_group: CreateGroup::new(groups(), clock(), ids()),
            change_group: ChangeGroup::new(groups(), clock()),
            delete_group: DeleteGroup::new(groups()),
            read_groups: ReadGroups::new(ports.groups),
            bulk_contacts: BulkContacts::new(bulk(), clock(), ids(), ports.wake),
            read_jobs: ReadJobs::new(ports.jobs),
            cancel_job: CancelJob::new(bulk(), clock()),
            start_import: StartImport::new(ports.import_units, clock(), ids(), ports.wake_imports),
            read_imports: ReadImports::new(ports.imports),
            export_contacts: ExportContacts::new(ports.export, clock()),
        }
    }
}
