//! The address book of a workspace: contacts, groups of them, and changes of many at once.
//!
//! Knows people by name and number within one workspace; refuses to know what is sent to them. Start
//! at [`contact`] and [`group`] for what is kept, at [`rules`] for what may be written, at [`ports`]
//! for how changes of one book follow each other, at [`list`] and [`query`] for how lists are walked,
//! at [`bulk`] and [`jobs`] for how thousands of contacts are changed, and at [`mod@file`], [`imports`] and
//! [`export`] for how they come and go as CSV. [`suppression`] is the list of who must not be written to.
//!
//! The ports to implement are in [`ports`] and in [`suppression::ports`]; who only sends asks for two of them,
//! [`ContactReader`] and [`SuppressionReader`](suppression::ports::SuppressionReader). Mocks come with the
//! feature `mocks`.
//!
//! ```
//! use msgflash_contacts::rules;
//! use msgflash_contacts::suppression::words::says_stop;
//! use msgflash_kernel::Problems;
//!
//! let mut problems = Problems::default();
//! let name = rules::noted(&mut problems, "name", rules::name("  Awa Diop "));
//! assert_eq!(name.as_deref(), Some("Awa Diop"));
//! rules::noted(&mut problems, "phone", rules::phone("not a number"));
//! assert_eq!(problems.0[0].code, "invalid_phone");
//!
//! assert!(says_stop(" STOP! ", &["stop"]));
//! assert!(!says_stop("we stop at the shop", &["stop"]));
//! ```

pub mod bulk;
pub mod contact;
pub mod error;
pub mod export;
pub mod file;
pub mod fold;
pub mod group;
pub mod groups;
pub mod import;
pub mod imports;
pub mod job;
pub mod jobs;
pub mod list;
pub mod manage;
mod once;
pub mod ports;
pub mod query;
pub mod read;
pub mod rules;
pub mod search;
pub mod suppression;
pub mod temperature;

#[cfg(test)]
mod testing;

pub use bulk::{BulkContacts, BulkOrder, BulkOutcome, BulkResult};
pub use contact::{Contact, ContactEntry, ContactId};
pub use error::ContactError;
pub use export::{Export, ExportContacts};
pub use file::{FileError, ReportEntry};
pub use group::{Group, GroupId, Member};
pub use groups::{ChangeGroup, CreateGroup, DeleteGroup, GroupChange, GroupOrder, ReadGroups};
pub use import::{Import, ImportId, ImportStatus};
pub use imports::{ImportError, ImportOrder, ReadImports, RunImports, StartImport};
pub use job::{Counters, Job, JobId, JobStatus, Operation};
pub use jobs::{CancelJob, ReadJobs, RunJobs};
pub use list::{Listing, Total};
pub use manage::{ChangeContact, ContactChange, ContactOrder, CreateContact, DeleteContact};
pub use ports::{ContactReader, JobPage};
pub use query::{ContactQuery, Sort};
pub use read::ReadContacts;
pub use search::Search;
pub use suppression::{OptOutSettings, Suppression};
pub use temperature::Temperature;

#[cfg(any(test, feature = "mocks"))]
pub use ports::{
    MockBookReader, MockBookStore, MockContactReader, MockContactStore, MockExportReader,
    MockGroupReader, MockGroupStore, MockImportReader, MockImportStore, MockJobReader,
    MockJobStore,
};
#[cfg(any(test, feature = "mocks"))]
pub use suppression::ports::{MockSilence, MockSuppressionReader, MockSuppressionStore};
