//! How many bytes are under way at once.

use std::sync::{Arc, Mutex, PoisonError};

use msgflash_kernel::WorkspaceId;

use crate::media::link::Ticket;

/// A bounded number of bytes.
#[derive(Debug)]
pub(super) struct Room {
    most: u64,
    taken: Mutex<u64>,
}

/// Room for the bytes of one call, until it is dropped.
#[derive(Debug)]
pub struct Place {
    room: Arc<Room>,
    ticket: Ticket,
    workspace: WorkspaceId,
}

impl Room {
    pub(super) fn of(most: u64) -> Arc<Self> {
        let taken = Mutex::default();
        Arc::new(Self { most, taken })
    }

    /// A place for what a ticket opens, if there is room now.
    pub(super) fn enter(self: &Arc<Self>, ticket: Ticket, workspace: WorkspaceId) -> Option<Place> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let then = taken.saturating_add(u64::from(ticket.size));
        if then > self.most {
            return None;
        }
        *taken = then;
        Some(Place {
            room: Arc::clone(self),
            ticket,
            workspace,
        })
    }
}

impl Place {
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(super) fn workspace(&self) -> WorkspaceId {
        self.workspace
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = &self.room.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        *taken -= u64::from(self.ticket.size);
    }
}
