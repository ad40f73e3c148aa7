//! The life of an instance over HTTP, apart from its creation.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Call;
use crate::answer::{self, Answer, Reply};
use crate::fault::{Fault, Phase};
use crate::gateway::Gateway;
use crate::hook::{self, Event};
use crate::instance::{Instance, Live, Qr};
use crate::session;

const CONNECT_WAIT: Duration = Duration::from_secs(2);
/// The clean-up after a delete.
const CLEAN_UP: Duration = Duration::from_millis(400);
const LINGER: Duration = Duration::from_secs(5);
/// Real time after which a QR code is not waited for any longer.
const QR_PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn state(instance: &Instance) -> Answer {
    let mut shown = json!({ "instanceName": instance.name });
    if let Some(live) = instance.live() {
        shown["state"] = json!(live.word());
    }
    Answer::ok(&json!({ "instance": shown }))
}

pub(super) async fn connect(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    let gateway = call.gateway;
    match instance.live() {
        None => return Err(answer::failed_ok()),
        Some(Live::Open) => return Ok(state(instance)),
        Some(Live::Connecting) => {}
        Some(Live::Close) => {
            let number = call.query("number").map(str::to_owned);
            instance.change(|state| {
                state.qr = Qr {
                    number,
                    ..Qr::default()
                }
            });
            session::start(gateway, instance);
            let code = until_code(gateway, instance);
            futures_util::future::join(gateway.pace.pause(CONNECT_WAIT), code).await;
        }
    }
    Ok(Answer::ok(&instance.with(|state| shown_qr(&state.qr))))
}

/// Waits for the first QR code of a socket. It comes well within the fixed waits; this matters
/// when those take no time.
pub(super) async fn until_code(gateway: &Gateway, instance: &Instance) {
    if gateway.mode().is_reachable {
        let shown =
            instance.until(|state| state.qr.count > 0 || state.live != Some(Live::Connecting));
        let _ = tokio::time::timeout(QR_PATIENCE, shown).await;
    }
}

/// A QR holder; before the first code it holds the counter only.
pub(super) fn shown_qr(qr: &Qr) -> Value {
    if qr.count == 0 {
        return json!({ "count": 0 });
    }
    json!({
        "pairingCode": qr.pairing_code,
        "code": qr.code,
        "base64": qr.base64,
        "count": qr.count,
    })
}

pub(super) fn restart(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    match instance.live() {
        Some(Live::Open) => {
            let before = state(instance);
            session::start(call.gateway, instance);
            Ok(before)
        }
        Some(Live::Connecting) => {
            let stale = instance.with(|state| shown_qr(&state.qr));
            session::start(call.gateway, instance);
            Ok(Answer::ok(&stale))
        }
        Some(Live::Close) | None => Err(answer::failed_ok()),
    }
}

fn logged_out() -> Answer {
    done("Instance logged out")
}

fn done(text: &str) -> Answer {
    Answer::ok(&json!({
        "status": "SUCCESS",
        "error": false,
        "response": { "message": text },
    }))
}

pub(super) fn logout(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    let (live, is_dead) = instance.with(|state| (state.live, state.is_dead));
    match live {
        None => Ok(logged_out()), // It says so and does nothing.
        Some(Live::Close) if call.gateway.mode().is_next() => {
            Ok(done("Instance was already disconnected"))
        }
        Some(Live::Close) => {
            let name = &instance.name;
            Err(answer::bad_request(&format!(
                "The \"{name}\" instance is not connected"
            )))
        }
        Some(_) if is_dead => Err(answer::internal("Error: Connection Closed")),
        Some(_) => {
            close_by_hand(call.gateway, instance);
            Ok(logged_out())
        }
    }
}

fn close_by_hand(gateway: &Arc<Gateway>, instance: &Arc<Instance>) {
    session::close(
        gateway,
        instance,
        401,
        &format!("Log out instance: {}", instance.name),
    );
}

pub(super) fn delete(call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
    let gateway = call.gateway;
    let fault = gateway.fault(Phase::Delete, &instance.name, None);
    let (live, is_dead) = instance.with(|state| (state.live, state.is_dead));
    let is_stuck = is_dead && !gateway.mode().is_next();
    if is_stuck
        || fault
            .as_ref()
            .is_some_and(|fault| fault.fault == Fault::DeleteFails)
    {
        return Err(answer::bad_request("[object Object]"));
    }
    if matches!(live, Some(Live::Open | Live::Connecting)) {
        close_by_hand(gateway, instance);
    }
    let data = json!({ "instanceName": instance.name, "instanceId": instance.id }).to_string();
    hook::emit(gateway, instance, Event::InstanceDelete, data.as_bytes());
    hook::emit(gateway, instance, Event::RemoveInstance, b"null");

    // The row goes after the answer; until then the name is taken.
    match fault {
        None if gateway.pace.is_instant() => {
            gateway.remove(&instance.name);
        }
        fault => {
            let lingering = fault.map(|fault| fault.ms.map_or(LINGER, Duration::from_millis));
            let (gateway, name) = (Arc::clone(gateway), instance.name.clone());
            let tasks = gateway.tasks.clone();
            tasks.spawn(async move {
                match lingering {
                    // A failure asked for by name happens even while delays are off.
                    Some(wait) if gateway.pace.is_instant() => tokio::time::sleep(wait).await,
                    Some(wait) => gateway.pace.pause(wait).await,
                    None => gateway.pace.pause(CLEAN_UP).await,
                }
                gateway.remove(&name);
            });
        }
    }
    Ok(done("Instance deleted"))
}
