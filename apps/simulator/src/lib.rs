//! A simulator of the Evolution API `WhatsApp` gateway, release 2.3.7: the same routes, answers,
//! odd errors, webhooks and delays, with no `WhatsApp` behind them. Programs start it as a process
//! (`src/main.rs`); tests and demos start it in-process with
//! [`Simulator::start`] and steer it through its control API under `/simulator`, which
//! `docs/simulator.md` describes. It keeps everything in memory and knows nothing about its
//! callers. Start reading at `api.rs` (requests), `session.rs` (connections), `message/send.rs`
//! (sending) and `hook/delivery.rs` (webhooks).

mod acks;
mod answer;
mod api;
mod book;
mod chance;
mod clock;
mod connection;
mod control;
mod door;
mod fault;
mod gateway;
mod hook;
mod inbound;
mod instance;
mod jid;
mod log;
mod message;
mod options;
mod pace;
mod process;
mod qr;
mod recipient;
mod running;
mod schema;
mod session;
mod special;

use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub use fault::Fault;
pub use gateway::Version;
pub use options::Options;
pub use running::{Running, Simulator};
pub use special::SPECIAL_NUMBERS;

/// Locks; a panic elsewhere does not make the data unusable for a simulator.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}
