//! What happens to a connection from outside.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};
use serde::Deserialize;

use super::{Outcome, Refused, Shared, done, find, read_body};
use crate::control::observe::shown;
use crate::instance::{Instance, Live, Owner};
use crate::{process, session};

/// Real time a scan waits for a QR code to scan.
const QR_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Phone {
    number: Option<String>,
    profile_name: Option<String>,
}

impl Phone {
    fn owner(&self, instance: &Instance) -> Owner {
        if let Some(number) = &self.number {
            session::owner(number, self.profile_name.as_deref())
        } else {
            let usual = session::made_up_owner(instance);
            Owner {
                name: self.profile_name.clone().unwrap_or(usual.name),
                ..usual
            }
        }
    }
}

/// Scans the QR code on show; answers when the connection is open.
pub(super) async fn scan(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let phone: Phone = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    let has_code = instance.until(|state| state.qr.count > 0);
    let is_connecting = instance.live() == Some(Live::Connecting);
    if !is_connecting || tokio::time::timeout(QR_PATIENCE, has_code).await.is_err() {
        return Err(Refused::conflict(
            "there is no QR code to scan: call connect first",
        ));
    }
    session::scan(&gateway, &instance, phone.owner(&instance)).await;
    Ok(HttpResponse::Ok().json(shown(&instance)))
}

/// Opens the connection at once, whatever its state.
pub(super) async fn open(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let phone: Phone = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    instance.with(|state| state.session += 1);
    session::open(&gateway, &instance, Some(phone.owner(&instance)));
    Ok(HttpResponse::Ok().json(shown(&instance)))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cause {
    code: u16,
    /// The connection does not come back by itself.
    #[serde(default)]
    stays: bool,
}

/// Ends the connection as `WhatsApp` would, with a code.
pub(super) async fn drop(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let cause: Cause = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    if instance.live().is_none_or(|live| live == Live::Close) {
        return Err(Refused::conflict("there is no connection to drop"));
    }
    let is_final = match cause.code {
        401 | 402 | 403 | 406 => true,
        408 => gateway.mode().is_next(),
        428 | 440 | 500 | 503 | 515 => false,
        code => {
            return Err(Refused::invalid(format!(
                "{code} is no code WhatsApp closes with"
            )));
        }
    };
    if is_final {
        let message = match cause.code {
            401 => "Stream Errored (conflict)",
            402 => "payment required",
            403 => "forbidden",
            406 => "not acceptable",
            _ => "Connection was lost",
        };
        session::close(&gateway, &instance, cause.code, message);
    } else {
        session::reconnect(&gateway, &instance, !cause.stays);
    }
    Ok(done())
}

/// `WhatsApp` bans the number.
pub(super) async fn ban(gateway: Shared, name: Path<String>) -> Outcome {
    let body = Bytes::from_static(br#"{"code":403}"#);
    drop(gateway, name, body).await
}

/// Breaks the socket under an open state; a restart of the instance heals it.
pub(super) async fn dead(gateway: Shared, name: Path<String>) -> Outcome {
    let instance = find(&gateway, &name)?;
    if instance.live() != Some(Live::Open) {
        return Err(Refused::conflict(
            "only an open instance can be dead underneath",
        ));
    }
    instance.change(|state| state.is_dead = true);
    Ok(done())
}

pub(super) async fn unload(gateway: Shared, name: Path<String>) -> Outcome {
    process::unload(&*find(&gateway, &name)?);
    Ok(done())
}

pub(super) async fn load(gateway: Shared, name: Path<String>) -> Outcome {
    let instance = find(&gateway, &name)?;
    if instance.live().is_some() {
        return Err(Refused::conflict("the instance is loaded"));
    }
    process::load(&gateway, &instance);
    Ok(done())
}

/// The QR code on show expires now.
pub(super) async fn next_qr(gateway: Shared, name: Path<String>) -> Outcome {
    let instance = find(&gateway, &name)?;
    let shown = instance.with(|state| state.qr.count);
    if shown == 0 {
        return Err(Refused::conflict("there is no QR code on show"));
    }
    instance.next_qr.notify_one();
    instance.until(|state| state.qr.count != shown).await;
    Ok(HttpResponse::Ok().json(super::observe::shown(&instance)))
}

/// The gateway has shown its last QR code.
pub(super) async fn qr_limit(gateway: Shared, name: Path<String>) -> Outcome {
    let instance = find(&gateway, &name)?;
    if instance.live() != Some(Live::Connecting) {
        return Err(Refused::conflict("the instance is not connecting"));
    }
    session::refuse(&gateway, &instance);
    Ok(done())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Storm {
    #[serde(default = "Storm::usual_count")]
    count: u32,
    /// Simulated milliseconds between two events.
    #[serde(default)]
    gap_ms: u64,
}

impl Storm {
    fn usual_count() -> u32 {
        200
    }
}

/// Many `connecting` events in a row, as from a gateway without a route to `WhatsApp`.
pub(super) async fn storm(gateway: Shared, name: Path<String>, body: Bytes) -> Outcome {
    let storm: Storm = read_body(&body)?;
    let instance = find(&gateway, &name)?;
    let gateway = gateway.get_ref().clone();
    let tasks = gateway.tasks.clone();
    tasks.spawn(async move {
        for _ in 0..storm.count {
            session::announce_connecting(&gateway, &instance);
            gateway
                .pace
                .pause(Duration::from_millis(storm.gap_ms))
                .await;
        }
    });
    Ok(done())
}
