//! The gateway as a whole.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::Bytes;
use serde::Deserialize;
use serde_json::json;

use super::{Outcome, Refused, Shared, done, read_body};
use crate::gateway::Version;
use crate::process;

pub(super) async fn show(gateway: Shared) -> HttpResponse {
    let mode = gateway.mode();
    HttpResponse::Ok().json(json!({
        "url": gateway.url(),
        "isUp": gateway.is_up(),
        "timeScale": gateway.pace.scale(),
        "version": mode.version,
        "licensed": mode.is_licensed,
        "reachable": mode.is_reachable,
        "autoScan": mode.auto_scan,
        "specialNumbers": mode.special_numbers,
        "readShare": mode.read_share,
        "qrLimit": mode.qr_limit,
    }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Change {
    time_scale: Option<f64>,
    version: Option<Version>,
    licensed: Option<bool>,
    reachable: Option<bool>,
    auto_scan: Option<bool>,
    special_numbers: Option<bool>,
    read_share: Option<f64>,
    qr_limit: Option<u32>,
}

pub(super) async fn change(gateway: Shared, body: Bytes) -> Outcome {
    let change: Change = read_body(&body)?;
    if change.time_scale.is_some_and(|scale| scale < 0.0) {
        return Err(Refused::invalid("`timeScale` is 0 or more"));
    }
    if change
        .read_share
        .is_some_and(|share| !(0.0..=1.0).contains(&share))
    {
        return Err(Refused::invalid("`readShare` is between 0 and 1"));
    }
    if let Some(scale) = change.time_scale {
        gateway.pace.set(scale);
    }
    gateway.change_mode(|mode| {
        mode.version = change.version.unwrap_or(mode.version);
        mode.is_licensed = change.licensed.unwrap_or(mode.is_licensed);
        mode.is_reachable = change.reachable.unwrap_or(mode.is_reachable);
        mode.auto_scan = change.auto_scan.unwrap_or(mode.auto_scan);
        mode.special_numbers = change.special_numbers.unwrap_or(mode.special_numbers);
        mode.read_share = change.read_share.unwrap_or(mode.read_share);
        mode.qr_limit = change.qr_limit.unwrap_or(mode.qr_limit);
    });
    Ok(show(gateway).await)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Restart {
    /// Simulated time without any answer.
    #[serde(default = "Restart::usual_down")]
    down_ms: u64,
    /// Simulated time with nothing loaded.
    #[serde(default = "Restart::usual_cold")]
    cold_ms: u64,
    /// Answer only when everything is loaded again.
    #[serde(default)]
    wait: bool,
}

impl Restart {
    fn usual_down() -> u64 {
        2000
    }

    fn usual_cold() -> u64 {
        3000
    }
}

/// The process dies and comes back. Webhooks it still wanted to repeat are lost.
pub(super) async fn restart(gateway: Shared, body: Bytes) -> Outcome {
    let restart: Restart = read_body(&body)?;
    if !gateway.is_up() {
        return Err(Refused::conflict("the gateway is restarting already"));
    }
    let gateway = gateway.get_ref().clone();
    let tasks = gateway.tasks.clone();
    // From the answer on, not from some moment after it.
    gateway.go_down().await;
    let work = tasks.spawn(async move {
        let down = Duration::from_millis(restart.down_ms);
        let cold = Duration::from_millis(restart.cold_ms);
        process::restart(&gateway, down, cold).await;
    });
    if restart.wait {
        let _ = work.await;
    }
    Ok(done())
}

/// The process dies and stays away.
pub(super) async fn down(gateway: Shared) -> Outcome {
    if !gateway.is_up() {
        return Err(Refused::conflict("the gateway is down already"));
    }
    gateway.go_down().await;
    process::unload_all(&gateway);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Up {
    /// Nothing is loaded, until each instance is asked to be.
    #[serde(default)]
    cold: bool,
}

/// The process comes back.
pub(super) async fn up(gateway: Shared, body: Bytes) -> Outcome {
    let up: Up = read_body(&body)?;
    if gateway.is_up() {
        return Err(Refused::conflict("the gateway is up already"));
    }
    gateway.come_up().await;
    if !up.cold {
        process::load_all(&gateway);
    }
    Ok(done())
}

/// Forgets instances, messages, failures, recipients and logs; the switches stay.
pub(super) async fn reset(gateway: Shared) -> HttpResponse {
    gateway.end_life();
    for instance in gateway.instances() {
        process::unload(&instance);
        instance.book(crate::book::Book::clear);
        gateway.remove(&instance.name);
    }
    gateway.faults.clear(|_| true);
    gateway.recipients.clear();
    gateway.requests.clear();
    gateway.deliveries.clear();
    done()
}
