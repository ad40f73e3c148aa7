//! Commands about WhatsApp numbers.

use std::time::Duration;

use msgflash_kernel::{Actor, Id, Phone, Workspace};
use msgflash_messaging::events::timestamp;
use msgflash_messaging::instance::provision::{NewInstance, SendingStyle};
use msgflash_messaging::provider::{LinkState, Pairing};
use msgflash_messaging::{Instance, InstanceId};
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde_json::{Value, json};

use super::output::{Failure, Output};
use super::user::{find, open};
use super::{InstanceCommand, exit};
use crate::config::Config;
use crate::wire::Backend;

/// A gateway hands out codes for about this long.
const PAIRING_LIMIT: Duration = Duration::from_mins(20);
const POLL: Duration = Duration::from_secs(2);

pub(super) async fn run(
    config: &Config,
    command: InstanceCommand,
    out: Output,
) -> Result<(), Failure> {
    if config.evolution.is_none() && !matches!(command, InstanceCommand::List { .. }) {
        let advice = "no gateway is configured: set MSGFLASH_EVOLUTION_URL and \
            MSGFLASH_EVOLUTION_API_KEY";
        return Err(Failure::new(exit::CONFIG, "CONFIG_INVALID", advice));
    }
    let (_database, backend) = open(config).await?;
    match command {
        InstanceCommand::Create { user, name } => {
            let user = find(&backend, &user).await?;
            let workspace = Workspace::personal(user.id);
            let held = backend.billing.entitlement(workspace.account).await?;
            let held = held.ok_or_else(|| Failure::not_found("the account has no subscription"))?;
            let order = NewInstance {
                actor: Actor::new(workspace, user.id),
                name,
                cap: held.plan.limits.max_instances,
            };
            let instance = backend.provision.create(order).await?;
            let text = format!(
                "Instance {} ({})\nLink a phone with: msgflash instance connect {}",
                instance.name, instance.id, instance.id
            );
            out.result(&view(&instance), text)
        }
        InstanceCommand::List { user } => {
            let user = find(&backend, &user).await?;
            let instances = backend
                .read_instances
                .list(&Actor::owner_of(Id::new(user.id.uuid())))
                .await?;
            let rows: Vec<_> = instances
                .iter()
                .map(|it| {
                    let number = it
                        .wa_number
                        .map(|number| number.to_string())
                        .unwrap_or_default();
                    vec![
                        it.id.to_string(),
                        it.name.clone(),
                        it.status.as_str().to_owned(),
                        number,
                    ]
                })
                .collect();
            let values: Vec<_> = instances.iter().map(view).collect();
            out.table(&["ID", "NAME", "STATUS", "NUMBER"], &rows, &values)
        }
        InstanceCommand::Set {
            id,
            user,
            native_buttons,
            business,
        } => {
            let instance = locate(&backend, &id, user.as_deref()).await?;
            let change = SendingStyle {
                native_buttons,
                is_business: business,
            };
            let changed = backend
                .provision
                .configure(instance.account, instance.id, change)
                .await?;
            let text = format!(
                "{} sends buttons {}.",
                changed.name,
                if changed.native_buttons {
                    "natively"
                } else {
                    "as numbered text"
                }
            );
            out.result(&view(&changed), text)
        }
        InstanceCommand::Connect {
            id,
            user,
            phone,
            no_wait,
        } => {
            let instance = locate(&backend, &id, user.as_deref()).await?;
            let phone = phone
                .as_deref()
                .map(Phone::parse)
                .transpose()
                .map_err(|error| {
                    Failure::new(exit::USAGE, "VALIDATION_ERROR", format!("--phone: {error}"))
                })?;
            connect(&backend, &instance, phone, no_wait, out).await
        }
    }
}

async fn locate(backend: &Backend, id: &str, user: Option<&str>) -> Result<Instance, Failure> {
    let unknown = || Failure::not_found(format!("there is no instance {id}"));
    let parsed = InstanceId::parse(id).ok_or_else(unknown)?;
    let found = match user {
        Some(user) => {
            let account = Id::new(find(backend, user).await?.id.uuid());
            return Ok(backend
                .read_instances
                .get(&Actor::owner_of(account), parsed)
                .await?);
        }
        // The operator may reach every account's instances.
        None => backend.read_instances.any(parsed).await?,
    };
    found.ok_or_else(unknown)
}

/// Shows codes until the phone is linked: a fresh one whenever the gateway has one.
async fn connect(
    backend: &Backend,
    instance: &Instance,
    phone: Option<Phone>,
    no_wait: bool,
    out: Output,
) -> Result<(), Failure> {
    let mut shown = None;
    let begun = std::time::Instant::now();
    loop {
        match backend
            .provision
            .connect(&Actor::owner_of(instance.account), instance.id, phone)
            .await?
        {
            Pairing::AlreadyOpen => return linked(backend, instance, out).await,
            Pairing::NotYet => out_once(out, &mut shown, "waiting for a code from the gateway …"),
            Pairing::Code { qr, pairing } => {
                if no_wait {
                    let value = json!({ "instanceId": instance.id.to_string(), "qr": qr, "pairingCode": pairing });
                    return out.result(&value, show(&qr, pairing.as_deref())?);
                }
                let text = show(&qr, pairing.as_deref())?;
                out_once(out, &mut shown, &text);
            }
        }
        if begun.elapsed() > PAIRING_LIMIT {
            return Err(Failure::new(
                exit::FAILED,
                "PAIRING_EXPIRED",
                "nobody scanned the code",
            ));
        }
        // Asking for codes again and again would start one socket more each time while the
        // session is closed, so only a live one is asked.
        loop {
            tokio::time::sleep(POLL).await;
            let (_, live) = backend
                .read_instances
                .state(&Actor::owner_of(instance.account), instance.id)
                .await?;
            match live {
                LinkState::Open => return linked(backend, instance, out).await,
                LinkState::Connecting => break,
                LinkState::Close if begun.elapsed() > PAIRING_LIMIT => break,
                LinkState::Close => {}
            }
        }
    }
}

fn out_once(out: Output, shown: &mut Option<String>, text: &str) {
    if shown.as_deref() != Some(text) {
        out.say(text);
        *shown = Some(text.to_owned());
    }
}

async fn linked(backend: &Backend, instance: &Instance, out: Output) -> Result<(), Failure> {
    let now = backend
        .read_instances
        .get(&Actor::owner_of(instance.account), instance.id)
        .await?;
    let number = now
        .wa_number
        .map(|number| format!(" as {number}"))
        .unwrap_or_default();
    out.result(&view(&now), format!("Connected{number}."))
}

fn show(qr: &str, pairing: Option<&str>) -> Result<String, Failure> {
    if let Some(code) = pairing {
        let (first, second) = code.split_at(code.len() / 2);
        return Ok(format!(
            "On the phone: Linked devices > Link a device > Link with phone number, then type\n\n    {first}-{second}\n"
        ));
    }
    let code = QrCode::new(qr.as_bytes()).map_err(Failure::from_error)?;
    let picture = code.render::<Dense1x2>().quiet_zone(true).build();
    Ok(format!(
        "{picture}\nOn the phone: WhatsApp > Linked devices > Link a device, and scan this."
    ))
}

fn view(it: &Instance) -> Value {
    json!({
        "id": it.id.to_string(), "userId": it.account.to_string(), "name": it.name,
        "waNumber": it.wa_number.map(|number| number.to_string()), "status": it.status.as_str(),
        "nativeButtons": it.native_buttons, "isBusiness": it.is_business,
        "createdAt": timestamp(it.created_at), "updatedAt": timestamp(it.updated_at),
    })
}
