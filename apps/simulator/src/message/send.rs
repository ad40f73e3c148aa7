//! The send itself.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::Bytes;
use serde::Serialize;
use serde_json::{Value, json};

use super::draft::{Content, Draft, address};
use crate::acks::{self, Moment, Subject};
use crate::answer::{self, Answer, Reply, bad_request, bad_request_object, crashed};
use crate::book::Row;
use crate::clock;
use crate::fault::{Fault, Phase};
use crate::gateway::Gateway;
use crate::hook::{self, Event, ORDER_PATIENCE, Receipt};
use crate::instance::{Instance, Live};
use crate::jid;

/// How long `WhatsApp` queries wait before they give up.
const QUERY_TIMEOUT: u64 = 60_000;

/// The answer gives `SEND_MESSAGE` this much of a head start, less if it is received sooner.
const HEAD_START: Duration = Duration::from_millis(20);

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    key: Key<'a>,
    push_name: &'static str,
    status: &'static str,
    message: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    context_info: Option<&'a Value>,
    message_type: &'static str,
    message_timestamp: i64,
    instance_id: &'a str,
    source: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key<'a> {
    remote_jid: &'a str,
    from_me: bool,
    id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    participant: Option<&'a str>,
}

/// Whether the socket can carry a message.
pub(crate) fn is_connected(instance: &Instance) -> bool {
    instance.with(|state| state.live == Some(Live::Open) && !state.is_dead)
}

/// Sends a draft and answers like the gateway.
pub(crate) async fn send(gateway: &Arc<Gateway>, instance: &Arc<Instance>, draft: Draft) -> Reply {
    if !instance.with(|state| state.has_socket) {
        return Err(crashed(
            "Cannot read properties of undefined (reading 'onWhatsApp')",
        ));
    }
    let (recipient, was_known) = recipient(gateway, instance, &draft.asked)?;
    let work = if draft.is_media { 1000..5000 } else { 150..800 };
    gateway
        .pace
        .pause(Duration::from_millis(draft.delay_ms) + gateway.chance.millis(work))
        .await;

    let fault = gateway.fault(Phase::Send, &instance.name, Some(&recipient));
    let timeout = fault
        .as_ref()
        .and_then(|fault| fault.ms)
        .unwrap_or(QUERY_TIMEOUT);
    let fault = fault.map(|fault| fault.fault);
    let closed = || {
        if was_known {
            bad_request("Error: Connection Closed")
        } else {
            crashed("Connection Closed")
        }
    };
    if fault == Some(Fault::ConnectionClosed) {
        return Err(closed());
    }
    if !is_connected(instance) {
        return Err(bad_request("Error: Connection Closed"));
    }
    instance.with(|state| state.known.insert(recipient.clone()));
    let timed_out = || bad_request("Error: Timed Out");
    match fault {
        Some(Fault::SendTimeout) => {
            gateway.pace.pause(Duration::from_millis(timeout)).await;
            return Err(timed_out());
        }
        Some(Fault::NeverAnswer) => return std::future::pending().await,
        Some(Fault::CutConnection) => return Err(Answer::cut()),
        Some(Fault::Garbage) => {
            return Err(answer::garbage(gateway.chance.one_of(answer::GARBAGE)));
        }
        Some(Fault::MediaUploadFailed) => {
            return Err(bad_request("Error: Media upload failed on all hosts"));
        }
        _ => {}
    }
    let is_quiet = matches!(
        fault,
        Some(Fault::SendTimeoutButSent | Fault::DatabaseError)
    );
    let data = leave(gateway, instance, &recipient, draft, is_quiet).await;
    match fault {
        Some(Fault::SendTimeoutButSent) => {
            gateway.pace.pause(Duration::from_millis(timeout)).await;
            Err(timed_out())
        }
        Some(Fault::NeverAnswerButSent) => std::future::pending().await,
        Some(Fault::AnswerLate) => {
            gateway.pace.pause(Duration::from_millis(timeout)).await;
            Ok(Answer::raw(201, &data))
        }
        Some(Fault::AnswerTwice) => Ok(Answer::raw(201, &data).doubled()),
        Some(Fault::CutConnectionButSent) => Err(Answer::cut()),
        Some(Fault::GarbageButSent) => Err(answer::garbage(gateway.chance.one_of(answer::GARBAGE))),
        Some(Fault::DatabaseError) => Err(bad_request(
            "PrismaClientKnownRequestError: \nInvalid `this.prismaRepository.message.create()` \
             invocation\n\n\nCan't reach database server",
        )),
        _ => Ok(Answer::raw(201, &data)),
    }
}

