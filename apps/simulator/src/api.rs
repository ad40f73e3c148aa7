//! The gateway's own HTTP surface: routing, and the checks in the order the gateway makes them.

mod chat;
mod create;
mod instance;
mod message;
mod rows;
mod webhook;

use std::sync::{Arc, OnceLock};

use actix_web::http::Method;
use actix_web::web::{Bytes, Data};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::answer::{self, Answer, Reply};
use crate::clock;
use crate::connection::Connection;
use crate::fault::{Fault, Phase};
use crate::gateway::Gateway;
use crate::instance::Instance;
use crate::log::{self, Received};

/// One request, taken apart.
pub(crate) struct Call<'a> {
    pub(crate) gateway: &'a Arc<Gateway>,
    pub(crate) key: Option<&'a str>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Call<'_> {
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn has_global_key(&self) -> bool {
        self.key == Some(self.gateway.api_key.as_str())
    }
}

/// Answers everything outside the control API.
pub(crate) async fn entry(
    request: HttpRequest,
    gateway: Data<Arc<Gateway>>,
    body: Bytes,
) -> HttpResponse {
    // Before it is answered: some never are.
    let status = Arc::new(OnceLock::new());
    gateway.requests.add(Received {
        at: clock::now(),
        method: request.method().to_string(),
        path: request.uri().to_string(),
        body: log::kept(&body),
        status: Arc::clone(&status),
    });
    let answer = if gateway.is_up() {
        match dispatch(&request, &gateway, &body).await {
            Ok(answer) | Err(answer) => answer,
        }
    } else {
        Answer::cut()
    };
    let _ = status.set(answer.status()); // Nobody else sets it.
    if let Some(twice) = answer.twice() {
        if let Some(connection) = request.conn_data::<Connection>() {
            connection.say(&twice);
            connection.cut();
        }
        return HttpResponse::BadGateway().force_close().finish();
    }
    if answer.status() == 0 {
        if let Some(connection) = request.conn_data::<Connection>() {
            connection.cut();
        }
        return HttpResponse::BadGateway().force_close().finish();
    }
    answer.into_response()
}

async fn dispatch(request: &HttpRequest, gateway: &Arc<Gateway>, body: &Bytes) -> Reply {
    let call = Call {
        gateway,
        key: request
            .headers()
            .get("apikey")
            .and_then(|key| key.to_str().ok()),
        query: url::form_urlencoded::parse(request.query_string().as_bytes())
            .into_owned()
            .collect(),
        body: parse(request, body)?,
    };
    let path = request.path();
    let segments: Vec<&str> = path
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect();
    let method = request.method();
    if let (&Method::GET, []) = (method, segments.as_slice()) {
        return Ok(root(gateway));
    }
    let mode = gateway.mode();
    if mode.is_next() && !mode.is_licensed {
        return Err(answer::licence_required());
    }
    match (method, segments.as_slice()) {
        (&Method::POST, ["instance", "create"]) => create::create(&call).await,
        (&Method::GET, ["instance", "fetchInstances"]) => rows::fetch(&call),
        (_, [group, verb, name]) => {
            let name = decoded(name);
            let Some(route) = Route::find(method, group, verb) else {
                return Err(answer::not_found(&format!("Cannot {method} {path}")));
            };
            let instance = guard(&call, &name)?;
            route.run(&call, &instance).await
        }
        _ => Err(answer::not_found(&format!("Cannot {method} {path}"))),
    }
}

fn decoded(segment: &str) -> String {
    let pair = format!("n={}", segment.replace('+', "%2B"));
    url::form_urlencoded::parse(pair.as_bytes())
        .map(|(_, value)| value.into_owned())
        .collect()
}

