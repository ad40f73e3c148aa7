//! Words that every domain shares: ids, time, pages, faults, tenants, units of work.
//!
//! The kernel knows no product rule, no database, no HTTP and no clock on the wall; each of those
//! comes in through a port. Start reading at [`fault`] for how refusals travel and at [`mod@unit`] for
//! how writes stay together.
//!
//! Of its ports, time and ids have adapters here that are fit for use: [`SystemClock`] and [`RandomIds`], with
//! [`FixedClock`] and [`SequentialIds`] beside them for tests. A store brings [`Unit`], [`Outbox`] and
//! [`ReplayStore`], a process [`Random`] and [`Announce`]. Mocks come with the feature `mocks`.
//!
//! ```
//! use msgflash_kernel::{Actor, Clock, FixedClock, Id, Ids, Phone, SequentialIds, Workspace};
//! use time::Duration;
//! use time::macros::datetime;
//!
//! let ids = SequentialIds::default();
//! let owner = Id::new(ids.next());
//! let actor = Actor::new(Workspace::personal(owner), owner);
//! assert_eq!(actor.workspace.owner(), owner);
//!
//! let clock = FixedClock::at(datetime!(2026-05-20 12:00 UTC));
//! clock.advance(Duration::HOUR);
//! assert_eq!(clock.now(), datetime!(2026-05-20 13:00 UTC));
//!
//! let phone = Phone::parse("+33 6 12 34 56 78").expect("a possible number");
//! assert_eq!(phone.to_string(), "+33612345678");
//! ```

pub mod announce;
pub mod clock;
pub mod fault;
pub mod group;
pub mod id;
pub mod page;
pub mod phone;
pub mod places;
pub mod random;
pub mod replay;
pub mod secret;
pub mod tenant;
pub mod tick;
pub mod unit;

pub use announce::{Announce, NoAnnouncement};
pub use clock::{Clock, FixedClock, SystemClock};
pub use fault::{Fault, Kind, Problem, Problems, StoreError};
pub use group::{GroupGone, GroupWorker, Groups, groups};
pub use id::{Id, Ids, RandomIds, SequentialIds};
pub use page::{Cursor, InvalidCursor, Page, PageRequest};
pub use phone::{InvalidPhone, Phone};
pub use places::Places;
pub use random::{CountingRandom, Random};
pub use replay::{Claim, Once, Outcome, ReplayKey, ReplayReader, ReplayStore, StoredAnswer};
pub use secret::Secret;
pub use tenant::{AccountId, Actor, Reach, TeamId, UserId, Workspace, WorkspaceId};
pub use tick::{NoNudge, Nudge, Tick};
pub use unit::{Event, EventId, Outbox, Unit};

#[cfg(any(test, feature = "mocks"))]
pub use announce::MockAnnounce;
#[cfg(any(test, feature = "mocks"))]
pub use replay::{MockReplayReader, MockReplayStore};
#[cfg(any(test, feature = "mocks"))]
pub use unit::MockOutbox;
