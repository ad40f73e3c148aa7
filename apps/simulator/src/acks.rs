//! Acknowledgements: which come, in which order, and when.

use std::ops::Range;
use std::sync::Arc;

use serde_json::json;

use crate::book::Ack;
use crate::fault::{Fault, Phase};
use crate::gateway::Gateway;
use crate::hook::{self, Event, ORDER_PATIENCE};
use crate::inbound::{self, Inbound};
use crate::instance::Instance;
use crate::jid;

/// When the acks set out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Moment {
    AfterAnswer,
    BeforeAnswer,
    BeforeSendMessage,
}

/// The acks of one message.
pub(crate) struct Plan {
    pub(crate) moment: Moment,
    steps: Vec<Step>,
    by_lid: bool,
    /// What the recipient does afterwards.
    reply: Option<Fault>,
}

type Step = (Range<u64>, &'static str);

/// The message the acks are about.
pub(crate) struct Subject {
    pub(crate) key: String,
    pub(crate) row_id: String,
    pub(crate) jid: String,
}

const SERVER: Step = (300..2000, "SERVER_ACK");
const DELIVERY: Step = (1000..5000, "DELIVERY_ACK");
const READ: Step = (2000..10_000, "READ");
const PLAYED: Step = (1000..5000, "PLAYED");
const ERROR: Step = (300..2000, "ERROR");
const REPLY: Range<u64> = 1000..4000;
/// The gateway swallows a status repeated within a second.
const AGAIN_AFTER: Range<u64> = 1100..2000;

/// What kind of message it is, as far as acks care.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Plain,
    /// Voice notes are also played.
    Voice,
    /// Buttons and lists, which 2.3 sends in a form phones do not show.
    Interactive,
}

/// Decides the acks of a message. `is_new` says that neither side ever wrote before.
pub(crate) fn plan(
    gateway: &Gateway,
    instance: &Instance,
    address: &str,
    kind: Kind,
    is_new: bool,
) -> Plan {
    if jid::is_group(address) || address.ends_with("@broadcast") {
        return Plan {
            moment: Moment::AfterAnswer,
            steps: Vec::new(),
            by_lid: false,
            reply: None,
        };
    }
    let mode = gateway.mode();
    let fault = gateway
        .fault(Phase::Acks, &instance.name, Some(address))
        .map(|injection| injection.fault)
        .filter(|fault| *fault != Fault::ErrorAckNewContacts || is_new);
    let is_silent = match kind {
        Kind::Interactive => !mode.is_next() || fault == Some(Fault::ButtonsSilent),
        _ => false,
    };
    let reads =
        mode.read_share >= 1.0 || gateway.chance.millis(0..1000).as_secs_f64() < mode.read_share;

    let mut steps = vec![SERVER, DELIVERY];
    if reads && fault != Some(Fault::NoRead) {
        steps.push(READ);
        if kind == Kind::Voice {
            steps.push(PLAYED);
        }
    }
    match fault {
        _ if is_silent => steps.clear(),
        Some(Fault::NoAcks) => steps.clear(),
        Some(Fault::ErrorAck | Fault::ErrorAckNewContacts) => steps = vec![ERROR],
        Some(Fault::AcksDisordered) => {
            let again = |status| (AGAIN_AFTER, status);
            steps = vec![READ, SERVER, DELIVERY, again("READ"), again("DELIVERY_ACK")];
        }
        Some(Fault::AcksDuplicated) => {
            steps = steps
                .into_iter()
                .flat_map(|step| [step.clone(), (AGAIN_AFTER, step.1)])
                .collect();
        }
        Some(Fault::ReadWithoutDelivery) => steps = vec![SERVER, READ],
        Some(Fault::ServerAckAfterRead) => steps = vec![DELIVERY, READ, SERVER],
        _ => {}
    }
    let moment = match fault {
        Some(Fault::AckBeforeAnswer) => Moment::BeforeAnswer,
        Some(Fault::AckBeforeSendMessage) => Moment::BeforeSendMessage,
        _ => Moment::AfterAnswer,
    };
    Plan {
        moment,
        steps,
        by_lid: fault == Some(Fault::LidAcks),
        reply: fault.filter(|fault| is_reply(*fault)),
    }
}

impl Plan {
    /// Sends the acks one after the other.
    pub(crate) async fn run(self, gateway: &Arc<Gateway>, instance: &Instance, about: &Subject) {
        for (delay, status) in self.steps {
            if self.moment == Moment::AfterAnswer {
                gateway.pace.pause(gateway.chance.millis(delay)).await;
            }
            acknowledge(gateway, instance, about, status, self.by_lid).await;
        }
        if let Some(how) = self.reply {
            gateway.pace.pause(gateway.chance.millis(REPLY)).await;
            // WhatsApp keeps it until the gateway is there to take it.
            gateway.until_up().await;
            inbound::arrive(gateway, instance, &reply(how, about)).await;
        }
    }
}

fn is_reply(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::RepliesTwice
            | Fault::RepliesQuoting
            | Fault::RepliesByButton
            | Fault::RepliesByVoice
            | Fault::RepliesByLid
            | Fault::RepliesByLidOnly
    )
}

/// What the recipient of a message answers.
fn reply(how: Fault, about: &Subject) -> Inbound {
    let mut reply = Inbound::text(jid::user(&about.jid), "Yes");
    match how {
        Fault::RepliesTwice => reply.copies = 2,
        Fault::RepliesQuoting => reply.quoted_id = Some(about.key.clone()),
        Fault::RepliesByButton => {
            reply.kind = inbound::Kind::Button;
            reply.button_id = Some("yes".to_owned());
        }
        Fault::RepliesByVoice => reply.kind = inbound::Kind::Audio,
        Fault::RepliesByLid => reply.lid = Some(jid::lid_of(&about.jid)),
        _ => {
            reply.lid = Some(jid::lid_of(&about.jid));
            reply.with_alt = false;
        }
    }
    reply
}

/// Stores one ack and tells the receiver.
pub(crate) async fn acknowledge(
    gateway: &Arc<Gateway>,
    instance: &Instance,
    about: &Subject,
    status: &'static str,
    by_lid: bool,
) {
    // WhatsApp keeps an ack until the gateway is there to take it.
    gateway.until_up().await;
    let address = if by_lid {
        jid::lid_of(&about.jid)
    } else {
        about.jid.clone()
    };
    let data = json!({
        "keyId": about.key,
        "remoteJid": address,
        "fromMe": true,
        "status": status,
        "instanceId": instance.id,
        "messageId": about.row_id,
    });
    let ack = Ack {
        row_id: gateway.chance.row_id(),
        jid: address,
        status,
    };
    instance.book(|book| book.acknowledge(&about.key, ack));
    let data = data.to_string();
    hook::emit(gateway, instance, Event::MessagesUpdate, data.as_bytes())
        .within(ORDER_PATIENCE)
        .await;
}
