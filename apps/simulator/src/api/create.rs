//! `POST /instance/create`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Call;
use super::instance::{shown_qr, until_code};
use super::webhook;
use crate::answer::{self, Answer, Reply};
use crate::clock;
use crate::fault::Phase;
use crate::hook::{self, Event};
use crate::instance::{Birth, Instance, Settings, Webhook};
use crate::session;

const INTEGRATIONS: [&str; 3] = ["WHATSAPP-BAILEYS", "WHATSAPP-BUSINESS", "EVOLUTION"];
const RACE_LOST: &str = "\nInvalid `this.prismaRepository.instance.create()` invocation\n\n\n\
                         Unique constraint failed on the fields: (`name`)";
/// Between the check of the name and the row that takes it.
const RACE_WINDOW: Duration = Duration::from_millis(15);
const QR_WAIT: Duration = Duration::from_secs(5);

pub(super) async fn create(call: &Call<'_>) -> Reply {
    let gateway = call.gateway;
    let name = call.body["instanceName"].as_str();
    match name {
        Some(name) if gateway.instance(name).is_some() => return Err(taken(name)),
        None if gateway.has_instances() => return Err(taken("undefined")),
        _ => {}
    }
    if !call.has_global_key() {
        return Err(answer::unauthorized());
    }
    let Some(name) = name.filter(|name| !name.is_empty()) else {
        return Err(answer::invalid(&[
            "instance requires property \"instanceName\"".to_owned(),
        ]));
    };
    check_number(&call.body)?;
    let is_known = call.body["integration"]
        .as_str()
        .is_some_and(|integration| INTEGRATIONS.contains(&integration));
    if !is_known {
        return Err(answer::bad_request("Invalid integration"));
    }
    let webhook = webhook_of(call)?;
    gateway.pace.pause(RACE_WINDOW).await;

    let instance = Arc::new(born(call, name, webhook));
    let loses = gateway.fault(Phase::Create, name, None).is_some();
    if loses || !gateway.insert(&instance) {
        // The clean-up after the failure goes by name and takes the winner with it.
        gateway.remove(name);
        return Err(answer::bad_request(RACE_LOST));
    }
    let data = json!({ "instanceName": name, "instanceId": instance.id });
    hook::emit(
        gateway,
        &instance,
        Event::InstanceCreate,
        data.to_string().as_bytes(),
    );

    let wants_qr = call.body["qrcode"] == true;
    if wants_qr {
        instance.change(|state| state.qr.number.clone_from(&instance.number));
        session::start(gateway, &instance);
        futures_util::future::join(gateway.pace.pause(QR_WAIT), until_code(gateway, &instance))
            .await;
    }
    Ok(Answer::json(201, &shown(&instance, wants_qr)))
}

fn taken(name: &str) -> Answer {
    answer::forbidden(&format!("This name \"{name}\" is already in use."))
}

/// Digits, then more of a word or an address.
fn check_number(body: &Value) -> Result<(), Answer> {
    let fits = match body.get("number") {
        None => true,
        Some(number) => number.as_str().is_some_and(|number| {
            let rest = number.trim_start_matches(|c: char| c.is_ascii_digit());
            let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '@' | '_' | '-');
            number.len() > 1 && rest.len() < number.len() && rest.chars().all(is_word)
        }),
    };
    if fits {
        return Ok(());
    }
    Err(answer::invalid(&[
        r#"number does not match pattern "^\\d+[\\.@\\w-]+""#.to_owned(),
    ]))
}

fn webhook_of(call: &Call<'_>) -> Result<Option<Webhook>, Answer> {
    let given = &call.body["webhook"];
    let Some(url) = given["url"].as_str() else {
        return Ok(None);
    };
    if !given["events"].is_array() {
        return Err(answer::bad_request(
            "Cannot read properties of undefined (reading 'length')",
        ));
    }
    let at = clock::iso(clock::now());
    Ok(Some(Webhook {
        id: call.gateway.chance.row_id(),
        url: url.to_owned(),
        headers: given["headers"].as_object().cloned(),
        enabled: given["enabled"] != false,
        events: webhook::events(&given["events"]),
        by_events: given["byEvents"] == true,
        base64: given["base64"] == true,
        created_at: at.clone(),
        updated_at: at,
    }))
}

fn born(call: &Call<'_>, name: &str, webhook: Option<Webhook>) -> Instance {
    let body = &call.body;
    let chance = &call.gateway.chance;
    let token = body["token"].as_str().filter(|token| !token.is_empty());
    let mut settings = Map::new();
    settings.insert(
        "msgCall".into(),
        body["msgCall"].as_str().unwrap_or_default().into(),
    );
    settings.insert(
        "wavoipToken".into(),
        body["wavoipToken"].as_str().unwrap_or_default().into(),
    );
    for flag in [
        "rejectCall",
        "groupsIgnore",
        "alwaysOnline",
        "readMessages",
        "readStatus",
        "syncFullHistory",
    ] {
        settings.insert(flag.into(), (body[flag] == true).into());
    }
    Instance::new(Birth {
        name: name.to_owned(),
        id: chance.uuid().to_string(),
        token: token.map_or_else(
            || chance.uuid().to_string().to_ascii_uppercase(),
            str::to_owned,
        ),
        number: body["number"].as_str().map(str::to_owned),
        settings: Settings(settings),
        setting_id: chance.row_id(),
        webhook,
        at: clock::now(),
    })
}

fn shown(instance: &Instance, with_qr: bool) -> Value {
    let (status, webhook, qr) = instance.with(|state| {
        let status = state.live.map(crate::instance::Live::word);
        (status, state.webhook.clone(), state.qr.clone())
    });
    let webhook = webhook.map_or_else(
        || json!({}),
        |webhook| {
            json!({
                "webhookUrl": webhook.url,
                "webhookHeaders": webhook.headers,
                "webhookByEvents": webhook.by_events,
                "webhookBase64": webhook.base64,
            })
        },
    );
    let mut shown = json!({
        "instance": {
            "instanceName": instance.name,
            "instanceId": instance.id,
            "integration": "WHATSAPP-BAILEYS",
            "webhookWaBusiness": null,
            "accessTokenWaBusiness": "",
            "status": status,
        },
        "hash": instance.token,
        "webhook": webhook,
        "websocket": {},
        "rabbitmq": {},
        "nats": {},
        "sqs": {},
        "settings": instance.settings.0,
    });
    if with_qr {
        shown["qrcode"] = shown_qr(&qr);
    }
    shown
}
