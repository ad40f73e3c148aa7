//! The gateway as a process: what is in its memory, and what a restart does to that.

use std::sync::Arc;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::instance::{Instance, Live, Qr};
use crate::session;

/// Loads an instance as a starting gateway does: closed ones stay closed.
pub(crate) fn load(gateway: &Arc<Gateway>, instance: &Arc<Instance>) {
    if instance.with(|state| state.stored) == Live::Close {
        instance.change(|state| {
            state.live = Some(Live::Close);
            state.has_socket = false;
        });
        return;
    }
    session::start(gateway, instance);
}

/// Takes an instance out of memory; its database row stays.
pub(crate) fn unload(instance: &Instance) {
    instance.change(|state| {
        state.session += 1;
        state.live = None;
        state.has_socket = false;
        state.is_dead = false;
        state.qr = Qr::default();
    });
}

/// The rest of a restart, once the process is gone: up with nothing loaded, then as before.
pub(crate) async fn restart(gateway: &Arc<Gateway>, down: Duration, cold: Duration) {
    unload_all(gateway);
    gateway.pace.pause(down).await;
    gateway.come_up().await;
    gateway.pace.pause(cold).await;
    load_all(gateway);
}

/// Loads whatever is not in memory.
pub(crate) fn load_all(gateway: &Arc<Gateway>) {
    for instance in gateway.instances() {
        if instance.live().is_none() {
            load(gateway, &instance);
        }
    }
}

/// Takes everything out of memory.
pub(crate) fn unload_all(gateway: &Gateway) {
    for instance in gateway.instances() {
        unload(&instance);
    }
}
