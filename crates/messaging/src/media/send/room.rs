//! How many bytes are under way at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use msgflash_kernel::WorkspaceId;
use time::{Duration, OffsetDateTime};

use crate::media::link::Ticket;

/// How long a place is kept for the next try of a call that came too late.
const PARKED: Duration = Duration::seconds(30);

/// A bounded number of bytes, of which one workspace has half at most: whoever sends large files all
/// the time must not hold up everybody else's.
#[derive(Debug)]
pub(super) struct Room {
    most: u64,
    taken: Mutex<HashMap<WorkspaceId, u64>>,
}

/// Room for the bytes of one call, until it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    ticket: Ticket,
    workspace: WorkspaceId,
    /// The bytes, once they were read for a call that then came too late.
    bytes: Option<Bytes>,
}

/// Places of calls that came too late, with their bytes, for the next try.
#[derive(Debug, Default)]
pub(super) struct Parked(Mutex<Vec<(OffsetDateTime, Place)>>);

impl Parked {
    /// Keeps a place with its bytes.
    pub(super) fn put(&self, mut place: Place, bytes: Bytes, now: OffsetDateTime) {
        place.bytes = Some(bytes);
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((now, place));
    }

    /// A place that was kept for this file. Those nobody came back for are given up: their lanes are
    /// others' now.
    pub(super) fn take(&self, ticket: &Ticket, now: OffsetDateTime) -> Option<Place> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(at, _)| now - *at < PARKED);
        let at = all.iter().position(|(_, place)| place.ticket == *ticket)?;
        Some(all.swap_remove(at).1)
    }
}

impl Room {
    pub(super) fn of(most: u64) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { most, taken })
    }

    /// A place for what a ticket opens, if there is room now.
    pub(super) fn enter(self: &Arc<Self>, ticket: Ticket, workspace: WorkspaceId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let size = u64::from(ticket.size);
        let all: u64 = taken.values().sum();
        let own = taken.get(&workspace).copied().unwrap_or_default();
        if all.saturating_add(size) > self.most || own.saturating_add(size) > self.most / 2 {
            return None;
        }
        taken.insert(workspace, own + size);
        Some(Place {
            room: Arc::clone(self),
            ticket,
            workspace,
            bytes: None,
        })
    }
}

impl Place {
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(super) fn bytes(&self) -> Option<Bytes> {
        self.bytes.clone()
    }

    pub(super) fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &self.room.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = taken.get_mut(&self.workspace) {
            *own -= u64::from(self.ticket.size);
            if *own == 0 {
                taken.remove(&self.workspace);
            }
        }
    }
}
