//! The life of one instance's connection: sockets, QR codes, pairing, drops and restarts.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::clock;
use crate::gateway::Gateway;
use crate::hook::{self, Event};
use crate::instance::{Disconnection, Instance, Live, Owner, Qr};
use crate::qr;

const QR_LIFE: Duration = Duration::from_secs(45);
/// `WhatsApp` hands out so many per socket; then the gateway opens another.
const QRS_PER_SOCKET: u32 = 6;
/// Without a route to `WhatsApp` the gateway tries again and again; never without a breath here.
const STORM_PAUSE: Duration = Duration::from_millis(700);
const STORM_BREATH: Duration = Duration::from_millis(50);
const PICTURE: &str = "https://pps.whatsapp.net/v/t61.24694-24/example.jpg";

/// Starts a new socket; whatever an older one was doing ends.
pub(crate) fn start(gateway: &Arc<Gateway>, instance: &Arc<Instance>) {
    let is_reachable = gateway.mode().is_reachable;
    let session = instance.change(|state| {
        state.session += 1;
        state.has_socket = true;
        state.is_dead = false;
        if is_reachable {
            state.live = Some(Live::Connecting);
            state.stored = Live::Connecting;
        } else {
            state.live = Some(Live::Close);
        }
        state.session
    });
    let (gateway, instance) = (Arc::clone(gateway), Arc::clone(instance));
    let tasks = gateway.tasks.clone();
    tasks.spawn(async move { run(&gateway, &instance, session).await });
}

fn is_current(instance: &Instance, session: u64) -> bool {
    instance.with(|state| state.session == session && state.live.is_some())
}

async fn run(gateway: &Arc<Gateway>, instance: &Arc<Instance>, session: u64) {
    while !gateway.mode().is_reachable {
        announce_connecting(gateway, instance);
        tokio::time::sleep(STORM_BREATH).await;
        gateway.pace.pause(STORM_PAUSE).await;
        if !is_current(instance, session) {
            return;
        }
    }
    instance.change(|state| {
        if state.session == session && state.live.is_some() {
            state.live = Some(Live::Connecting);
            state.stored = Live::Connecting;
        }
    });
    announce_connecting(gateway, instance);
    gateway.pace.pause(gateway.chance.millis(300..1500)).await;
    if !is_current(instance, session) {
        return;
    }
    if instance.with(|state| state.is_registered) {
        open(gateway, instance, None);
    } else {
        show_codes(gateway, instance, session).await;
    }
}

/// One QR code after the other until somebody scans or the limit is reached.
async fn show_codes(gateway: &Arc<Gateway>, instance: &Arc<Instance>, session: u64) {
    let mut on_this_socket = 0;
    while is_current(instance, session) {
        let shown = instance.with(|state| state.qr.count);
        if shown >= gateway.mode().qr_limit {
            refuse(gateway, instance);
            return;
        }
        if on_this_socket == QRS_PER_SOCKET {
            on_this_socket = 0;
            announce_connecting(gateway, instance);
            gateway.pace.pause(gateway.chance.millis(300..1500)).await;
            continue;
        }
        on_this_socket += 1;
        show_code(gateway, instance, session);
        tokio::select! {
            () = gateway.pace.pause_or_forever(QR_LIFE) => {}
            () = instance.next_qr.notified() => {}
        }
    }
}

fn show_code(gateway: &Arc<Gateway>, instance: &Arc<Instance>, session: u64) {
    let code = gateway.chance.qr_text();
    let base64 = qr::data_uri(&code);
    let shown = instance.change(|state| {
        if state.session != session {
            return None;
        }
        let pairing_code = state
            .qr
            .number
            .is_some()
            .then(|| gateway.chance.pairing_code());
        state.qr = Qr {
            count: state.qr.count + 1,
            code,
            base64,
            pairing_code,
            number: state.qr.number.take(),
        };
        Some(state.qr.clone())
    });
    let Some(shown) = shown else { return };
    let data = json!({ "qrcode": {
        "instance": instance.name,
        "pairingCode": shown.pairing_code,
        "code": shown.code,
        "base64": shown.base64,
    } });
    emit(gateway, instance, Event::QrcodeUpdated, &data);
    if gateway.mode().auto_scan {
        let (gateway, instance) = (Arc::clone(gateway), Arc::clone(instance));
        let tasks = gateway.tasks.clone();
        tasks.spawn(async move {
            gateway.pace.pause(gateway.chance.millis(1000..3000)).await;
            if is_current(&instance, session) {
                let owner = made_up_owner(&instance);
                scan(&gateway, &instance, owner).await;
            }
        });
    }
}

/// Too many QR codes: the gateway gives up until somebody connects again.
pub(crate) fn refuse(gateway: &Arc<Gateway>, instance: &Arc<Instance>) {
    instance.change(|state| {
        state.session += 1;
        state.live = Some(Live::Close); // The database keeps saying connecting.
        state.qr = Qr::default();
    });
    let data = json!({
        "message": "QR code limit reached, please login again",
        "statusCode": 500,
    });
    emit(gateway, instance, Event::QrcodeUpdated, &data);
    let data = json!({ "instance": instance.name, "state": "refused", "statusReason": 428 });
    emit(gateway, instance, Event::ConnectionUpdate, &data);
}