/// Where the message goes, and whether the gateway knew without asking.
fn recipient(
    gateway: &Gateway,
    instance: &Instance,
    asked: &str,
) -> Result<(String, bool), Answer> {
    let wanted = address(asked);
    if jid::is_group(&wanted) {
        return Err(bad_request("[object Object]")); // The simulator is in no group.
    }
    if jid::is_lid(&wanted) || wanted.ends_with("@broadcast") {
        return Ok((wanted, true));
    }
    let registered = gateway.recipients.resolve(&wanted);
    let was_known = registered
        .as_ref()
        .is_some_and(|registered| instance.with(|state| state.known.contains(registered)));
    if !was_known && !is_connected(instance) {
        return Err(crashed("Connection Closed"));
    }
    let looked_up = registered.as_deref().unwrap_or(&wanted);
    let fault = gateway.fault(Phase::Check, &instance.name, Some(looked_up));
    match (fault, registered) {
        (Some(injection), _) if injection.fault == Fault::OtherJid => Ok((
            injection.jid.unwrap_or_else(|| other_jid(&wanted)),
            was_known,
        )),
        (None, Some(registered)) => Ok((registered, was_known)),
        _ => Err(bad_request_object(
            &json!({ "jid": wanted, "exists": false, "number": asked }),
        )),
    }
}

/// The address `WhatsApp` gives instead, when nobody chose one.
pub(crate) fn other_jid(jid: &str) -> String {
    format!("{}9@s.whatsapp.net", jid::user(jid))
}

/// The message leaves: it is stored, announced and, in time, acknowledged.
async fn leave(
    gateway: &Arc<Gateway>,
    instance: &Arc<Instance>,
    recipient: &str,
    draft: Draft,
    is_quiet: bool,
) -> Bytes {
    let now = clock::now();
    let chosen = draft.chosen_key.filter(|_| gateway.mode().is_next());
    let key = chosen.unwrap_or_else(|| gateway.chance.message_key());
    let Content {
        message,
        message_type,
        context,
        text,
        base64,
        has_participant,
    } = draft.content;
    let sent = Sent {
        key: Key {
            remote_jid: recipient,
            from_me: true,
            id: &key,
            participant: has_participant.then_some(recipient),
        },
        push_name: "Você",
        status: "PENDING",
        message: &message,
        context_info: context.as_ref(),
        message_type,
        message_timestamp: now.unix_timestamp(),
        instance_id: &instance.id,
        source: "web",
    };
    let data: Bytes = serde_json::to_vec(&sent).unwrap_or_default().into();
    let announced = announced(instance, &data, base64.as_deref());
    let is_new = instance.book(|book| !book.has_address(recipient))
        && !instance.with(|state| state.contacts.contains(recipient));
    let plan = acks::plan(gateway, instance, recipient, draft.kind, is_new);
    let about = Subject {
        key: key.clone(),
        row_id: gateway.chance.row_id(),
        jid: recipient.to_owned(),
    };
    let row = Row {
        db_id: about.row_id.clone(),
        key,
        jid: recipient.to_owned(),
        from_me: true,
        kind: message_type,
        text,
        at: now,
        data: data.clone(),
        acks: Vec::new(),
        left: true,
        asked: draft.asked,
    };
    instance.book(|book| book.add(row));

    let announce = || hook::emit(gateway, instance, Event::SendMessage, &announced);
    match plan.moment {
        Moment::BeforeSendMessage => {
            plan.run(gateway, instance, &about).await;
            announce().within(ORDER_PATIENCE).await;
        }
        Moment::BeforeAnswer => {
            announce().within(ORDER_PATIENCE).await;
            plan.run(gateway, instance, &about).await;
        }
        Moment::AfterAnswer => {
            let mut receipt = if is_quiet {
                Receipt::default()
            } else {
                announce()
            };
            receipt.within(HEAD_START).await;
            let (gateway, instance) = (Arc::clone(gateway), Arc::clone(instance));
            let tasks = gateway.tasks.clone();
            tasks.spawn(async move {
                receipt.within(ORDER_PATIENCE).await;
                plan.run(&gateway, &instance, &about).await;
            });
        }
    }
    data
}

/// The message as the webhook carries it: with the file, if the webhook asks for files.
fn announced(instance: &Instance, data: &Bytes, base64: Option<&str>) -> Bytes {
    let wanted = instance.with(|state| state.webhook.as_ref().is_some_and(|hook| hook.base64));
    let Some(base64) = base64.filter(|_| wanted) else {
        return data.clone();
    };
    let mut message: Value = serde_json::from_slice(data).unwrap_or_default();
    message["message"]["base64"] = json!(base64);
    message.to_string().into()
}