/// JSON is read before anything else is looked at; other content types leave an empty body.
fn parse(request: &HttpRequest, body: &Bytes) -> Result<Value, Answer> {
    let kind = request
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok());
    if body.is_empty() || !kind.is_some_and(|kind| kind.starts_with("application/json")) {
        return Ok(json!({}));
    }
    serde_json::from_slice(body).map_err(|error| {
        if error.is_eof() {
            return answer::malformed("Unexpected end of JSON input");
        }
        let at = error.column().saturating_sub(1);
        let token = body.get(at).map_or('?', |byte| char::from(*byte));
        answer::malformed(&format!(
            "Unexpected token {token} in JSON at position {at}"
        ))
    })
}

/// Existence first, key second. The body comes later.
fn guard(call: &Call<'_>, name: &str) -> Result<Arc<Instance>, Answer> {
    let instance = call
        .gateway
        .instance(name)
        .ok_or_else(|| answer::no_instance(name))?;
    let address = call.body["number"].as_str().map(crate::jid::from_number);
    match call
        .gateway
        .fault(Phase::Guard, name, address.as_deref())
        .map(|fault| fault.fault)
    {
        Some(Fault::InstanceGone) => return Err(answer::no_instance(name)),
        Some(Fault::Unauthorized) => return Err(answer::unauthorized()),
        Some(Fault::LicenseRequired) => return Err(answer::licence_required()),
        Some(Fault::NotLoaded) => {
            return Err(message::not_loaded("textMessage"));
        }
        _ => {}
    }
    let is_theirs = call.key == Some(instance.token.as_str());
    if is_theirs || call.has_global_key() {
        Ok(instance)
    } else {
        Err(answer::unauthorized())
    }
}

fn root(gateway: &Gateway) -> Answer {
    Answer::ok(&json!({
        "status": 200,
        "message": "Welcome to the Evolution API, it is working!",
        "version": gateway.mode().version.word(),
        "clientName": "evolution_exchange",
        "manager": format!("{}/manager", gateway.url()),
        "documentation": "https://doc.evolution-api.com",
        "whatsappWebVersion": "2.3000.1027934701",
    }))
}

/// The routes that name an instance.
#[derive(Clone, Copy)]
enum Route {
    Connect,
    ConnectionState,
    Restart,
    Logout,
    Delete,
    Send(message::Verb),
    WhatsappNumbers,
    FindStatusMessage,
    FindMessages,
    SetWebhook,
    FindWebhook,
}

impl Route {
    fn find(method: &Method, group: &str, verb: &str) -> Option<Self> {
        Some(match (method.as_str(), group, verb) {
            ("GET", "instance", "connect") => Self::Connect,
            ("GET", "instance", "connectionState") => Self::ConnectionState,
            ("POST", "instance", "restart") => Self::Restart,
            ("DELETE", "instance", "logout") => Self::Logout,
            ("DELETE", "instance", "delete") => Self::Delete,
            ("POST", "message", verb) => Self::Send(message::Verb::find(verb)?),
            ("POST", "chat", "whatsappNumbers") => Self::WhatsappNumbers,
            ("POST", "chat", "findStatusMessage") => Self::FindStatusMessage,
            ("POST", "chat", "findMessages") => Self::FindMessages,
            ("POST", "webhook", "set") => Self::SetWebhook,
            ("GET", "webhook", "find") => Self::FindWebhook,
            _ => return None,
        })
    }

    async fn run(self, call: &Call<'_>, instance: &Arc<Instance>) -> Reply {
        match self {
            Self::Connect => instance::connect(call, instance).await,
            Self::ConnectionState => Ok(instance::state(instance)),
            Self::Restart => instance::restart(call, instance),
            Self::Logout => instance::logout(call, instance),
            Self::Delete => instance::delete(call, instance),
            Self::Send(verb) => message::send(call, instance, verb).await,
            Self::WhatsappNumbers => chat::whatsapp_numbers(call, instance),
            Self::FindStatusMessage => Ok(chat::find_status(call, instance)),
            Self::FindMessages => Ok(chat::find_messages(call, instance)),
            Self::SetWebhook => webhook::set(call, instance),
            Self::FindWebhook => Ok(webhook::find(instance)),
        }
    }
}