/// An owner for those who do not care which: the number of the create, or one made of the name.
pub(crate) fn made_up_owner(instance: &Instance) -> Owner {
    let number = instance.number.clone().unwrap_or_else(|| {
        let sum = instance.name.bytes().fold(7_u32, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(u32::from(byte))
        });
        format!("1555020{:04}", sum % 10_000)
    });
    owner(&number, Some(&instance.name))
}

/// The account with this number.
pub(crate) fn owner(number: &str, name: Option<&str>) -> Owner {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    Owner {
        jid: format!("{digits}@s.whatsapp.net"),
        name: name.unwrap_or("Simulated account").to_owned(),
        picture: PICTURE.to_owned(),
    }
}

/// The phone scans: the socket restarts with credentials, then opens.
pub(crate) async fn scan(gateway: &Arc<Gateway>, instance: &Arc<Instance>, owner: Owner) {
    let session = instance.change(|state| {
        state.session += 1;
        state.is_registered = true;
        state.session
    });
    gateway.pace.pause(gateway.chance.millis(300..1200)).await;
    if !is_current(instance, session) {
        return;
    }
    announce_connecting(gateway, instance);
    gateway.pace.pause(gateway.chance.millis(400..2500)).await;
    if is_current(instance, session) {
        open(gateway, instance, Some(owner));
    }
}

/// The connection stands.
pub(crate) fn open(gateway: &Arc<Gateway>, instance: &Arc<Instance>, owner: Option<Owner>) {
    let owner = instance.change(|state| {
        if let Some(owner) = owner {
            state.owner = Some(owner);
        }
        state.has_socket = true;
        state.is_dead = false;
        state.is_registered = true;
        state.live = Some(Live::Open);
        state.stored = Live::Open;
        state.qr = Qr::default();
        state.owner.clone()
    });
    let Some(owner) = owner else { return };
    let data = json!({
        "instance": instance.name,
        "wuid": owner.jid,
        "profileName": owner.name,
        "profilePictureUrl": owner.picture,
        "state": "open",
        "statusReason": 200,
    });
    emit(gateway, instance, Event::ConnectionUpdate, &data);
}

/// The socket closes and opens again by itself, or stays away.
pub(crate) fn reconnect(gateway: &Arc<Gateway>, instance: &Arc<Instance>, comes_back: bool) {
    let session = instance.change(|state| {
        state.session += 1;
        state.is_dead = false;
        state.live = Some(Live::Connecting);
        state.stored = Live::Connecting;
        state.session
    });
    announce_connecting(gateway, instance);
    if !comes_back {
        return;
    }
    let (gateway, instance) = (Arc::clone(gateway), Arc::clone(instance));
    let tasks = gateway.tasks.clone();
    tasks.spawn(async move {
        gateway.pace.pause(gateway.chance.millis(400..2000)).await;
        if !is_current(&instance, session) {
            return;
        }
        if instance.with(|state| state.is_registered) {
            open(&gateway, &instance, None);
        } else {
            show_codes(&gateway, &instance, session).await;
        }
    });
}

/// A disconnect the gateway does not recover from: the stored session is gone.
pub(crate) fn close(gateway: &Arc<Gateway>, instance: &Arc<Instance>, code: u16, message: &str) {
    let at = clock::iso(clock::now());
    let error = match code {
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        _ => "Unknown",
    };
    let payload = json!({ "statusCode": code, "error": error, "message": message });
    let object = json!({
        "error": {
            "data": null,
            "isBoom": true,
            "isServer": false,
            "output": { "statusCode": code, "payload": payload, "headers": {} },
        },
        "date": at,
    })
    .to_string();
    instance.change(|state| {
        state.session += 1;
        state.is_dead = false;
        state.is_registered = false;
        state.live = Some(Live::Close);
        state.stored = Live::Close;
        state.qr = Qr::default();
        state.disconnection = Some(Disconnection {
            code,
            object: object.clone(),
            at: at.clone(),
        });
    });
    let status = json!({
        "instance": instance.name,
        "status": "closed",
        "disconnectionAt": at,
        "disconnectionReasonCode": code,
        "disconnectionObject": object,
    });
    emit(gateway, instance, Event::StatusInstance, &status);
    let closed = json!({ "instance": instance.name, "state": "close", "statusReason": code });
    emit(gateway, instance, Event::ConnectionUpdate, &closed);
    emit(gateway, instance, Event::LogoutInstance, &Value::Null);
}

/// `connection.update` with `connecting`.
pub(crate) fn announce_connecting(gateway: &Arc<Gateway>, instance: &Instance) {
    let data = json!({ "instance": instance.name, "state": "connecting", "statusReason": 200 });
    emit(gateway, instance, Event::ConnectionUpdate, &data);
}

fn emit(gateway: &Arc<Gateway>, instance: &Instance, event: Event, data: &Value) {
    hook::emit(gateway, instance, event, data.to_string().as_bytes());
}
